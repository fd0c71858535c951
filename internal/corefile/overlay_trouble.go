package corefile

import (
	"slices"
)

// refused returns what is refused and was not before, in order of kind and name.
func (t *transaction) refused() []Refusal {
	var all []Refusal
	for k, before := range t.before {
		if r := t.o.records[k]; r.trouble != nil && r.trouble.isNews(before.trouble) {
			all = append(all, t.o.refusal(k))
		}
	}
	slices.SortFunc(all, func(a, b Refusal) int { return compareKeys(objectKey{a.Kind, a.Name}, objectKey{b.Kind, b.Name}) })
	return all
}

// isNews reports whether a trouble is another one than before.
func (t *trouble) isNews(was *trouble) bool {
	switch {
	case was == nil:
		return true
	case t.next == nil:
		return !was.stale
	}
	return was.next == nil || *t.next != *was.next
}

// fire has those tried again that wait for something that has changed.
func (t *transaction) fire(keys ...objectKey) {
	for _, k := range keys {
		for waiting := range t.o.waiting[k] {
			tr := t.o.records[waiting].trouble
			if tr.next != nil {
				t.queue[waiting] = true
			}
			if tr.stale {
				t.rebuild[waiting] = true
			}
		}
	}
}

// fireOf is fire for all that changes with a candidate.
func (t *transaction) fireOf(c *candidate) {
	if len(t.o.waiting) > 0 {
		t.fire(c.changes()...)
	}
}

// refuse keeps what was in force.
func (t *transaction) refuse(k objectKey, why *refused) {
	r := t.o.records[k]
	tr := *r.trouble
	tr.err, tr.needs = why.err, why.needs
	r.trouble = &tr
	t.keep(k, r)
}

// accept has the new text be in force, in that form.
func (t *transaction) accept(k objectKey, form any) {
	t.keep(k, record{good: t.next(k), form: form})
	t.done(k)
}

// done takes what has been settled off the lists.
func (t *transaction) done(k objectKey) {
	delete(t.queue, k)
	delete(t.rebuild, k)
}
