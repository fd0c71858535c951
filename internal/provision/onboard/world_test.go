package onboard_test

import (
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

// shelf keeps onboardings as a store does.
type shelf struct {
	mu    sync.Mutex
	all   map[string]site.Onboarding
	puts  int
	looks int
	takes time.Duration       // how long it looks for what is due
	deny  func(put int) error // what the store says to the write of a number; nil: nothing
}

func newShelf(all ...site.Onboarding) *shelf {
	s := &shelf{all: make(map[string]site.Onboarding)}
	for _, o := range all {
		s.all[o.ID] = o
	}
	return s
}

func (s *shelf) DueOnboardings(_ context.Context, now time.Time, limit int) ([]site.Onboarding, error) {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	due := slices.DeleteFunc(slices.Collect(maps.Values(s.all)), func(o site.Onboarding) bool {
		cancelled := o.Cancelled != "" && o.State == site.OnboardingRuns
		return o.Next.IsZero() || o.Next.After(now) && !cancelled
	})
	slices.SortFunc(due, func(a, b site.Onboarding) int {
		if c := a.Next.Compare(b.Next); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return due[:min(limit, len(due))], nil
}

func (s *shelf) PutOnboarding(ctx context.Context, _ store.Fence, o site.Onboarding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.deny != nil {
		if err := s.deny(s.puts); err != nil {
			return err
		}
	}
	kept := s.all[o.ID]
	if ctx.Err() != nil || kept.Version != o.Version {
		return store.ErrConflict
	}
	o.Version++
	o.Cancelled, o.Published, o.Withdrawn = kept.Cancelled, max(kept.Published, o.Published), max(kept.Withdrawn, o.Withdrawn)
	s.all[o.ID] = o
	return nil
}

func (s *shelf) cancel(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.all[id]
	o.Cancelled, o.Version = "ann", o.Version+1
	s.all[id] = o
}

func (s *shelf) get(id string) site.Onboarding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[id]
}

func (s *shelf) running() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.all {
		if !o.Over() {
			n++
		}
	}
	return n
}

// world is all that onboardings reach: what is published, claimed and set up, and what
// there is in DNS.
type world struct {
	mu       sync.Mutex
	revision int64
	inForce  map[string]string   // texts, by name
	changed  map[string]bool     // by somebody else, since
	claims   map[string][]string // by onboarding
	sides    map[string]int      // of CDNs that are set up, by site and CDN: how often it was done
	keys     map[string]bool     // of what was asked of providers, and done
	texts    map[string][]string // TXT
	order    []string            // what was done
	ttl      time.Duration
	kept     time.Time // until then resolvers have its answers of before

	// fails says what a call does: nil is that it works. The second one is said once it
	// is done, as when an answer gets lost.
	fails func(what, name string) (before, after error)
	ask   func(site.Target) health.Result
}

func newWorld() *world {
	return &world{
		inForce: map[string]string{}, changed: map[string]bool{}, claims: map[string][]string{}, sides: map[string]int{}, keys: map[string]bool{},
		texts: map[string][]string{}, ttl: 30 * time.Second,
		fails: func(string, string) (error, error) { return nil, nil },
		ask:   func(site.Target) health.Result { return health.Result{Status: 404, Bytes: 3} },
	}
}

// do does something in the world, unless that is to fail.
func (w *world) do(ctx context.Context, what, name string, f func()) error {
	before, after := w.failure(what, name)
	if before != nil {
		return before
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Millisecond):
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.order = append(w.order, what+" "+name)
	f()
	return after
}

func (w *world) failure(what, name string) (before, after error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fails(what, name)
}

// siteOf is the site of an onboarding: the text has the names of its CDNs.
func (w *world) siteOf(o site.Onboarding) *site.Site {
	s := site.New(o.Site + ".")
	s.Zone, s.Hosts, s.TTL = "example.org.", []string{o.Site}, site.NewTTL(w.ttl)
	s.Origins = []site.Origin{{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}}
	for _, cdn := range strings.Fields(o.Text) {
		s.CDNs = append(s.CDNs, site.CDN{Name: cdn, Target: o.Site + "." + cdn + ".example.net."})
	}
	s.Probes = []site.Source{{Kind: "http", URL: "http://{origin}:8080/healthz", Ask: site.Ask{Status: site.DefaultStatus()}}}
	s.FinishReady()
	return s
}

func (w *world) Check(ctx context.Context, o site.Onboarding) (*site.Site, error) {
	return w.siteOf(o), w.do(ctx, "check", o.Site, func() {})
}

func (w *world) Site(_ context.Context, o site.Onboarding) (*site.Site, error) {
	return w.siteOf(o), nil
}

func (w *world) Publish(ctx context.Context, o site.Onboarding) (revision int64, err error) {
	err = w.do(ctx, "publish", o.Site, func() {
		w.revision++
		revision = w.revision
		if w.inForce[o.Site] = o.Text; o.Kind == site.Offboard {
			delete(w.inForce, o.Site)
		}
	})
	if err != nil {
		revision = 0
	}
	return revision, err
}

func (w *world) Withdraw(ctx context.Context, o site.Onboarding) (revision int64, err error) {
	stays := false
	err = w.do(ctx, "withdraw", o.Site, func() {
		if stays = w.changed[o.Site]; stays {
			return
		}
		w.revision++
		revision = w.revision
		if delete(w.inForce, o.Site); o.Kind == site.Offboard {
			w.inForce[o.Site] = o.Text
		}
	})
	switch {
	case err != nil:
		return 0, err
	case stays:
		return 0, fmt.Errorf("site '%s': %w", o.Site, onboard.ErrStays)
	}
	return revision, nil
}

func (w *world) Live(ctx context.Context, o site.Onboarding, revision int64) error {
	return w.do(ctx, "live", o.Site, func() {})
}

func (w *world) Forgotten(context.Context, string, time.Time) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept, nil
}

