package engine_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
)

// The sites of the day: daySites of them share two origins, of which the first
// is preferred, each with two addresses and an exporter.
const (
	daySites  = 100
	dayEvery  = 5 * time.Minute
	dayLimit  = 10 * time.Second // of a probe's time
	hostSpare = 8                // see package health
)

var dayOrigins = []site.Origin{dayOrigin("fra", 1, 0), dayOrigin("ams", 3, 1)}

func dayOrigin(name string, digit byte, priority int) site.Origin {
	return site.Origin{
		Name: name, Priority: priority, Capacity: 10e9,
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, digit}), netip.AddrFrom4([4]byte{192, 0, 2, digit + 1})},
		Feeds: []site.Source{{
			Kind: "map", URL: "http://" + name + ".example.net:9100/metrics", Every: dayEvery, Timeout: dayLimit,
			Ask: site.Ask{Map: "node_exporter", Status: site.DefaultStatus()},
		}},
		Thresholds: []site.Threshold{{
			Signal: site.AvailableBandwidth, Limit: 1e9, Recover: 2e9, NoData: site.NoData{Action: site.NoDataCDN, After: 10 * time.Minute},
		}},
	}
}

func daySite(i int) *site.Site {
	s := newSite(fmt.Sprintf("s%d.example.org.", i))
	s.Origins, s.FailbackDelay = dayOrigins, 2*time.Minute
	s.Probes[0].Every, s.Probes[0].Timeout = dayEvery, dayLimit
	return s
}

// flights counts the probes under way, by the address that they go to.
type flights struct {
	mu   sync.Mutex
	now  map[string]int
	most int
	all  int
}

func (f *flights) begin(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[url]++
	f.most, f.all = max(f.most, f.now[url]), f.all+1
}

func (f *flights) end(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[url]--
}

// peak returns the most probes that were under way to one address, and how many
// there were in all, since it was last asked.
func (f *flights) peak() (most, all int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	most, all = f.most, f.all
	f.most, f.all = 0, 0
	return most, all
}

// day is the world of the day.
type day struct {
	*world
	flights
	engine *engine.Engine
	used   map[string]float64 // by origin; an origin that is not in it is silent
}

func (d *day) probe(ctx context.Context, t site.Target) health.Result {
	d.begin(t.URL)
	defer d.end(t.URL)
	return d.world.probe(ctx, t)
}

