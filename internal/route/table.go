package route

import (
	"strings"
	"sync/atomic"

	"github.com/miekg/dns"
)

// Table leads from names to entries. Readers and one writer may use it at once.
type Table struct {
	set atomic.Pointer[set]
}

// set is all the names of a table at one moment.
type set struct {
	entries   map[string]*Entry // by name
	wildcards map[string]*Entry // by the name below which they match (RFC 4592)
	empty     map[string]*Entry // empty non-terminals, with an entry below each
	hosts     map[string]*Entry // those that are redirected, by host, without wildcards
}

// NewTable returns a table of the given entries.
func NewTable(entries ...*Entry) *Table {
	t := new(Table)
	t.Replace(entries)
	return t
}

// Replace makes entries the whole set, in one store.
func (t *Table) Replace(entries []*Entry) {
	s := &set{
		entries:   make(map[string]*Entry, len(entries)),
		wildcards: make(map[string]*Entry),
		empty:     make(map[string]*Entry),
		hosts:     make(map[string]*Entry),
	}
	for _, e := range entries {
		for _, name := range e.site.Names {
			s.add(name, e)
		}
		for _, host := range e.site.Redirected() {
			s.hosts[host] = e
		}
		if e.alias != nil {
			s.add(e.site.Alias(), e.alias)
		}
	}
	t.set.Store(s)
}

// add enters a name and the names between it and its zone.
func (s *set) add(name string, e *Entry) {
	s.entries[name] = e
	if below, wild := strings.CutPrefix(name, "*."); wild {
		s.wildcards[below] = e
	}
	if name == e.Zone.Name {
		return
	}
	for name = parent(name); name != e.Zone.Name && name != "."; name = parent(name) {
		s.empty[name] = e
	}
}

// parent returns name without its first label.
func parent(name string) string {
	if next, end := dns.NextLabel(name, 0); !end {
		return name[next:]
	}
	return "."
}

// Lookup returns the entry of a canonical name, or nil.
func (t *Table) Lookup(name string) *Entry {
	s := t.set.Load()
	if e := s.entries[name]; e != nil || len(s.wildcards) == 0 {
		return e
	}
	return s.wildcard(name)
}

// wildcard returns the entry that a name which is not in the set is made of:
// the wildcard right below its closest encloser (RFC 4592, section 3.3.1). An
// empty non-terminal is there, and so is what it encloses.
func (s *set) wildcard(name string) *Entry {
	if s.empty[name] != nil {
		return nil
	}
	for name != "." {
		name = parent(name)
		if s.entries[name] != nil || s.empty[name] != nil || s.wildcards[name] != nil {
			return s.wildcards[name]
		}
	}
	return nil
}

// Empty returns, for an empty non-terminal, an entry below it; otherwise nil.
// Such a name is there although it has no data (RFC 8020, section 2).
func (t *Table) Empty(name string) *Entry {
	s := t.set.Load()
	if s.entries[name] != nil {
		return nil
	}
	return s.empty[name]
}
