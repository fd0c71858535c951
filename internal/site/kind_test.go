package site_test

import (
	"slices"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// maps are the ready-made lists of signals.
var maps = []string{"haproxy", "nginx", "node_exporter", "trafficserver", "varnish"}

// Every kind is a probe or a feed, and measures something that is known.
func TestKinds(t *testing.T) {
	probes, feeds := site.ProbeKinds(), site.FeedKinds()
	if len(probes) != 7 || len(feeds) != 9 || !slices.IsSorted(probes) || !slices.IsSorted(feeds) {
		t.Fatalf("got %q and %q", probes, feeds)
	}
	for _, kind := range slices.Concat(probes, feeds) {
		src := site.Source{Kind: kind, Ask: site.Ask{Signal: site.Load, Map: maps[0]}}
		if src.IsFeed() != slices.Contains(feeds, kind) || src.IsFeed() != (site.Target{Kind: kind}).IsFeed() {
			t.Errorf("%s: a feed: %t", kind, src.IsFeed())
		}
		signals := src.Signals()
		known := func(s site.Signal) bool { return slices.Contains(site.Signals(), s) }
		if len(signals) == 0 || slices.ContainsFunc(signals, func(s site.Signal) bool { return !known(s) }) {
			t.Errorf("%s: measures %q", kind, signals)
		}
	}
}

func TestSignalsOfSources(t *testing.T) {
	for _, tc := range []struct {
		source site.Source
		want   []site.Signal
	}{
		{site.Source{Kind: "http"}, []site.Signal{site.ResponseTime, site.ErrorRatio}},
		{site.Source{Kind: "icmp"}, []site.Signal{site.ResponseTime, site.ErrorRatio}},
		{site.Source{Kind: "download"}, []site.Signal{site.AvailableBandwidth}},
		{site.Source{Kind: "json", Ask: site.Ask{Signal: site.Requests}}, []site.Signal{site.Requests}},
		{site.Source{Kind: "map", Ask: site.Ask{Map: "nginx"}}, site.MapSignals("nginx")},
	} {
		if got := tc.source.Signals(); !slices.Equal(got, tc.want) {
			t.Errorf("%+v: got %q", tc.source, got)
		}
	}
	for _, name := range maps {
		if len(site.MapSignals(name)) == 0 {
			t.Errorf("map '%s' has no signal", name)
		}
	}
}

// Lines of the same kind or signal are told apart as the Corefile does it.
func TestKeys(t *testing.T) {
	for want, src := range map[string]site.Source{
		"probe tcp":      {Kind: "tcp", Ask: site.Ask{Signal: site.Load}},
		"feed load":      {Kind: "json", Ask: site.Ask{Signal: site.Load}},
		"feed map nginx": {Kind: "map", Ask: site.Ask{Map: "nginx"}},
	} {
		if got := src.Key(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Supplied tells what the site's own sources measure, whatever its origins add.
func TestSupplied(t *testing.T) {
	s := valid()
	s.Feeds = []site.Source{reads("file", "file:///run/b", site.UsedBandwidth)}
	s.Origins[0].Capacity, s.Origins[0].Feeds = 1e9, shared().Feeds
	for _, signal := range site.Signals() {
		want := slices.Contains([]site.Signal{site.ResponseTime, site.ErrorRatio, site.UsedBandwidth}, signal)
		if got := s.Supplied(signal); got != want {
			t.Errorf("%s: got %t", signal, got)
		}
	}
}
