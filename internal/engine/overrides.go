package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// untouchedShown is how many sites are named that an override does not touch.
const untouchedShown = 10

// Overrides implements api.Configuration.
func (c configuration) Overrides(context.Context) ([]api.Override, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := make([]api.Override, 0, len(c.overrides))
	for _, o := range c.overrides {
		shown = append(shown, c.shownOverride(o))
	}
	slices.SortStableFunc(shown, func(a, b api.Override) int { return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID)) })
	return shown, nil
}

// shownOverride returns an override as people see it, with the sites it is for.
func (e *Engine) shownOverride(o site.Override) api.Override {
	shown := api.Override{
		ID: o.ID, Force: api.Force{Scope: o.Scope, Name: o.Name, Action: o.Action, CDN: o.CDN, Share: o.Share},
		By: o.Owner, Why: o.Reason, Since: o.Since, Until: o.Until, Left: api.Seconds(time.Until(o.Until)), Local: o.Local,
	}
	if e.current == nil {
		return shown
	}
	for _, r := range e.current.runners {
		if o.Covers(r.site) {
			e.showCovered(&shown, r, o)
		}
	}
	if shown.Sites == 0 && shown.Untouched == nil {
		shown.Warnings = append(shown.Warnings, "it is for no site that this server serves")
	}
	return shown
}

// showCovered adds a site that an override is for.
func (e *Engine) showCovered(shown *api.Override, r *runner, o site.Override) {
	why := ""
	switch {
	case r.override == nil || r.override.ID != o.ID:
		why = "another override counts for it"
		if err := control.Untouched(r.site, &o); err != nil {
			why = err.Error()
		}
	case r.untouched != nil:
		why = r.untouched.Error()
	case !r.located():
		why = "its origin has no address yet"
	}
	if why != "" {
		if len(shown.Untouched) < untouchedShown {
			shown.Untouched = append(shown.Untouched, api.Untouched{Site: strings.TrimSuffix(r.site.Name(), "."), Why: why})
		}
		return
	}
	shown.Sites++
	if o.Action == site.OverrideCDN && len(shown.Warnings) < untouchedShown {
		if why := r.unready(o.CDN); why != "" {
			shown.Warnings = append(shown.Warnings, fmt.Sprintf("cdn %s is not ready for %s: %s", o.CDN, strings.TrimSuffix(r.site.Name(), "."), why))
		}
	}
}

// SetOverride implements api.Configuration.
func (c configuration) SetOverride(ctx context.Context, req api.OverrideRequest, who api.Caller) (api.Override, error) {
	now := time.Now()
	o := site.Override{
		Scope: req.Scope, Name: req.Name, Action: req.Action, CDN: req.CDN, Share: req.Share,
		Owner: who.Name, Reason: req.Why, Since: now, Until: now.Add(time.Duration(req.For)),
	}
	if err := c.checkOverride(o); err != nil {
		return api.Override{}, err
	}
	set := c.setStored
	if req.Local {
		set = func(_ context.Context, o site.Override, _ api.Caller) (site.Override, error) { return c.setLocal(o) }
	}
	o, err := set(ctx, o, who)
	if err != nil {
		return api.Override{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shownOverride(o), nil
}

// setStored puts an override into the store, and into force here.
func (c configuration) setStored(ctx context.Context, o site.Override, who api.Caller) (site.Override, error) {
	view, db, k, err := c.view(ctx, who)
	if err != nil {
		return o, err
	}
	if o, err = view.SetOverride(ctx, o); err != nil {
		return o, translated(err)
	}
	return o, translated(c.pullOverrides(ctx, k, db))
}

// checkOverride says what is wrong with an override, by itself and for the sites that
// there are.
func (c configuration) checkOverride(o site.Override) error {
	if err := o.Validate(); err != nil {
		return fmt.Errorf("%w: %w", api.ErrInvalid, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || o.Scope == site.ScopeAll {
		return nil
	}
	for _, r := range c.current.runners {
		if o.Covers(r.site) {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", scoped(o), api.ErrNotFound)
}

// ClearOverride implements api.Configuration.
func (c configuration) ClearOverride(ctx context.Context, id string, who api.Caller) error {
	if c.clearLocal(id, who.Name) {
		c.wakeUp() // the store may have it already
		return nil
	}
	view, db, k, err := c.view(ctx, who)
	if err != nil {
		return err
	}
	if err = view.ClearOverride(ctx, id); err != nil {
		return translated(err)
	}
	return translated(c.pullOverrides(ctx, k, db))
}
