package api

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const (
	serversPath = "/v1/servers"
	refusedPath = "/v1/refused"
	migratePath = "/v1/migrate"
)

func (a *API) registerServers() {
	register(a, operation{id: "list-servers", does: "GET " + serversPath, least: site.RoleOperatorReadonly, about: "Servers", stored: true,
		summary: "What each server serves, who decides, and since when without the store"}, a.servers)
	register(a, operation{id: "list-refused", does: "GET " + refusedPath, least: site.RoleOperatorReadonly, about: "Servers", stored: true,
		summary: "What of the configuration this server does not serve"}, a.refused)
	register(a, operation{id: "migrate-store", does: "POST " + migratePath, least: site.RoleOperator, about: "Servers", stored: true,
		summary: "How far the store's schema is; finish what is pending"}, a.migrate)
}

func (a *API) servers(ctx context.Context, who Caller, _ *none) (Servers, error) {
	servers, err := a.Store.Servers(ctx)
	servers.Servers = some(servers.Servers)
	return servers, err
}

func (a *API) refused(ctx context.Context, who Caller, _ *none) (Refusals, error) {
	refusals, err := a.Store.Refused(ctx)
	refusals.Refused, refusals.Shadowed = some(refusals.Refused), some(refusals.Shadowed)
	return refusals, err
}

func (a *API) migrate(ctx context.Context, who Caller, in *struct{ Body MigrateRequest }) (Migration, error) {
	migration, err := a.Store.Migrate(ctx, in.Body.Finish, who)
	migration.Servers = some(migration.Servers)
	return migration, err
}
