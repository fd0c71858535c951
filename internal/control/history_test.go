package control_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// begin is where the virtual time of every history starts.
var begin = time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)

// The times of newSite's probe. The limit is a second, so that a response time
// in seconds is its own v; a failed probe's is 5.
const (
	period  = 10 * time.Second
	timeout = 5 * time.Second
)

// fataler is what testing.TB and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// newSite returns a valid site with defaults but for the changes, whose origin
// has the given number of addresses: 192.0.2.1, 192.0.2.2 and so on.
func newSite(t fataler, addresses int, changes ...func(*site.Site)) *site.Site {
	t.Helper()
	s := site.New("www.example.org.")
	s.Zone, s.Hosts = "example.org.", []string{"www.example.org"}
	s.Origins = []site.Origin{{}}
	for i := range addresses {
		s.Origins[0].Addresses = append(s.Origins[0].Addresses, address(i))
	}
	s.CDNs = []site.CDN{{Name: "edge", Target: "edge.example.net."}}
	s.Probes = []site.Source{{Kind: "http", URL: "http://{origin}/", Every: period, Timeout: timeout, Ask: site.Ask{Status: site.DefaultStatus()}}}
	s.Thresholds = []site.Threshold{{Signal: site.ResponseTime, Limit: 1, Recover: 0.8}}
	for _, change := range changes {
		change(s)
	}
	if err := s.Validate(); err != nil {
		t.Fatalf("the test's own site is invalid: %v", err)
	}
	return s
}

// address returns the i-th address of the origin, counted from 0.
func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}) }

// lastOnly has v follow the newest sample of each path alone.
func lastOnly(s *site.Site) {
	var longest time.Duration
	for _, p := range s.Probes {
		longest = max(longest, p.Every)
	}
	s.Thresholds[0].Window = longest
}

// enterAfter sets the number of samples in a row that divert.
func enterAfter(n int) func(*site.Site) { return func(s *site.Site) { s.Enter = n } }

// failback sets the failback delay.
func failback(d time.Duration) func(*site.Site) {
	return func(s *site.Site) { s.FailbackDelay = d }
}

// noData sets the rule for missing data.
func noData(action site.NoDataAction, after time.Duration) func(*site.Site) {
	return func(s *site.Site) { s.NoData = site.NoData{Action: action, After: after} }
}

// undamped switches damping off.
func undamped(s *site.Site) { s.Damping.Off = true }

// divertNone has the site decide and show, and never divert.
func divertNone(s *site.Site) { s.Divert.Mode = site.DivertNone }

// twoCDNs gives the site a second choice.
func twoCDNs(s *site.Site) {
	s.CDNs = []site.CDN{{Name: "edge", Target: "edge.example.net."}, {Name: "big", Target: "big.example.net."}}
}

// history feeds samples of one site to Decide in virtual time. Between two
// samples it decides whenever State.Due says so, and at no other time.
type history struct {
	site    *site.Site
	state   control.State
	now     time.Time
	sources []control.Source
	ready   []bool
	lost    []bool // CDNs that lead nowhere; nil: none
	hides   string
	hold    control.Hold
	turns   []turn
	then    func(control.Input)               // is called after every call of Decide; nil: nothing is
	each    func(before, after site.Decision) // is called after every decision; nil: nothing is
}

// turn is a change of the side.
type turn struct {
	at    time.Duration // since begin
	side  site.Side
	cause site.Cause
}

// observe begins the history of s at begin, with a decision on nothing.
func observe(s *site.Site) *history {
	h := &history{site: s, now: begin, sources: sourcesOf(s)}
	h.decide(control.None)
	return h
}

// sourcesOf returns an empty window for every path of s.
func sourcesOf(s *site.Site) []control.Source {
	var sources []control.Source
	for _, p := range s.Paths() {
		sources = append(sources, control.Source{Line: p.Line, Origin: p.Origin, Address: p.Address, Feed: p.Target.IsFeed(), Period: p.Every, Delay: p.Target.Ask.Value().Behind()})
	}
	return sources
}

// last returns the decision in force.
func (h *history) last() site.Decision { return h.state.Decision() }

// input is what Decide looks at now.
func (h *history) input(path int) control.Input {
	in := control.Input{Now: h.now, Sources: h.sources, New: path, CDNs: candidates(h.ready), Hides: h.hides, Hold: h.hold}
	for i, lost := range h.lost {
		if in.CDNs == nil {
			in.CDNs = slices.Repeat([]control.Candidate{control.Good()}, len(h.lost))
		}
		in.CDNs[i].Lost, in.CDNs[i].Out = lost, in.CDNs[i].Out || lost
	}
	return in
}

// decide takes a decision now.
func (h *history) decide(path int) {
	before, last := h.state.Side, h.last()
	in := h.input(path)
	h.state, _ = control.Decide(h.site, h.state, in)
	if h.then != nil {
		h.then(in)
	}
	if h.state.Side != before {
		h.turns = append(h.turns, turn{h.now.Sub(begin), h.state.Side, h.last().Reason.Cause})
	}
	if h.each != nil {
		h.each(last, h.last())
	}
}

