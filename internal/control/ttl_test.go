package control_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// ttls has the three times differ: 60 s at the origin, 40 s at the CDN, 10 s
// while the answer may change soon.
func ttls(s *site.Site) {
	s.TTL = site.TTL{Full: time.Minute, Diverted: 40 * time.Second, Min: 10 * time.Second}
}

// The failback delay is 120 s: with 40 s left the TTL is the short one.
func TestTTL(t *testing.T) {
	one := newSite(t, 1, lastOnly, ttls)
	none := newSite(t, 1, lastOnly, ttls, divertNone)
	run(t, ttl, []scriptTest{
		{"unknown", one, "-*3", "10s*3", ""},
		{"settled at the origin", one, "0.5*3", "1m0s*3", ""},
		{"above the recover level at the origin", one, "0.99*3", "1m0s*3", ""},
		{"an entry count runs", one, "0.5 1*2 0.5", "1m0s 10s*2 1m0s", ""},
		{"an entry count waits", one, "0.5 1 -*2 nan", "1m0s 10s*4", ""},
		{"diverted", one, "0.5 1*9", "1m0s 10s*2 40s*7", ""},
		{"a return is due", one, "1 0.5*14", "40s*9 10s*4 1m0s*2", ""},
		{"a return that does not come", one, "1 0.5*11 0.9*2", "40s*9 10s*3 40s*2", ""},
		{"a return within the TTL all along", newSite(t, 1, lastOnly, ttls, failback(30*time.Second)), "1 0.5*4", "40s 10s*3 1m0s", ""},
		{"an address is going", newSite(t, 2, lastOnly, ttls), "0.5 0.5/x*3", "1m0s 10s*2 1m0s", ""},
		{"an address is coming back", newSite(t, 2, lastOnly, ttls), "0.5/x 0.5*2", "1m0s 10s 1m0s", ""},
		{"an address fails while diverted", newSite(t, 2, lastOnly, ttls), "1 1/x*4", "40s*5", ""},
		{"divert none, a count", none, "0.5 1*4", "1m0s*5", ""},
		{"divert none, missing data", newSite(t, 1, lastOnly, ttls, divertNone, noData(site.NoDataCDN, time.Minute)), "0.5 -*10", "1m0s*11", ""},
		{"divert none, a return", none, "1 0.5*14", "1m0s*15", ""},
		{"divert none, an address is going", newSite(t, 2, lastOnly, ttls, divertNone), "0.5 0.5/x*3", "1m0s 10s*2 1m0s", ""},
		{"all the same", newSite(t, 1, lastOnly, func(s *site.Site) { s.TTL = site.NewTTL(0) }), "- 0.5 1*9 0.5*14", "0s*25", ""},
	})
}

// A return that damping blocks is not due before the block ends.
func TestTTLWhileTheReturnIsBlocked(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, ttls, damping(func(d *site.Damping) { d.Suppress, d.Reuse = 1, 0.5 })))
	h.play("0.5 1*3", ttl) // enters at 40 s, and is held for a half-life of 600 s
	if got := h.play("0.5*60", ttl); got != "40s*55 10s*4 1m0s" {
		t.Errorf("got %s, want 40s*55 10s*4 1m0s", got)
	}
}

// ttlTurns returns when the TTL became the short one and when it ceased to be,
// the first decision on nothing aside.
func ttlTurns(h *history, until time.Duration) []time.Duration {
	var at []time.Duration
	short := h.last().TTL == h.site.TTL.Min
	for h.now.Sub(begin) < until {
		h.wait(time.Second)
		if now := h.last().TTL == h.site.TTL.Min; now != short {
			at, short = append(at, h.now.Sub(begin)), now
		}
	}
	return at
}

// With no CDN ready what is above the limit changes nothing.
func TestTTLWithoutCDN(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, ttls))
	h.ready = []bool{false}
	if got := h.play("0.5 1*6", ttl); got != "1m0s 10s*2 1m0s*4" {
		t.Errorf("got %s, want 1m0s 10s*2 1m0s*4", got)
	}
}

// The TTL is short while the rule for missing data will change the side within
// the full one. No sample comes to say so: State.Due must.
func TestTTLBeforeTheRuleForMissingData(t *testing.T) {
	const after = 5 * time.Minute // from the 40th second on
	for _, tt := range []struct {
		name     string
		site     *site.Site
		word     string
		from, to time.Duration
	}{
		{"from the origin to the CDN", newSite(t, 1, lastOnly, ttls, noData(site.NoDataCDN, after)), "0.5", 280 * time.Second, 340 * time.Second},
		{"from the CDN to the origin", newSite(t, 1, lastOnly, ttls, noData(site.NoDataOrigin, after)), "1", 300 * time.Second, 340 * time.Second},
		{"from the CDN, with the longer TTL there", newSite(t, 1, lastOnly, noData(site.NoDataOrigin, after), func(s *site.Site) {
			s.TTL = site.TTL{Full: 40 * time.Second, Diverted: time.Minute, Min: 10 * time.Second}
		}), "1", 280 * time.Second, 340 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(tt.site)
			h.play(tt.word, ttl)
			got := ttlTurns(h, 10*time.Minute)
			if len(got) != 2 || got[0] != tt.from || got[1] != tt.to {
				t.Errorf("short from and to %v, want %v", got, []time.Duration{tt.from, tt.to})
			}
		})
	}
}

// With no CDN ready visitors get the origin's addresses with the origin's TTL:
// short is what is within that of the return.
func TestTTLBeforeAReturnWithoutCDN(t *testing.T) {
	h := observe(newSite(t, 1, ttls, func(s *site.Site) {
		s.Probes[0].Every, s.Thresholds[0].Window = 30*time.Second, 30*time.Second
	}))
	h.ready = []bool{false}
	h.play("1 0.5", ttl) // calm from the 60th second on: back at the 180th
	h.wait(time.Minute - 1)
	if got := h.last().TTL; got != time.Minute {
		t.Errorf("TTL %s more than a minute before the return, want 1m0s", got)
	}
	h.wait(1)
	if got := h.last().TTL; got != 10*time.Second {
		t.Errorf("TTL %s a minute before the return, want 10s", got)
	}
}
