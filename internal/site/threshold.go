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
	Recover   float64       // at or under this the return begins
	Window    time.Duration // 0: three periods of the source
}

// DefaultRecover is the recover level where none is named: 0.8 of the limit.
func DefaultRecover(limit float64) float64 { return 0.8 * limit }
