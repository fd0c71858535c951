package control

import (
	"math"
	"time"
)

// decay is what is left of a penalty of 1 after age.
func (d *deciding) decay(age time.Duration) float64 {
	return math.Exp2(-age.Seconds() / d.s.DampingHalfLife().Seconds())
}

// damped reports whether the site's entries are counted at all.
func (d *deciding) damped() bool { return !d.s.Damping.Off && d.s.DampingHalfLife() > 0 }

// penalise counts an entry that a threshold caused. From Suppress on the
// return is blocked; the way to the CDN never is.
func (d *deciding) penalise() {
	if !d.damped() {
		return
	}
	st, now := d.st, d.in.Now
	st.Penalty = st.Penalty*d.decay(now.Sub(st.PenaltyAt)) + 1
	st.PenaltyAt, st.Counted = now, true
	if st.Penalty >= d.s.Damping.Suppress {
		st.Held = now
	}
}

// forgive takes the present stay out of the penalty: an origin that was down
// did not flap.
func (d *deciding) forgive() {
	if !d.st.Counted {
		return
	}
	st := d.st
	st.Penalty = max(0, st.Penalty-1) // PenaltyAt is still that of this entry
	st.Counted, st.Held = false, time.Time{}
}

// release returns when damping stops blocking the return; the zero time when
// it does not block.
func (d *deciding) release() time.Time {
	st := d.st
	if st.Held.IsZero() || !d.damped() {
		return time.Time{}
	}
	halves := math.Log2(st.Penalty / d.s.Damping.Reuse)
	decayed := st.PenaltyAt.Add(time.Duration(halves * float64(d.s.DampingHalfLife())))
	if longest := st.Held.Add(d.s.DampingMax()); longest.Before(decayed) {
		return longest
	}
	return decayed
}
