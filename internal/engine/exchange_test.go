package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// meetingPoint is a store as far as servers meet in it, in virtual time.
type meetingPoint struct {
	mu        sync.Mutex
	lease     store.Lease
	samples   []store.Samples
	written   map[int64]time.Time // when samples were
	decisions map[string]store.Decided
	numbers   map[string]int64
	last      int64
	slow      time.Duration            // until it says what it has
	cut       map[string]bool          // servers that do not reach it
	far       map[string]time.Duration // how long something is on its way from a server, or to it
	late      time.Duration            // decisions come so much later than their server waits for
	servers   []*server
}

func newMeetingPoint() *meetingPoint {
	return &meetingPoint{written: map[int64]time.Time{}, decisions: map[string]store.Decided{}, numbers: map[string]int64{}, cut: map[string]bool{},
		far: map[string]time.Duration{}}
}

// door is the way of one server to it.
type door struct {
	*meetingPoint
	server string
}

var errCut = errors.New("the store is away")

func (d *door) enter() error {
	time.Sleep(d.away())
	d.mu.Lock()
	if d.cut[d.server] {
		return errCut
	}
	return nil
}

func (d *door) wait() {
	d.mu.Lock()
	slow := d.slow
	d.mu.Unlock()
	time.Sleep(slow)
}

func (d *door) leave() {
	d.mu.Unlock()
	time.Sleep(d.away())
}

func (d *door) away() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.far[d.server]
}

func (d *door) Lease(_ context.Context, server string, ttl time.Duration) (store.Lease, error) {
	err := d.enter()
	defer d.leave()
	if err != nil {
		return store.Lease{}, err
	}
	if now := time.Now(); d.lease.Holder == server || !d.lease.Until.After(now) {
		if d.lease.Holder != server {
			d.lease.Term++
		}
		d.lease.Holder, d.lease.Until = server, now.Add(ttl)
	}
	return d.lease, nil
}

func (d *door) Resign(_ context.Context, server string) error {
	err := d.enter()
	defer d.leave()
	if err == nil && d.lease.Holder == server {
		d.lease.Holder, d.lease.Until = "", time.Time{}
	}
	return err
}

func (d *door) WriteSamples(_ context.Context, server string, payload []byte) error {
	err := d.enter()
	defer d.leave()
	if err == nil {
		d.last++
		d.samples = append(d.samples, store.Samples{Seq: d.last, Server: server, Payload: payload})
		d.written[d.last] = time.Now()
	}
	return err
}

func (d *door) ReadSamples(_ context.Context, after int64) (rows []store.Samples, err error) {
	d.wait()
	err = d.enter()
	defer d.leave()
	for _, row := range d.samples {
		if row.Age = time.Since(d.written[row.Seq]); err == nil && row.Seq > after {
			rows = append(rows, row)
		}
	}
	return rows, err
}

func (d *door) WriteDecisions(_ context.Context, server string, term int64, decisions []store.Decided) error {
	if d.late > 0 {
		time.AfterFunc(d.late, func() {
			(&door{d.meetingPoint, d.server}).WriteDecisions(context.Background(), server, term, decisions)
		})
		return errCut
	}
	err := d.enter()
	defer d.leave()
	switch {
	case err != nil:
		return err
	case d.lease.Holder != server || d.lease.Term != term || !d.lease.Until.After(time.Now()):
		return fmt.Errorf("server '%s': %w", server, store.ErrFenced)
	}
	for _, one := range decisions {
		d.last++
		d.decisions[one.Site], d.numbers[one.Site] = one, d.last
		if one.Epoch == 0 {
			delete(d.decisions, one.Site)
		}
	}
	for _, s := range d.servers {
		if !d.cut[s.name] {
			time.AfterFunc(d.far[s.name], s.wakeUp)
		}
	}
	return nil
}