func (w *world) Proved(context.Context, site.Onboarding, string) (bool, error) { return false, nil }

func (w *world) Claim(ctx context.Context, o site.Onboarding, names []string) error {
	return w.do(ctx, "claim", o.Site, func() { w.claims[o.Site] = names })
}

func (w *world) Release(ctx context.Context, o site.Onboarding) error {
	return w.do(ctx, "release", o.Site, func() { delete(w.claims, o.Site) })
}

func (w *world) Addresses(context.Context, *site.Site, site.CDN) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("198.51.100.1")}, nil
}

func (w *world) Ask(_ context.Context, t site.Target) health.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ask(t)
}

func (w *world) Texts(_ context.Context, name string) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.texts[name], nil
}

func (w *world) Provider(string) (onboard.Provider, bool) { return w, false }

func (w *world) Public(*site.Site, string, netip.Addr) bool { return false }

// Create sets up the CDN's side once for each key, as providers are to do.
func (w *world) Create(ctx context.Context, r onboard.Request) (string, error) {
	name := r.CDN.Name + " " + strings.TrimSuffix(r.Site.Name(), ".")
	return "", w.do(ctx, "create", name, func() {
		if !w.keys[r.Key] {
			w.keys[r.Key] = true
			w.sides[name]++
		}
	})
}

func (w *world) Verify(context.Context, onboard.Request) error { return nil }

func (w *world) Remove(ctx context.Context, r onboard.Request) (string, error) {
	name := r.CDN.Name + " " + strings.TrimSuffix(r.Site.Name(), ".")
	return "", w.do(ctx, "remove", name, func() { delete(w.sides, name) })
}

func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) did() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.order, ", ")
}

// left is what there is of sites.
func (w *world) left() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("in force %v, claims %v, sides %v", slices.Sorted(maps.Keys(w.inForce)), slices.Sorted(maps.Keys(w.claims)), slices.Sorted(maps.Keys(w.sides)))
}

func (w *world) steps() *onboard.Steps {
	return &onboard.Steps{Configuration: w, Claims: w, Network: w, Providers: w, Forgotten: w.Forgotten}
}

// silent is a logger.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

// alone is the turn of a server without others.
func alone() (store.Fence, bool) { return store.Fence{}, true }

// newOnboarding is one with these CDNs, at the moment.
func newOnboarding(kind site.OnboardingKind, name string, cdns ...string) site.Onboarding {
	var list []site.CDN
	for _, cdn := range cdns {
		list = append(list, site.CDN{Name: cdn})
	}
	return site.Onboarding{
		ID: "id-" + name, Kind: kind, Site: name, Text: strings.Join(cdns, " "), Names: []string{name}, Proof: site.ProofOperator, Token: "token", By: "ann",
		State: site.OnboardingRuns, Began: time.Now(), Next: time.Now(), Version: 1, Steps: onboard.StepsOf(kind, list),
	}
}

var errDown = errors.New("it does not answer")
