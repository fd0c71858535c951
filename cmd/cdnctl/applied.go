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

// planOf compares what files say with what is published.
func planOf(entries []document.Entry, published api.Objects, prune bool) *plan {
	p := &plan{base: published.Revision, files: filesOf(entries)}
	there := make(map[objectKey]api.Object, len(published.Objects))
	for _, o := range published.Objects {
		there[objectKey{o.Kind, o.Name}] = o
	}
	for _, e := range entries {
		key := objectKey{e.Kind, e.Name}
		now := there[key]
		delete(there, key)
		if says(now.Text, e) {
			p.same++
			continue
		}
		p.changes = append(p.changes, api.Change{Kind: e.Kind, Name: e.Name, Before: now.Text, After: e.Object.Text})
	}
	p.others = len(there)
	if prune {
		for key, o := range there {
			p.changes = append(p.changes, api.Change{Kind: key.kind, Name: key.name, Before: o.Text})
		}
		p.others = 0
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
	const most = api.MaxDraft - 1<<16 // beside what stands around it
	return func(yield func(api.DraftTexts) bool) {
		var text strings.Builder
		var gone []api.Named
		size := 0
		send := func() bool {
			part := api.DraftTexts{Base: p.base, Removed: gone}
			if text.Len() > 0 {
				part.Sources = []api.Source{{Name: "apply", Text: text.String()}}
			}
			text.Reset()
			size, gone = 0, nil
			return yield(part)
		}
		for _, c := range p.inOrder() {
			written, _ := json.Marshal(c.After + c.Name)
			if own := len(written) + 64; size+own <= most { // with the words around them
				size += own
			} else if !send() {
				return
			} else {
				size = own
			}
			if c.After == "" {
				gone = append(gone, api.Named{Kind: c.Kind, Name: c.Name})
			} else {
				text.WriteString(c.After + "\n")
			}
		}
		if size > 0 {
			send()
		}
	}
}

// inOrder returns the changes: what goes, those first that use others, then the rest.
func (p *plan) inOrder() []api.Change {
	gone := func(c api.Change) bool { return c.After == "" }
	put := slices.DeleteFunc(slices.Clone(p.changes), gone)
	removed := slices.DeleteFunc(slices.Clone(p.changes), func(c api.Change) bool { return !gone(c) })
	slices.Reverse(removed)
	return append(removed, put...)
}
