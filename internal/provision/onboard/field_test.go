package onboard_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// field is what a Follower works in: what is in force, what is kept of setups, and what
// CDNs have. Before and after each of its changes somebody may look.
type field struct {
	mu       sync.Mutex
	sites    map[string]*site.Site
	hidden   map[string]bool // in the store, and not in force here
	busy     map[string]bool // an onboarding is at it
	blocks   map[string]site.Provision
	revision int64
	behind   error // what keeps servers from serving a revision
	rows     map[[2]string]site.Setup
	has      map[[2]string]string // what CDNs have: hosts and origins
	keys     map[string]bool      // that CDNs know
	did      []string
	log      []string
	counts   map[site.SetupState]int
	looks    int // for what is due
	holder   store.Fence

	fails func(what string) error // what a CDN says; nil: it works
	hangs string                  // how the names of CDNs end that do not answer
	asked func()                  // is called when a CDN was
	full  error                   // what the store says to whoever writes; nil: nothing
	point func()                  // is called around each change
}

func newField() *field {
	return &field{
		sites: map[string]*site.Site{}, hidden: map[string]bool{}, busy: map[string]bool{}, blocks: map[string]site.Provision{}, rows: map[[2]string]site.Setup{},
		has: map[[2]string]string{}, keys: map[string]bool{}, fails: func(string) error { return nil }, asked: func() {}, point: func() {},
	}
}

// siteWith is a site with an origin and CDNs.
func siteWith(name, origin string, cdns ...string) *site.Site {
	s := site.New(name + ".")
	s.Hosts, s.TTL = []string{name}, site.NewTTL(30*time.Second)
	s.Origins = []site.Origin{{Addresses: []netip.Addr{netip.MustParseAddr(origin)}}}
	s.Probes = []site.Source{{Kind: "http", URL: "http://{origin}/"}}
	for _, cdn := range cdns {
		s.CDNs = append(s.CDNs, site.CDN{Name: cdn, Target: name + "." + cdn + ".example.net."})
	}
	return s
}

// publish has a site be in force; nil: none.
func (f *field) publish(name string, s *site.Site) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision++
	if f.sites[name] = s; s == nil {
		delete(f.sites, name)
	}
}

func (f *field) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
}

func (f *field) Sites(_ context.Context, names []string) (map[string]*site.Site, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]*site.Site{}
	for _, name := range names {
		if s := f.sites[name]; s != nil && !f.hidden[name] {
			found[name] = s
		}
	}
	return found, f.revision, nil
}

func (f *field) Provision(cdn string) site.Provision {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, said := f.blocks[cdn]; said {
		return p
	}
	return site.Provision{Webhook: &site.Webhook{URL: "https://hooks.example.net/" + cdn}}
}

func (f *field) Served(context.Context, int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.behind
}

func (f *field) DueSetups(_ context.Context, now time.Time, limit int) (due []site.Setup, err error) {
	time.Sleep(time.Millisecond) // as a store takes a moment
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	for _, s := range f.rows {
		if !s.Next.IsZero() && !s.Next.After(now) {
			due = append(due, s)
		}
	}
	slices.SortFunc(due, func(a, b site.Setup) int {
		return cmp.Or(strings.Compare(a.CDN, b.CDN), a.Next.Compare(b.Next), strings.Compare(a.Site, b.Site))
	})
	of := map[string]int{}
	return slices.DeleteFunc(due, func(s site.Setup) bool {
		of[s.CDN]++
		return of[s.CDN] > limit
	}), nil
}

func (f *field) SetupSites(_ context.Context, after string, limit int) (names []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.rows {
		if key[0] > after && !slices.Contains(names, key[0]) {
			names = append(names, key[0])
		}
	}
	slices.Sort(names)
	return names[:min(limit, len(names))], nil
}

func (f *field) SetupsOf(_ context.Context, names []string) (found []site.Setup, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, s := range f.rows {
		if slices.Contains(names, key[0]) {
			found = append(found, s)
		}
	}
	return found, nil
}

func (f *field) StandingOf(_ context.Context, names []string) (map[string]store.SetupSite, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]store.SetupSite{}
	for _, name := range names {
		found[name] = store.SetupSite{Stored: f.sites[name] != nil, Busy: f.busy[name]}
	}
	return found, nil
}

// may is whether somebody may write.
func (f *field) may(ctx context.Context, fence store.Fence) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if fence != f.holder {
		return store.ErrFenced
	}
	return f.full
}

func (f *field) PutSetups(ctx context.Context, fence store.Fence, all []site.Setup) (written int, err error) {
	f.point()
	defer f.point()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.may(ctx, fence); err != nil {
		return 0, err
	}
	for _, s := range all {
		key := [2]string{s.Site, s.CDN}
		if f.rows[key].Version != s.Version {
			continue
		}
		s.Version++
		f.rows[key] = s
		written++
	}
	return written, nil
}

func (f *field) DropSetups(ctx context.Context, fence store.Fence, all []site.Setup) error {
	f.point()
	defer f.point()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.may(ctx, fence); err != nil {
		return err
	}
	for _, s := range all {
		if key := [2]string{s.Site, s.CDN}; f.rows[key].Version == s.Version {
			delete(f.rows, key)
		}
	}
	return nil
}