// wait lets d pass.
func (h *history) wait(d time.Duration) {
	end := h.now.Add(d)
	for due := h.state.Due; !due.IsZero() && !due.After(end); due = h.state.Due {
		h.now = due
		h.decide(control.None)
	}
	h.now = end
}

// add puts samples of one moment into the window of a path and decides. The window
// keeps more than any threshold looks at, but nothing that is yet to come.
// What is no measurement stays where it is.
func (h *history) add(path int, batch ...site.Sample) {
	s := batch[len(batch)-1]
	src := &h.sources[path]
	keep := 2 * control.Window(src.Period)
	for _, t := range h.site.Thresholds {
		keep = max(keep, 2*t.Window)
	}
	src.Samples = append(src.Samples, batch...)
	h.decide(path)
	switch {
	case s.At.After(h.now):
		src.Samples = src.Samples[:len(src.Samples)-1]
	case s.Usable(h.now):
		src.Samples = slices.DeleteFunc(src.Samples, func(old site.Sample) bool { return s.At.Sub(old.At) > keep })
	}
}

// hear adds the sample that a word of a script stands for: a number is a good
// probe's v, "x" a probe that failed, "future" a good one of the next second,
// "-" is silence.
func (h *history) hear(path int, word string) {
	p := h.site.Paths()[path]
	limit := h.site.Thresholds[0].Limit
	s := site.Sample{At: h.now, Signal: site.ResponseTime}
	switch word {
	case "-":
		return
	case "x":
		s.Value, s.Failure, s.Detail = p.Target.Timeout.Seconds(), site.FailureTimeout, "no answer"
	case "future":
		s.At, s.Value = h.now.Add(time.Second), limit/10
	default:
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			panic(err)
		}
		s.Value = v * limit
	}
	h.add(path, s)
}

// play feeds a script and returns what show makes of the decision after each
// of its words, run-length encoded.
//
// A word is one period and what is heard at its end: the same on every path,
// or path by path with slashes between. "0.5*3" is "0.5 0.5 0.5".
func (h *history) play(script string, show func(site.Decision) string) string {
	var shown []string
	for _, word := range expand(script) {
		h.wait(h.sources[0].Period)
		parts := strings.Split(word, "/")
		for path := range h.sources {
			h.hear(path, parts[min(path, len(parts)-1)])
		}
		shown = append(shown, show(h.last()))
	}
	return compress(shown)
}

// expand undoes the run-length encoding of a script.
func expand(script string) []string {
	var words []string
	for _, word := range strings.Fields(script) {
		word, times, repeated := strings.Cut(word, "*")
		n := 1
		if repeated {
			var err error
			if n, err = strconv.Atoi(times); err != nil {
				panic(err)
			}
		}
		words = append(words, slices.Repeat([]string{word}, n)...)
	}
	return words
}

// compress is the opposite of expand.
func compress(words []string) string {
	var runs []string
	for len(words) > 0 {
		n := 1
		for n < len(words) && words[n] == words[0] {
			n++
		}
		run := words[0]
		if n > 1 {
			run += "*" + strconv.Itoa(n)
		}
		runs, words = append(runs, run), words[n:]
	}
	return strings.Join(runs, " ")
}

// side shows what was measured: "?" unknown, "o" the origin, "C" a CDN.
func side(d site.Decision) string {
	switch d.Side {
	case site.SideOrigin:
		return "o"
	case site.SideCDN:
		return "C"
	}
	return "?"
}

// answer shows what visitors get: the name of a CDN, or the last digits of the
// origin's addresses.
func answer(d site.Decision) string {
	if d.Share > 0 {
		return d.CDNs[0].Name
	}
	var digits strings.Builder
	for _, addr := range d.Addresses {
		fmt.Fprint(&digits, addr.As4()[3])
	}
	return digits.String()
}

// ttl shows how long the answer may be cached.
func ttl(d site.Decision) string { return d.TTL.String() }

// scriptTest is a history and what is to be seen in it.
type scriptTest struct {
	name    string
	site    *site.Site
	script  string
	want    string     // what show makes of each word, run-length encoded
	because site.Cause // of the last decision; empty: not looked at
}

// run plays the tests' scripts and compares what is shown.
func run(t *testing.T, show func(site.Decision) string, tests []scriptTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(tt.site)
			if got, want := h.play(tt.script, show), compress(expand(tt.want)); got != want {
				t.Errorf("\nheard %s\n  got %s\n want %s", tt.script, got, want)
			}
			if cause := h.last().Reason.Cause; tt.because != "" && cause != tt.because {
				t.Errorf("cause %q, want %q", cause, tt.because)
			}
		})
	}
}

// candidates are CDNs of which some are ready and the others out.
func candidates(ready []bool) []control.Candidate {
	var cdns []control.Candidate
	for _, is := range ready {
		cdns = append(cdns, control.Candidate{Out: !is, Room: 1, Part: 1})
	}
	return cdns
}
