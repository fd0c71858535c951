package route

import (
	"hash/maphash"
	"maps"
)

// names leads from names to entries. It is in parts, so that one that differs from
// another in a few names shares most of its memory, and is made at once.
type names struct {
	parts [nameParts]part
	count int
}

// part is the names of one part.
type part struct {
	entries map[string]*Entry
	shared  bool // with other names: it is not to be written to
}

// nameParts is a part for some hundred names each, of 100,000.
const nameParts = 256

// partSeed has the names spread over the parts, whatever they are.
var partSeed = maphash.MakeSeed()

func partOf(name string) uint64 { return maphash.String(partSeed, name) % nameParts }

// fork returns names that may be changed without n.
func (n *names) fork() names {
	fork := *n
	for i := range fork.parts {
		fork.parts[i].shared = true
	}
	return fork
}

func (n *names) get(name string) *Entry { return n.parts[partOf(name)].entries[name] }

// own returns the entries of the part of a name, to be changed.
func (n *names) own(name string) map[string]*Entry {
	p := &n.parts[partOf(name)]
	switch {
	case p.entries == nil:
		p.entries = make(map[string]*Entry)
	case p.shared:
		p.entries = maps.Clone(p.entries)
	}
	p.shared = false
	return p.entries
}

func (n *names) put(name string, e *Entry) {
	entries := n.own(name)
	if _, known := entries[name]; !known {
		n.count++
	}
	entries[name] = e
}

// remove drops a name if it leads to the entry, and reports whether it did.
func (n *names) remove(name string, e *Entry) bool {
	if n.get(name) != e {
		return false
	}
	delete(n.own(name), name)
	n.count--
	return true
}

// all yields all names with their entries.
func (n *names) all(yield func(string, *Entry) bool) {
	for _, p := range &n.parts {
		for name, e := range p.entries {
			if !yield(name, e) {
				return
			}
		}
	}
}
