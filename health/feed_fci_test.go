package health_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// limits is an advertisement of limits, with telemetry that is so many seconds
// behind.
func limits(latency float64, limits ...string) string {
	return fmt.Sprintf(`{"capabilities": [
		{"capability-type": "FCI.RedirectionMode", "capability-value": {"redirection-modes": ["DNS-I"]}},
		{"capability-type": "FCI.Telemetry", "capability-value": {"sources": [{"id": "s", "type": "generic", "metrics": [{"name": "m", "latency": %g}]}]}},
		{"capability-type": "FCI.CapacityLimits", "capability-value": {"limits": [%s]}}]}`, latency, strings.Join(limits, ","))
}

// limit is one of them, with text for what else there is to it.
func limit(limitType string, hard, soft, current float64) string {
	return fmt.Sprintf(`{"limit-type": %q, "id": "x", "maximum-hard": %g, "maximum-soft": %g, "current": %g, "telemetry-source": {"id": "s", "metric": "m"}}`,
		limitType, hard, soft, current)
}

func TestFCI(t *testing.T) {
	for _, c := range []struct {
		name, page string
		want       map[site.Signal]float64
	}{
		{"one", limits(0, limit("egress", 10e9, 8e9, 2e9)), map[site.Signal]float64{site.Load: 0.2, site.UsedBandwidth: 2e9, site.AvailableBandwidth: 8e9}},
		{"at the soft one", limits(0, limit("egress", 10e9, 5e9, 5e9)), map[site.Signal]float64{site.Load: 0.8, site.UsedBandwidth: 5e9, site.AvailableBandwidth: 5e9}},
		{"between", limits(0, limit("egress", 10e9, 5e9, 7.5e9)), map[site.Signal]float64{site.Load: 0.9, site.UsedBandwidth: 7.5e9, site.AvailableBandwidth: 2.5e9}},
		{"at the hard one", limits(0, limit("egress", 10e9, 5e9, 10e9)), map[site.Signal]float64{site.Load: 1, site.UsedBandwidth: 10e9, site.AvailableBandwidth: 0}},
		{"beyond", limits(0, limit("egress", 10e9, 5e9, 15e9)), map[site.Signal]float64{site.Load: 1.5, site.UsedBandwidth: 15e9, site.AvailableBandwidth: 0}},
		{"soft is hard", limits(0, limit("egress", 10e9, 10e9, 10e9)), map[site.Signal]float64{site.Load: 1, site.UsedBandwidth: 10e9, site.AvailableBandwidth: 0}},
		{"all together", limits(0, limit("egress", 10e9, 8e9, 2e9), limit("requests", 1000, 800, 900), limit("sessions", 50, 40, 10)),
			map[site.Signal]float64{site.Load: 0.9, site.UsedBandwidth: 2e9, site.AvailableBandwidth: 8e9, site.Requests: 900, site.Connections: 10}},
		{"two of a type", limits(0, limit("egress", 10e9, 8e9, 2e9), limit("egress", 3e9, 2e9, 2.5e9)),
			map[site.Signal]float64{site.Load: 0.9, site.UsedBandwidth: 2.5e9, site.AvailableBandwidth: 0.5e9}},
		{"a type of no signal", limits(0, limit("cache-size", 100, 80, 40)), map[site.Signal]float64{site.Load: 0.4}},
		{"one without current", limits(0, `{"limit-type": "requests", "maximum-hard": 5}`, limit("egress", 10e9, 8e9, 2e9)),
			map[site.Signal]float64{site.Load: 0.2, site.UsedBandwidth: 2e9, site.AvailableBandwidth: 8e9}},
		{"without a soft one", limits(0, `{"limit-type": "egress", "maximum-hard": 10, "current": 8}`),
			map[site.Signal]float64{site.Load: 0.8, site.UsedBandwidth: 8, site.AvailableBandwidth: 2}},
		{"nothing to be had", limits(0, limit("egress", 0, 0, 0)), map[site.Signal]float64{site.Load: 1, site.UsedBandwidth: 0, site.AvailableBandwidth: 0}},
		{"nothing to be had at ease", limits(0, limit("egress", 10, 0, 0)), map[site.Signal]float64{site.Load: 0.8, site.UsedBandwidth: 0, site.AvailableBandwidth: 10}},
		{"of a part of the traffic", limits(0, `{"limit-type": "egress", "scope": {"host": "x"}, "maximum-hard": 5, "current": 5}`, limit("egress", 10e9, 8e9, 2e9)),
			map[site.Signal]float64{site.Load: 0.2, site.UsedBandwidth: 2e9, site.AvailableBandwidth: 8e9}},
		{"a draft's list", `{"capabilities": [{"capability-type": "FCI.CapacityLimits", "capability-value": [{"limits": [` + limit("egress", 10, 8, 4) + `]}]}]}`,
			map[site.Signal]float64{site.Load: 0.4, site.UsedBandwidth: 4, site.AvailableBandwidth: 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			samples, rejected := metered(t, source("fci", pages(t, c.page), site.Ask{}), 1)
			got := map[site.Signal]float64{}
			for _, s := range samples {
				got[s.Signal] = s.Value
			}
			if len(rejected) > 0 || len(got) != len(c.want) {
				t.Fatalf("Expected %v, got %v and %v", c.want, got, rejected)
			}
			for signal, value := range c.want {
				if diff := got[signal] - value; diff > 1e-9*value || diff < -1e-9*value {
					t.Errorf("Expected %s %g, got %g", signal, value, got[signal])
				}
			}
		})
	}
}

