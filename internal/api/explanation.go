package api

import (
	"fmt"
	"net/netip"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Explanation is all that led to a site's state.
type Explanation struct {
	State
	Names      []string         `json:"names"`      // all that the site answers, canonical
	Candidates []Candidate      `json:"candidates"` // the site's CDNs, in the order of their lines
	Thresholds []ThresholdState `json:"thresholds"`
	Sources    []SourceState    `json:"sources"`
	Answer     *Answer          `json:"answer,omitempty"`      // nil: it depends on the client, and none was named
	NextChange string           `json:"next_change,omitempty"` // what would change the state, for people
}

// ThresholdState is what one threshold of one origin says.
type ThresholdState struct {
	Origin    string         `json:"origin,omitempty"` // empty: the site's own addresses
	Signal    site.Signal    `json:"signal"`
	Statistic site.Statistic `json:"statistic"` // the one in force, not site.StatisticAuto
	Limit     Number         `json:"limit"`
	Recover   Number         `json:"recover"`

	Missing bool    `json:"missing"` // no fresh sample: Value, V and Age say nothing
	Value   Number  `json:"value"`   // the statistic of the samples
	V       Number  `json:"v"`       // 1 is the limit
	Samples int     `json:"samples"` // pooled of all sources that count
	Age     Seconds `json:"age"`     // of the newest

	Over   int    `json:"over"`    // new samples in a row at or above the limit
	Hard   int    `json:"hard"`    // new samples in a row far above it
	NoData string `json:"no_data"` // the rule for missing data, as in the Corefile
}

// String says it in a line, such as
// "response_time: p50 of 9 samples, 390ms, is 130 % of the limit 300ms (age 1s)".
func (t ThresholdState) String() string {
	limit := t.Signal.Format(float64(t.Limit))
	if t.Missing {
		return fmt.Sprintf("%s: no fresh sample for the limit %s (no_data %s)", t.Signal, limit, t.NoData)
	}
	return fmt.Sprintf("%s: %s of %d samples, %s, %s (age %s)", t.Signal, t.Statistic, t.Samples,
		t.Signal.Format(float64(t.Value)), t.Signal.Against(float64(t.Limit), float64(t.V)), t.Age)
}

// SourceState is how one probe or feed does.
type SourceState struct {
	Kind    string     `json:"kind"` // such as "http"
	Target  URL        `json:"target"`
	Origin  string     `json:"origin,omitempty"` // empty: the site's own addresses
	Address netip.Addr `json:"address,omitzero"` // that it speaks for; absent: the whole origin
	Every   Seconds    `json:"every"`
	Health  Health     `json:"health"`
	Fails   int        `json:"fails"` // failed samples in a row
	Goods   int        `json:"goods"` // good samples in a row
	Last    []Sample   `json:"last"`  // the newest of each signal
}

// Sample is one measurement.
type Sample struct {
	Age     Seconds      `json:"age"`
	Signal  site.Signal  `json:"signal"`
	Value   Number       `json:"value"` // a failed probe's is what it counts as
	Failure site.Failure `json:"failure,omitempty"`
	Detail  string       `json:"detail,omitempty"` // what failed, for people
}

// Answer is what a client is answered.
type Answer struct {
	Client  netip.Prefix `json:"client,omitzero"` // the network that it is one of; absent: all clients
	Side    Side         `json:"side"`            // "origin" or "cdn"
	CDN     string       `json:"cdn,omitempty"`   // which one
	Records []string     `json:"records"`         // in the form of a zone file
	Host    string       `json:"host,omitempty"`  // where the redirector sends them; absent: the site is not redirected
}
