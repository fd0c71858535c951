package store

import (
	"cmp"
	"context"
	"errors"
)

// Standing is how names stand to what is claimed.
type Standing struct {
	Lacking []string // that no proved claim of the customer covers
	Taken   error    // which of them are somebody else's; nil: none is
}

// Standing looks one or more names of a customer up, whose the viewer is or whom he may see. Between
// this and a publication it may change: that looks again.
func (v *View) Standing(ctx context.Context, customer string, names []string) (s Standing, err error) {
	spots, err := spotsOf(names)
	if !v.sees(customer) {
		err = fail(ErrNotFound, "customer '%s': %v", customer, ErrNotFound)
	}
	if err := cmp.Or(v.known(), err); err != nil {
		return s, doing(err, "looking names up")
	}
	err = v.s.read(ctx, func(t *tx) error {
		s = Standing{}
		wanted := holdingsOf(customer, spots...)
		held, err := t.heldAt(wanted)
		if err != nil {
			return err
		}
		for _, lacking := range held.uncovered(wanted) {
			s.Lacking = append(s.Lacking, lacking.name)
		}
		if err = v.freeOf(t, wanted, held); errors.Is(err, ErrConflict) {
			s.Taken, err = err, nil
		}
		return err
	})
	return s, doing(err, "looking names up")
}

// CountSites counts the sites of a customer, in force or held back.
func (v *View) CountSites(ctx context.Context, customer string) (sites int, err error) {
	if !v.sees(customer) {
		return 0, doing(fail(ErrNotFound, "customer '%s': %v", customer, ErrNotFound), "counting sites")
	}
	err = v.s.glance(ctx, func(t *tx) error {
		sites, err = t.countSites(customer)
		return err
	})
	return sites, doing(err, "counting sites")
}
