package api

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// ProbeReport is what one asking of a URL, or of a site, found.
type ProbeReport struct {
	Results    []ProbeResult `json:"results" doc:"What each probe and feed found"`
	Evaluation *Evaluation   `json:"evaluation,omitempty" doc:"How that becomes the site's decision; of a site"`
}

// ProbeResult is what one probe, or one reading of a feed, found.
type ProbeResult struct {
	Kind    string       `json:"kind" doc:"The kind of probe or feed" example:"http"`
	URL     URL          `json:"url" doc:"What was asked, without user and query" example:"http://192.0.2.10:80/healthz"`
	Address netip.Addr   `json:"address,omitzero" doc:"The address of the origin that it speaks for; absent: the whole origin" example:"192.0.2.10"`
	OK      bool         `json:"ok" doc:"It did not fail" example:"true"`
	Failure site.Failure `json:"failure,omitempty" doc:"Why it failed" example:"timeout"`
	Detail  string       `json:"detail,omitempty" doc:"What failed, for people" example:"no answer within 4s"`

	Phases   Phases    `json:"phases" doc:"Where its time went"`
	Total    Seconds   `json:"total" doc:"From the first step to the last octet" example:"0.21"`
	Status   int       `json:"status,omitempty" doc:"The status of HTTP" example:"200"`
	Bytes    int64     `json:"bytes" doc:"How many octets of the body were read" example:"512"`
	Protocol string    `json:"protocol,omitempty" doc:"Such as HTTP/1.1" example:"HTTP/1.1"`
	Reused   bool      `json:"reused" doc:"The connection was that of a probe before" example:"false"`
	Resumed  bool      `json:"resumed" doc:"The TLS session was that of a probe before" example:"false"`
	Expires  time.Time `json:"expires,omitzero" doc:"When the server's certificate expires" example:"2026-03-02T03:04:05Z"`

	Readings []Reading `json:"readings,omitempty" doc:"What it is worth, signal by signal"`
}

// Phases says where the time of a probe went, in the order of the fields. A
// phase that was not reached or not needed is 0; the one that failed has the
// time until it did.
type Phases struct {
	Resolve   Seconds `json:"resolve" doc:"Finding the address" example:"0.001"`
	Connect   Seconds `json:"connect" doc:"The connection" example:"0.02"`
	TLS       Seconds `json:"tls" doc:"The handshake of TLS" example:"0.03"`
	FirstByte Seconds `json:"first_byte" doc:"From the request to the first octet of the answer" example:"0.15"`
	Transfer  Seconds `json:"transfer" doc:"From there to the last octet" example:"0.009"`
}

// Reading is one value of one signal.
type Reading struct {
	Signal site.Signal `json:"signal" doc:"What was measured" example:"response_time"`
	Value  Number      `json:"value" doc:"The value, in the signal's unit" example:"0.21"`
}

func (r Reading) String() string {
	return fmt.Sprintf("%s %s", r.Signal, r.Signal.Format(float64(r.Value)))
}

// Evaluation is how a site's samples become its decision, step by step.
type Evaluation struct {
	Site  string `json:"site" doc:"The site, canonical" example:"www.example.org."`
	Steps []Step `json:"steps" doc:"The steps, in order"`
}

// Step is one step of an evaluation: each threshold (see
// ThresholdState.String), the worst of them, the counts, the verdict and the
// decision.
type Step struct {
	Name string `json:"name" doc:"Such as threshold or verdict" example:"threshold"`
	Text string `json:"text" doc:"In a line, for people" example:"response_time: p50 of 9 samples, 210ms, is 70 % of the limit 300ms (age 1s)"`
}
