package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const (
	publishPath   = "/v1/publish"
	confirmPath   = "/v1/confirm"
	diffPath      = "/v1/diff"
	rollbackPath  = "/v1/rollback"
	historyPath   = "/v1/history"
	revisionsPath = "/v1/revisions"
	adoptPath     = "/v1/adopt"
)

func (a *API) registerRevisions() {
	register(a, operation{id: "publish-draft", does: "POST " + publishPath, least: site.RoleCustomerAdmin, about: "Configuration", stored: true,
		summary: "Make a revision of the draft, and empty it",
		text:    "It is refused with 409 if one of its objects was changed since the revision that the draft was made on."}, a.publish)
	register(a, operation{id: "confirm-revision", does: "POST " + confirmPath, least: site.RoleOperator, about: "Configuration", stored: true,
		summary: "Have all servers serve a revision that they hold back"}, a.confirm)
	register(a, operation{id: "diff-points", does: "GET " + diffPath, least: site.RoleCustomerReadonly, about: "Configuration", stored: true,
		summary: "What differs between two revisions, what is published, and the draft"}, a.diff)
	register(a, operation{id: "roll-back", does: "POST " + rollbackPath, least: site.RoleCustomerAdmin, about: "Configuration", stored: true,
		summary: "Make a revision with the objects of an older one",
		text:    "The draft stays. It is refused with 409 if one of the objects that it would change was changed since the base."}, a.rollback)
	register(a, operation{id: "list-history", does: "GET " + historyPath, least: site.RoleCustomerReadonly, about: "Configuration", stored: true,
		summary: "The newest revisions"}, a.history)
	register(a, operation{id: "get-revision", does: "GET " + revisionsPath + "/{revision}", least: site.RoleCustomerReadonly, about: "Configuration", stored: true,
		summary: "How many servers serve a revision, and for operators, which",
		text:    "With wait, the answer comes as soon as it is settled, or when that time is over."}, a.revision)
	register(a, operation{id: "adopt-site", does: "POST " + adoptPath, least: site.RoleOperator, about: "Configuration", stored: true,
		summary: "Publish a site of the Corefile as an object that stands in front of it"}, a.adopt)
}

type publishInput struct{ Body PublishRequest }

// Resolve implements huma.Resolver.
func (in *publishInput) Resolve(huma.Context) []error { return short("body.why", &in.Body.Why) }

func (a *API) publish(ctx context.Context, who Caller, in *publishInput) (Publication, error) {
	return a.Store.Publish(ctx, in.Body, who)
}

type confirmInput struct{ Body ConfirmRequest }

// Resolve implements huma.Resolver.
func (in *confirmInput) Resolve(huma.Context) []error { return short("body.why", &in.Body.Why) }

func (a *API) confirm(ctx context.Context, who Caller, in *confirmInput) (Done, error) {
	return Done{}, a.Store.Confirm(ctx, in.Body, who)
}

type diffInput struct {
	From string `query:"from" default:"published" doc:"The first point: a revision's number, 'published' or 'draft'" example:"41"`
	To   string `query:"to" default:"draft" doc:"The second point" example:"published"`

	from, to Point
}

// Resolve implements huma.Resolver.
func (in *diffInput) Resolve(huma.Context) []error {
	return append(point("query.from", in.From, &in.from), point("query.to", in.To, &in.to)...)
}

func point(place, text string, into *Point) (faults []error) {
	var err error
	if *into, err = ParsePoint(text); err != nil {
		faults = append(faults, &Fault{Location: place, Message: err.Error()})
	}
	return faults
}

func (a *API) diff(ctx context.Context, who Caller, in *diffInput) (Diff, error) {
	diff, err := a.Store.Diff(ctx, in.from, in.to, who)
	diff.Changes = some(diff.Changes)
	return diff, err
}

type rollbackInput struct{ Body RollbackRequest }

// Resolve implements huma.Resolver.
func (in *rollbackInput) Resolve(huma.Context) []error { return short("body.why", &in.Body.Why) }

func (a *API) rollback(ctx context.Context, who Caller, in *rollbackInput) (Publication, error) {
	return a.Store.Rollback(ctx, in.Body, who)
}

type historyInput struct {
	Limit int `query:"limit" default:"20" minimum:"1" doc:"How many at most; above 1000 is 1000" example:"5"`
}

func (a *API) history(ctx context.Context, who Caller, in *historyInput) (History, error) {
	history, err := a.Store.History(ctx, min(in.Limit, mostHistory), who)
	history.Revisions = some(history.Revisions)
	return history, err
}

type revisionInput struct {
	Revision int64  `path:"revision" minimum:"0" doc:"The number of the revision" example:"43"`
	Wait     string `query:"wait" doc:"How long it is waited until every server that is alive serves it, 1m at most; absent: not at all" example:"5s"`

	wait time.Duration
}

// Resolve implements huma.Resolver.
func (in *revisionInput) Resolve(huma.Context) []error { return waits(in.Wait, &in.wait) }

func (in *revisionInput) waits() time.Duration { return in.wait }

func (a *API) revision(ctx context.Context, who Caller, in *revisionInput) (Spread, error) {
	return a.Store.Await(ctx, in.Revision, in.wait, who)
}

type adoptInput struct{ Body AdoptRequest }

// Resolve implements huma.Resolver.
func (in *adoptInput) Resolve(huma.Context) []error {
	return append(short("body.why", &in.Body.Why), named("body.site", site.ObjectSite, &in.Body.Site)...)
}

func (a *API) adopt(ctx context.Context, who Caller, in *adoptInput) (Publication, error) {
	return a.Store.Adopt(ctx, in.Body, who)
}