func (d *door) ReadDecisions(_ context.Context, after int64) (decisions []store.Decided, last int64, err error) {
	d.wait()
	err = d.enter()
	defer d.leave()
	names := slices.SortedFunc(maps.Keys(d.decisions), func(a, b string) int { return int(d.numbers[a] - d.numbers[b]) })
	for _, name := range names {
		if err != nil || d.numbers[name] <= after {
			continue
		}
		if decisions = append(decisions, d.decisions[name]); len(decisions) == store.DecisionsAtOnce {
			return decisions, d.numbers[name], nil
		}
	}
	return decisions, d.last, err
}

// change changes what servers find.
func (m *meetingPoint) change(how func(*meetingPoint)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	how(m)
}

func (m *meetingPoint) cutOff(servers ...string) {
	m.change(func(m *meetingPoint) {
		clear(m.cut)
		for _, server := range servers {
			m.cut[server] = true
		}
	})
}

func (m *meetingPoint) has(site string) (has bool) {
	m.change(func(m *meetingPoint) { _, has = m.decisions[site] })
	return has
}

// server is one of several, which hears origins in its own way.
type server struct {
	*Engine
	t       *testing.T
	name    string
	kept    *Kept
	table   *Generation
	metrics *Metrics

	mu    sync.Mutex
	takes map[string]time.Duration // by host
	lines lines
}

func (s *server) Probes() map[string]health.Probe { return map[string]health.Probe{"http": s.probe} }
func (s *server) Allow([]netip.Prefix)            {}

// net is what the engine closes; the server has a method of that name.
type net struct{ *server }

func (net) Close() {}

func (s *server) probe(_ context.Context, t site.Target) health.Result {
	s.mu.Lock()
	takes := s.takes[t.Host]
	s.mu.Unlock()
	time.Sleep(min(takes, t.Timeout))
	if takes >= t.Timeout {
		return health.Result{Failure: site.FailureTimeout, Total: t.Timeout}
	}
	return health.Result{Total: takes}
}

func (s *server) hears(host string, takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes[host] = takes
}

func (s *server) Infof(format string, v ...any)    { s.say("info", format, v...) }
func (s *server) Warningf(format string, v ...any) { s.say("warning", format, v...) }
func (s *server) Errorf(format string, v ...any)   { s.say("error", format, v...) }

func (s *server) say(level, format string, v ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.Errorf(level+": "+format, v...)
}

// serve starts a server of some sites that meets others.
func (m *meetingPoint) serve(t *testing.T, name string, sites ...*site.Site) *server {
	t.Helper()
	return m.serveKept(t, m.keptBy(name), sites...)
}

// serveKept starts a server that meets others in its own way.
func (m *meetingPoint) serveKept(t *testing.T, kept *Kept, sites ...*site.Site) *server {
	t.Helper()
	name, reg := kept.cfg.Server, prometheus.NewRegistry()
	s := &server{t: t, name: name, takes: map[string]time.Duration{}, metrics: NewMetrics(reg)}
	s.Engine = New(Config{
		Log: s, Network: net{s}, Metrics: s.metrics, Health: health.NewMetrics(reg), Redirect: redirect.NewMetrics(reg),
		Resolver: func([]netip.AddrPort) health.Exchange { return nil }, Anchor: func(context.Context, netip.AddrPort) error { return nil },
	})
	t.Cleanup(s.Close)
	s.kept = kept
	s.table = s.Offer(context.Background(), Sites{Sites: sites, Kept: s.kept})
	m.change(func(m *meetingPoint) { m.servers = append(m.servers, s) })
	return s
}

func (m *meetingPoint) keptBy(name string) *Kept {
	return &Kept{cfg: Keeping{Server: name, Store: store.Config{Driver: "postgres"}}, elsewhere: &door{m, name}}
}

// reload serves other sites.
func (s *server) reload(kept *Kept, sites ...*site.Site) {
	s.table = s.Offer(context.Background(), Sites{Sites: sites, Kept: kept})
	if !s.Promote() {
		s.t.Fatal("Expected a generation on offer")
	}
}

