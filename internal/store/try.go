package store

import (
	"context"
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// How long a publication is tried at most, whatever time the request has: where an
// operator tries one, nobody else writes.
const (
	tryPatience = 10 * time.Second
	tryEach     = time.Second / 2000 // more for each object
)

// errTried ends a transaction that was to show whether it would do.
var errTried = errors.New("it would do")

// TryPublish returns what Publish would say, and changes nothing. Who may only read may
// try, too. For a customer it only reads, so that he holds up nobody; for an operator, who
// gives customers claims by publishing, it is done and undone.
func (v *View) TryPublish(ctx context.Context, p Publication) error {
	what := "publishing " + named(p.Objects)
	if err := v.drafts(); err != nil {
		return doing(err, "%s", what)
	}
	ctx, cancel := context.WithTimeout(ctx, tryPatience+time.Duration(len(p.Objects))*tryEach)
	defer cancel()
	if !v.who.Operator {
		return doing(v.s.read(ctx, func(t *tx) error { return v.mayPublish(t, p) }), "%s", what)
	}
	err := v.s.write(ctx, func(t *tx) error {
		revision, err := t.take("revision", 1)
		if err == nil {
			err = v.publishAs(t, revision, p)
		}
		if err == nil {
			err = errTried
		}
		return err
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return doing(err, "%s", what)
}

// mayPublish says what publish would of a customer's, who by that takes no claim and gives
// none.
func (v *View) mayPublish(t *tx, p Publication) error {
	last, err := t.counted("revision")
	if err != nil {
		return err
	}
	objects, full, err := v.allowed(t, last+1, p)
	if err != nil {
		return err
	}
	sites, err := v.answeredFor(objects, p.Claims)
	if err == nil {
		err = t.readFormer(sites)
	}
	if err == nil {
		err = v.mayName(t, changedOf(sites))
	}
	return errors.Join(full, err)
}

// mayName is mayTake for a customer, with the claims that adopt would give him.
func (v *View) mayName(t *tx, sites []answered) error {
	wanted := wantedOf(sites)
	held, err := t.heldAt(wanted)
	if err != nil {
		return err
	}
	early, err := t.unnamed()
	if err != nil {
		return err
	}
	for _, a := range early {
		for _, one := range holdingsOf(a.Customer, a.names...) {
			held.add(one)
		}
	}
	return v.unproved(held.uncovered(wanted))
}

// Changed returns those of some objects that are not published just so, as they would be
// put into a draft; see PutDraft.
func (v *View) Changed(ctx context.Context, base int64, objects ...site.Object) (changed []site.Object, err error) {
	if err := v.drafts(); err != nil {
		return nil, doing(err, "comparing with what is published")
	}
	err = v.s.readLong(ctx, longPatience, func(t *tx) error {
		base, err := t.baseOf(base)
		if err != nil {
			return err
		}
		changed, _, err = v.drafting(t, base, objects)
		return err
	})
	return changed, doing(err, "comparing with what is published")
}
