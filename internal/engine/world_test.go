package engine_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

// TestMain has nothing be left behind, but for what fasthttp keeps: a clock for
// the process, and for ten seconds more what counted idle workers.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// world stands for the network in virtual time: what each URL takes to answer.
type world struct {
	mu      sync.Mutex
	answers map[string]func() health.Result
	takes   map[string]time.Duration
	hits    map[string]int
	lines   []string
	cutOff  bool          // nothing is answered
	mute    bool          // no anchor answers
	far     time.Duration // of the anchors

	fails map[string]site.Failure // hosts that CDNs answer badly for

	next, resolvers dnsWorld // the next plugin's data, and that of everybody
}

func newWorld() *world {
	return &world{
		answers: map[string]func() health.Result{}, takes: map[string]time.Duration{}, hits: map[string]int{},
	}
}

// set has url answer after d; a d from the timeout on is a timeout.
func (w *world) set(url string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.takes[url] = d
}

// panicAt has url's probe panic from now on.
func (w *world) panicAt(url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[url] = func() health.Result { panic("probe of " + url) }
}

// anchor answers as long as the monitor is not cut off.
func (w *world) anchor(ctx context.Context, _ netip.AddrPort) error {
	w.mu.Lock()
	far := w.far
	w.mu.Unlock()
	time.Sleep(far)
	w.mu.Lock()
	silent := w.cutOff || w.mute
	w.mu.Unlock()
	if silent {
		<-ctx.Done()
	}
	return ctx.Err()
}

// change changes the world.
func (w *world) change(how func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	how(w)
}

// isCut reports whether nothing is answered now.
func (w *world) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cutOff
}

func (w *world) hitsOf(url string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hits[url]
}

func (w *world) probe(ctx context.Context, t site.Target) health.Result {
	w.mu.Lock()
	w.hits[t.URL]++
	answer, takes := w.answers[t.URL], w.takes[t.URL]
	failure := w.fails[t.Host]
	w.mu.Unlock()
	if failure != "" && strings.HasPrefix(t.URL, "https:") {
		return health.Result{Failure: failure, Err: fmt.Errorf("it says %s", failure), Phases: health.Phases{FirstByte: t.Timeout}}
	}
	if answer != nil {
		return answer()
	}
	select {
	case <-ctx.Done():
	case <-time.After(min(takes, t.Timeout)):
	}
	if w.isCut() {
		<-after(ctx, t.Timeout-min(takes, t.Timeout))
		takes = t.Timeout
	}
	if takes >= t.Timeout {
		return health.Result{Failure: site.FailureTimeout, Total: t.Timeout}
	}
	return health.Result{Total: takes}
}

// after is over when d is, or ctx.
func after(ctx context.Context, d time.Duration) <-chan struct{} {
	ctx, cancel := context.WithTimeout(ctx, d)
	context.AfterFunc(ctx, cancel)
	return ctx.Done()
}

// Infof and its siblings make the world the engine's logger.
func (w *world) Infof(format string, v ...any)    { w.log("info", format, v...) }
func (w *world) Warningf(format string, v ...any) { w.log("warning", format, v...) }
func (w *world) Errorf(format string, v ...any)   { w.log("error", format, v...) }

func (w *world) log(level, format string, v ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, level+": "+fmt.Sprintf(format, v...))
}

func (w *world) logged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.lines)
}

// engine returns an engine in this world, and the registry of its series.
func (w *world) engine(t testing.TB) (*engine.Engine, *prometheus.Registry) {
	t.Helper()
	return w.engineOver(t, kinds{"http": w.probe})
}

// engineOver is the same over more kinds of sources.
func (w *world) engineOver(t testing.TB, network kinds) (*engine.Engine, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	e := engine.New(engine.Config{
		Log:     w,
		Network: network,
		Metrics: engine.NewMetrics(reg),
		Health:  health.NewMetrics(reg),

		Redirect: redirect.NewMetrics(reg),
		Resolver: func([]netip.AddrPort) health.Exchange { return w.resolvers.exchange },
		Anchor:   w.anchor,
	})
	t.Cleanup(e.Close)
	return e, reg
}

// kinds is a network of nothing but probes.
type kinds map[string]health.Probe

func (k kinds) Probes() map[string]health.Probe { return k }
func (kinds) Allow([]netip.Prefix)              {}
func (kinds) Close()                            {}

// url is what the probe of one address asks.
func url(addr string) string { return "http://" + addr + ":80/" }

// newSite is a site with the given addresses: a probe each second, a limit of
// 300 ms, 10 s of failback_delay.
func newSite(name string, addrs ...string) *site.Site {
	s := site.New(name)
	s.Zone = "example.org."
	s.Hosts, s.Origins = []string{name}, []site.Origin{{}}
	for _, a := range addrs {
		s.Origins[0].Addresses = append(s.Origins[0].Addresses, netip.MustParseAddr(a))
	}
	s.CDNs = []site.CDN{{Name: "edge", Target: "edge.example.net."}}
	s.Probes = []site.Source{{
		Kind: "http", URL: "http://{origin}/", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Status: site.DefaultStatus()},
	}}
	s.Thresholds = []site.Threshold{{Signal: site.ResponseTime, Limit: 0.3, Recover: 0.24}}
	s.FailbackDelay = 10 * time.Second
	return s
}

// answer is what the generation's table says of a name: its CNAME's target, or
// how many A records.
func answer(g *engine.Generation, name string) string {
	a := g.Table.Lookup(name).Answers()
	if a.Target != "" {
		return a.Target
	}
	return fmt.Sprintf("%d A", len(a.A))
}

// gauge reads one series.
func gauge(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("Expected a series %s{%s}", name, label)
	return 0
}