// slowSite is one that is probed each second and leaves its origin above 300 ms.
func slowSite(name, addr string) *site.Site {
	s := site.New(name)
	s.Zone, s.Hosts = "example.org.", []string{name}
	s.Origins = []site.Origin{{Addresses: addrs(addr)}}
	s.CDNs = []site.CDN{{Name: "edge", Target: "edge.example.net."}}
	s.Probes = []site.Source{{Kind: "http", URL: "http://{origin}/", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Status: site.DefaultStatus()}}}
	s.Thresholds = []site.Threshold{{Signal: site.ResponseTime, Limit: 0.3, Recover: 0.24}}
	s.FailbackDelay = 10 * time.Second
	return s
}

const (
	wwwSite  = "www.example.org."
	shopSite = "shop.example.org."
	origin   = "origin"
	cdnSide  = "cdn"
)

// answers says where a server sends the visitors of a site.
func (s *server) answers(name string) string {
	entry := s.table.Table.Lookup(name)
	switch {
	case entry == nil:
		return "nothing"
	case entry.Answers().Target != "":
		return cdnSide
	}
	return origin
}

func (s *server) want(name, side string) {
	s.t.Helper()
	synctest.Wait()
	if got := s.answers(name); got != side {
		s.t.Errorf("Expected server %s to answer %s with its %s, got %s", s.name, name, side, got)
	}
}

func (s *server) wantRole(r role) {
	s.t.Helper()
	synctest.Wait()
	if got := s.roleNow(); got != r {
		s.t.Errorf("Expected server %s in the role %d, got %d", s.name, r, got)
	}
	for gauge, want := range map[prometheus.Gauge]float64{s.metrics.alone: number(r == roleAlone), s.metrics.decides: number(r != roleFollows)} {
		if got := testutil.ToFloat64(gauge); got != want {
			s.t.Errorf("Expected server %s to show %g in %s, got %g", s.name, want, gauge.Desc(), got)
		}
	}
}

// epoch is that of the decision which a server answers by.
func (s *server) epoch(name string) uint64 {
	s.Engine.mu.Lock()
	defer s.Engine.mu.Unlock()
	return s.current.byName()[name].answered().Epoch
}

// three are servers a, b and c, of which a decides.
func three(t *testing.T, m *meetingPoint, sites ...func() *site.Site) (a, b, c *server) {
	t.Helper()
	own := func() (all []*site.Site) {
		for _, s := range sites {
			all = append(all, s())
		}
		return all
	}
	a = m.serve(t, "a", own()...)
	time.Sleep(1100 * time.Millisecond)
	b, c = m.serve(t, "b", own()...), m.serve(t, "c", own()...)
	time.Sleep(3 * time.Second)
	a.wantRole(roleDecides)
	b.wantRole(roleFollows)
	c.wantRole(roleFollows)
	return a, b, c
}

func wwwOnly() *site.Site { return slowSite(wwwSite, "192.0.2.1") }
func shopToo() *site.Site { return slowSite(shopSite, "192.0.2.2") }

// TestServersDecideByWhatMostHear has one hear a slow origin, and then two.
func TestServersDecideByWhatMostHear(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b, c := three(t, newMeetingPoint(), wwwOnly)
		for _, s := range []*server{a, b} { // who decides is no better than the others
			s.hears(wwwSite, 400*time.Millisecond)
			time.Sleep(10 * time.Second)
			for _, each := range []*server{a, b, c} {
				each.want(wwwSite, map[*server]string{a: origin, b: cdnSide}[s])
			}
		}
		if x, y, z := a.epoch(wwwSite), b.epoch(wwwSite), c.epoch(wwwSite); x != y || y != z {
			t.Errorf("Expected one decision, got the epochs %d, %d and %d", x, y, z)
		}
	})
}

