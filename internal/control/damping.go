package control

import (
	"math"
	"time"
)

// decay is what is left of a penalty of 1 after age.
func (j *judging) decay(age time.Duration) float64 {
	return math.Exp2(-age.Seconds() / j.s.DampingHalfLife().Seconds())
}

// damped reports whether the site's entries are counted at all.
func (j *judging) damped() bool { return !j.s.Damping.Off && j.s.DampingHalfLife() > 0 }

// penalise counts an entry that a threshold caused. From Suppress on the
// return is blocked; the way to the CDN never is.
func (j *judging) penalise() {
	if !j.damped() {
		return
	}
	st, now := j.st, j.in.Now
	st.Penalty = st.Penalty*j.decay(now.Sub(st.PenaltyAt)) + 1
	st.PenaltyAt, st.Counted = now, true
	if st.Penalty >= j.s.Damping.Suppress {
		st.Held = now
	}
}

// forgive takes the present stay out of the penalty: an origin that was down
// did not flap.
func (j *judging) forgive() {
	if !j.st.Counted {
		return
	}
	st := j.st
	st.Penalty = max(0, st.Penalty-1) // PenaltyAt is still that of this entry
	st.Counted, st.Held = false, time.Time{}
}

// release returns when damping stops blocking the return; the zero time when
// it does not block.
func (j *judging) release() time.Time {
	st := j.st
	if st.Held.IsZero() || !j.damped() {
		return time.Time{}
	}
	halves := math.Log2(st.Penalty / j.s.Damping.Reuse)
	decayed := st.PenaltyAt.Add(time.Duration(halves * float64(j.s.DampingHalfLife())))
	if longest := st.Held.Add(j.s.DampingMax()); longest.Before(decayed) {
		return longest
	}
	return decayed
}
