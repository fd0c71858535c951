package site

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// maxWindow bounds what is kept of a source: an hour.
const maxWindow = time.Hour

// checkThresholds checks those of each origin against what can supply them.
func (s *Site) checkThresholds() error {
	for _, o := range s.Origins {
		if len(s.Thresholds)+len(o.Thresholds) == 0 {
			return wrong("threshold", "site '%s' has no threshold%s", s.Name(), o.named(" for origin '%s'"))
		}
		if err := s.checkThresholdsOf(o); err != nil {
			return err
		}
	}
	return nil
}

// key is how the line of a threshold begins.
func (t Threshold) key() string { return "threshold " + string(t.Signal) }

// checkSupply checks a threshold against the sources that supply it.
func (s *Site) checkSupply(t Threshold, o Origin) error {
	supplied := false
	for _, src := range slices.Concat(s.Probes, s.Feeds, o.Feeds) {
		if !src.supplies(t.Signal, o.Capacity) {
			continue
		}
		supplied = true
		if t.Signal == AvailableBandwidth && !slices.Contains(src.Signals(), t.Signal) && src.perAddress() && len(o.Addresses) > 1 {
			return fmt.Errorf("the capacity %s is that of the origin as a whole, and the feed of '%s' speaks for one address: read what all use together, or make each address an origin", FormatRate(o.Capacity), src.URL)
		}
		if t.Signal == ResponseTime && !src.IsFeed() && t.Limit >= src.Timeout.Seconds() {
			return fmt.Errorf("limit %s is not below the timeout %s of the probe that measures it", t.Signal.Format(t.Limit), src.Timeout)
		}
		if t.Window != 0 && (t.Window < src.Every || t.Window > maxWindow) {
			return fmt.Errorf("window %s is not between the period %s of the %s and %s", t.Window, src.Every, src.word(), maxWindow)
		}
	}
	late := s.tooLate(t.Signal, o)
	switch {
	case !supplied && late != nil:
		return late
	case !supplied && t.Signal == AvailableBandwidth:
		return fmt.Errorf("no probe or feed supplies %s: it takes a feed of it, a probe download, or a feed of %s and an origin with a capacity", t.Signal, UsedBandwidth)
	case !supplied:
		return fmt.Errorf("no probe or feed supplies %s", t.Signal)
	}
	return o.checkReach(t)
}

// checkReach refuses a recover level that the origin cannot come to.
func (o Origin) checkReach(t Threshold) error {
	if t.Signal == AvailableBandwidth && o.Capacity > 0 && t.Recover > o.Capacity {
		return fmt.Errorf("recover %s is above the capacity %s of the origin: it would never be reached", FormatRate(t.Recover), FormatRate(o.Capacity))
	}
	return nil
}

// Validate checks the threshold by itself. Its comparisons are such that NaN fails.
func (t Threshold) Validate() error {
	format := t.Signal.Format
	switch {
	case !slices.Contains(Signals(), t.Signal):
		return fmt.Errorf("signal '%s' is not known", t.Signal)
	case t.Statistic != StatisticAuto && !slices.Contains(Statistics(), t.Statistic):
		return fmt.Errorf("statistic '%s' is not known", t.Statistic)
	case !(t.Limit > 0) || math.IsInf(t.Limit, 1):
		return fmt.Errorf("limit %s of %s is not above zero", format(t.Limit), t.Signal)
	case t.Signal.Ratio() && t.Limit > 1:
		return fmt.Errorf("limit %s of %s is above 100%%", format(t.Limit), t.Signal)
	case t.Signal.LessIsWorse() && !(t.Recover >= t.Limit && !math.IsInf(t.Recover, 1)):
		return fmt.Errorf("recover %s is below the limit %s: the more there is of %s, the better", format(t.Recover), format(t.Limit), t.Signal)
	case !t.Signal.LessIsWorse() && !(t.Recover > 0 && t.Recover <= t.Limit):
		return fmt.Errorf("recover %s is not above zero and at most the limit %s", format(t.Recover), format(t.Limit))
	case t.Signal.Ratio() && t.Recover > 1:
		return fmt.Errorf("recover %s of %s is above 100%%: write one that can be reached", format(t.Recover), t.Signal)
	}
	return t.NoData.check(true)
}

// check checks the rule; one that may be left out has no action.
func (n NoData) check(optional bool) error {
	known := slices.Contains([]NoDataAction{NoDataOrigin, NoDataCDN, NoDataStay}, n.Action)
	switch {
	case !known && !(optional && n == NoData{}):
		return fmt.Errorf("no_data '%s' is neither origin nor cdn nor stay", n.Action)
	case n.After < 0:
		return fmt.Errorf("after %s is negative", n.After)
	}
	return nil
}