// TestWhoDoesNotReachTheStoreDecidesAlone and the others go on; it comes back to what
// they have decided.
func TestWhoDoesNotReachTheStoreDecidesAlone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a, b, c := three(t, m, wwwOnly)
		m.cutOff("a")
		a.hears(wwwSite, 400*time.Millisecond)
		time.Sleep(10 * time.Second)
		a.wantRole(roleAlone)
		a.want(wwwSite, cdnSide)
		if b.roleNow() == c.roleNow() {
			t.Error("Expected another server to decide")
		}
		b.want(wwwSite, origin)
		c.want(wwwSite, origin)
		m.cutOff()
		time.Sleep(3 * time.Second)
		a.wantRole(roleFollows)
		a.want(wwwSite, origin)
	})
}

// TestWithoutAStoreEveryoneDecidesAlone and what the first has decided counts when it
// is back, for all, even if the epochs are the same.
func TestWithoutAStoreEveryoneDecidesAlone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a, b, c := three(t, m, wwwOnly)
		m.cutOff("a", "b", "c")
		b.hears(wwwSite, 400*time.Millisecond)
		time.Sleep(10 * time.Second)
		for s, side := range map[*server]string{a: origin, b: cdnSide, c: origin} {
			s.wantRole(roleAlone)
			s.want(wwwSite, side)
		}
		m.cutOff()
		time.Sleep(20 * time.Second)
		for _, s := range []*server{a, b, c} {
			s.want(wwwSite, origin)
			if got := s.epoch(wwwSite); got != a.epoch(wwwSite) {
				t.Errorf("Expected server %s at the epoch %d, got %d", s.name, a.epoch(wwwSite), got)
			}
		}
	})
}

// TestWhoWasFencedFollows takes the lease away between two exchanges.
func TestWhoWasFencedFollows(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a := m.serve(t, "a", wwwOnly())
		time.Sleep(5 * time.Second)
		a.wantRole(roleDecides)
		m.change(func(m *meetingPoint) { m.lease.Term++ })
		a.Engine.mu.Lock()
		a.news[wwwSite] = true
		a.Engine.mu.Unlock()
		if err := a.tell(t.Context(), a.kept, &door{m, "a"}, m.lease.Term-1); err != nil {
			t.Errorf("Expected no error for the others to see, got %v", err)
		}
		if got := a.roleNow(); got != roleFollows {
			t.Errorf("Expected it to follow, got the role %d", got)
		}
		time.Sleep(2 * time.Second)
		a.wantRole(roleDecides) // in the new term
	})
}

// TestADecisionThatComesBeforeItsSiteIsNotLost adds a site to the followers later.
func TestADecisionThatComesBeforeItsSiteIsNotLost(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a, b, c := three(t, m, wwwOnly)
		for _, s := range []*server{a, c} {
			s.hears(shopSite, 400*time.Millisecond)
			s.Change(Change{Put: []*site.Site{shopToo()}})
		}
		time.Sleep(8 * time.Second)
		c.want(shopSite, cdnSide)
		b.Change(Change{Put: []*site.Site{shopToo()}})
		time.Sleep(2 * time.Second)
		b.want(shopSite, cdnSide)
	})
}

// TestADecisionOnAChangedSiteIsNotLost has a follower change the site later than who decides:
// it answers as it can until then, and with the new addresses at once.
func TestADecisionOnAChangedSiteIsNotLost(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b, c := three(t, newMeetingPoint(), wwwOnly)
		time.Sleep(8 * time.Second)
		moved := func() *site.Site { return slowSite(wwwSite, "192.0.2.7") }
		address := func(s *server, want string) {
			t.Helper()
			synctest.Wait()
			if got := fmt.Sprint(s.current.Table.Lookup(wwwSite).Answers().A); !strings.Contains(got, want) {
				t.Errorf("Expected server %s to answer with %s, got %s", s.name, want, got)
			}
		}
		for _, s := range []*server{a, c} { // of which one decides
			s.Change(Change{Put: []*site.Site{moved()}})
		}
		time.Sleep(8 * time.Second)
		address(b, "192 0 2 1")
		b.Change(Change{Put: []*site.Site{moved()}})
		address(b, "192 0 2 7")
		time.Sleep(2 * time.Second)
		b.wantRole(roleFollows)
		if got, want := b.epoch(wwwSite), a.epoch(wwwSite); got != want || len(b.early) != 0 {
			t.Errorf("Expected decision %d, and nothing that waits, got %d, %v", want, got, b.early)
		}
		address(b, "192 0 2 7")
	})
}