// export has the exporters speak.
func (d *day) export(ctx context.Context) {
	tick := time.NewTicker(dayEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		for i := range dayOrigins {
			s := daySite(0)
			for _, p := range s.Paths() {
				used, speaks := d.usedBy(dayOrigins[i].Name)
				if p.Target.IsFeed() && p.Origin == i && speaks {
					d.engine.Say(p.Target, site.Sample{At: time.Now(), Signal: site.UsedBandwidth, Value: used})
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (d *day) usedBy(origin string) (float64, bool) {
	d.mu().Lock()
	defer d.mu().Unlock()
	used, speaks := d.used[origin]
	return used, speaks
}

func (d *day) mu() *sync.Mutex { return &d.world.mu }

// takes sets how long the addresses with these last digits take to answer.
func (d *day) takes(how time.Duration, digits ...int) {
	for _, digit := range digits {
		d.set(url(fmt.Sprintf("192.0.2.%d", digit)), how)
	}
}

func (d *day) uses(origin string, used float64) {
	d.change(func(*world) { d.used[origin] = used })
}

func (d *day) falls(origin string) {
	d.change(func(*world) { delete(d.used, origin) })
}

// dayEngine begins the day.
func dayEngine(t *testing.T) *day {
	d := &day{world: newWorld(), flights: flights{now: map[string]int{}}, used: map[string]float64{"fra": 1e9, "ams": 1e9}}
	reg := prometheus.NewRegistry()
	d.takes(50*time.Millisecond, 1, 2, 3, 4)
	d.engine = engine.New(engine.Config{
		Log: d, Metrics: engine.NewMetrics(reg), Health: health.NewMetrics(reg), Redirect: redirect.NewMetrics(reg), Anchor: d.anchor,
		Network: kinds{
			"http": d.probe,
			"map":  func(context.Context, site.Target) health.Result { return health.Result{} },
		},
		Resolver: func([]netip.AddrPort) health.Exchange { return d.resolvers.exchange },
	})
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { defer close(over); d.export(ctx) }()
	t.Cleanup(func() { cancel(); <-over; d.engine.Close() })
	return d
}

// wantAll checks what all sites answer with.
func wantAll(t *testing.T, g *engine.Generation, at time.Duration, what string, want ...string) {
	t.Helper()
	synctest.Wait()
	for i := range daySites {
		a := g.Table.Lookup(fmt.Sprintf("s%d.example.org.", i)).Answers()
		got := a.Target
		for _, addr := range a.A {
			got += fmt.Sprint(addr[3])
		}
		if a.Target != "" {
			got = a.Target
		}
		if got != want[0] {
			t.Fatalf("%s, %s: site %d answers %q, want %q (%s)", at, what, i, got, want[0], a.Decision.Reason)
		}
	}
}

// TestADayOfMonitoring scripts the faults of a day. Of each host no more is
// asked at once than what it takes to find it dead in time, at the start and
// after an outage too.
func TestADayOfMonitoring(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		d := dayEngine(t)
		var sites []*site.Site
		for i := range daySites {
			sites = append(sites, daySite(i))
		}
		began := time.Now()
		g := offer(d.engine, sites...)
		const hour, timeToFind = time.Hour, 3*dayEvery + dayLimit + 100*time.Millisecond
		before := 0
		for _, step := range []struct {
			at   time.Duration
			what string
			do   func()
			want string
		}{
			{time.Minute, "a quiet night", func() {}, "12"},
			{3 * hour, "one address dies", func() { d.takes(hour, 2) }, "12"},
			{3*hour + timeToFind, "it leaves the answer", func() {}, "1"},
			{4 * hour, "it is back", func() { d.takes(50*time.Millisecond, 2) }, "1"},
			{4*hour + timeToFind, "and in the answer", func() {}, "12"},
			{6 * hour, "fra fills up", func() { d.uses("fra", 9.5e9) }, "12"},
			{6*hour + 12*time.Minute, "two bad readings of three count once", func() {}, "12"},
			{6*hour + 16*time.Minute, "ams takes over", func() {}, "34"},
			{8 * hour, "ams is slow", func() { d.takes(400*time.Millisecond, 3, 4) }, "34"},
			{8*hour + 5*dayEvery + dayLimit, "a CDN takes over", func() {}, edge},
			{9 * hour, "fra has room again", func() { d.uses("fra", 2e9) }, edge},
			{9*hour + 20*time.Minute, "and its visitors", func() {}, "12"},
			{10 * hour, "ams is fast again", func() { d.takes(50*time.Millisecond, 3, 4) }, "12"},
			{12 * hour, "the exporter of fra dies", func() { d.falls("fra") }, "12"},
			{12*hour + 24*time.Minute, "three readings are missing, and nine minutes", func() {}, "12"},
			{12*hour + 26*time.Minute, "without it nobody stays", func() {}, "34"},
			{13 * hour, "all is dead", func() { d.takes(hour, 1, 2, 3, 4) }, "34"},
			{13*hour + timeToFind, "and is left", func() {}, edge},
			{15 * hour, "all is alive", func() { d.takes(50*time.Millisecond, 1, 2, 3, 4); d.uses("fra", 1e9) }, edge},
			{16 * hour, "and visited", func() {}, "12"},
			{24 * hour, "a quiet evening", func() {}, "12"},
		} {
			time.Sleep(time.Until(began.Add(step.at)))
			wantAll(t, g, step.at, step.what, step.want)
			step.do()
			allowed := hostSpare + int(1.25*daySites*dayLimit.Seconds()/dayEvery.Seconds())
			if most, all := d.peak(); most > allowed || all == 0 && step.at > time.Minute && step.at%hour == 0 {
				t.Errorf("%s, %s: %d probes under way at once, want at most %d (%d in all)", step.at, step.what, most, allowed, all)
			}
			if n := runtime.NumGoroutine(); before == 0 {
				before = n
			} else if step.at == 24*hour && n > before+hostSpare {
				t.Errorf("%d goroutines became %d", before, n)
			}
		}
	})
}

// TestProbesAreSpread starts many probes of few hosts, and has them come back
// after an outage: in no tenth of a second are there more than a fair part.
func TestProbesAreSpread(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		d := dayEngine(t)
		var sites []*site.Site
		for i := range daySites {
			sites = append(sites, daySite(i))
		}
		done := make(chan struct{})
		go func() { defer close(done); offer(d.engine, sites...) }()
		const step = 100 * time.Millisecond
		peak := func(span time.Duration) (highest int) {
			for range span / step {
				time.Sleep(step)
				_, n := d.peak()
				highest = max(highest, n)
			}
			return highest
		}
		if first := peak(2 * time.Second); first > 150 { // one a millisecond, and chance
			t.Errorf("%d probes in a tenth of the first second, of %d", first, 4*daySites)
		}
		<-done
		d.peak()
		const fair = 4*daySites*int(step)/int(dayEvery) + 1
		if later := peak(2 * dayEvery); later > 8*fair {
			t.Errorf("%d probes in a tenth of a second, want about %d", later, fair)
		}
		d.takes(time.Hour, 1, 2, 3, 4)
		peak(4 * dayEvery)
		d.takes(50*time.Millisecond, 1, 2, 3, 4)
		if after := peak(2 * dayEvery); after > 8*fair {
			t.Errorf("%d probes in a tenth of a second after the outage, want about %d", after, fair)
		}
	})
}
