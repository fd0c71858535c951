package main

import (
	"cmp"
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// plan is what files would change.
type plan struct {
	base    int64
	changes []api.Change // in the order of kinds and names
	same    int          // objects of files that are published just so
	others  int          // objects that are published and in no file, and stay
	files   files
}

// planOf compares what files say with what is published. What is in no file is removed
// if prunes says so.
func planOf(entries []document.Entry, published api.Objects, prunes func(api.Object) bool) *plan {
	p := &plan{base: published.Revision, files: filesOf(entries)}
	there := make(map[objectKey]api.Object, len(published.Objects))
	for _, o := range published.Objects {
		there[objectKey{o.Kind, o.Name}] = o
	}
	for _, e := range entries {
		key := objectKey{e.Kind, e.Name}
		now := there[key]
		delete(there, key)
		owner := cmp.Or(e.Customer, now.Customer)
		if says(now.Text, e) && owner == now.Customer {
			p.same++
			continue
		}
		p.changes = append(p.changes, api.Change{
			Kind: e.Kind, Name: e.Name, Before: now.Text, After: e.Object.Text,
			CustomerBefore: now.Customer, CustomerAfter: owner,
		})
	}
	for key, o := range there {
		if !prunes(o) {
			p.others++
			continue
		}
		p.changes = append(p.changes, api.Change{Kind: key.kind, Name: key.name, Before: o.Text, CustomerBefore: o.Customer})
	}
	order := make(map[site.ObjectKind]int)
	for i, kind := range kinds {
		order[kind] = i
	}
	slices.SortFunc(p.changes, func(a, b api.Change) int {
		return cmp.Or(order[a.Kind]-order[b.Kind], strings.Compare(a.Name, b.Name))
	})
	return p
}

// says reports whether a text that is published says what a file does. A text of a file
// is published with its comments.
func says(text string, e document.Entry) bool {
	if text == e.Object.Text || e.Text || text == "" {
		return text == e.Object.Text
	}
	doc, err := document.Read(text)
	return err == nil && document.Text(doc) == e.Object.Text
}

// place is where a change comes from.
func (p *plan) place(c api.Change) string { return p.files[objectKey{c.Kind, c.Name}].Place }

// parts yields what is put into the draft, as much at once as a request may hold. What
// goes comes first: its names may be taken by others.
func (p *plan) parts() iter.Seq[api.DraftTexts] {
	return func(yield func(api.DraftTexts) bool) {
		part := newPart(p.base)
		for _, c := range p.inOrder() {
			if !part.add(c) {
				if !yield(part.texts()) {
					return
				}
				part = newPart(p.base)
				part.add(c)
			}
		}
		if part.size > 0 {
			yield(part.texts())
		}
	}
}

// part is what is put into the draft at once.
type part struct {
	base   int64
	size   int // in JSON, at most
	gone   []api.Named
	owners []string // in the order in which they came
	of     map[string]*strings.Builder
}

func newPart(base int64) *part { return &part{base: base, of: make(map[string]*strings.Builder)} }

// add takes a change, unless the part is full. The first one has room.
func (p *part) add(c api.Change) bool {
	const most = api.MaxDraft - 1<<16 // beside what stands around it
	written, _ := json.Marshal(c.After + c.Name)
	own := len(written) + 64 // with the words around them
	if p.of[c.CustomerAfter] == nil && c.After != "" {
		own += len(c.CustomerAfter) + 64
	}
	if p.size > 0 && p.size+own > most {
		return false
	}
	p.size += own
	if c.After == "" {
		p.gone = append(p.gone, api.Named{Kind: c.Kind, Name: c.Name})
		return true
	}
	if p.of[c.CustomerAfter] == nil {
		p.of[c.CustomerAfter] = new(strings.Builder)
		p.owners = append(p.owners, c.CustomerAfter)
	}
	p.of[c.CustomerAfter].WriteString(c.After + "\n")
	return true
}

// texts are those of the part, one for the objects of each customer.
func (p *part) texts() api.DraftTexts {
	texts := api.DraftTexts{Base: p.base, Removed: p.gone}
	for _, owner := range p.owners {
		texts.Sources = append(texts.Sources, api.Source{Name: "apply", Text: p.of[owner].String(), Customer: owner})
	}
	return texts
}

// inOrder returns the changes: what goes, those first that use others, then the rest.
func (p *plan) inOrder() []api.Change {
	gone := func(c api.Change) bool { return c.After == "" }
	put := slices.DeleteFunc(slices.Clone(p.changes), gone)
	removed := slices.DeleteFunc(slices.Clone(p.changes), func(c api.Change) bool { return !gone(c) })
	slices.Reverse(removed)
	return append(removed, put...)
}
