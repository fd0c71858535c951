package api

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Explanation is all that led to a site's state.
type Explanation struct {
	State
	Names      []string         `json:"names" doc:"All names that the site answers, canonical" example:"[\"www.example.org.\"]"`
	Candidates []Candidate      `json:"candidates" doc:"The site's CDNs, in the order of their lines"`
	Thresholds []ThresholdState `json:"thresholds" doc:"What each threshold of each origin says"`
	Sources    []SourceState    `json:"sources" doc:"How each probe and feed does"`
	Answer     *Answer          `json:"answer,omitempty" doc:"What is answered; absent: it depends on the client, and none was named"`
	NextChange string           `json:"next_change,omitempty" doc:"What would change the state, for people" example:"comes back at 2026-01-02T03:06:05Z if all stays as it is"`
	DecidedBy  string           `json:"decided_by,omitempty" doc:"The other server whose decision it is" example:"fra1"`
	AloneSince time.Time        `json:"alone_since,omitzero" doc:"Since when this server decides alone, its store being away" example:"2026-01-02T03:04:05Z"`
}

// ThresholdState is what one threshold of one origin says.
type ThresholdState struct {
	Origin    string         `json:"origin,omitempty" doc:"The origin; absent: the site's own addresses" example:"fra"`
	Signal    site.Signal    `json:"signal" doc:"What is measured" example:"response_time"`
	Statistic site.Statistic `json:"statistic" doc:"The statistic of the samples that counts" example:"p50"`
	Limit     Number         `json:"limit" doc:"The limit, in the signal's unit" example:"0.3"`
	Recover   Number         `json:"recover" doc:"The level of the return, in the signal's unit" example:"0.24"`

	Missing bool    `json:"missing" doc:"There is no fresh sample: value, v and age say nothing" example:"false"`
	Value   Number  `json:"value" doc:"The statistic of the samples, in the signal's unit" example:"0.21"`
	V       Number  `json:"v" doc:"The performance value: 1 is the limit" example:"0.7"`
	Samples int     `json:"samples" doc:"How many samples there are, pooled of all sources that count" example:"9"`
	Age     Seconds `json:"age" doc:"The age of the newest sample" example:"1.5"`

	Over   int    `json:"over" doc:"How many new samples in a row were at or above the limit" example:"0"`
	Hard   int    `json:"hard" doc:"How many of them were far above it" example:"0"`
	NoData string `json:"no_data" doc:"The rule for missing data, as in the Corefile" example:"origin after 10m0s"`
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
	Kind    string     `json:"kind" doc:"The kind of probe or feed" example:"http"`
	Target  URL        `json:"target" doc:"What is asked, without user and query" example:"http://192.0.2.10:80/healthz"`
	Origin  string     `json:"origin,omitempty" doc:"The origin that it speaks for; absent: the site's own addresses" example:"fra"`
	Address netip.Addr `json:"address,omitzero" doc:"The address that it speaks for; absent: the whole origin" example:"192.0.2.10"`
	Every   Seconds    `json:"every" doc:"Its period" example:"10"`
	Health  Health     `json:"health" doc:"Whether it is alive" example:"up" enum:"up,unknown,down"`
	Fails   int        `json:"fails" doc:"How many samples in a row failed" example:"0"`
	Goods   int        `json:"goods" doc:"How many samples in a row were good" example:"12"`
	Last    []Sample   `json:"last" doc:"The newest sample of each signal"`
}

// Sample is one measurement.
type Sample struct {
	Age     Seconds      `json:"age" doc:"How old it is" example:"1.5"`
	Signal  site.Signal  `json:"signal" doc:"What was measured" example:"response_time"`
	Value   Number       `json:"value" doc:"The value in the signal's unit; of a failed probe what it counts as" example:"0.21"`
	Failure site.Failure `json:"failure,omitempty" doc:"Why it failed; absent: it did not" example:"timeout"`
	Detail  string       `json:"detail,omitempty" doc:"What failed, for people" example:"no answer within 4s"`
}

// Answer is what a client is answered.
type Answer struct {
	Client  netip.Prefix `json:"client,omitzero" doc:"The network that the client is one of; absent: all clients get this" example:"192.0.2.0/24"`
	Side    Side         `json:"side" doc:"Where it leads" example:"origin" enum:"origin,cdn"`
	CDN     string       `json:"cdn,omitempty" doc:"Which CDN it leads to" example:"edge"`
	Records []string     `json:"records" doc:"The records, in the form of a zone file" example:"[\"www.example.org. 30 IN A 192.0.2.10\"]"`
	Host    string       `json:"host,omitempty" doc:"Where the redirector sends them; absent: the site is not redirected" example:"www.edge.example.net"`
}
