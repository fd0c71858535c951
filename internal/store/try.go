package store

import (
	"context"
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// errTried ends a transaction that was to show whether it would do.
var errTried = errors.New("it would do")

// TryPublish returns what Publish would say, and changes nothing. Who may only read may
// try, too. Meanwhile nobody publishes, as if it were done.
func (v *View) TryPublish(ctx context.Context, p Publication) error {
	what := "publishing " + named(p.Objects)
	if err := v.drafts(); err != nil {
		return doing(err, "%s", what)
	}
	long := patience + time.Duration(len(p.Objects))*time.Millisecond
	err := v.s.writeLong(ctx, long, func(t *tx) error {
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
