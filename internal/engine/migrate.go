package engine

import (
	"context"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// Migrate implements api.Configuration.
func (c configuration) Migrate(ctx context.Context, finish bool, who api.Caller) (api.Migration, error) {
	_, db, _, err := c.view(ctx, who)
	if err != nil {
		return api.Migration{}, err
	}
	pending, err := db.Pending(ctx)
	if err != nil {
		return api.Migration{}, translated(err)
	}
	migration := api.Migration{Known: int(db.Schema()), Pending: pending}
	if finish && len(pending) > 0 {
		if err := db.Finish(ctx); err != nil {
			return migration, translated(err)
		}
		migration.Ran, migration.Pending = pending, nil
		c.cfg.Log.Warningf("migrations were finished by %s: %s", who.Name, strings.Join(pending, ", "))
	}
	present, err := db.Present(ctx)
	if err != nil {
		return migration, translated(err)
	}
	migration.Schema = int(present)
	servers, err := c.Servers(ctx)
	migration.Servers = servers.Servers
	return migration, err
}