// TestADecisionDuringAReloadIsNotLost has a follower put a generation into force that
// was made before a decision.
func TestADecisionDuringAReloadIsNotLost(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b, c := three(t, newMeetingPoint(), wwwOnly)
		b.table = b.Offer(t.Context(), Sites{Sites: []*site.Site{wwwOnly()}, Kept: b.kept})
		for _, s := range []*server{a, c} {
			s.hears(wwwSite, 400*time.Millisecond)
		}
		time.Sleep(8 * time.Second)
		c.want(wwwSite, cdnSide)
		b.Promote()
		time.Sleep(2 * time.Second)
		b.wantRole(roleFollows)
		b.want(wwwSite, cdnSide)
	})
}

// TestAReloadThatFailsDeafensNobody to targets that come later, where its Corefile has no
// store that others share.
func TestAReloadThatFailsDeafensNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a, b, _ := three(t, newMeetingPoint(), wwwOnly)
		if _, err := a.Keep(t.Context(), Keeping{State: t.TempDir(), Server: "a"}, noSites(), nil); err != nil {
			t.Fatal(err)
		}
		a.Forget()
		for _, s := range []*server{a, b} {
			s.hears(shopSite, 400*time.Millisecond)
			s.Change(Change{Put: []*site.Site{shopToo()}})
		}
		time.Sleep(8 * time.Second)
		a.wantRole(roleDecides)
		a.want(shopSite, cdnSide)
		b.want(shopSite, cdnSide)
	})
}

// TestAStartGoesOnWithAllDecisions of a store that has more than are read at once.
func TestAStartGoesOnWithAllDecisions(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const most = store.DecisionsAtOnce + 1000
		m := newMeetingPoint()
		for i := range most {
			name := fmt.Sprintf("s%d.example.org.", i)
			m.last++
			m.decisions[name], m.numbers[name] = store.Decided{Site: name, Epoch: 1, Payload: []byte(`{}`)}, m.last
		}
		a := m.serve(t, "a")
		k := m.keptBy("a")
		if err := k.adoptDecisions(t.Context(), a.Engine, k.elsewhere); err != nil || len(k.known) != most {
			t.Errorf("Expected %d decisions, got %d, %v", most, len(k.known), err)
		}
	})
}

// TestAnotherStoreIsBegunAnew takes a server to another store, whose numbers are lower.
func TestAnotherStoreIsBegunAnew(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m, other := newMeetingPoint(), newMeetingPoint()
		a, b, _ := three(t, m, wwwOnly)
		there := other.serve(t, "there", wwwOnly())
		there.hears(wwwSite, 400*time.Millisecond)
		time.Sleep(10 * time.Second)
		there.want(wwwSite, cdnSide)
		for _, s := range []*server{a, b} {
			s.reload(other.keptBy(s.name), wwwOnly())
			time.Sleep(2 * time.Second)
			s.wantRole(roleFollows)
			s.want(wwwSite, cdnSide)
		}
	})
}

// TestARowHasWhatWasHeardOfLate after the store was away for long.
func TestARowHasWhatWasHeardOfLate(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a := m.serve(t, "a", wwwOnly())
		m.cutOff("a")
		time.Sleep(time.Minute)
		all, err := control.DecodeRow(a.takeRow(time.Now()), time.Now(), 0)
		if most := int(aloneAfter/time.Second) + 1; err != nil || len(all) == 0 || len(all) > most {
			t.Errorf("Expected at most %d samples of one a second, got %d, %v", most, len(all), err)
		}
	})
}

