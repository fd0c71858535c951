package route

import (
	"sync/atomic"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Table leads from names to entries. Readers and one writer may use it at once.
type Table struct {
	entries atomic.Pointer[map[string]*Entry]
}

// NewTable returns a table of the given entries.
func NewTable(entries ...*Entry) *Table {
	t := new(Table)
	t.Replace(entries)
	return t
}

// Replace makes entries the whole set, in one store.
func (t *Table) Replace(entries []*Entry) {
	names := make(map[string]*Entry, len(entries))
	for _, e := range entries {
		for _, name := range e.names {
			names[name] = e
		}
	}
	t.entries.Store(&names)
}

// Lookup returns the entry of a canonical name, or nil.
func (t *Table) Lookup(name string) *Entry { return (*t.entries.Load())[name] }

// Entry is one site in the table.
type Entry struct {
	Zone string // canonical

	names   []string
	soa     SOA
	answers atomic.Pointer[Answers]
}

// NewEntry returns the entry of s, whose negative answers name the primary
// name server mname, with the answers of d.
func NewEntry(s *site.Site, mname string, d site.Decision) *Entry {
	e := &Entry{Zone: s.Zone, names: s.Names, soa: SOA{Zone: s.Zone, MName: mname}}
	e.Publish(d)
	return e
}

// Publish makes d the decision that answers follow from now on.
func (e *Entry) Publish(d site.Decision) { e.answers.Store(newAnswers(d, e.soa)) }

// Answers returns the answers of the present decision. Load them once a query:
// the next call may return those of another decision.
func (e *Entry) Answers() *Answers { return e.answers.Load() }
