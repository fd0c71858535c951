package api

import (
	"context"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const (
	auditPath  = "/v1/audit"
	whoamiPath = "/v1/whoami"
)

func (a *API) registerAudit() {
	register(a, operation{id: "list-audit", does: "GET " + auditPath, least: site.RoleCustomerReadonly, about: "Users", stored: true,
		summary: "Who wrote what into the store, the newest first",
		text:    "A customer sees what was written in his name."}, a.audit)
	register(a, operation{id: "who-am-i", does: "GET " + whoamiPath, least: site.RoleCustomerReadonly, about: "Users",
		summary: "Whom the server takes the caller for"}, a.whoami)
}

// AuditEntry is a write.
type AuditEntry struct {
	Number   int64     `json:"number" doc:"It grows with each entry" example:"117"`
	At       time.Time `json:"at" doc:"When it was" example:"2026-01-02T03:04:05Z"`
	Who      string    `json:"who" doc:"Who did it" example:"alice"`
	Customer string    `json:"customer,omitempty" doc:"The customer of who did it; absent: it was the provider's" example:"acme"`
	What     string    `json:"what" doc:"What was done, for people" example:"publish site 'www.example.org'"`
	Base     int64     `json:"base,omitempty" doc:"The revision that it was made on" example:"42"`
	Revision int64     `json:"revision,omitempty" doc:"The revision that it made" example:"43"`
}

// AuditList is an object, so that it may grow.
type AuditList struct {
	Entries []AuditEntry `json:"entries" doc:"The entries, the newest first" nullable:"false"`
	Next    string       `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"117"`
}

type auditInput struct {
	Page

	before int64
}

// Resolve implements huma.Resolver.
func (in *auditInput) Resolve(huma.Context) []error {
	if in.Cursor == "" {
		return nil
	}
	var err error
	if in.before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || in.before < 1 {
		return []error{&Fault{Location: "query.cursor", Message: "expected what 'next' said", Value: in.Cursor}}
	}
	return nil
}

func (a *API) audit(ctx context.Context, who Caller, in *auditInput) (AuditList, error) {
	entries, more, err := a.Identities.Audit(ctx, in.before, in.limited().Limit, who)
	list := AuditList{Entries: some(entries)}
	if more {
		list.Next = strconv.FormatInt(entries[len(entries)-1].Number, 10)
	}
	return list, err
}

// Identity is whom the server takes somebody for.
type Identity struct {
	Name     string    `json:"name" doc:"The name, as the history has it" example:"alice"`
	Role     site.Role `json:"role" doc:"What he may do" example:"operator" enum:"operator,operator-readonly,customer-admin,customer-readonly"`
	Customer string    `json:"customer,omitempty" doc:"Whose he is; absent: the provider's" example:"acme"`
}

func (a *API) whoami(_ context.Context, who Caller, _ *none) (Identity, error) {
	return Identity(who), nil
}
