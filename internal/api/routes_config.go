package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

const configPath = "/v1/config/"

func (a *API) registerConfig() {
	registerKind[document.Site](a, site.ObjectSite, site.RoleCustomerReadonly, site.RoleCustomerAdmin)
	registerKind[document.Class](a, site.ObjectClass, site.RoleOperatorReadonly, site.RoleOperator)
	registerKind[document.Origin](a, site.ObjectOrigin, site.RoleOperatorReadonly, site.RoleOperator)
	registerKind[document.CDN](a, site.ObjectCDN, site.RoleOperatorReadonly, site.RoleOperator)
}

// registerKind registers what can be done with the objects of a kind, whose documents
// are D.
func registerKind[D any](a *API, kind site.ObjectKind, reads, writes site.Role) {
	k := documentsOf[D]{a, kind}
	list, one, id := configPath+string(kind), configPath+string(kind)+"/{name}", "-config-"+string(kind)
	const about = "Configuration"
	register(a, operation{id: "list" + id, does: "GET " + list, least: reads, about: about, stored: true,
		summary: "Published objects of the kind " + string(kind) + ", as documents"}, k.list)
	registerTagged(a, operation{id: "get" + id, does: "GET " + one, least: reads, about: about, stored: true,
		summary: "A published object of the kind " + string(kind) + ", as a document"}, k.get)
	registerTagged(a, operation{id: "put" + id, does: "PUT " + one, least: writes, about: about, stored: true, unchecked: true,
		summary: "Publish an object of the kind " + string(kind) + " by itself",
		text:    "It takes the place of the one of its name, and stays its customer's unless the document names another. What is published just so makes no revision. A header If-Match or If-None-Match that does not hold is 412; without one the newest write counts."}, k.put)
	register(a, operation{id: "delete" + id, does: "DELETE " + one, least: writes, about: about, stored: true,
		summary: "Publish that an object of the kind " + string(kind) + " is gone"}, k.delete)
}

// documentsOf are the objects of a kind.
type documentsOf[D any] struct {
	*API
	kind site.ObjectKind
}

type listInput struct {
	Page
	Prefix   string `query:"prefix" doc:"What their names begin with; absent: anything" example:"www."`
	Customer string `query:"customer" doc:"Whose they are; absent: everybody's" example:"acme"`
}

func (k documentsOf[D]) list(ctx context.Context, who Caller, in *listInput) (DocumentList[D], error) {
	q := DocumentQuery{Page: in.limited(), Kind: k.kind, Prefix: in.Prefix, Customer: in.Customer}
	revision, found, next, err := k.Documents.Documents(ctx, q, who)
	all := DocumentList[D]{Revision: revision, Documents: []PublishedDocument[D]{}, Next: next}
	for _, o := range found {
		doc, _ := any(o.Document).(*D)
		all.Documents = append(all.Documents, PublishedDocument[D]{o.Name, o.Revision, o.Adopted, doc, o.Why})
	}
	return all, err
}

// ObjectName is which object is meant.
type ObjectName struct {
	Name string `path:"name" doc:"Its name; of a site the first of its names" example:"www.example.org"`
}

func (k documentsOf[D]) get(ctx context.Context, who Caller, in *ObjectName) (doc D, tag Version, err error) {
	if err := k.canonical(&in.Name); err != nil {
		return doc, 0, err
	}
	o, err := k.Documents.Document(ctx, k.kind, in.Name, who)
	if is, fits := any(o.Document).(*D); err == nil && fits {
		return *is, Version(o.Revision), nil
	}
	return doc, 0, err
}

// canonical makes a name in a path the one that the store has; what cannot be one is
// not there.
func (k documentsOf[D]) canonical(name *string) error {
	if faults := named("path.name", k.kind, name); faults != nil {
		return fmt.Errorf("%s '%s': %w", k.kind, *name, ErrNotFound)
	}
	return nil
}

// Writing is what all writes of the configuration say.
type Writing struct {
	Match
	Why  string `query:"why" required:"true" doc:"Why, for the history; 1000 octets at most" example:"another CDN" pattern:"\\S" patternDescription:"a reason"`
	Wait string `query:"wait" doc:"How long it is waited until every server that is alive serves it, 1m at most; absent: not at all" example:"5s"`

	wait time.Duration
}

// Resolve implements huma.Resolver.
func (w *Writing) Resolve(ctx huma.Context) []error {
	faults := append(w.Match.Resolve(ctx), short("query.why", &w.Why)...)
	return append(faults, waits(w.Wait, &w.wait)...)
}

func (w *Writing) waits() time.Duration { return w.wait }

type putDocument[D any] struct {
	ObjectName
	Writing
	Body documentBody[D]
}

// Resolve implements huma.Resolver.
func (in *putDocument[D]) Resolve(ctx huma.Context) []error {
	return append(in.Writing.Resolve(ctx), in.Body.faults...)
}

func (k documentsOf[D]) put(ctx context.Context, who Caller, in *putDocument[D]) (Written, Version, error) {
	if err := k.canonical(&in.Name); err != nil {
		return Written{}, 0, err
	}
	o, err := document.Object(in.Body.document)
	if err != nil {
		return Written{}, 0, err // Resolve has seen to that
	}
	if o.Name != in.Name {
		return Written{}, 0, Faults{&Fault{Location: "body.name", Message: fmt.Sprintf("expected '%s', as in the path", in.Name), Value: o.Name}}
	}
	written, err := k.Documents.PutDocument(ctx, DocumentWrite{o, in.Body.document, in.Wants, in.Why, in.wait}, who)
	return written, Version(written.Revision), err
}

type deleteDocument struct {
	ObjectName
	Writing
}

func (k documentsOf[D]) delete(ctx context.Context, who Caller, in *deleteDocument) (Written, error) {
	if err := k.canonical(&in.Name); err != nil {
		return Written{}, err
	}
	return k.Documents.DeleteDocument(ctx, DocumentWrite{Object: site.Object{Kind: k.kind, Name: in.Name}, Wants: in.Wants, Why: in.Why, Wait: in.wait}, who)
}
