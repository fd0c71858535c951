package engine

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// sighting is what was seen last of the servers. Who waits for them shares it, so that the
// store is asked as often as one would, however many wait.
type sighting struct {
	place   chan struct{} // holds a token while somebody looks, or reads it
	began   time.Time
	over    time.Time
	servers api.Servers
	err     error
}

func newSighting() *sighting { return &sighting{place: make(chan struct{}, 1)} }

// share returns what was seen lately, by a look that began after a moment, or looks.
func (l *sighting) share(since time.Time, servers func() (api.Servers, error)) (api.Servers, error) {
	l.place <- struct{}{}
	defer func() { <-l.place }()
	if l.began.Before(since) || time.Since(l.over) >= lookAgain {
		l.began = time.Now()
		l.servers, l.err = servers()
		l.over = time.Now()
	}
	return l.servers, l.err
}
