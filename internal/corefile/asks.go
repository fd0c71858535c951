package corefile

import (
	"sync"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// asks has whoever will ask check what is to be asked, and that once: most sites
// ask what others do. It may be used by several sites at a time.
type asks struct {
	valid func(site.Ask) error

	mu   sync.Mutex
	good map[site.Ask]bool
}

func newAsks(valid func(site.Ask) error) *asks {
	return &asks{valid: valid, good: make(map[site.Ask]bool)}
}

func (a *asks) check(ask site.Ask) error {
	a.mu.Lock()
	good := a.good[ask]
	a.mu.Unlock()
	if good {
		return nil
	}
	if err := a.valid(ask); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.good[ask] = true
	return nil
}
