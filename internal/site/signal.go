package site

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Signal is what is measured, in one unit each.
type Signal string

// The signals.
const (
	ResponseTime       Signal = "response_time"       // seconds; claim 7 of US 7,657,622
	ErrorRatio         Signal = "error_ratio"         // 0 to 1
	AvailableBandwidth Signal = "available_bandwidth" // bit/s; claim 17
	UsedBandwidth      Signal = "used_bandwidth"      // bit/s
	Load               Signal = "load"                // as the system counts it
	Connections        Signal = "connections"         // open at the moment
	Requests           Signal = "requests"            // a second
	HitRatio           Signal = "hit_ratio"           // 0 to 1: answered from the cache, of what is looked for there
)

// Signals lists all of them.
func Signals() []Signal {
	return []Signal{ResponseTime, ErrorRatio, AvailableBandwidth, UsedBandwidth, Load, Connections, Requests, HitRatio}
}

// LessIsWorse reports whether small values of the signal are the bad ones.
func (s Signal) LessIsWorse() bool { return s == AvailableBandwidth || s == HitRatio }

// Ratio reports whether the signal is a part of a whole, from 0 to 1.
func (s Signal) Ratio() bool { return s == ErrorRatio || s == HitRatio }

// Statistic returns the statistic where a threshold names none. A ratio of errors
// has a mean, as probes fail or do not; of all others the window's size decides,
// see StatisticAuto.
func (s Signal) Statistic() Statistic {
	if s == ErrorRatio {
		return Mean
	}
	return StatisticAuto
}

// Worst returns the value that a failed probe of the signal counts as.
func (s Signal) Worst(timeout time.Duration) float64 {
	switch s {
	case ResponseTime:
		return timeout.Seconds()
	case ErrorRatio:
		return 1
	}
	return 0 // AvailableBandwidth, the only other one that probes measure
}

// Format writes a value with its unit.
func (s Signal) Format(v float64) string {
	switch s {
	case ResponseTime:
		return seconds(v).String()
	case ErrorRatio, HitRatio:
		return formatShare(v)
	case AvailableBandwidth, UsedBandwidth:
		return FormatRate(v)
	}
	return formatCount(v)
}

// formatShare writes a share of the whole in percent.
func formatShare(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e4)/100, 'f', -1, 64) + "%"
}

// formatCount writes a number without a unit: four digits, or all of a large one.
func formatCount(v float64) string {
	if math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// rates are the units of bit rates, the largest first.
var rates = []struct {
	unit string
	size float64
}{{"Tbit", 1e12}, {"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

// FormatRate writes a bit rate as ParseRate reads it.
func FormatRate(v float64) string {
	for _, r := range rates {
		if math.Abs(v) >= r.size {
			return strconv.FormatFloat(v/r.size, 'g', 4, 64) + r.unit
		}
	}
	return "0bit"
}

// Against says what a performance value means beside its limit.
func (s Signal) Against(limit, v float64) string {
	if s.LessIsWorse() {
		return fmt.Sprintf("against the limit %s is %.0f %%", s.Format(limit), v*100)
	}
	return fmt.Sprintf("is %.0f %% of the limit %s", v*100, s.Format(limit))
}

// ParseRate reads a bit rate with its unit, such as 200Mbit.
func ParseRate(text string) (float64, error) {
	for _, r := range rates {
		digits, found := cutUnit(text, r.unit)
		if !found {
			continue
		}
		value, err := strconv.ParseFloat(digits, 64)
		if rate := value * r.size; err == nil && rate >= 0 && !math.IsInf(rate, 0) {
			return rate, nil
		}
		break
	}
	return 0, fmt.Errorf("invalid bit rate '%s': write a unit, such as 200Mbit or 10Gbit", text)
}

// cutUnit cuts a unit off a number.
func cutUnit(text, unit string) (digits string, found bool) {
	digits = text[:max(0, len(text)-len(unit))]
	return digits, digits+unit == text && digits != "" && digits[len(digits)-1] <= '9'
}
