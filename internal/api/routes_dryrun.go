package api

import (
	"context"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const dryRunPath = "/v1/dry-run"

func (a *API) registerDryRun() {
	register(a, operation{id: "dry-run", does: "POST " + dryRunPath, least: site.RoleCustomerReadonly, about: "Decisions",
		summary: "What a client would be answered now, and why",
		text:    "It is answered by the table and the plugins that answer DNS, for a name of a site."}, a.dryRun)
}

// DryRunRequest is a question.
type DryRunRequest struct {
	Name   string     `json:"name" doc:"A name that a site answers" example:"www.example.org" minLength:"1"`
	Type   string     `json:"type,omitempty" doc:"The type of data; absent: A" example:"AAAA"`
	Client netip.Addr `json:"client,omitzero" doc:"Who asks: a client whose network is known, or a resolver; needed where clients get different answers" example:"192.0.2.1"`
}

// DryRun is what would be answered.
type DryRun struct {
	Site     string `json:"site" doc:"The site, without a final dot" example:"www.example.org"`
	Customer string `json:"customer,omitempty" doc:"The customer whose site it is; absent: the provider's" example:"acme"`

	Rcode     string   `json:"rcode" doc:"The code of the answer" example:"NOERROR"`
	Answer    []string `json:"answer" doc:"The section of answers, in the form of a zone file" example:"[\"www.example.org. 30 IN A 192.0.2.10\"]" nullable:"false"`
	Authority []string `json:"authority" doc:"The authority section" example:"[]" nullable:"false"`
	TTL       Seconds  `json:"ttl" doc:"Of the first record" example:"30"`

	Side   Side   `json:"side" doc:"Where it leads" example:"origin" enum:"unknown,origin,cdn"`
	CDN    string `json:"cdn,omitempty" doc:"Which CDN it leads to" example:"edge"`
	Reason string `json:"reason" doc:"Why, in a line for people" example:"below: response_time 210ms is 70 % of the limit 300ms"`
}

// DryRunQuery is a question as an Engine takes it.
type DryRunQuery struct {
	Name   string // canonical
	Type   uint16
	Client netip.Addr // zero: any
}

type dryRunInput struct {
	Body DryRunRequest

	kind uint16
}

// Resolve implements huma.Resolver.
func (in *dryRunInput) Resolve(huma.Context) []error {
	faults := canonical("body.name", &in.Body.Name)
	in.kind = dns.TypeA
	if in.Body.Type == "" {
		return faults
	}
	var known bool
	if in.kind, known = dns.StringToType[strings.ToUpper(in.Body.Type)]; !known || site.IsMeta(in.kind) {
		faults = append(faults, &Fault{Location: "body.type", Message: "expected a type of data, such as A, AAAA or HTTPS", Value: in.Body.Type})
	}
	return faults
}

func (a *API) dryRun(ctx context.Context, who Caller, in *dryRunInput) (DryRun, error) {
	run, err := a.Engine.DryRun(ctx, DryRunQuery{Name: in.Body.Name, Type: in.kind, Client: in.Body.Client})
	if !who.sees(run.Customer) {
		return DryRun{}, Unknown(in.Body.Name)
	}
	run.Answer, run.Authority = some(run.Answer), some(run.Authority)
	return run, err
}