// TestWhoSleptGoesOnWithWhatOthersDecided meanwhile: another server took the lease,
// decided, and is gone. The one that slept still believes that it decides, or has just
// noticed that it is alone.
func TestWhoSleptGoesOnWithWhatOthersDecided(t *testing.T) {
	for name, wakes := range map[string]func(*server){
		"it decides": func(*server) {},
		"it is alone": func(a *server) {
			a.Engine.mu.Lock()
			defer a.Engine.mu.Unlock()
			a.setRole(roleAlone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				m, there := newMeetingPoint(), newMeetingPoint()
				b := there.serve(t, "b", wwwOnly())
				b.hears(wwwSite, 400*time.Millisecond)
				a := m.serve(t, "a", wwwOnly())
				time.Sleep(10 * time.Second)
				b.want(wwwSite, cdnSide)
				a.want(wwwSite, origin)
				decided := there.decisions[wwwSite]
				m.change(func(m *meetingPoint) {
					m.last++
					m.decisions[wwwSite], m.numbers[wwwSite] = decided, m.last
					m.lease.Holder, m.lease.Until = "", time.Time{}
					m.lease.Term++
				})
				wakes(a)
				time.Sleep(2 * time.Second)
				a.wantRole(roleDecides)
				a.want(wwwSite, cdnSide)
			})
		})
	}
}

// TestALeaseOfAStoreThatWasLeftCountsForNothing has a server be taken to another store,
// which it does not reach, while it reads what it takes over in the first, or decides
// there.
func TestALeaseOfAStoreThatWasLeftCountsForNothing(t *testing.T) {
	for name, term := range map[string]int64{"deciding": 0, "taking over": 1} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				m, other := newMeetingPoint(), newMeetingPoint()
				other.cutOff("a")
				a := m.serve(t, "a", wwwOnly())
				time.Sleep(4900 * time.Millisecond)
				m.change(func(m *meetingPoint) { m.slow, m.lease.Term = 200*time.Millisecond, m.lease.Term+term })
				time.Sleep(200 * time.Millisecond)
				a.reload(other.keptBy("a"), wwwOnly())
				time.Sleep(time.Second)
				a.wantRole(roleFollows)
			})
		})
	}
}

// TestASiteThatIsGoneIsForgotten by a change and by a reload.
func TestASiteThatIsGoneIsForgotten(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a, _, _ := three(t, m, wwwOnly, shopToo)
		if !m.has(wwwSite) || !m.has(shopSite) {
			t.Fatal("Expected decisions in the store")
		}
		a.Change(Change{Removed: []string{shopSite}})
		time.Sleep(2 * time.Second)
		if m.has(shopSite) || !m.has(wwwSite) {
			t.Error("Expected only the decision of the site that is gone to be forgotten")
		}
		a.reload(a.kept, shopToo())
		time.Sleep(2 * time.Second)
		if m.has(wwwSite) || !m.has(shopSite) {
			t.Error("Expected the reload to have the other one forgotten")
		}
	})
}

// TestAFollowerTakesNoDecision hears a dead origin, which nobody else does, and still
// ends an override by time alone.
func TestAFollowerTakesNoDecision(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, b, _ := three(t, newMeetingPoint(), wwwOnly)
		b.hears(wwwSite, time.Hour)
		o := site.Override{
			Scope: site.ScopeAll, Action: site.OverrideCDN, CDN: "edge", Owner: "alice", Reason: "a trial", Since: time.Now(), Until: time.Now().Add(20 * time.Second),
		}
		if _, err := b.setLocal(o); err != nil {
			t.Fatal(err)
		}
		b.want(wwwSite, cdnSide)
		time.Sleep(25 * time.Second)
		b.wantRole(roleFollows)
		b.want(wwwSite, origin)
		if len(b.entries) != 0 {
			t.Errorf("Expected nothing in the journal, got %v", b.entries)
		}
	})
}

// TestWhoEndsLetsAnotherDecide at once.
func TestWhoEndsLetsAnotherDecide(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a, b, c := three(t, m, wwwOnly)
		a.Close()
		m.change(func(m *meetingPoint) {
			if m.lease.Holder != "" {
				t.Errorf("Expected nobody to decide, got %s", m.lease.Holder)
			}
		})
		time.Sleep(1500 * time.Millisecond)
		if b.roleNow() == c.roleNow() {
			t.Error("Expected one of the others to decide")
		}
	})
}

