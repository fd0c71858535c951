package engine

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// lookAgain is the pause between two looks at the servers.
const lookAgain = 50 * time.Millisecond

// await waits until every server that is alive serves what was written, or holds it
// back, and says which do. The revision is made, so an error of the store here is none
// of the write's: who is not known to serve it is waited for.
func (c configuration) await(ctx context.Context, w *api.Written, d time.Duration) {
	if d <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		servers, err := c.Servers(ctx)
		if err == nil {
			w.ServedBy, w.WaitingFor = whoServes(servers.Servers, w.Revision)
		}
		if err == nil && settled(servers.Servers, w.Revision) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAgain):
		}
	}
}

// settled reports whether every server that is alive has done with a revision what it
// will.
func settled(servers []api.ServerState, revision int64) bool {
	for _, s := range servers {
		if s.State != api.RoleGone && max(s.Revision, s.Held) < revision {
			return false
		}
	}
	return len(servers) > 0
}

// whoServes says which servers serve a revision, and which that are alive do not.
func whoServes(servers []api.ServerState, revision int64) (serve []string, waiting []api.Waiting) {
	for _, s := range servers {
		switch {
		case s.State == api.RoleGone:
		case s.Revision >= revision:
			serve = append(serve, s.Name)
		default:
			waiting = append(waiting, api.Waiting{Server: s.Name, Revision: s.Revision, Why: s.Why})
		}
	}
	return serve, waiting
}
