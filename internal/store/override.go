package store

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// SetOverride forces a decision until its time is over. It gets an ID if it
// has none; one with the ID of another takes its place. Once it was cleared an
// ID is not set again (ErrConflict), so that a server which was cut off does
// not bring back what an operator has ended meanwhile.
func (v *View) SetOverride(ctx context.Context, o site.Override) (site.Override, error) {
	if err := v.mayOverride(&o); err != nil {
		return o, doing(err, "setting an override")
	}
	err := v.s.write(ctx, func(t *tx) error {
		if o.Since.IsZero() {
			var now int64
			if _, err := t.one("SELECT {now}", nil, &now); err != nil {
				return err
			}
			o.Since = moment(now)
		}
		if err := t.putOverride(o); err != nil {
			return err
		}
		t.wake()
		return v.audit(t, "override "+o.ID+": "+string(o.Scope)+" '"+o.Name+"' "+string(o.Action), 0, 0)
	})
	return o, doing(err, "setting override '%s'", o.ID)
}

// mayOverride fills in what is missing of an override.
func (v *View) mayOverride(o *site.Override) error {
	if err := v.operates("something to override"); err != nil {
		return err
	}
	scopes := []site.OverrideScope{site.ScopeSite, site.ScopeClass, site.ScopeOrigin, site.ScopeCDN, site.ScopeAll}
	actions := []site.OverrideAction{site.OverrideOrigin, site.OverrideCDN, site.OverrideShare, site.OverrideFreeze}
	switch {
	case !slices.Contains(scopes, o.Scope):
		return fail(ErrInvalid, "unknown scope '%s'", o.Scope)
	case !slices.Contains(actions, o.Action):
		return fail(ErrInvalid, "unknown action '%s'", o.Action)
	case (o.Name == "") != (o.Scope == site.ScopeAll):
		return fail(ErrInvalid, "'%s' is no name of scope %s", o.Name, o.Scope)
	case !(o.Share >= 0 && o.Share <= 1):
		return fail(ErrInvalid, "share %v is not from 0 to 1", o.Share)
	case o.Until.IsZero():
		return fail(ErrInvalid, "an override needs an end")
	}
	o.Since, o.Until = moment(micros(o.Since)), moment(micros(o.Until)) // as they are read back
	if o.ID == "" {
		o.ID = rand.Text()
	}
	if o.Owner == "" {
		o.Owner = v.who.Name
	}
	o.Local = false
	return text("the override", o.ID+o.Name+o.CDN+o.Owner+o.Reason)
}

func (t *tx) putOverride(o site.Override) error {
	n, err := t.exec(`INSERT INTO overrides (id, scope, name, action, cdn, share, owner, reason, since, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, name = excluded.name, action = excluded.action, cdn = excluded.cdn, share = excluded.share,
			owner = excluded.owner, reason = excluded.reason, since = excluded.since, until = excluded.until
		WHERE overrides.cleared = 0`,
		o.ID, string(o.Scope), o.Name, string(o.Action), o.CDN, o.Share, o.Owner, o.Reason, micros(o.Since), micros(o.Until))
	if err == nil && n == 0 {
		return fail(ErrConflict, "it was cleared: %v", ErrConflict)
	}
	return err
}

// ClearOverride ends an override.
func (v *View) ClearOverride(ctx context.Context, id string) error {
	if err := v.operates("an override to clear"); err != nil {
		return doing(err, "clearing override '%s'", id)
	}
	err := v.s.write(ctx, func(t *tx) error {
		n, err := t.exec("UPDATE overrides SET cleared = {now} WHERE id = ? AND cleared = 0 AND until > {now}", id)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		t.wake()
		return v.audit(t, "clear override "+id, 0, 0)
	})
	return doing(err, "clearing override '%s'", id)
}

// Overrides lists those that are neither cleared nor over.
func (s *Store) Overrides(ctx context.Context) (overrides []site.Override, err error) {
	err = s.read(ctx, func(t *tx) error {
		overrides = nil
		return t.each(`SELECT id, scope, name, action, cdn, share, owner, reason, since, until FROM overrides
			WHERE cleared = 0 AND until > {now} ORDER BY since, id`, nil, func(scan func(...any) error) error {
			var o site.Override
			var since, until int64
			err := scan(&o.ID, &o.Scope, &o.Name, &o.Action, &o.CDN, &o.Share, &o.Owner, &o.Reason, &since, &until)
			o.Since, o.Until = moment(since), moment(until)
			overrides = append(overrides, o)
			return err
		})
	})
	return overrides, doing(err, "reading the overrides")
}
