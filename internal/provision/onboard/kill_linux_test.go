package onboard_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// What a server of a test is told by its environment: where it works, at which of the
// points where it may die it does, and what fails.
const (
	serverIn    = "CDNREDIRECT_TEST_ONBOARDS_IN"
	serverDies  = "CDNREDIRECT_TEST_DIES_AT"
	serverFails = "CDNREDIRECT_TEST_FAILS"
)

// serve goes on with the one onboarding of a folder until it is over.
func serve(dir string) int {
	onboard.ForgetAtOnce()
	s, err := store.Open(context.Background(), storeIn(dir))
	for end := time.Now().Add(generous); errors.Is(err, store.ErrLocked) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s, err = store.Open(context.Background(), storeIn(dir)) // a program that another test is just starting has its files for a moment
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Close()
	w := &disk{world: newWorld(), dir: dir, store: s, fails: os.Getenv(serverFails)}
	dies, _ := strconv.ParseInt(os.Getenv(serverDies), 10, 64)
	w.left.Store(dies)
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	steps := &onboard.Steps{Configuration: w, Claims: w, Network: w, Providers: w, Forgotten: w.Forgotten}
	r := onboard.NewRunner(onboard.Config{Operations: w, Steps: steps, Turn: alone, Log: silent{}})
	go func() {
		for ctx.Err() == nil {
			list, err := s.As(ann).Onboardings(ctx, store.OnboardingQuery{Running: true})
			if err == nil && len(list) == 0 {
				cancel()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	r.Run(ctx)
	return 0
}

var ann = store.Viewer{Name: "ann", Operator: true}

func storeIn(dir string) store.Config {
	return store.Config{Driver: "sqlite", Source: filepath.Join(dir, "store"), Server: "ns1"}
}

// disk is a world that outlives the process: what is set up and claimed are files. Before
// and after each change of it, or of an onboarding, the process may die.
type disk struct {
	*world
	dir   string
	store *store.Store
	fails string       // the step that is refused
	left  atomic.Int64 // points until the process dies; 0: it does not
}

func (d *disk) mayDie() {
	if d.left.Add(-1) == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (d *disk) change(f func() error) error {
	d.mayDie()
	err := f()
	d.mayDie()
	return err
}

func (d *disk) DueOnboardings(ctx context.Context, now time.Time, limit int) ([]site.Onboarding, error) {
	return d.store.DueOnboardings(ctx, now, limit)
}

func (d *disk) PutOnboarding(ctx context.Context, f store.Fence, o site.Onboarding) error {
	return d.change(func() error { return d.store.PutOnboarding(ctx, f, o) })
}

func (d *disk) Check(_ context.Context, o site.Onboarding) (*site.Site, error) {
	return d.siteOf(o), nil
}

// siteOf is the site of a text: that of the world has no TTL here.
func (d *disk) siteOf(o site.Onboarding) *site.Site {
	o.Text = "edge big"
	s := d.world.siteOf(o)
	s.TTL = site.TTL{}
	s.Origins[0].Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	return s
}

func (d *disk) Site(_ context.Context, o site.Onboarding) (*site.Site, error) {
	return d.siteOf(o), nil
}

func (d *disk) publication(o site.Onboarding, text string, base int64, back bool) (revision int64, err error) {
	err = d.change(func() error {
		revision, err = d.store.As(ann).Publish(context.Background(), store.Publication{
			Base: base, Objects: []site.Object{{Kind: site.ObjectSite, Name: o.Site, Text: text}}, Why: "onboarding " + o.ID,
			Onboarding: &store.Onboards{ID: o.ID, Version: o.Version, Back: back},
		})
		return err
	})
	return revision, err
}

func (d *disk) Publish(ctx context.Context, o site.Onboarding) (int64, error) {
	base, err := d.store.Revision(ctx)
	if err != nil {
		return 0, err
	}
	text := o.Text
	if o.Kind == site.Offboard {
		text = ""
	}
	return d.publication(o, text, base, false)
}

func (d *disk) Withdraw(_ context.Context, o site.Onboarding) (int64, error) {
	if o.Published == 0 {
		return 0, nil
	}
	text := ""
	if o.Kind == site.Offboard {
		text = o.Text
	}
	return d.publication(o, text, o.Published, true)
}

func (d *disk) Live(_ context.Context, o site.Onboarding, revision int64) error {
	if d.fails == "live" && revision == o.Published {
		return onboard.Refuse(errors.New("it is refused"))
	}
	return nil
}

// put and remove change a file.
func (d *disk) put(name, text string) error {
	return d.change(func() error { return os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600) })
}

func (d *disk) remove(name string) error {
	return d.change(func() error {
		if err := os.Remove(filepath.Join(d.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

func (d *disk) Claim(_ context.Context, o site.Onboarding, _ []string) error {
	return d.put("claim", o.Site)
}
func (d *disk) Release(context.Context, site.Onboarding) error { return d.remove("claim") }

func (d *disk) Ask(context.Context, site.Target) health.Result { return health.Result{Status: 200} }
func (d *disk) Provider(string) (onboard.Provider, bool)       { return d, true }
func (d *disk) Public(*site.Site, string, netip.Addr) bool     { return true }

// Create is done once for each key: the file of the key is made in the same moment.
func (d *disk) Create(_ context.Context, r onboard.Request) (string, error) {
	key := strings.ReplaceAll(r.Key, "/", "_")
	if _, err := os.Stat(filepath.Join(d.dir, "key-"+key)); err == nil {
		return "", nil
	}
	side, made := filepath.Join(d.dir, "side-"+r.CDN.Name), filepath.Join(d.dir, "new-"+key)
	if err := os.WriteFile(made, []byte(r.Key+"\n"), 0o600); err != nil {
		return "", err
	}
	return "", d.change(func() error {
		if _, err := os.Stat(side); err == nil {
			return errors.New("it is there already, of another key")
		}
		return errors.Join(os.Link(made, side), os.Rename(made, filepath.Join(d.dir, "key-"+key)))
	})
}

func (d *disk) Verify(context.Context, onboard.Request) error { return nil }

func (d *disk) Remove(_ context.Context, r onboard.Request) (string, error) {
	return "", d.remove("side-" + r.CDN.Name)
}

// TestKilledAnywhere has a server be killed between any two steps, and inside them: the
// next one goes on, and in the end the site is there with all that it needs, or nothing is.
func TestKilledAnywhere(t *testing.T) {
	for _, test := range []struct {
		kind  site.OnboardingKind
		fails string
		state site.OnboardingState
		there bool
	}{
		{site.Onboard, "", site.OnboardingDone, true},
		{site.Onboard, "live", site.OnboardingUndone, false},
		{site.Offboard, "", site.OnboardingDone, false},
	} {
		t.Run(fmt.Sprint(test.kind, test.fails), func(t *testing.T) {
			t.Parallel()
			step := 5 // points are samples
			if os.Getenv("CDNREDIRECT_TORTURE") != "" {
				step = 1
			}
			deaths := 0
			for at := 1; ; at += step {
				dir := t.TempDir()
				beginIn(t, dir, test.kind)
				died := runServer(t, dir, at, test.fails)
				if died {
					deaths++
					runServer(t, dir, 0, test.fails)
				}
				expectEnd(t, fmt.Sprintf("Killed at point %d", at), dir, test.state, test.there)
				if !died || t.Failed() {
					break
				}
			}
			if deaths < 25/step {
				t.Errorf("Expected a server to die at many points, got %d", deaths)
			}
		})
	}
}

// beginIn begins an onboarding in an empty folder; the site of an offboarding is there.
func beginIn(t *testing.T, dir string, kind site.OnboardingKind) {
	t.Helper()
	s, err := store.Open(t.Context(), storeIn(dir))
	must(t, err)
	defer s.Close()
	o := newOnboarding(kind, www, "edge", "big")
	o.Text = "site " + www + " {\n}"
	if kind == site.Offboard {
		_, err := s.As(ann).Publish(t.Context(), store.Publication{Objects: []site.Object{{Kind: site.ObjectSite, Name: www, Text: o.Text}}})
		must(t, err)
		for _, name := range []string{"claim", "side-edge", "side-big"} {
			write(t, dir, name, "")
		}
	}
	_, err = s.As(ann).BeginOnboarding(t.Context(), o)
	must(t, err)
}

// runServer runs one, and reports whether it died at the point that it was told.
func runServer(t *testing.T, dir string, dies int, fails string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverIn+"="+dir, fmt.Sprintf("%s=%d", serverDies, dies), serverFails+"="+fails)
	said, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL && dies > 0 {
		return true
	}
	if err != nil {
		t.Fatalf("The server: %v: %s", err, said)
	}
	return false
}

func expectEnd(t *testing.T, when, dir string, state site.OnboardingState, there bool) {
	t.Helper()
	s, err := store.Open(t.Context(), storeIn(dir))
	must(t, err)
	defer s.Close()
	list, err := s.As(ann).Onboardings(t.Context(), store.OnboardingQuery{})
	must(t, err)
	_, objects, err := s.As(ann).Objects(t.Context(), site.ObjectSite, "")
	must(t, err)
	if list[0].State != state || list[0].Left {
		t.Errorf("%s: Expected it to be %s, got %s: %s", when, state, shown(list[0]), list[0].Failure)
	}
	if (len(objects) == 1) != there {
		t.Errorf("%s: Expected the site in force: %t, got %v", when, there, objects)
	}
	for _, name := range []string{"claim", "side-edge", "side-big"} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: Expected %s: %t, got %v", when, name, there, err)
		}
	}
	revision, err := s.Revision(t.Context())
	must(t, err)
	if want := map[bool]int64{true: 1, false: 2}[there]; revision != want {
		t.Errorf("%s: Expected %d revisions, got %d", when, want, revision)
	}
}
