package engine

import (
	"context"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Servers implements api.Configuration.
func (c configuration) Servers(ctx context.Context) (api.Servers, error) {
	k := c.inForceKept()
	if k == nil || k.db == nil {
		return api.Servers{}, api.ErrNoStore
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout) // who asks wants to know that the store is away
	defer cancel()
	servers := api.Servers{Here: c.here(k)}
	var found []store.Server
	_, db, _, err := c.view(ctx, reader)
	if err == nil {
		found, err = db.Servers(ctx)
	}
	now := time.Now()
	if err == nil {
		k.rememberServers(found, now)
	}
	for _, s := range k.knownServers(now) {
		servers.Servers = append(servers.Servers, shownServer(s))
	}
	return servers, nil
}

// rememberServers keeps servers, with the times by the clock here at which they were seen.
func (k *Kept) rememberServers(found []store.Server, now time.Time) {
	for i := range found {
		found[i].Seen = now.Add(-found[i].Ago)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.servers = found
}

// knownServers returns the servers as they were known last, and how long ago they were seen.
func (k *Kept) knownServers(now time.Time) []store.Server {
	k.mu.Lock()
	defer k.mu.Unlock()
	servers := slices.Clone(k.servers)
	for i := range servers {
		servers[i].Ago = now.Sub(servers[i].Seen)
	}
	return servers
}

func shownServer(s store.Server) api.ServerState {
	shown := api.ServerState{
		Name: s.Name, Version: s.Version, Schema: int(s.Schema), Revision: s.Revision, Held: s.Held, Refused: s.Refused,
		State: api.RoleFollows, Age: api.Seconds(s.Ago),
	}
	switch {
	case s.Ago > store.GoneAfter:
		shown.State = api.RoleGone
	case s.Alone:
		shown.State = api.RoleAlone
	case s.Decides:
		shown.State = api.RoleDecides
	}
	if s.Held > 0 {
		shown.Why = "it would leave too few sites: confirm it, or publish another"
	}
	return shown
}

func (c configuration) here(k *Kept) api.Here {
	c.mu.Lock()
	defer c.mu.Unlock()
	here := api.Here{Name: k.cfg.Server, Store: k.away == nil, Alone: c.role == roleAlone && c.sharing(), Since: k.since}
	if k.away != nil {
		here.Why = k.away.Error()
	}
	return here
}
