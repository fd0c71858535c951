package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Fence is the term of the lease in which a server writes what only who has the lease may
// write. The zero one is that of a server that is alone.
type Fence struct {
	Server string
	Term   int64
}

// BeginOnboarding keeps a new onboarding, which gets an ID, a token and a version, and
// is the viewer's. Of each site there is one at a time of a customer's: whose its names are
// is asked later.
func (v *View) BeginOnboarding(ctx context.Context, o site.Onboarding) (site.Onboarding, error) {
	what := fmt.Sprintf("beginning the %s of site '%s'", o.Kind, o.Site)
	if err := cmp.Or(v.writes(), v.mayBegin(&o)); err != nil {
		return o, doing(err, "%s", what)
	}
	o.ID, o.Token = strings.ToLower(rand.Text()), strings.ToLower(rand.Text())
	o.By, o.Operator, o.State, o.Version = v.who.Name, v.who.Operator, site.OnboardingRuns, 1
	err := v.s.write(ctx, func(t *tx) error {
		number, err := t.take("onboardings", 1) // from here on nobody else begins one
		if err != nil {
			return err
		}
		var other string
		if there, err := t.one("SELECT id FROM onboardings WHERE site = ? AND customer = ? AND next > 0", []any{o.Site, o.Customer}, &other); err != nil || there {
			return cmp.Or(err, fail(ErrConflict, "onboarding '%s' of it is not over", other))
		}
		if err := t.mayHaveMore(o.Customer); err != nil {
			return err
		}
		return v.addOnboarding(t, number, o)
	})
	return o, doing(err, "%s", what)
}

// Bounds of what a customer has the servers do.
const (
	maxUnfinished = 1000 // onboardings that are not over
	maxDue        = 16   // of them that are gone on with at once: half of what a server does
)

// mayHaveMore refuses an onboarding of a customer who has as many as he may.
func (t *tx) mayHaveMore(customer string) error {
	if customer == "" {
		return nil
	}
	var n int64
	if _, err := t.one("SELECT count(*) FROM onboardings WHERE customer = ? AND next > 0", []any{customer}, &n); err != nil || n < maxUnfinished {
		return err
	}
	return fail(ErrConflict, "%d onboardings of customer '%s' are not over, which is the most: wait for some, or cancel them", n, customer)
}

// mayBegin makes an onboarding the viewer's customer's, if it may be.
func (v *View) mayBegin(o *site.Onboarding) error {
	if !v.who.Operator {
		if o.Customer != "" && o.Customer != v.who.Customer {
			return notFound(key{site.ObjectSite, o.Site})
		}
		o.Customer = v.who.Customer
	}
	if !v.who.Operator && o.Proof != site.ProofTXT {
		return fail(ErrInvalid, "proof '%s' is an operator's: yours is '%s'", o.Proof, site.ProofTXT)
	}
	if err := valid(site.Object{Kind: site.ObjectSite, Name: o.Site, Customer: o.Customer, Text: o.Text}); err != nil {
		return err
	}
	return text("the reason", o.Why)
}