// TestFCILatency has samples as old as the telemetry is behind.
func TestFCILatency(t *testing.T) {
	began := time.Now()
	samples, _ := metered(t, source("fci", pages(t, limits(60, limit("egress", 10, 8, 4))), site.Ask{}), 1)
	for _, s := range samples {
		if age := time.Since(s.At); age < time.Minute || age > time.Minute+time.Since(began) {
			t.Errorf("Expected a sample of a minute ago, got %s", age)
		}
	}
}

func TestFCIFailures(t *testing.T) {
	for _, c := range []struct {
		name, page string
		want       site.Failure
		says       string
	}{
		{"HTML", `<html>secret</html>`, site.FailureProtocol, "not one of RFC 8008"},
		{"nothing", `{}`, site.FailureContent, "no limit says how much of it is used"},
		{"no current", limits(0, `{"limit-type": "egress", "maximum-hard": 10}`), site.FailureContent, "no limit says how much of it is used"},
		{"another form", `{"capabilities": [{"capability-type": "FCI.CapacityLimits", "capability-value": "secret"}]}`, site.FailureProtocol, "not of the form of RFC 9808"},
		{"no hard limit", limits(0, `{"limit-type": "egress", "current": 10}`), site.FailureInvalid, "a limit of egress has no maximum-hard"},
		{"negative hard limit", limits(0, limit("egress", -1, 0, 0)), site.FailureInvalid, "no maximum-hard"},
		{"soft above hard", limits(0, limit("egress", 10, 11, 0)), site.FailureInvalid, "a maximum-soft that is not between zero and maximum-hard"},
		{"negative soft", limits(0, limit("egress", 10, -1, 0)), site.FailureInvalid, "a maximum-soft that is not between zero and maximum-hard"},
		{"negative", limits(0, limit("secret", 10, 8, -1)), site.FailureInvalid, "a limit of an unknown type has a negative current"},
		{"from yesterday", limits(86400, limit("egress", 10, 8, 1)), site.FailureInvalid, "is 24h0m0s behind: more than 2m0s is too late to decide by"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, source("fci", pages(t, c.page), site.Ask{}))
			wantFailure(t, r, c.want, c.says)
			if r.Readings != nil || strings.Contains(r.Err.Error(), "secret") {
				t.Errorf("Expected nothing of the answer, got %v, %v", r.Readings, r.Err)
			}
		})
	}
}
