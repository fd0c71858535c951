package control_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestRule19TTLIsAtMostTheTimeToTheNextTurn is the rule of the remaining time
// for a TTL (as of gdnsd's DYNA): while the clock of the rule for missing data
// runs, nobody is told a TTL above the floor that reaches beyond
// the turn.
func TestRule19TTLIsAtMostTheTimeToTheNextTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t))
		for _, e := range anyEvents(h.site).Draw(t, "events") {
			h.happen(e)
			now, floor := h.last(), h.site.TTL.Min
			if now.TTL < floor || now.TTL > max(h.site.TTL.Full, h.site.TTL.Diverted) {
				t.Fatalf("TTL %s is not within the site's %+v", now.TTL, h.site.TTL)
			}
			if now.TTL == floor || h.state.Counts[0].Silent.IsZero() {
				continue
			}
			later := *h
			later.wait(now.TTL - 1)
			if then := later.last(); then.Share != now.Share || now.Share > 0 && !slices.Equal(then.CDNs, now.CDNs) {
				t.Fatalf("after %s a TTL of %s:\n   now %+v\nwithin %+v", h.now.Sub(begin), now.TTL, now, then)
			}
		}
	})
}

// TestRule19TTLIsShortBeforeAReturn has good samples come in: the clock is that of
// the return then.
func TestRule19TTLIsShortBeforeAReturn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySite(t, lastOnly, undamped, func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertAll} })
		h := observe(s)
		for range 2 * s.Enter {
			h.wait(s.Probes[0].Every)
			hearAll(h, 5*s.Thresholds[0].Limit)
		}
		told := make(map[time.Time]time.Duration)
		for h.last().Share == 1 {
			h.wait(s.Probes[0].Every)
			hearAll(h, s.Thresholds[0].Recover/2)
			if d := h.last(); !h.state.Origins[0].Calm.IsZero() && d.Share == 1 && d.TTL > s.TTL.Min {
				told[h.now] = d.TTL
			}
		}
		for at, ttl := range told {
			if left := h.now.Sub(at); ttl > left {
				t.Fatalf("told a TTL of %s with %s left, of %+v", ttl, left, s.TTL)
			}
		}
	})
}

// hearAll adds a sample on every path.
func hearAll(h *history, value float64) {
	for path := range h.sources {
		h.add(path, site.Sample{At: h.now, Signal: site.ResponseTime, Value: value})
	}
	h.decide(control.None)
}
