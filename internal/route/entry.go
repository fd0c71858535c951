package route

import (
	"sync/atomic"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Entry is one site in the table.
type Entry struct {
	answers atomic.Pointer[Answers]

	Zone     *Zone
	Tailored bool // the answers may come to depend on the client

	site     *site.Site
	seed     Seed
	requests *atomic.Uint64 // at the redirector; nil: it does not know the site
	alias    *Entry         // of the name where the origin is, if it is ours
}

// NewEntry returns the entry of s, which has no answers yet.
func NewEntry(s *site.Site, zone *Zone, seed Seed) *Entry {
	e := &Entry{site: s, Zone: zone, seed: seed, Tailored: s.ClientsDiffer()}
	if s.Redirect != nil {
		e.requests = new(atomic.Uint64)
	}
	if s.Alias() != "" {
		e.alias = &Entry{site: s, Zone: zone, Tailored: s.SharesOrigins()}
	}
	return e
}

// Publish makes n what answers follow from now on.
func (e *Entry) Publish(n News) {
	e.answers.Store(newAnswers(e.site, e.seed, n))
	if e.alias != nil {
		e.alias.answers.Store(newAliasAnswers(e.site, e.seed, n.Decision))
	}
}

// newAliasAnswers makes the answers at the origin's own name: its addresses,
// whatever the decision. Other types are the next plugin's.
func newAliasAnswers(s *site.Site, seed Seed, d *site.Decision) *Answers {
	a := &Answers{Decision: d, Records: atOrigin(s, d, d.Addresses), partly: true}
	a.unalias()
	origins := atOrigins(s, d)
	for i := range origins {
		origins[i].unalias()
	}
	a.split = splitOrigins(seed.site(s.Name()), d, origins)
	return a
}

// Name returns the name of the site.
func (e *Entry) Name() string { return e.site.Name() }

// Answers returns the answers of the present decision, or nil as long as there
// is none. Load them once a query: the next call may return those of another
// decision.
func (e *Entry) Answers() *Answers { return e.answers.Load() }
