package site

import (
	"fmt"
	"net/netip"
	"time"
)

// Side is which of the two serves a site.
type Side string

// The sides. SideUnknown lasts until the first round of probes is in.
const (
	SideUnknown Side = ""
	SideOrigin  Side = "origin"
	SideCDN     Side = "cdn"
)

// Decision says, for one site at one moment, who serves it and why.
type Decision struct {
	Epoch     uint64        // counts this site's decisions, those that are forced among them
	Side      Side          // what was measured, or is forced
	Share     float64       // of the clients that are diverted
	CDNs      []CDN         // where to, or where it would be with divert none; several share by weight
	Origins   []Served      // which serve those who are not diverted; nil: the site's only one
	Addresses []netip.Addr  // theirs, those that are up
	TTL       time.Duration // whole seconds
	Reason    Reason
	Since     time.Time // of Side
}

// Served is one of the origins that serve a site, and its part of the clients.
type Served struct {
	Name      string
	Weight    int // 0: it is the only one
	Addresses []netip.Addr
}

// Cause is the kind of a reason; the list is fixed.
type Cause string

// The causes of a decision.
const (
	CauseStart     Cause = "start"     // nothing known yet
	CauseThreshold Cause = "threshold" // at or above the limit
	CauseDown      Cause = "down"      // no address of the origin is up
	CauseRecovered Cause = "recovered" // below the limit again
	CauseBelow     Cause = "below"     // below the limit since the start
	CauseNoData    Cause = "no_data"   // the rule for missing data
	CauseNoCDN     Cause = "no_cdn"    // every CDN is out
	CauseHides     Cause = "hides"     // the CNAME would hide data of the next plugin
	CauseOverride  Cause = "override"  // an operator forces it
)

// Causes lists those that visitors may go elsewhere by.
func Causes() []Cause {
	return []Cause{CauseThreshold, CauseDown, CauseRecovered, CauseBelow, CauseNoData, CauseNoCDN, CauseHides, CauseOverride}
}

// Reason is why a decision was taken: the worst threshold at that moment.
type Reason struct {
	Cause  Cause
	Origin string // whose threshold; empty: the site's own origin
	Node   bool   // that is a node of a CDN
	Signal Signal
	Value  float64       // measured, in the signal's unit
	Limit  float64       // in the signal's unit
	V      float64       // the performance value: 1 is the limit
	Age    time.Duration // of the newest sample; with CauseNoData, since when there is no fresh one
	Detail string        // what failed in the newest sample; empty: nothing
	Hides  string        // with CauseHides, the types of data that would be hidden

	Override *Override // with CauseOverride, not to be changed; nothing else is set then
}

// String says it in a line, such as
// "threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)".
func (r Reason) String() string {
	if r.Override != nil {
		return r.Override.String()
	}
	cause := string(r.Cause)
	if r.Hides != "" {
		cause += " " + r.Hides
	}
	if r.Signal == "" {
		return cause
	}
	origin, failed := "", ""
	switch {
	case r.Node:
		origin = " of node " + r.Origin
	case r.Origin != "":
		origin = " of origin " + r.Origin
	}
	if r.Cause == CauseNoData {
		return fmt.Sprintf("%s: %s%s has had no fresh sample for %s", cause, r.Signal, origin, r.Age.Round(time.Millisecond))
	}
	if r.Detail != "" {
		failed = ", the last probe failed: " + r.Detail
	}
	return fmt.Sprintf("%s: %s%s %s %s (age %s)%s", cause, r.Signal, origin,
		r.Signal.Format(r.Value), r.Signal.Against(r.Limit, r.V), r.Age.Round(time.Millisecond), failed)
}

func seconds(v float64) time.Duration {
	return time.Duration(v * float64(time.Second)).Round(time.Microsecond * 100)
}
