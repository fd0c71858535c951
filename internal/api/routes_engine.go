package api

import (
	"context"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The paths of what is asked of an Engine.
const (
	statesPath  = "/v1/states"
	cdnsPath    = "/v1/cdns"
	explainPath = "/v1/explain"
	probePath   = "/v1/probe"
	drainPath   = "/v1/drain"
)

func (a *API) registerEngine() {
	register(a, operation{id: "list-states", does: "GET " + statesPath, least: site.RoleCustomerReadonly, about: "Decisions",
		summary: "Who serves each site, and why"}, a.states)
	register(a, operation{id: "list-cdns", does: "GET " + cdnsPath, least: site.RoleOperatorReadonly, about: "Decisions",
		summary: "How each watched CDN is, and why"}, a.cdns)
	register(a, operation{id: "explain-site", does: "GET " + explainPath, least: site.RoleCustomerReadonly, about: "Decisions",
		summary: "All that led to a site's state, and what a client is answered"}, a.explain)
	register(a, operation{id: "drain-node", does: "POST " + drainPath, least: site.RoleOperator, about: "Decisions",
		summary: "Have a node of a CDN get no visitors, or get them again",
		text:    "It is of this server, whatever the Corefile says, until the server ends; with `state` until it is said otherwise. The answer repeats the request."}, a.drain)
	register(a, operation{id: "probe-once", does: "POST " + probePath, least: site.RoleOperator, about: "Decisions",
		summary: "Probe a URL, or all that is probed for a site, once and now",
		text:    "What it finds changes no decision. A probe that fails is a result, not an error."}, a.probe)
}

// StateQuery says of which sites the states are wanted.
type StateQuery struct {
	Page
	Prefix   string                     // of their names; empty: all
	Customer string                     // whose; empty: everybody's
	Sees     func(customer string) bool // whose sites may be seen
}

type statesInput struct {
	Page
	Prefix   string `query:"prefix" doc:"What their names begin with; absent: anything" example:"www."`
	Customer string `query:"customer" doc:"Whose they are; absent: everybody's" example:"acme"`
}

// StateList is a part of the states.
type StateList struct {
	States []State `json:"states" doc:"The states, in the order of names" nullable:"false"`
	Next   string  `json:"next,omitempty" doc:"Where the next part begins, for 'cursor'; absent: there is none" example:"shop.example.org."`
}

func (a *API) states(_ context.Context, who Caller, in *statesInput) (StateList, error) {
	states, next := a.Engine.States(StateQuery{in.limited(), in.Prefix, in.Customer, who.sees})
	return StateList{some(states), next}, nil
}

// CDNList is one, too.
type CDNList struct {
	CDNs []CDNState `json:"cdns" doc:"The states of the CDNs, in the order of names" nullable:"false"`
}

func (a *API) cdns(_ context.Context, who Caller, _ *none) (CDNList, error) {
	return CDNList{some(a.Engine.CDNs())}, nil
}

// explainInput is what an explanation is asked for.
type explainInput struct {
	Name   string     `query:"name" required:"true" doc:"A name that a site answers" example:"www.example.org"`
	Client netip.Addr `query:"client" doc:"Somebody whose answer is wanted; absent: the one that all clients get" example:"192.0.2.1"`
}

// Resolve implements huma.Resolver.
func (in *explainInput) Resolve(huma.Context) []error { return canonical("query.name", &in.Name) }

func (a *API) explain(_ context.Context, who Caller, in *explainInput) (Explanation, error) {
	x, err := a.Engine.Explain(in.Name, in.Client)
	if err == nil && !who.sees(x.Customer) {
		return Explanation{}, Unknown(in.Name)
	}
	return x, err
}

// DrainRequest asks for a node to be drained, or not any more.
type DrainRequest struct {
	CDN   string `json:"cdn" doc:"The CDN" example:"edge"`
	Node  string `json:"node" doc:"Its node" example:"fra1"`
	Drain bool   `json:"drain" doc:"Drain it, or have it back" example:"true"`
}

func (a *API) drain(_ context.Context, who Caller, in *struct{ Body DrainRequest }) (DrainRequest, error) {
	return in.Body, a.Engine.Drain(in.Body.CDN, in.Body.Node, in.Body.Drain)
}

// ProbeRequest asks for a probe.
type ProbeRequest struct {
	What string `json:"what" doc:"A URL, or the name of a site" example:"www.example.org" minLength:"1"`
}

type probeInput struct{ Body ProbeRequest }

// Resolve implements huma.Resolver.
func (in *probeInput) Resolve(huma.Context) []error {
	if strings.Contains(in.Body.What, "://") {
		return nil
	}
	return canonical("body.what", &in.Body.What)
}

func (a *API) probe(ctx context.Context, who Caller, in *probeInput) (ProbeReport, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	return a.Engine.Probe(ctx, in.Body.What)
}

// canonical makes the name at a place of a request canonical. Huma says of an empty
// one that it is missing.
func canonical(place string, name *string) []error {
	if *name == "" {
		return nil
	}
	is, err := site.CanonicalName(*name)
	if err != nil {
		return []error{&Fault{Location: place, Message: err.Error()}}
	}
	*name = is
	return nil
}
