package site

import "time"

// Statistic makes one number of a window of samples.
type Statistic string

// The statistics. StatisticAuto is p50, and p90 from 20 samples on.
const (
	StatisticAuto Statistic = ""
	P50           Statistic = "p50"
	P90           Statistic = "p90"
	P95           Statistic = "p95"
	P99           Statistic = "p99"
	Mean          Statistic = "mean"
	Max           Statistic = "max"
	Min           Statistic = "min"
	Last          Statistic = "last"
)

// Statistics lists what a threshold may name.
func Statistics() []Statistic {
	return []Statistic{P50, P90, P95, P99, Mean, Max, Min, Last}
}

// Threshold is a signal's limit.
type Threshold struct {
	Signal    Signal
	Statistic Statistic
	Limit     float64       // in the signal's unit
	Recover   float64       // at this, or on its good side, the return begins
	Window    time.Duration // 0: three periods of the source
	NoData    NoData        // without an action: the site's
}

// defaultRecoverV is v at the recover level where none is named.
const defaultRecoverV = 0.8

// DefaultRecover returns the recover level where none is named: that at which v
// is 0.8.
func (s Signal) DefaultRecover(limit float64) float64 {
	if s.LessIsWorse() {
		return limit / defaultRecoverV
	}
	return limit * defaultRecoverV
}

// maxV is the most that a performance value is: beyond it says nothing more.
const maxV = 10

// V returns the performance value of a measured one: 1 is the limit, and more
// is worse.
func (t Threshold) V(value float64) float64 {
	if t.Signal.LessIsWorse() {
		return min(t.Limit/max(value, t.Limit/maxV), maxV)
	}
	return min(value/t.Limit, maxV)
}

// Recovered reports whether a value is at the recover level or better.
func (t Threshold) Recovered(value float64) bool {
	if t.Signal.LessIsWorse() {
		return value >= t.Recover
	}
	return value <= t.Recover
}
