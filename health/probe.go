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

// Result is what one probe found.
type Result struct {
	Failure site.Failure // empty: good
	Err     error        // what failed, for people; nil when good
	Phases  Phases
	Total   time.Duration // from the first step to the last byte
	Status  int           // HTTP status, 0 if none
	Bytes   int64         // of the body that were read
}

// Phases says where the time of a probe went. A phase that was not reached or
// not needed is 0; the one that failed has the time until it did.
type Phases struct{ Resolve, Connect, TLS, FirstByte, Transfer time.Duration }

// Probes returns every probe by its kind, which is the word of the Corefile.
func Probes(userAgent string) map[string]Probe {
	return map[string]Probe{"http": NewHTTP(userAgent)}
}
