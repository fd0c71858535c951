package engine

import (
	"context"
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// newFollower returns what has the CDNs' side of onboarded sites follow what is in force.
func (o *onboarder) newFollower() *onboard.Follower {
	return onboard.NewFollower(onboard.FollowerConfig{
		Setups: setups{o}, InForce: o, Providers: o, Network: o, Turn: o.turn, Log: o.cfg.Log, Counted: o.cfg.Metrics.countSetups,
	})
}

// Sites implements onboard.InForce.
func (o *onboarder) Sites(_ context.Context, names []string) (found map[string]*site.Site, revision int64, err error) {
	k := o.inForceKept()
	if k == nil || k.db == nil {
		return nil, 0, errors.New("there is no store")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.found.Load() || k.moved() {
		return nil, 0, errors.New("it is not known yet what is in the store")
	}
	found = make(map[string]*site.Site, len(names))
	for _, name := range names {
		if s := k.overlay.Site(name); s != nil {
			found[name] = s
		}
	}
	return found, k.publisher.Revision(), nil
}

// Provision implements onboard.InForce.
func (o *onboarder) Provision(cdn string) site.Provision {
	if block := o.block(cdn); block != nil {
		return block.Provision
	}
	return site.Provision{}
}

// setups are those of the store, wherever that is by now.
type setups struct{ *onboarder }

func inStore[T any](ctx context.Context, s setups, do func(db *store.Store) (T, error)) (result T, err error) {
	_, db, err := s.at(ctx)
	if err != nil {
		return result, err
	}
	return do(db)
}

// DueSetups implements onboard.Setups.
func (s setups) DueSetups(ctx context.Context, now time.Time, limit int) ([]site.Setup, error) {
	return inStore(ctx, s, func(db *store.Store) ([]site.Setup, error) { return db.DueSetups(ctx, now, limit) })
}

// SetupSites implements onboard.Setups.
func (s setups) SetupSites(ctx context.Context, after string, limit int) ([]string, error) {
	return inStore(ctx, s, func(db *store.Store) ([]string, error) { return db.SetupSites(ctx, after, limit) })
}

// SetupsOf implements onboard.Setups.
func (s setups) SetupsOf(ctx context.Context, sites []string) ([]site.Setup, error) {
	return inStore(ctx, s, func(db *store.Store) ([]site.Setup, error) { return db.SetupsOf(ctx, sites) })
}

// StandingOf implements onboard.Setups.
func (s setups) StandingOf(ctx context.Context, sites []string) (map[string]store.SetupSite, error) {
	return inStore(ctx, s, func(db *store.Store) (map[string]store.SetupSite, error) { return db.StandingOf(ctx, sites) })
}

// PutSetups implements onboard.Setups.
func (s setups) PutSetups(ctx context.Context, fence store.Fence, all []site.Setup) (int, error) {
	return inStore(ctx, s, func(db *store.Store) (int, error) { return db.PutSetups(ctx, fence, all) })
}

// DropSetups implements onboard.Setups.
func (s setups) DropSetups(ctx context.Context, fence store.Fence, all []site.Setup) error {
	_, err := inStore(ctx, s, func(db *store.Store) (struct{}, error) { return struct{}{}, db.DropSetups(ctx, fence, all) })
	return err
}

// CountSetups implements onboard.Setups.
func (s setups) CountSetups(ctx context.Context) (map[site.SetupState]int, error) {
	return inStore(ctx, s, func(db *store.Store) (map[site.SetupState]int, error) { return db.CountSetups(ctx) })
}
