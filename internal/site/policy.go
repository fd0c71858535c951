package site

import "time"

// MaxTTL is a day: longer ones are cut by resolvers anyway.
const MaxTTL = 86400 * time.Second

// minTTL is what the slowest resolvers keep an answer for whatever its TTL.
const minTTL = 5 * time.Second

// TTL holds the times that answers may be cached, in whole seconds.
type TTL struct {
	Full     time.Duration // at the origin
	Diverted time.Duration // at a CDN
	Min      time.Duration // while the decision may change soon
}

// NewTTL returns full for both sides, and half of it, at least 5 s, while the
// decision may change soon.
func NewTTL(full time.Duration) TTL {
	half := (full / 2).Truncate(time.Second)
	return TTL{Full: full, Diverted: full, Min: min(full, max(half, minTTL))}
}

// Damping makes a site that flaps stay at the CDN for longer. Every entry that
// a threshold caused, but for the first decision, adds 1 to the penalty, which halves every half-life; from
// Suppress on the return is blocked until the penalty is down to Reuse.
type Damping struct {
	Off      bool
	HalfLife time.Duration // 0: 5 x failback_delay
	Max      time.Duration // the longest block; 0: 3 half-lives
	Suppress float64
	Reuse    float64
}

// DampingHalfLife returns the half-life in force.
func (s *Site) DampingHalfLife() time.Duration {
	if s.Damping.HalfLife > 0 {
		return s.Damping.HalfLife
	}
	return 5 * s.FailbackDelay
}

// DampingMax returns the longest block in force.
func (s *Site) DampingMax() time.Duration {
	if s.Damping.Max > 0 {
		return s.Damping.Max
	}
	return 3 * s.DampingHalfLife()
}
