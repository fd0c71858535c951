package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const journalPath = "/v1/journal"

func (a *API) registerJournal() {
	register(a, operation{id: "list-journal", does: "GET " + journalPath, least: site.RoleCustomerReadonly, about: "Decisions", stored: true,
		summary: "Decisions that were taken, the newest first"}, a.journal)
}

type journalInput struct {
	Site  string    `query:"site" doc:"The site; absent: all" example:"www.example.org"`
	Since time.Time `query:"since" doc:"From when on; absent: all times" example:"2026-01-02T03:04:05Z"`
	Limit int       `query:"limit" default:"100" minimum:"1" doc:"How many at most, the newest of them; above 10000 is 10000" example:"100"`
}

// Resolve implements huma.Resolver.
func (in *journalInput) Resolve(huma.Context) []error {
	if in.Site == "" {
		return nil
	}
	return named("query.site", site.ObjectSite, &in.Site)
}

func (a *API) journal(ctx context.Context, who Caller, in *journalInput) (DecisionList, error) {
	entries, err := a.Store.Journal(ctx, JournalQuery{Site: in.Site, Since: in.Since, Limit: min(in.Limit, mostJournal)}, who)
	return DecisionList{some(entries)}, err
}
