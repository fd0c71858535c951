package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// The pause between two looks at the servers, which grows as long as nothing comes of it.
const (
	lookAgain  = 50 * time.Millisecond
	lookSeldom = 500 * time.Millisecond
)

// Await implements api.Configuration.
func (c configuration) Await(ctx context.Context, revision int64, d time.Duration, who api.Caller) (api.Spread, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.Spread{}, err
	}
	newest, err := view.History(ctx, revision+1, 1) // of those that the caller sees, up to this one
	switch {
	case err != nil:
		return api.Spread{}, translated(err)
	case len(newest) == 0 || newest[0].Number != revision:
		return api.Spread{}, fmt.Errorf("revision %d: %w", revision, api.ErrNotFound)
	}
	return c.await(ctx, revision, d).Told(who), nil
}

// await waits until a revision is settled, and says how far it has come. The revision is
// made, so an error of the store here is nobody's: who is not known to serve it is waited for.
func (c configuration) await(ctx context.Context, revision int64, d time.Duration) (spread api.Spread) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	began := time.Now()
	look := func() (api.Servers, error) { return c.Servers(context.WithoutCancel(ctx)) } // it limits itself
	for pause := lookAgain; ; pause = min(2*pause, lookSeldom) {
		servers, err := c.sighting.share(began, look)
		if err == nil {
			spread = spreadOf(servers.Servers, revision)
		}
		if spread.Settled {
			return spread
		}
		select {
		case <-ctx.Done():
			return spread
		case <-time.After(pause):
		}
	}
}

// spreadOf says how far a revision has come among servers.
func spreadOf(servers []api.ServerState, revision int64) (spread api.Spread) {
	spread.Settled = true
	for _, s := range servers {
		if s.State == api.RoleGone {
			continue
		}
		if s.Revision < revision {
			spread.Behind++
			spread.Settled = spread.Settled && s.Held >= revision
			spread.WaitingFor = append(spread.WaitingFor, api.Waiting{Server: s.Name, Revision: s.Revision, Held: s.Held, Why: s.Why})
			continue
		}
		spread.Serving++
		spread.ServedBy = append(spread.ServedBy, s.Name)
		if s.Refused > 0 {
			spread.Refusing = append(spread.Refusing, api.Refusing{Server: s.Name, Objects: s.Refused})
		}
	}
	spread.Settled = spread.Settled && spread.Serving+spread.Behind > 0
	return spread
}