// TestADecisionThatIsNotWrittenIsWrittenLater has the store fail for a moment.
func TestADecisionThatIsNotWrittenIsWrittenLater(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a := m.serve(t, "a", wwwOnly())
		time.Sleep(3 * time.Second)
		m.change(func(m *meetingPoint) { clear(m.decisions) })
		a.Engine.mu.Lock()
		a.news[wwwSite] = true
		a.Engine.mu.Unlock()
		m.cutOff("a")
		if err := a.tell(t.Context(), a.kept, &door{m, "a"}, 1); !errors.Is(err, errCut) {
			t.Errorf("Expected the error of the store, got %v", err)
		}
		m.cutOff()
		time.Sleep(2 * time.Second)
		if !m.has(wwwSite) {
			t.Error("Expected the decision to be written")
		}
	})
}

// TestAFarServerIsInTime has it take long from one server to the store, and as long
// back: of the one that decides, in the middle of an exchange or on what others hear,
// and of one that follows.
func TestAFarServerIsInTime(t *testing.T) {
	for _, c := range []struct {
		far   string
		away  time.Duration
		every time.Duration // of the probes of those that follow
	}{{"a", 300 * time.Millisecond, time.Hour}, {"a", 300 * time.Millisecond, time.Second}, {"b", 200 * time.Millisecond, time.Second}} {
		bubble.Test(t, func(t *testing.T) {
			m := newMeetingPoint()
			calm := func(every time.Duration) *site.Site {
				s := wwwOnly()
				s.Damping.Off, s.Probes[0].Every = true, every
				return s
			}
			a := m.serve(t, "a", calm(time.Second))
			time.Sleep(1100 * time.Millisecond)
			all := []*server{a, m.serve(t, "b", calm(c.every)), m.serve(t, "c", calm(c.every))}
			time.Sleep(3 * time.Second)
			m.change(func(m *meetingPoint) { m.far[c.far] = c.away })
			for round := range 20 {
				side := []string{cdnSide, origin}[round%2]
				for _, s := range all {
					s.hears(wwwSite, map[string]time.Duration{cdnSide: 400 * time.Millisecond}[side])
				}
				if differed := differ(20*time.Second, all); differed > time.Second {
					t.Errorf("Server %s is far: Expected all to answer alike within a second, they differed for %s", c.far, differed)
				}
				a.wantRole(roleDecides)
				all[2].want(wwwSite, side)
				time.Sleep(137 * time.Millisecond) // the next one is at another moment of a second
			}
		})
	}
}

// differ is for how long servers answer differently at most, within a time.
func differ(d time.Duration, servers []*server) (longest time.Duration) {
	since := time.Now()
	for began := since; time.Since(began) < d; time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		if !slices.ContainsFunc(servers, func(s *server) bool { return s.answers(wwwSite) != servers[0].answers(wwwSite) }) {
			since = time.Now()
		}
		longest = max(longest, time.Since(since))
	}
	return longest
}

// TestF26ALateDecisionIsRefused has one be under way for long, of which its server did not
// hear, and another one come before it.
func TestF26ALateDecisionIsRefused(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMeetingPoint()
		a, b, c := three(t, m, wwwOnly, shopToo)
		m.change(func(m *meetingPoint) { m.late = 15 * time.Second })
		for _, s := range []*server{a, b, c} {
			s.hears(wwwSite, 400*time.Millisecond)
		}
		for a.answers(wwwSite) != cdnSide {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(1100 * time.Millisecond)
		m.change(func(m *meetingPoint) { m.late = 0 })
		for _, s := range []*server{a, b, c} {
			s.hears(wwwSite, 0)
		}
		time.Sleep(13 * time.Second)
		for range 100 {
			for _, s := range []*server{a, b, c} {
				s.want(wwwSite, origin)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}
