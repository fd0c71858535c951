package api

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// ProbeReport is what one asking of a URL, or of a site, found.
type ProbeReport struct {
	Results    []ProbeResult `json:"results"`
	Evaluation *Evaluation   `json:"evaluation,omitempty"` // of a site
}

// ProbeResult is what one probe, or one reading of a feed, found.
type ProbeResult struct {
	Kind    string       `json:"kind"`
	URL     URL          `json:"url"`
	Address netip.Addr   `json:"address,omitzero"` // of the origin that it speaks for; absent: the whole origin
	OK      bool         `json:"ok"`
	Failure site.Failure `json:"failure,omitempty"`
	Detail  string       `json:"detail,omitempty"` // what failed, for people

	Phases   Phases    `json:"phases"`
	Total    Seconds   `json:"total"`              // from the first step to the last byte
	Status   int       `json:"status,omitempty"`   // of HTTP
	Bytes    int64     `json:"bytes"`              // of the body that were read
	Protocol string    `json:"protocol,omitempty"` // such as "HTTP/1.1"
	Reused   bool      `json:"reused"`             // the connection was that of a probe before
	Resumed  bool      `json:"resumed"`            // so was the TLS session
	Expires  time.Time `json:"expires,omitzero"`   // of the server's certificate

	Readings []Reading `json:"readings,omitempty"` // what it is worth, signal by signal
}

// Phases says where the time of a probe went, in the order of the fields. A
// phase that was not reached or not needed is 0; the one that failed has the
// time until it did.
type Phases struct {
	Resolve   Seconds `json:"resolve"`
	Connect   Seconds `json:"connect"`
	TLS       Seconds `json:"tls"`
	FirstByte Seconds `json:"first_byte"`
	Transfer  Seconds `json:"transfer"`
}

// Reading is one value of one signal.
type Reading struct {
	Signal site.Signal `json:"signal"`
	Value  Number      `json:"value"`
}

func (r Reading) String() string {
	return fmt.Sprintf("%s %s", r.Signal, r.Signal.Format(float64(r.Value)))
}

// Evaluation is how a site's samples become its decision, step by step.
type Evaluation struct {
	Site  string `json:"site"`
	Steps []Step `json:"steps"` // in order
}

// Step is one step of an evaluation: each threshold (see
// ThresholdState.String), the worst of them, the counts, the verdict and the
// decision.
type Step struct {
	Name string `json:"name"` // such as "threshold" or "verdict"
	Text string `json:"text"` // in a line, for people
}