func (f *field) CountSetups(context.Context) (map[site.SetupState]int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[site.SetupState]int{}
	for _, s := range f.rows {
		counts[s.State]++
	}
	return counts, nil
}

// Provider implements onboard.Providers: CDNs that do the same key once.
func (f *field) Provider(cdn string) (onboard.Provider, bool) { return f, false }
func (f *field) Public(*site.Site, string, netip.Addr) bool   { return false }

func (f *field) ask(ctx context.Context, what string, r onboard.Request, has string) error {
	f.point()
	defer f.point()
	if f.hangs != "" && strings.HasSuffix(r.CDN.Name, f.hangs) {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Millisecond):
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := [2]string{strings.TrimSuffix(r.Site.Name(), "."), r.CDN.Name}
	f.asked()
	f.did = append(f.did, strings.TrimSpace(what+" "+key[1]+" "+has))
	if err := f.fails(what); err != nil {
		return err
	}
	if f.keys[r.Key] {
		return nil
	}
	f.keys[r.Key] = true
	if f.has[key] = has; has == "" {
		delete(f.has, key)
	}
	return nil
}

func (f *field) Create(ctx context.Context, r onboard.Request) (string, error) {
	return "", f.ask(ctx, "create", r, fmt.Sprintf("%v%v", r.Site.Hosts, r.Site.Origins[0].Addresses))
}

func (f *field) Verify(context.Context, onboard.Request) error { return nil }

func (f *field) Remove(ctx context.Context, r onboard.Request) (string, error) {
	return "", f.ask(ctx, "remove", r, "")
}

func (f *field) Addresses(context.Context, *site.Site, site.CDN) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("198.51.100.1")}, nil
}

func (f *field) Ask(context.Context, site.Target) health.Result { return health.Result{Status: 200} }

func (f *field) Texts(context.Context, string) ([]string, error) { return nil, nil }

func (f *field) Infof(format string, v ...any) { f.Errorf(format, v...) }

func (f *field) Errorf(format string, v ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, v...))
}

func (f *field) counted(counts map[site.SetupState]int) { f.change(func() { f.counts = counts }) }

// follower is one that has this turn.
func (f *field) follower(turn func() (store.Fence, bool)) *onboard.Follower {
	return onboard.NewFollower(onboard.FollowerConfig{
		Setups: f, InForce: f, Providers: f, Network: f, Turn: turn, Log: f, Counted: f.counted,
	})
}

// setUp is an onboarding's step for a CDN of a site in force.
func (f *field) setUp(with *onboard.Follower, name, cdn string) error {
	return f.setUpWithin(context.Background(), with, name, cdn)
}

// setUpWithin does so as long as ctx is not over.
func (f *field) setUpWithin(ctx context.Context, with *onboard.Follower, name, cdn string) error {
	p, _ := with.Recorded(f).Provider(cdn)
	return f.setUpBy(ctx, p, name, cdn)
}

func (f *field) setUpBy(ctx context.Context, p onboard.Provider, name, cdn string) error {
	s, c := f.sites[name], site.CDN{Name: cdn, Target: name + "." + cdn + ".example.net."}
	r := onboard.Request{Onboarding: "id", Key: fmt.Sprintf("id-%d/cdn/%s/%s/create", f.revision, name, cdn), Site: s, CDN: c}
	_, err := p.Create(ctx, r)
	if err == nil {
		err = p.Verify(ctx, r)
	}
	return err
}

// takeDown is an offboarding's step for a CDN.
func (f *field) takeDown(with *onboard.Follower, s *site.Site, cdn string) error {
	return f.takeDownWithin(context.Background(), with, s, cdn)
}

func (f *field) takeDownWithin(ctx context.Context, with *onboard.Follower, s *site.Site, cdn string) error {
	p, _ := with.Recorded(f).Provider(cdn)
	name := strings.TrimSuffix(s.Name(), ".")
	_, err := p.Remove(ctx, onboard.Request{Onboarding: "off", Key: "off/cdn/" + cdn + "/remove", Site: s, CDN: site.CDN{Name: cdn, Target: name + "." + cdn + ".example.net."}})
	return err
}

// sides is what CDNs have.
func (f *field) sides() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, key := range slices.SortedFunc(maps.Keys(f.has), func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) }) {
		all = append(all, key[1]+": "+f.has[key])
	}
	return strings.Join(all, ", ")
}

// done is what was asked of CDNs, since the last time.
func (f *field) done() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	did := strings.Join(f.did, ", ")
	f.did = nil
	return did
}

// states is how setups are.
func (f *field) states() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for key, s := range f.rows {
		all = append(all, key[1]+" "+string(s.State))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (f *field) row(name, cdn string) site.Setup {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[[2]string{name, cdn}]
}

// looked is how often somebody has looked for what is due.
func (f *field) looked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.looks
}

// said is what was logged, since the last time.
func (f *field) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	said := strings.Join(f.log, "\n")
	f.log = nil
	return said
}

// during runs a follower while something is done.
func during(with *onboard.Follower, do func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { with.Run(ctx) })
	do()
	cancel()
	running.Wait()
}

// dies ends what kill ends at the point of a number, and reports whether it came to that.
func (f *field) dies(at int, kill func()) (died *bool) {
	died = new(bool)
	f.point = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if at--; at == 0 {
			*died = true
			kill()
		}
	}
	return died
}

var errBusyNode = errors.New("the node is busy")
