package engine

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Push takes what a host says of itself, for the feeds that read it. See health.Pushed
// for what is refused.
func (e *Engine) Push(p site.Push) error { return e.pushed.Put(p, time.Now()) }
