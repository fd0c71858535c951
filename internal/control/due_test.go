package control_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// due returns when the next decision is due, counted from begin; -1 for never.
func (h *history) due() time.Duration {
	if h.state.Due.IsZero() {
		return -1
	}
	return h.state.Due.Sub(begin)
}

// Every moment at which time alone changes the decision or its TTL is due.
func TestDue(t *testing.T) {
	const after = 5 * time.Minute
	rule := func(action site.NoDataAction) func(*site.Site) { return noData(action, after) }
	for _, tt := range []struct {
		name   string
		site   *site.Site
		script string
		want   time.Duration
	}{
		{"nothing can change", newSite(t, 1, ttls, rule(site.NoDataStay)), "-", -1},
		{"the data turns stale", newSite(t, 1, ttls, rule(site.NoDataStay)), "0.5*2", 50 * time.Second},
		{"the older of two sources does", newSite(t, 2, ttls, rule(site.NoDataStay)), "0.5 0.5/-", 40 * time.Second},
		{"all of it is stale", newSite(t, 1, ttls, rule(site.NoDataStay)), "0.5 -*3", -1},
		{"the short TTL before the rule", newSite(t, 1, ttls, rule(site.NoDataCDN)), "0.5 -*3", 280 * time.Second},
		{"the rule", newSite(t, 1, ttls, rule(site.NoDataCDN)), "0.5 -*27", 340 * time.Second},
		{"the short TTL before the return", newSite(t, 1, ttls, lastOnly, failback(45*time.Second)), "1 0.5", 25 * time.Second},
		{"the return", newSite(t, 1, ttls, lastOnly, failback(25*time.Second)), "1 0.5", 45 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(tt.site)
			h.play(tt.script, side)
			if got := h.due(); got != tt.want {
				t.Errorf("due after %s, want %s", got, tt.want)
			}
		})
	}
}

// The source turns stale by its newest sample that says something: one that
// does not leaves the time as it is.
func TestDueIsOfUsableSamples(t *testing.T) {
	for _, word := range unusable {
		h := observe(newSite(t, 1))
		h.play("0.5", side)
		h.wait(time.Second)
		h.hear(0, word)
		if got, want := h.due(), 40*time.Second; got != want {
			t.Errorf("%s: due after %s, want %s", word, got, want)
		}
	}
}
