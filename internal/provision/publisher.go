package provision

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Overlay is the objects in force on top of the Corefile: a *corefile.Overlay.
type Overlay interface {
	Apply(objects []site.Object) corefile.Change
	Check(objects []site.Object) []corefile.Refusal
	Objects() []site.Object
	Waiting() []site.Object
	Stored() iter.Seq[string] // names of the store's sites in force
}

// Publisher turns what the store says into what a server serves. It is not safe
// for concurrent use.
type Publisher struct {
	overlay  Overlay
	revision int64 // in force
	other    bool  // the store is another one than that of what is in force
	held     *Held
}

// NewPublisher returns a publisher that has nothing in force, of an overlay
// without objects.
func NewPublisher(overlay Overlay) *Publisher { return &Publisher{overlay: overlay} }

// Revision returns the one in force; 0 before the first of the store.
func (p *Publisher) Revision() int64 {
	if p.other {
		return 0
	}
	return p.revision
}

// Held returns what waits for an operator; nil: nothing.
func (p *Publisher) Held() *Held { return p.held }

// Rebase says whether the next revision is one of another store, whose numbers begin
// anew. What is in force stays until then.
func (p *Publisher) Rebase(other bool) { p.other, p.held = other, nil }

// Missing returns the removal of all objects in force, or waiting, that are not among
// those that there are.
func (p *Publisher) Missing(there []site.Object) (removals []site.Object) {
	type key struct {
		kind site.ObjectKind
		name string
	}
	has := make(map[key]bool, len(there))
	for _, o := range there {
		has[key{o.Kind, o.Name}] = true
	}
	for _, o := range slices.Concat(p.overlay.Objects(), p.overlay.Waiting()) {
		if k := (key{o.Kind, o.Name}); !has[k] {
			has[k] = true
			removals = append(removals, site.Object{Kind: o.Kind, Name: o.Name, Adopted: o.Adopted})
		}
	}
	return removals
}

// Outcome is what became of an offer. All of it is zero where nothing is new.
type Outcome struct {
	Published bool            // it is in force now
	Change    corefile.Change // with Published
	Old       bool            // it is older than what is in force, and was dropped
	Held      *Held           // it waits for an operator, and nothing has changed
}

// Offer puts a revision in force. objects are all that have changed since
// Revision, or since an older one, as they are at the new revision. An operator
// may have confirmed it.
func (p *Publisher) Offer(revision int64, objects []site.Object, confirmed bool) Outcome {
	if present := p.Revision(); revision <= present {
		return Outcome{Old: revision < present}
	}
	if !confirmed {
		if held := p.judge(revision, objects); held != nil {
			p.held = held
			return Outcome{Held: held}
		}
	}
	p.revision, p.other, p.held = revision, false, nil
	return Outcome{Published: true, Change: p.overlay.Apply(objects)}
}

// judge returns what an operator has to confirm.
func (p *Publisher) judge(revision int64, objects []site.Object) *Held {
	if p.held != nil && p.held.Revision == revision {
		return p.held // nothing has come into force since
	}
	s := shrinkOf(p.overlay, objects)
	if !s.tooMuch() {
		return nil
	}
	return &Held{Revision: revision, Sites: s.sites, Left: s.left}
}

// Check says all that is wrong with objects that somebody is about to publish.
func (p *Publisher) Check(objects []site.Object) error {
	var problems []error
	for _, r := range p.overlay.Check(objects) {
		problems = append(problems, r.Err)
	}
	return errors.Join(problems...)
}

// Held is a revision that would take so many sites away that an operator has to
// confirm it.
type Held struct {
	Revision int64
	Sites    int // of the store, in force
	Left     int // of them and of new ones, if it came into force
}

func (h *Held) Error() string {
	return fmt.Sprintf("revision %d would leave %d of %d sites: confirm it with 'cdnctl publish --confirm %d'", h.Revision, h.Left, h.Sites, h.Revision)
}