func (v *View) addOnboarding(t *tx, number int64, o site.Onboarding) error {
	_, err := t.exec(`INSERT INTO onboardings (id, number, kind, site, customer, text, names, base, proof, token, who, operator, why, began, state, changed, next, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		o.ID, number, string(o.Kind), o.Site, o.Customer, o.Text, strings.Join(o.Names, " "), o.Base, string(o.Proof), o.Token, o.By, truth(o.Operator), o.Why,
		micros(o.Began), string(o.State), micros(o.Changed), micros(o.Next), o.Version)
	if err != nil {
		return err
	}
	if err := t.putSteps(o); err != nil {
		return err
	}
	t.wake()
	what := fmt.Sprintf("%s site '%s' (%s)", o.Kind, o.Site, o.ID)
	if o.Proof == site.ProofOperator && o.Customer != "" {
		what += fmt.Sprintf(", names of customer '%s' without a proof: %s", o.Customer, strings.Join(o.Names, " "))
	}
	return v.audit(t, what, o.Base, 0)
}

func (t *tx) putSteps(o site.Onboarding) error {
	rows := make([][]any, len(o.Steps))
	for i, s := range o.Steps {
		rows[i] = []any{o.ID, int64(i), s.Name, s.CDN, string(s.State), clean(s.Words), truth(s.Inside), int64(s.Tries), micros(s.Since), micros(s.Next), micros(s.Mark)}
	}
	return t.insert("onboarding_steps (onboarding, number, name, cdn, state, words, inside, tries, since, next, mark)",
		`ON CONFLICT (onboarding, number) DO UPDATE SET state = excluded.state, words = excluded.words, inside = excluded.inside, tries = excluded.tries, since = excluded.since,
			next = excluded.next, mark = excluded.mark`, 11, rows)
}

// PutOnboarding writes what has become of an onboarding: its state and its steps. It is
// refused with ErrConflict if it has another version than that which is kept, and with
// ErrFenced if the lease is not the server's any more.
func (s *Store) PutOnboarding(ctx context.Context, fence Fence, o site.Onboarding) error {
	err := s.write(ctx, func(t *tx) error {
		if err := t.hold(fence); err != nil {
			return err
		}
		n, err := t.exec("UPDATE onboardings SET state = ?, failure = ?, inside = ?, remains = ?, changed = ?, next = ?, version = version + 1 WHERE id = ? AND version = ?",
			string(o.State), clean(o.Failure), truth(o.Inside), truth(o.Left), micros(o.Changed), micros(o.Next), o.ID, o.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return fail(ErrConflict, "it has another version than %d: %v", o.Version, ErrConflict)
		}
		return t.putSteps(o)
	})
	return doing(err, "writing onboarding '%s'", o.ID)
}

// hold has the lease not change hands before the transaction ends.
func (t *tx) hold(f Fence) error {
	if f == (Fence{}) {
		return nil
	}
	b := new(batch)
	b.hold(f.Server, f.Term)
	if _, err := t.exec(b.statements[0].query, b.statements[0].args...); err != nil {
		return err
	}
	var lease Lease
	if err := t.each(readLease, nil, lease.scan); err != nil {
		return err
	}
	return lease.fenced(f.Server, f.Term)
}

// CancelOnboarding has an onboarding be undone.
func (v *View) CancelOnboarding(ctx context.Context, id string) error {
	what := fmt.Sprintf("cancelling onboarding '%s'", id)
	if err := v.writes(); err != nil {
		return doing(err, "%s", what)
	}
	mine, args := v.mine("customer")
	err := v.s.write(ctx, func(t *tx) error {
		var next int64
		var state, name string
		there, err := t.one("SELECT next, state, site FROM onboardings WHERE id = ? AND "+mine, append([]any{id}, args...), &next, &state, &name)
		switch {
		case err != nil:
			return err
		case !there:
			return fail(ErrNotFound, "there is no such onboarding")
		case state != string(site.OnboardingRuns):
			return fail(ErrConflict, "it is %s", state)
		}
		n, err := t.exec("UPDATE onboardings SET cancelled = ?, next = {now}, version = version + 1 WHERE id = ? AND state = ?",
			v.who.Name, id, state)
		if err == nil && n == 0 {
			err = fail(ErrConflict, "it is over by now")
		}
		if err != nil {
			return err
		}
		t.wake()
		return v.audit(t, fmt.Sprintf("cancel onboarding '%s' of site '%s'", id, name), 0, 0)
	})
	return doing(err, "%s", what)
}

// DueOnboardings returns those of which something is to be done at a time: those that were
// cancelled, then those that have waited longest. Of one customer's there are a few, so that
// others have their turn.
func (s *Store) DueOnboardings(ctx context.Context, now time.Time, limit int) (due []site.Onboarding, err error) {
	const first = "CASE WHEN cancelled <> '' AND state = 'running' THEN 0 ELSE next END, number"
	err = s.read(ctx, func(t *tx) error {
		due, err = t.onboardings(`id IN (SELECT id FROM (
				SELECT id, customer, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY `+first+`) AS place FROM onboardings
				WHERE next > 0 AND (next <= ? OR cancelled <> '' AND state = 'running')) AS turns
			WHERE customer = '' OR place <= ?) ORDER BY `+first+` LIMIT ?`, micros(now), int64(maxDue), bounded(limit))
		return err
	})
	return due, doing(err, "looking for onboardings")
}

// Onboarding returns one.
func (v *View) Onboarding(ctx context.Context, id string) (found site.Onboarding, err error) {
	mine, args := v.mine("customer")
	err = v.s.read(ctx, func(t *tx) error {
		all, err := t.onboardings("id = ? AND "+mine, append([]any{id}, args...)...)
		if err == nil && len(all) == 0 {
			err = fail(ErrNotFound, "there is no such onboarding")
		}
		if err == nil {
			found = all[0]
		}
		return err
	})
	return found, doing(err, "reading onboarding '%s'", id)
}

// Onboardings lists those that the viewer may see, the newest first: those before one, or
// all if that is empty; only those that are not over, or of a site, if that is wanted.
func (v *View) Onboardings(ctx context.Context, of OnboardingQuery) (found []site.Onboarding, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing onboardings")
	}
	where, args := v.mine("customer")
	if of.Site != "" {
		where, args = where+" AND site = ?", append(args, of.Site)
	}
	if of.Running {
		where += " AND next > 0"
	}
	if of.Before != "" {
		where, args = where+" AND number < (SELECT number FROM onboardings WHERE id = ?)", append(args, of.Before)
	}
	err = v.s.read(ctx, func(t *tx) error {
		found, err = t.onboardings(where+" ORDER BY number DESC LIMIT ?", append(slices.Clip(args), bounded(of.Limit))...)
		return err
	})
	return found, doing(err, "listing onboardings")
}

// OnboardingQuery says which onboardings are wanted.
type OnboardingQuery struct {
	Site    string // empty: of all sites
	Running bool   // those that are not over
	Before  string // the ID of the last one that is known; empty: none is
	Limit   int
}

// onboardings reads those that a condition picks, with their steps.
func (t *tx) onboardings(where string, args ...any) (found []site.Onboarding, err error) {
	err = t.each(`SELECT id, kind, site, customer, text, names, base, proof, token, who, operator, why, began, state, cancelled, failure, inside, remains, changed, next,
		published, withdrawn, version FROM onboardings WHERE `+where, args, func(scan func(...any) error) error {
		o, err := scanOnboarding(scan)
		found = append(found, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	places := make(map[string]int, len(found))
	for i, o := range found {
		places[o.ID] = i
	}
	for part := range slices.Chunk(found, 500) {
		if err := t.readSteps(part, places, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func scanOnboarding(scan func(...any) error) (o site.Onboarding, err error) {
	var names string
	var operator, began, inside, remains, changed, next int64
	err = scan(&o.ID, &o.Kind, &o.Site, &o.Customer, &o.Text, &names, &o.Base, &o.Proof, &o.Token, &o.By, &operator, &o.Why, &began, &o.State, &o.Cancelled,
		&o.Failure, &inside, &remains, &changed, &next, &o.Published, &o.Withdrawn, &o.Version)
	o.Names, o.Operator, o.Inside, o.Left = strings.Fields(names), operator != 0, inside != 0, remains != 0
	o.Began, o.Changed, o.Next = moment(began), moment(changed), moment(next)
	return o, err
}

// readSteps reads the steps of some onboardings into where they are.
func (t *tx) readSteps(of []site.Onboarding, places map[string]int, into []site.Onboarding) error {
	ids := make([]any, len(of))
	for i, o := range of {
		ids[i] = o.ID
	}
	return t.each("SELECT onboarding, name, cdn, state, words, inside, tries, since, next, mark FROM onboarding_steps WHERE onboarding IN "+marks(1, len(ids))+" ORDER BY onboarding, number",
		ids, func(scan func(...any) error) error {
			var id string
			var s site.OnboardingStep
			var inside, since, next, mark int64
			err := scan(&id, &s.Name, &s.CDN, &s.State, &s.Words, &inside, &s.Tries, &since, &next, &mark)
			s.Inside = inside != 0
			s.Since, s.Next, s.Mark = moment(since), moment(next), moment(mark)
			o := &into[places[id]]
			o.Steps = append(o.Steps, s)
			return err
		})
}

// Onboards is what a publication is of an onboarding.
type Onboards struct {
	ID      string
	Version int64
	Back    bool // it takes back what the onboarding has published
}

// published notes a revision at the onboarding that it is of, once.
func (o Onboards) published(t *tx, revision int64) error {
	column := map[bool]string{false: "published", true: "withdrawn"}[o.Back]
	n, err := t.exec("UPDATE onboardings SET "+column+" = ? WHERE id = ? AND version = ? AND "+column+" = 0", revision, o.ID, o.Version)
	if err == nil && n == 0 {
		err = fail(ErrConflict, "onboarding '%s' has another version than %d, or has published before: %v", o.ID, o.Version, ErrConflict)
	}
	return err
}
