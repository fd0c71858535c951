package control

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds of what is saved: beyond them nothing that has run has ever been, and sums
// would overflow.
const (
	maxEpoch   = 1 << 62
	maxCount   = 1e9
	maxWeight  = 1e9
	maxPenalty = 1e6
)

// Validate refuses what no state can have been. Its comparisons are such that NaN
// fails.
func (s Saved) Validate() error {
	if s.Decision == nil && (s.Forced != nil || s.Frozen != nil) {
		return errors.New("something is forced, and there is no decision")
	}
	for _, d := range []struct {
		name string
		d    *SavedDecision
	}{{"decision", s.Decision}, {"forced", s.Forced}, {"frozen", s.Frozen}} {
		if err := d.d.check(); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	if s.Forced != nil && s.Forced.Reason.Override == nil {
		return errors.New("forced: no override says so")
	}
	if err := s.checkOrigins(); err != nil {
		return err
	}
	for name, p := range s.Paths {
		if healthOf(p.Health) == 0 || !isCount(p.Fails) || !isCount(p.Goods) {
			return fmt.Errorf("path '%s': health '%s', %d failed and %d good ones in a row", name, p.Health, p.Fails, p.Goods)
		}
	}
	return nil
}

func isCount(n int32) bool { return n >= 0 && n <= maxCount }

func isSide(side site.Side) bool {
	return slices.Contains([]site.Side{site.SideUnknown, site.SideOrigin, site.SideCDN}, side)
}

// isAmount reports whether a number is one that something can be measured as.
func isAmount(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }

func (d *SavedDecision) check() error {
	if d == nil {
		return nil
	}
	ttl := time.Duration(d.TTL)
	switch {
	case d.Epoch == 0 || d.Epoch > maxEpoch:
		return fmt.Errorf("epoch %d is not from 1 to %d", d.Epoch, uint64(maxEpoch))
	case !isSide(d.Side):
		return fmt.Errorf("side '%s' is not known", d.Side)
	case !(d.Share >= 0 && d.Share <= 1):
		return fmt.Errorf("share %g is not from 0 to 1", d.Share)
	case d.Share > 0 && (d.Side != site.SideCDN || len(d.CDNs) == 0):
		return fmt.Errorf("share %g at the side '%s' goes to no CDN", d.Share, d.Side)
	case ttl < 0 || ttl > site.MaxTTL || ttl%time.Second != 0:
		return fmt.Errorf("ttl %s is not a number of whole seconds from 0s to %s", ttl, site.MaxTTL)
	}
	return cmp.Or(d.checkNames(), d.Reason.check())
}

// checkNames has each CDN and each origin be there once, and take a part.
func (d *SavedDecision) checkNames() error {
	for i, c := range d.CDNs {
		same := func(o SavedCDN) bool { return o.Name == c.Name }
		if slices.ContainsFunc(d.CDNs[:i], same) || c.Weight < 0 || c.Weight > maxWeight {
			return fmt.Errorf("cdn '%s' with weight %d is repeated, or takes no part", c.Name, c.Weight)
		}
	}
	for i, served := range d.Origins {
		same := func(o SavedServed) bool { return o.Name == served.Name }
		if slices.ContainsFunc(d.Origins[:i], same) || served.Weight < 0 || served.Weight > maxWeight {
			return fmt.Errorf("origin '%s' with weight %d is repeated, or takes no part", served.Name, served.Weight)
		}
	}
	return nil
}

func (r SavedReason) check() error {
	known := r.Cause == site.CauseStart || slices.Contains(site.Causes(), r.Cause)
	switch {
	case !known:
		return fmt.Errorf("cause '%s' is not known", r.Cause)
	case r.Signal != "" && !slices.Contains(site.Signals(), r.Signal):
		return fmt.Errorf("signal '%s' is not known", r.Signal)
	case !isAmount(r.Value) || !isAmount(r.Limit) || !isAmount(r.V):
		return fmt.Errorf("value %g, limit %g and v %g are not all numbers from 0 on", r.Value, r.Limit, r.V)
	case r.Age < 0:
		return fmt.Errorf("age %s is negative", time.Duration(r.Age))
	case (r.Override != nil) != (r.Cause == site.CauseOverride):
		return fmt.Errorf("cause '%s' and an override do not go together", r.Cause)
	case r.Override == nil:
		return nil
	}
	if err := r.Override.Validate(); err != nil {
		return fmt.Errorf("override '%s': %w", r.Override.ID, err)
	}
	return nil
}

func (s Saved) checkOrigins() error {
	told := 0
	for i, o := range s.Origins {
		if err := o.check(); err != nil {
			return fmt.Errorf("origin '%s': %w", o.Name, err)
		}
		if slices.ContainsFunc(s.Origins[:i], func(other SavedOrigin) bool { return other.Name == o.Name }) {
			return fmt.Errorf("origin '%s' is repeated", o.Name)
		}
		if o.Told {
			told++
		}
		if o.Reason == nil && o.Side != site.SideUnknown && !o.Told {
			return fmt.Errorf("origin '%s': there is no reason for its side '%s'", o.Name, o.Side)
		}
	}
	if told > 1 {
		return fmt.Errorf("%d origins tell why the visitors moved", told)
	}
	return nil
}

func (o SavedOrigin) check() error {
	switch {
	case !isSide(o.Side):
		return fmt.Errorf("side '%s' is not known", o.Side)
	case !(o.Penalty >= 0 && o.Penalty <= maxPenalty):
		return fmt.Errorf("penalty %g is not from 0 to %g", o.Penalty, float64(maxPenalty))
	case !isAmount(o.Used):
		return fmt.Errorf("used %g is not a number from 0 on", o.Used)
	case o.Side != site.SideUnknown && o.Since.IsZero():
		return fmt.Errorf("its side '%s' has no beginning", o.Side)
	case !o.Held.IsZero() && o.Penalty == 0:
		return fmt.Errorf("its return is blocked since %s by no penalty", o.Held.Format(time.RFC3339))
	}
	for _, c := range o.Counts {
		if !isCount(c.Over) || !isCount(c.Hard) {
			return fmt.Errorf("counts %d and %d of %s are not from 0 to %g", c.Over, c.Hard, c.Signal, float64(maxCount))
		}
	}
	if o.Reason != nil {
		return o.Reason.check()
	}
	return nil
}
