package api

import (
	"net/netip"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// State says who serves a site now, and why.
type State struct {
	Site     string    `json:"site" doc:"Its name, canonical" example:"www.example.org."`
	Customer string    `json:"customer,omitempty" doc:"The customer whose site it is; absent: the provider's" example:"acme"`
	Epoch    uint64    `json:"epoch" doc:"The number of the decision among those of the site" example:"7"`
	Side     Side      `json:"side" doc:"Where visitors are served: what was measured, or forced by the override" example:"origin" enum:"unknown,origin,cdn"`
	Share    float64   `json:"share" doc:"The share of the clients that are diverted, 0 to 1" example:"0"`
	CDNs     []CDN     `json:"cdns,omitempty" doc:"Where they go, or where they would with divert none"`
	Since    time.Time `json:"since,omitzero" doc:"Since when they are served on that side" example:"2026-01-02T03:04:05Z"`
	TTL      Seconds   `json:"ttl" doc:"The TTL of the answers" example:"30"`

	Reason string      `json:"reason" doc:"Why, in a line for people" example:"below: response_time 210ms is 70 % of the limit 300ms"`
	Cause  site.Cause  `json:"cause" doc:"What kind of reason that is" example:"below"`
	Signal site.Signal `json:"signal,omitempty" doc:"The signal of the worst threshold now; absent: there are no data" example:"response_time"`
	Value  Number      `json:"value" doc:"What it measures now, in its unit" example:"0.21"`
	Limit  Number      `json:"limit" doc:"Its limit, in its unit" example:"0.3"`
	V      Number      `json:"v" doc:"The performance value: 1 is the limit" example:"0.7"`
	Age    Seconds     `json:"age" doc:"How old that is" example:"1.5"`

	Origins []OriginState `json:"origins" doc:"How each of the site's origins is"`

	Override *StateOverride `json:"override,omitempty" doc:"The override that counts for the site"`
	Measured *Measured      `json:"measured,omitempty" doc:"What was measured, where it is not what is answered"`
}

// CDN is one that clients are diverted to.
type CDN struct {
	Name   string `json:"name" doc:"Its name in the configuration" example:"edge"`
	Target string `json:"target" doc:"The target of the CNAME, canonical" example:"www.edge.example.net."`
	Weight int    `json:"weight,omitempty" doc:"Its part among several; absent: it takes all" example:"1"`
}

// OriginState says how one origin of a site is.
type OriginState struct {
	Name      string         `json:"name,omitempty" doc:"Its name; absent: the site's own addresses" example:"fra"`
	Operated  string         `json:"operated" doc:"Who runs it: 'own' or 'third-party'" example:"own" enum:"own,third-party"`
	Side      Side           `json:"side" doc:"Whether visitors would be served here or elsewhere" example:"origin" enum:"unknown,origin,cdn"`
	Serving   bool           `json:"serving" doc:"Its addresses are the site's at the moment" example:"true"`
	Addresses []AddressState `json:"addresses" doc:"Its addresses, and how each of them is"`
}

// AddressState says how one address is.
type AddressState struct {
	Address netip.Addr `json:"address" doc:"The address" example:"192.0.2.10"`
	Health  Health     `json:"health" doc:"Whether it is alive" example:"up" enum:"up,unknown,down"`
}
