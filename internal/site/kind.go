package site

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// kind is what a kind of probe or feed is like.
type kind struct {
	feed    bool
	named   bool     // the web server's name goes into the question, as Host header or in TLS
	schemes []string // of its URL
	port    string   // where the URL names none; empty: it must, unless portless
}

// kinds is the table of all of them, by the word of the Corefile.
var kinds = map[string]kind{
	"http":     {named: true, schemes: []string{"http", "https"}},
	"download": {named: true, schemes: []string{"http", "https"}},
	"tls":      {named: true, schemes: []string{"tls"}, port: "443"},
	"tcp":      {schemes: []string{"tcp"}},
	"dns":      {schemes: []string{"dns"}, port: "53"},
	"grpc":     {named: true, schemes: []string{"grpc"}},
	"icmp":     {schemes: []string{"icmp"}},

	"prometheus": {feed: true, schemes: []string{"http", "https"}},
	"promql":     {feed: true, schemes: []string{"http", "https"}},
	"json":       {feed: true, schemes: []string{"http", "https"}},
	"fci":        {feed: true, schemes: []string{"http", "https"}},
	"map":        {feed: true, schemes: []string{"http", "https"}},
	"snmp":       {feed: true, schemes: []string{"snmp"}, port: "161"},
	"file":       {feed: true, schemes: []string{"file"}},
	"redirector": {feed: true, schemes: []string{"redirector"}},
	"push":       {feed: true, schemes: []string{"push"}},
}

// ProbeKinds lists the kinds of probes.
func ProbeKinds() []string { return kindsThat(func(k kind) bool { return !k.feed }) }

// FeedKinds lists the kinds of feeds, the ready-made maps being one.
func FeedKinds() []string { return kindsThat(func(k kind) bool { return k.feed }) }

func kindsThat(match func(kind) bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if match(kinds[name]) {
			names = append(names, name)
		}
	}
	return names
}

// IsFeed reports whether a source reads statistics that somebody else keeps.
func (s Source) IsFeed() bool { return kinds[s.Kind].feed }

// IsFeed reports whether a target is read and not probed.
func (t Target) IsFeed() bool { return kinds[t.Kind].feed }

// OverHTTP reports whether a source is asked over HTTP.
func (s Source) OverHTTP() bool { return kinds[s.Kind].overHTTP() }

// Signals returns what a source's samples are of.
func (s Source) Signals() []Signal {
	switch {
	case s.Kind == "download":
		return []Signal{AvailableBandwidth}
	case !s.IsFeed():
		return []Signal{ResponseTime, ErrorRatio}
	case s.Kind == "map":
		return MapSignals(s.Ask.Map)
	case s.Kind == "fci":
		return []Signal{AvailableBandwidth, UsedBandwidth, Load, Connections, Requests}
	}
	return []Signal{s.Ask.Signal}
}

// supplies reports whether a source can supply a signal of an origin with this
// capacity in time.
func (s Source) supplies(signal Signal, capacity float64) bool {
	return !s.late() && s.gives(signal, capacity)
}

// gives reports whether it is of a signal of an origin with this capacity, of which
// what is used leaves what is available.
func (s Source) gives(signal Signal, capacity float64) bool {
	given := s.Signals()
	return slices.Contains(given, signal) ||
		signal == AvailableBandwidth && capacity > 0 && slices.Contains(given, UsedBandwidth)
}

// timeoutByHand is that of a probe that somebody asks for by its URL.
const timeoutByHand = 5 * time.Second

// TargetOf returns the target of a probe of a URL, with the defaults of its kind:
// http for http:// and https://, else the kind that has the URL's scheme.
func TargetOf(text string) (Target, error) {
	scheme, _, _ := strings.Cut(text, "://")
	name := scheme
	if scheme == "https" {
		name = "http"
	}
	src := Source{Kind: name, URL: text, Every: 2 * timeoutByHand, Timeout: timeoutByHand, Ask: Ask{Status: DefaultStatus()}}
	if name == "dns" {
		return Target{}, fmt.Errorf("'%s' does not say what to ask for: probe a site", text)
	}
	if kinds[name].feed || strings.Contains(text, "{") {
		return Target{}, fmt.Errorf("'%s' is not the URL of a probe", text)
	}
	if err := checkSource("probe", src); err != nil {
		return Target{}, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, fmt.Errorf("'%s' is not a URL", text)
	}
	return src.target(netip.Addr{}, u.Hostname(), false), nil
}
