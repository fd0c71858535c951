package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const (
	objectsPath = "/v1/objects"
	draftPath   = "/v1/draft"
	tryPath     = "/v1/check"
)

func (a *API) registerDraft() {
	register(a, operation{id: "list-objects", does: "GET " + objectsPath, least: site.RoleCustomerReadonly, about: "Configuration", stored: true,
		summary: "What is published: all, of a kind, or one"}, a.objects)
	register(a, operation{id: "get-draft", does: "GET " + draftPath, least: site.RoleCustomerReadonly, about: "Configuration", stored: true,
		summary: "What publishing now would change",
		text:    "Everybody has a draft of his own."}, a.draft)
	register(a, operation{id: "put-draft", does: "PUT " + draftPath, least: site.RoleCustomerAdmin, about: "Configuration", stored: true, large: true,
		summary: "Put objects into the draft, in the place of those of the same kind and name",
		text:    "All are put, or none if the draft would be wrong. What is published just so is not in the draft."}, a.putDraft)
	register(a, operation{id: "check-objects", does: "POST " + tryPath, least: site.RoleCustomerReadonly, about: "Configuration", stored: true, large: true,
		summary: "Say what would be wrong with publishing objects, and change nothing",
		text:    "What is wrong with the objects, with how they go together and with what is published, with whose their names are, and what the customer's plan does not allow is all said at once. Drafts do not count."}, a.check)
	register(a, operation{id: "delete-draft", does: "DELETE " + draftPath, least: site.RoleCustomerAdmin, about: "Configuration", stored: true,
		summary: "Have the draft be without an object, or without any",
		text:    "With a kind and a name publishing will remove that object. Without both the draft is emptied."}, a.deleteDraft)
}

// part is which part of the configuration is meant: all, a kind, or one object.
type part struct {
	Kind site.ObjectKind `query:"kind" enum:"class,origin,cdn,site" doc:"The kind of objects; absent: all kinds" example:"site"`
	Name string          `query:"name" doc:"The name of one; absent: all" example:"www.example.org"`
}

// Resolve implements huma.Resolver.
func (p *part) Resolve(huma.Context) []error {
	switch {
	case p.Name == "":
		return nil
	case p.Kind == "":
		return []error{&Fault{Location: "query.kind", Message: "a name needs its kind: class, origin, cdn or site"}}
	}
	return named("query.name", p.Kind, &p.Name)
}

func (a *API) objects(ctx context.Context, who Caller, in *part) (Objects, error) {
	objects, err := a.Store.Objects(ctx, in.Kind, in.Name, who)
	objects.Objects = some(objects.Objects)
	return objects, err
}

func (a *API) draft(ctx context.Context, who Caller, _ *none) (Draft, error) {
	draft, err := a.Store.Draft(ctx, who)
	draft.Changes = some(draft.Changes)
	return draft, err
}

// putInput is not checked against the document, which would take the memory for it
// twice: the types do that.
type putInput struct{ Body DraftTexts }

// Resolve implements huma.Resolver.
func (in *putInput) Resolve(huma.Context) (faults []error) {
	if in.Body.Base < 0 {
		faults = append(faults, &Fault{Location: "body.base", Message: "expected number >= 0", Value: in.Body.Base})
	}
	if len(in.Body.Sources)+len(in.Body.Removed) == 0 {
		faults = append(faults, &Fault{Location: "body.sources", Message: "there are no sources"})
	}
	for i, o := range in.Body.Removed {
		if !slices.Contains(site.ObjectKinds(), o.Kind) || o.Name == "" {
			faults = append(faults, &Fault{Location: fmt.Sprintf("body.removed[%d]", i), Message: fmt.Sprintf("'%s' '%s' is no object that could be removed", o.Kind, o.Name)})
		}
	}
	return faults
}

func (a *API) putDraft(ctx context.Context, who Caller, in *putInput) (Put, error) {
	return a.Store.PutDraft(ctx, in.Body, who)
}

func (a *API) check(ctx context.Context, who Caller, in *putInput) (Checked, error) {
	return a.Store.Check(ctx, in.Body, who)
}

// oneObject is the whole draft only where nothing is named: a name without its kind is
// a mistake, and so is an empty one.
type oneObject struct {
	Kind site.ObjectKind `query:"kind" enum:"class,origin,cdn,site" doc:"The kind of the object" example:"site"`
	Name string          `query:"name" doc:"Its name" example:"www.example.org"`
}

// Resolve implements huma.Resolver.
func (o *oneObject) Resolve(ctx huma.Context) (faults []error) {
	url := ctx.URL()
	query := url.Query()
	if !query.Has("kind") && !query.Has("name") {
		return nil
	}
	if query.Get("kind") == "" {
		faults = append(faults, &Fault{Location: "query.kind", Message: "a name needs its kind: class, origin, cdn or site"})
	}
	if o.Name == "" {
		return append(faults, &Fault{Location: "query.name", Message: "there is no name"})
	}
	return append(faults, named("query.name", o.Kind, &o.Name)...)
}

func (a *API) deleteDraft(ctx context.Context, who Caller, in *oneObject) (Done, error) {
	if in.Kind == "" {
		return Done{}, a.Store.DropDraft(ctx, who)
	}
	return Done{}, a.Store.DeleteDraft(ctx, in.Kind, in.Name, who)
}
