package api

import (
	"net/netip"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// State says who serves a site now, and why.
type State struct {
	Site  string    `json:"site"` // its name, canonical
	Epoch uint64    `json:"epoch"`
	Side  Side      `json:"side"`           // what was measured
	Share float64   `json:"share"`          // of the clients that are diverted, 0 to 1
	CDNs  []CDN     `json:"cdns,omitempty"` // where to, or where it would be with divert none
	Since time.Time `json:"since,omitzero"` // of Side
	TTL   Seconds   `json:"ttl"`

	Reason string      `json:"reason"` // in a line, for people
	Cause  site.Cause  `json:"cause"`
	Signal site.Signal `json:"signal,omitempty"` // of the worst threshold now; empty: no data
	Value  Number      `json:"value"`
	Limit  Number      `json:"limit"`
	V      Number      `json:"v"` // 1 is the limit
	Age    Seconds     `json:"age"`

	Origins []OriginState `json:"origins"`
}

// CDN is one that clients are diverted to.
type CDN struct {
	Name   string `json:"name"`
	Target string `json:"target"`           // of the CNAME, canonical
	Weight int    `json:"weight,omitempty"` // 0: it takes all
}

// OriginState says how one origin of a site is.
type OriginState struct {
	Name      string         `json:"name,omitempty"` // empty: the site's own addresses
	Operated  string         `json:"operated"`       // "own" or "third-party"
	Side      Side           `json:"side"`           // whether visitors would be served here or elsewhere
	Serving   bool           `json:"serving"`        // its addresses are the site's at the moment
	Addresses []AddressState `json:"addresses"`
}

// AddressState says how one address is.
type AddressState struct {
	Address netip.Addr `json:"address"`
	Health  Health     `json:"health"`
}
