package store

import (
	"context"
	"time"
)

// AuditEntry is a write of a viewer.
type AuditEntry struct {
	Number   int64
	At       time.Time
	Who      string
	Customer string // of who; empty: an operator
	What     string
	Base     int64 // the revision that it was made on, if it was made on one
	Revision int64 // that it made, if it made one
}

// audit leaves a line about what the viewer does.
func (v *View) audit(t *tx, what string, base, revision int64) error {
	return v.auditAll(t, []string{what}, base, revision)
}

func (v *View) auditAll(t *tx, lines []string, base, revision int64) error {
	var number, now int64
	if _, err := t.one("UPDATE counters SET value = value + ? WHERE name = 'audit' RETURNING value, {now}", []any{int64(len(lines))}, &number, &now); err != nil {
		return err
	}
	rows := make([][]any, 0, len(lines))
	for i, what := range lines {
		rows = append(rows, []any{number - int64(len(lines)-1-i), now, v.who.Name, v.customer(), what, base, revision})
	}
	return t.insert("audit (number, at, who, customer, what, base, revision)", "", 7, rows)
}

// Audit lists writes, the newest first: those before a number, or all if that
// is 0. A customer sees those that were made in his name.
func (v *View) Audit(ctx context.Context, before int64, limit int) (entries []AuditEntry, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "reading the audit")
	}
	if before <= 0 {
		before = endless
	}
	mine, args := v.mine("customer")
	args = append(args, before, bounded(limit))
	err = v.s.read(ctx, func(t *tx) error {
		entries = nil
		return t.each("SELECT number, at, who, customer, what, base, revision FROM audit WHERE "+mine+" AND number < ? ORDER BY number DESC LIMIT ?",
			args, func(scan func(...any) error) error {
				var e AuditEntry
				var at int64
				err := scan(&e.Number, &at, &e.Who, &e.Customer, &e.What, &e.Base, &e.Revision)
				e.At = moment(at)
				entries = append(entries, e)
				return err
			})
	})
	return entries, doing(err, "reading the audit")
}
