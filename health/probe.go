package health

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Probe asks a target once. It keeps no state and does not retry; t.Timeout is
// the deadline for all of it, an earlier end of ctx cuts it short and counts as
// a timeout. Nothing that a probe has started outlives it.
type Probe func(ctx context.Context, t site.Target) Result

// Result is what one probe, or one reading of a feed, found.
type Result struct {
	Failure  site.Failure // empty: good
	Err      error        // what failed, for people; nil when good; never a secret
	Phases   Phases
	Total    time.Duration // from the first step to the last byte
	Status   int           // HTTP status, 0 if none
	Bytes    int64         // of the answer's body that were read
	Goodput  float64       // bit/s, of probe download; else 0
	Expires  time.Time     // of the server's certificate; zero: there is none
	Protocol string        // that was spoken, such as "HTTP/1.1"
	Reused   bool          // the connection was that of a probe before
	Resumed  bool          // so was the TLS session
	Readings []Reading     // of a feed
}

// Phases says where the time of a probe went. A phase that was not reached or
// not needed is 0; the one that failed has the time until it did.
type Phases struct{ Resolve, Connect, TLS, FirstByte, Transfer time.Duration }
