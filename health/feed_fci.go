package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askFCI is the feed of kind "fci": what a CDN advertises of its limits, and how
// much of them is used (RFC 8008, and FCI.CapacityLimits of RFC 9808). Load is the
// worst of all limits, since all hold together: 0.8 is its soft one, 1 the hard
// one. How the telemetry that RFC 9808 refers to is got is left open there, so a
// limit counts that says itself what is used ("current").
func askFCI(ctx context.Context, c *call) (site.Failure, error) {
	page, failure, err := c.page(ctx, c.url.String(), "application/cdni, application/json")
	if err != nil {
		return failure, err
	}
	c.result.Readings, failure, err = readFCI(page, time.Now())
	return failure, err
}

func readFCI(page []byte, now time.Time) ([]Reading, site.Failure, error) {
	var advertised fci
	if json.Unmarshal(page, &advertised) != nil {
		return nil, site.FailureProtocol, errors.New("reading the advertisement: not one of RFC 8008")
	}
	return advertised.readings(now)
}

// fci is an advertisement.
type fci struct {
	Capabilities []struct {
		Type  string          `json:"capability-type"`
		Value json.RawMessage `json:"capability-value"`
	} `json:"capabilities"`
}

// fciLimit is one limit. The pointers tell what is not said from zero.
type fciLimit struct {
	Type    string   `json:"limit-type"`
	Hard    *float64 `json:"maximum-hard"`
	Soft    *float64 `json:"maximum-soft"`
	Current *float64 `json:"current"`
	Scope   any      `json:"scope"` // of a part of the traffic, in drafts
	Source  struct {
		ID     string `json:"id"`
		Metric string `json:"metric"`
	} `json:"telemetry-source"`
}

// fciTelemetry says how far behind real time a metric is.
type fciTelemetry struct {
	Sources []struct {
		ID      string `json:"id"`
		Metrics []struct {
			Name    string  `json:"name"`
			Latency float64 `json:"latency"` // in seconds
		} `json:"metrics"`
	} `json:"sources"`
}

// fciSignals are the types of limits that are signals of ours, with their units:
// bit/s, a second, and a number.
var fciSignals = map[string]site.Signal{"egress": site.UsedBandwidth, "requests": site.Requests, "sessions": site.Connections}

func (a fci) readings(now time.Time) ([]Reading, site.Failure, error) {
	var limits []fciLimit
	var telemetry fciTelemetry
	for _, c := range a.Capabilities {
		var err error
		switch c.Type {
		case "FCI.CapacityLimits":
			limits, err = decodeLimits(limits, c.Value)
		case "FCI.Telemetry":
			var more fciTelemetry
			err = json.Unmarshal(c.Value, &more)
			telemetry.Sources = append(telemetry.Sources, more.Sources...)
		}
		if err != nil {
			return nil, site.FailureProtocol, fmt.Errorf("reading %s: not of the form of RFC 9808", c.Type)
		}
	}
	worst := make(map[site.Signal]Reading)
	for _, l := range limits {
		if failure, err := l.count(worst, now, telemetry); err != nil {
			return nil, failure, err
		}
	}
	if len(worst) == 0 {
		return nil, site.FailureContent, errors.New("no limit says how much of it is used: read that by a feed of its own")
	}
	var readings []Reading
	for _, signal := range site.Signals() {
		if r, found := worst[signal]; found {
			readings = append(readings, r)
		}
	}
	return readings, "", nil
}

// decodeLimits appends the limits of a capability, which drafts of RFC 9808 had as
// a list of such objects.
func decodeLimits(limits []fciLimit, value json.RawMessage) ([]fciLimit, error) {
	type object struct {
		Limits []fciLimit `json:"limits"`
	}
	var one object
	if err := json.Unmarshal(value, &one); err == nil {
		return append(limits, one.Limits...), nil
	}
	var list []object
	err := json.Unmarshal(value, &list)
	for _, o := range list {
		limits = append(limits, o.Limits...)
	}
	return limits, err
}

// count adds what one limit says. Of several limits of one type that is kept
// which leaves least.
func (l fciLimit) count(worst map[site.Signal]Reading, now time.Time, telemetry fciTelemetry) (site.Failure, error) {
	switch {
	case l.Current == nil || l.Scope != nil:
		return "", nil
	case l.Hard == nil || *l.Hard < 0:
		return site.FailureInvalid, fmt.Errorf("a limit of %s has no maximum-hard", known(l.Type))
	case l.Soft != nil && (*l.Soft < 0 || *l.Soft > *l.Hard):
		return site.FailureInvalid, fmt.Errorf("a limit of %s has a maximum-soft that is not between zero and maximum-hard", known(l.Type))
	case *l.Current < 0:
		return site.FailureInvalid, fmt.Errorf("a limit of %s has a negative current", known(l.Type))
	}
	behind := telemetry.latency(l)
	if behind > site.Latest {
		return site.FailureInvalid, fmt.Errorf("the telemetry of a limit of %s is %s behind: more than %s is too late to decide by", known(l.Type), behind, site.Latest)
	}
	var at time.Time // of what the telemetry says nothing of, that of the reading
	if behind > 0 {
		at = now.Add(-behind)
	}
	keep := func(signal site.Signal, value float64, worse bool) {
		if _, found := worst[signal]; !found || worse {
			worst[signal] = Reading{Signal: signal, At: at, Value: value}
		}
	}
	load := l.load()
	keep(site.Load, load, load > worst[site.Load].Value)
	if signal := fciSignals[l.Type]; signal != "" {
		keep(signal, *l.Current, *l.Current > worst[signal].Value)
	}
	if left := max(0, *l.Hard-*l.Current); l.Type == "egress" {
		keep(site.AvailableBandwidth, left, left < worst[site.AvailableBandwidth].Value)
	}
	return "", nil
}

// mostLoad is beyond what anybody asks.
const mostLoad = 1000

// load is how much of the limit is used: the soft one is at site.DefaultSoft.
func (l fciLimit) load() float64 {
	soft := *l.Hard * site.DefaultSoft
	if l.Soft != nil {
		soft = *l.Soft
	}
	switch {
	case *l.Hard == 0:
		return 1 // there is nothing to be had
	case *l.Current >= *l.Hard:
		return min(*l.Current / *l.Hard, mostLoad)
	case *l.Current <= soft && soft > 0:
		return site.DefaultSoft * *l.Current / soft
	}
	return site.DefaultSoft + (1-site.DefaultSoft)*(*l.Current-soft)/(*l.Hard-soft)
}

// latency is how far behind the metric is that a limit refers to.
func (t fciTelemetry) latency(l fciLimit) time.Duration {
	for _, s := range t.Sources {
		for _, m := range s.Metrics {
			if s.ID == l.Source.ID && m.Name == l.Source.Metric && m.Latency > 0 {
				return time.Duration(min(m.Latency, 1e6) * float64(time.Second))
			}
		}
	}
	return 0
}

// known is the type of a limit if it is one of RFC 9808; other text is the
// answer's.
func known(limitType string) string {
	if slices.Contains([]string{"egress", "requests", "storage-size", "storage-objects", "sessions", "cache-size"}, limitType) {
		return limitType
	}
	return "an unknown type"
}
