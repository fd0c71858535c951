package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// told is what a feed says of one service of a CDN.
type told struct {
	service  string
	readings []Reading
}

// eachService reads a feed of services once for each of them, in turn, and makes
// one reading of all. When one fails all do: a sum with a part missing is none.
func eachService(ask asking) asking {
	return func(ctx context.Context, c *call) (site.Failure, error) {
		if c.ask.Services == "" {
			return ask(ctx, c)
		}
		var all []told
		query := c.ask.Query
		for _, id := range strings.Fields(c.ask.Services) {
			if err := c.serve(id, query); err != nil {
				return site.FailureProtocol, err
			}
			if failure, err := ask(ctx, c); err != nil {
				return failure, fmt.Errorf("service '%s': %w", id, err)
			}
			all = append(all, told{id, c.result.Readings})
		}
		return c.sum(all)
	}
}

// serve has the call be about one service.
func (c *call) serve(id, query string) error {
	u, err := url.Parse(site.WithService(c.target.URL, id))
	if err != nil {
		return errors.New("reading the URL: not a valid one")
	}
	c.service, c.url, c.result.Readings = id, u, nil
	if c.target.Kind == "promql" {
		c.ask.Query = site.WithService(query, id)
	}
	return nil
}

// sum makes the result of what was told of all services. What cannot be true of
// one of them would hide in the sum.
func (c *call) sum(all []told) (site.Failure, error) {
	c.result.Readings = nil
	now := time.Now()
	for _, t := range all {
		for _, r := range t.readings {
			if why := cmp.Or(impossible(r, now), improbable(r.Signal, r.Value)); why != "" {
				return site.FailureInvalid, fmt.Errorf("service '%s': %s: %s", t.service, r.Signal, why)
			}
		}
	}
	for _, signal := range site.Signals() {
		if r, known := joint(signal, all); known {
			c.result.Readings = append(c.result.Readings, r)
		}
	}
	if c.result.Readings == nil {
		return site.FailureContent, errors.New("no signal is told of every service")
	}
	return "", nil
}

// joint is what all services together have of a signal, as old as the oldest of
// them. It is not known if one of them does not tell it.
func joint(signal site.Signal, all []told) (Reading, bool) {
	if signal.Ratio() {
		return jointRatio(signal, all)
	}
	sum := Reading{Signal: signal}
	for i, t := range all {
		r, told := t.of(signal)
		if !told {
			return Reading{}, false
		}
		sum.At = older(sum.At, r.At)
		sum.Value = plus(signal, sum.Value, r.Value, i == 0)
	}
	return sum, true
}

// plus adds what can be added up, and takes the worse of the rest.
func plus(signal site.Signal, sum, value float64, first bool) float64 {
	switch {
	case signal == site.UsedBandwidth || signal == site.Connections || signal == site.Requests:
		return sum + value
	case first:
		return value
	case signal.LessIsWorse():
		return min(sum, value)
	}
	return max(sum, value)
}

// jointRatio weighs ratios by the requests that they are of; without those the
// worst counts. A service that has no such requests does not matter.
func jointRatio(signal site.Signal, all []told) (Reading, bool) {
	ratio := Reading{Signal: signal}
	var part, whole float64
	known, weighed := false, true
	for _, t := range all {
		r, told := t.of(signal)
		if !told && t.idle(signal) {
			continue
		}
		if !told {
			return Reading{}, false
		}
		ratio.At, ratio.Value = older(ratio.At, r.At), plus(signal, ratio.Value, r.Value, !known)
		known, weighed = true, weighed && r.Of > 0
		part, whole = part+r.Value*r.Of, whole+r.Of
	}
	if known && weighed {
		ratio.Value = part / whole
	}
	return ratio, known
}

// idle reports whether a service without a ratio has no requests that it would be
// of: nobody asked it anything, or nothing that a cache is asked for.
func (t told) idle(signal site.Signal) bool {
	asked, counted := t.of(site.Requests)
	return counted && (asked.Value == 0 || signal == site.HitRatio)
}

func (t told) of(signal site.Signal) (Reading, bool) {
	for _, r := range t.readings {
		if r.Signal == signal {
			return r, true
		}
	}
	return Reading{}, false
}

// traffic is what the API of a CDN counts of a service, in some time up to at.
type traffic struct {
	at                      time.Time
	over                    time.Duration
	bytes, requests, failed float64
	of                      float64 // which failed is a part of; 0: requests
	hits, looked            float64 // requests that the cache answered, of those that it was asked for
}

// readings makes signals of it. Of nothing no ratio is known.
func (t traffic) readings() []Reading {
	seconds := t.over.Seconds()
	readings := []Reading{
		{Signal: site.UsedBandwidth, At: t.at, Value: t.bytes * 8 / seconds},
		{Signal: site.Requests, At: t.at, Value: t.requests / seconds},
	}
	ratio := func(signal site.Signal, part, whole float64) {
		if whole > 0 {
			readings = append(readings, Reading{Signal: signal, At: t.at, Value: part / whole, Of: whole / seconds})
		}
	}
	ratio(site.ErrorRatio, t.failed, cmp.Or(t.of, t.requests))
	ratio(site.HitRatio, t.hits, t.looked)
	return readings
}

// apiMaps are the ready-made lists of the APIs of CDNs; see site.IsAPI.
var apiMaps = map[string]asking{
	"bunny":      eachService(askBunny),
	"cloudflare": askCloudflare,
	"fastly":     eachService(askFastly),
}
