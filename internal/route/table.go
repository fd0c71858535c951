package route

import (
	"iter"
	"maps"
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
	entries   names // by name
	wildcards names // by the name below which they match (RFC 4592)
	empty     names // empty non-terminals, with an entry below each
	hosts     names // those that are redirected, by host, without wildcards
}

// NewTable returns a table of the given entries.
func NewTable(entries ...*Entry) *Table {
	t := new(Table)
	t.Replace(entries)
	return t
}

// Replace makes entries the whole set, in one store.
func (t *Table) Replace(entries []*Entry) {
	s := new(set)
	for _, e := range entries {
		s.enter(e)
	}
	t.set.Store(s)
}

// Change removes entries and adds others, in one store. Whoever reads sees all of
// it or nothing.
func (t *Table) Change(gone, put []*Entry) {
	before := t.set.Load()
	s := &set{
		entries:   before.entries.fork(),
		wildcards: before.wildcards.fork(),
		empty:     before.empty.fork(),
		hosts:     before.hosts.fork(),
	}
	open := make(map[string]bool) // names that were above an entry which goes
	for _, e := range gone {
		s.leave(e, open)
	}
	for _, e := range put {
		s.enter(e)
	}
	s.refill(open)
	t.set.Store(s)
}

// named yields the entry by its names, and that of its alias.
func (e *Entry) named(yield func(string, *Entry) bool) {
	for _, name := range e.site.Names {
		if !yield(name, e) {
			return
		}
	}
	if e.alias != nil {
		yield(e.site.Alias(), e.alias)
	}
}

// enter enters an entry with all of its names.
func (s *set) enter(e *Entry) {
	for name, named := range e.named {
		s.add(name, named)
	}
	for _, host := range e.site.Redirected() {
		s.hosts.put(host, e)
	}
}

// add enters a name and the names between it and its zone.
func (s *set) add(name string, e *Entry) {
	s.entries.put(name, e)
	if below, wild := strings.CutPrefix(name, "*."); wild {
		s.wildcards.put(below, e)
	}
	for above := range e.above(name) {
		s.empty.put(above, e)
	}
}

// above yields the names between one of the entry's and its zone.
func (e *Entry) above(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if name == e.Zone.Name {
			return
		}
		for name = parent(name); name != e.Zone.Name && name != "."; name = parent(name) {
			if !yield(name) {
				return
			}
		}
	}
}

// leave takes an entry out, and notes the names above it that are open: there may
// be nothing else below them.
func (s *set) leave(e *Entry, open map[string]bool) {
	for name, named := range e.named {
		s.entries.remove(name, named)
		if below, wild := strings.CutPrefix(name, "*."); wild {
			s.wildcards.remove(below, named)
		}
		for above := range named.above(name) {
			if s.empty.remove(above, named) {
				open[above] = true
			}
		}
	}
	for _, host := range e.site.Redirected() {
		s.hosts.remove(host, e)
	}
}

// refill finds another entry below each name that is open, and has none yet.
func (s *set) refill(open map[string]bool) {
	maps.DeleteFunc(open, func(name string, _ bool) bool { return s.empty.get(name) != nil })
	if len(open) == 0 {
		return
	}
	for name, e := range s.entries.all {
		for above := range e.above(name) {
			if open[above] {
				s.empty.put(above, e)
			}
		}
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
	if e := s.entries.get(name); e != nil || s.wildcards.count == 0 {
		return e
	}
	return s.wildcard(name)
}

// wildcard returns the entry that a name which is not in the set is made of:
// the wildcard right below its closest encloser (RFC 4592, section 3.3.1). An
// empty non-terminal is there, and so is what it encloses.
func (s *set) wildcard(name string) *Entry {
	if s.empty.get(name) != nil {
		return nil
	}
	for name != "." {
		name = parent(name)
		if s.entries.get(name) != nil || s.empty.get(name) != nil || s.wildcards.get(name) != nil {
			return s.wildcards.get(name)
		}
	}
	return nil
}

// Empty returns, for an empty non-terminal, an entry below it; otherwise nil.
// Such a name is there although it has no data (RFC 8020, section 2).
func (t *Table) Empty(name string) *Entry {
	s := t.set.Load()
	if s.entries.get(name) != nil {
		return nil
	}
	return s.empty.get(name)
}
