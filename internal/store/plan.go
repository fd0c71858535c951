package store

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Plan is what customers may do. Each put makes a new version; what was agreed in the
// past stays on record.
type Plan struct {
	Name       string
	Title      string // for people
	Currency   string // of its prices; may be empty
	Guardrails site.Guardrails
	Since      time.Time // when this version came into force
	Version    int64     // grows with each change. In a put it is the one that was changed: 0 for a new plan, or Whatever
}

// planText is what the column text has, in JSON.
type planText struct {
	Title      string          `json:"title,omitempty"`
	Guardrails site.Guardrails `json:"guardrails"`
}

// newestPlan is a condition on the table plans as p.
const newestPlan = "p.since = (SELECT MAX(q.since) FROM plans q WHERE q.name = p.name)"

// plans reads the newest versions of those that a condition picks.
func (t *tx) plans(where string, args ...any) (plans []Plan, err error) {
	err = t.each("SELECT p.name, p.currency, p.text, p.since FROM plans p WHERE "+newestPlan+" AND "+where, args, func(scan func(...any) error) error {
		var p Plan
		var written string
		if err := scan(&p.Name, &p.Currency, &written, &p.Version); err != nil {
			return err
		}
		var text planText
		err := json.Unmarshal([]byte(written), &text)
		p.Title, p.Guardrails, p.Since = text.Title, text.Guardrails, moment(p.Version)
		plans = append(plans, p)
		return doing(err, "reading plan '%s'", p.Name)
	})
	return plans, err
}

// plan reads one; its version is 0 if there is none.
func (t *tx) plan(name string) (p Plan, err error) {
	plans, err := t.plans("p.name = ?", name)
	if len(plans) == 1 {
		p = plans[0]
	}
	return p, err
}

// hasPlan refuses a plan that there is none of.
func (t *tx) hasPlan(name string) error {
	if name == "" {
		return nil
	}
	there, err := t.one("SELECT name FROM plans WHERE name = ? LIMIT 1", []any{name}, new(string))
	if err == nil && !there {
		err = fail(ErrInvalid, "plan '%s': %v", name, ErrNotFound)
	}
	return err
}

// PutPlan makes a new version of a plan, which is in force from now on. It is refused
// with ErrConflict if the plan was changed after the given version.
func (v *View) PutPlan(ctx context.Context, p Plan) (Plan, error) {
	put := p
	if err := cmp.Or(v.operates("plan '"+p.Name+"'"), identifier("plan", p.Name), line("title", p.Title), line("currency", p.Currency)); err != nil {
		return Plan{}, doing(err, "writing plan '%s'", p.Name)
	}
	if err := p.Guardrails.Validate(); err != nil {
		return Plan{}, doing(fail(ErrInvalid, "%v", err), "writing plan '%s'", p.Name)
	}
	err := v.s.administer(ctx, func(t *tx) (err error) {
		put, err = v.putPlan(t, p)
		return err
	})
	return put, doing(err, "writing plan '%s'", p.Name)
}

func (v *View) putPlan(t *tx, p Plan) (put Plan, err error) {
	present, err := t.plan(p.Name)
	if err != nil {
		return put, err
	}
	if err := expects("plan", p.Name, p.Version, present.Version); err != nil {
		return put, err
	}
	text, err := json.Marshal(planText{p.Title, p.Guardrails})
	if err != nil {
		return put, err
	}
	// Two within a microsecond, or of a clock that was set back, differ all the same.
	if _, err := t.exec("INSERT INTO plans (name, since, currency, text) SELECT ?, CASE WHEN {now} > ? THEN {now} ELSE ? END, ?, ?",
		p.Name, present.Version, present.Version+1, p.Currency, string(text)); err != nil {
		return put, err
	}
	if err := v.audit(t, "put plan '"+p.Name+"'", 0, 0); err != nil {
		return put, err
	}
	return t.plan(p.Name)
}

// theirs is a condition on plans as p: a customer sees the one that he has.
func (v *View) theirs() (condition string, args []any) {
	if v.who.Operator {
		return "1 = 1", nil
	}
	return "p.name = (SELECT c.plan FROM customers c WHERE c.name = ?)", []any{v.who.Customer}
}

// Plan returns the newest version of a plan.
func (v *View) Plan(ctx context.Context, name string) (p Plan, err error) {
	where, args := v.theirs()
	err = v.s.read(ctx, func(t *tx) error {
		plans, err := t.plans(where+" AND p.name = ?", append(args, name)...)
		if err == nil && len(plans) == 0 {
			return fail(ErrNotFound, "plan '%s': %v", name, ErrNotFound)
		}
		if err == nil {
			p = plans[0]
		}
		return err
	})
	return p, doing(err, "reading a plan")
}

// Plans lists the newest versions, by name, from behind one on.
func (v *View) Plans(ctx context.Context, after string, limit int) (plans []Plan, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing plans")
	}
	where, args := v.theirs()
	err = v.s.read(ctx, func(t *tx) error {
		plans, err = t.plans(where+" AND p.name > ? ORDER BY p.name LIMIT ?", append(args, after, bounded(limit))...)
		return err
	})
	return plans, doing(err, "listing plans")
}
