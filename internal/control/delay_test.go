package control_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// behind is how far the feeds of these tests are behind.
const behind = 90 * time.Second

// lateFeeds makes a site's sources feeds of its origin's bandwidth, of which that
// of what is available is behind.
func lateFeeds(signals ...site.Signal) func(*site.Site) {
	return func(s *site.Site) {
		s.Probes, s.Origins[0].Capacity = nil, 10e9
		for _, signal := range signals {
			feed := site.Source{Kind: "json", URL: "http://stats.example/" + string(signal), Every: period, Timeout: timeout, Ask: site.Ask{Signal: signal, Query: "n"}}
			if signal == site.AvailableBandwidth {
				feed.Ask.Delay = behind
			}
			s.Feeds = append(s.Feeds, feed)
		}
		s.Thresholds = []site.Threshold{{Signal: site.AvailableBandwidth, Limit: 1e9, Recover: 2e9}}
	}
}

// say has a feed say something, as of so long ago as it is behind.
func (h *history) say(path int, value float64) {
	h.add(path, site.Sample{At: h.now.Add(-h.sources[path].Delay), Signal: h.site.Paths()[path].Target.Ask.Value().Signal, Value: value})
}

// What is available is what a feed says of it, however far behind, and not what
// follows from another feed, until it falls silent.
func TestAFeedThatIsBehindIsBelieved(t *testing.T) {
	h := observe(newSite(t, 1, lateFeeds(site.AvailableBandwidth, site.UsedBandwidth)))
	for range 20 {
		h.say(0, 5e9)
		h.say(1, 9.9e9)
		h.wait(period)
		if got := side(h.last()); got != "o" {
			t.Fatalf("Expected the feed believed that says what is available, got %s", got)
		}
	}
	for range 20 {
		h.say(1, 9.9e9)
		h.wait(period)
	}
	if got := side(h.last()); got != "C" {
		t.Errorf("Expected the other one believed when that is silent, got %s", got)
	}
}

// One that was never heard is missing after three periods and what it is behind.
func TestAFeedThatIsBehindGetsTimeToSpeak(t *testing.T) {
	h := observe(newSite(t, 1, lateFeeds(site.AvailableBandwidth), noData(site.NoDataCDN, 0)))
	h.wait(time.Hour)
	wantTurns(t, h, turn{3*period + behind, site.SideCDN, site.CauseNoData})
}

// Nothing is due before it falls silent.
func TestAFeedThatIsBehindIsDueWhenItFallsSilent(t *testing.T) {
	s := newSite(t, 1, lateFeeds(site.AvailableBandwidth))
	s.Feeds[0].Ask.Delay = period
	h := observe(s)
	h.say(0, 5e9)
	if want := h.now.Add(3 * period); !h.state.Due.Equal(want) {
		t.Errorf("Expected a decision due at %s, got %s", want, h.state.Due)
	}
}
