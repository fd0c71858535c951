package onboard

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// compare writes down what is to be done of the sites that may have changed, and reports
// whether there were any. What could not be looked at is looked at the next time.
func (f *Follower) compare(ctx context.Context, fence store.Fence) bool {
	f.mu.Lock()
	all, dirty := f.all, slices.Collect(maps.Keys(f.dirty))
	f.all = false
	clear(f.dirty)
	f.mu.Unlock()
	if all {
		if f.compareAll(ctx, fence) != nil {
			f.later(true, dirty...)
		}
		return true
	}
	for part := range slices.Chunk(dirty, together) {
		if f.compareSome(ctx, fence, part) != nil {
			f.later(false, part...)
		}
	}
	return len(dirty) > 0
}

// compareAll compares all sites that have setups, a part at a time.
func (f *Follower) compareAll(ctx context.Context, fence store.Fence) error {
	for after := ""; ; {
		names, err := f.cfg.Setups.SetupSites(ctx, after, together)
		if err != nil || len(names) == 0 {
			return err
		}
		if err := f.compareSome(ctx, fence, names); err != nil {
			return err
		}
		after = names[len(names)-1]
	}
}

// compareSome compares some sites. Those that an onboarding is at are its own until it is
// over. A site that is in the store and not in force here, such as one that this server
// refuses, may be in force elsewhere: it stays as it is.
func (f *Follower) compareSome(ctx context.Context, fence store.Fence, names []string) error {
	of, err := f.setupsOf(ctx, names)
	if err != nil || len(of) == 0 {
		return err
	}
	names = slices.Collect(maps.Keys(of))
	standing, err := f.cfg.Setups.StandingOf(ctx, names)
	if err != nil {
		return err
	}
	sites, revision, err := f.cfg.InForce.Sites(ctx, names)
	if err != nil {
		return err
	}
	var puts, drops []site.Setup
	now := time.Now()
	for _, name := range names {
		switch is := standing[name]; {
		case is.Busy:
			f.later(false, name)
		case is.Stored && sites[name] == nil:
		default:
			put, drop := compared(of[name], sites[name], f.cfg.InForce.Provision, revision, now)
			puts, drops = append(puts, put...), append(drops, drop...)
		}
	}
	return f.write(ctx, fence, puts, drops)
}

// setupsOf returns the setups of some sites.
func (f *Follower) setupsOf(ctx context.Context, names []string) (map[string][]site.Setup, error) {
	found, err := f.cfg.Setups.SetupsOf(ctx, names)
	of := make(map[string][]site.Setup)
	for _, s := range found {
		of[s.Site] = append(of[s.Site], s)
	}
	return of, err
}

// write writes what a comparison has come to.
func (f *Follower) write(ctx context.Context, fence store.Fence, puts, drops []site.Setup) error {
	if len(puts) > 0 {
		if _, err := f.cfg.Setups.PutSetups(ctx, fence, puts); err != nil {
			return err
		}
	}
	if len(drops) > 0 {
		return f.cfg.Setups.DropSetups(ctx, fence, drops)
	}
	return nil
}
