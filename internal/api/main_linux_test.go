package api_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// TestMain plays another process where the environment asks for one, and looks
// for leaked goroutines.
func TestMain(m *testing.M) {
	if path := os.Getenv(peerOf); path != "" {
		os.Exit(beAPeer(path))
	}
	if path := os.Getenv(serverOf); path != "" {
		os.Exit(beAServer(path))
	}
	goleak.VerifyTestMain(m)
}

// missing skips a test that needs something this machine lacks, unless
// nothing may be skipped.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CDNREDIRECT_REQUIRE_ALL") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// fake is an engine that says what a test wants.
type fake struct {
	states  func() []api.State
	cdns    func() []api.CDNState
	drain   func(cdn, node string, drain bool) error
	explain func(name string, client netip.Addr) (api.Explanation, error)
	probe   func(ctx context.Context, what string) (api.ProbeReport, error)
	dryRun  func(q api.DryRunQuery) (api.DryRun, error)
}

func (f fake) DryRun(_ context.Context, q api.DryRunQuery) (api.DryRun, error) { return f.dryRun(q) }

func (f fake) States(q api.StateQuery) (states []api.State, next string) {
	return slices.DeleteFunc(f.states(), func(s api.State) bool { return !q.Sees(s.Customer) }), ""
}

func (f fake) Drain(cdn, node string, drain bool) error { return f.drain(cdn, node, drain) }

func (f fake) CDNs() []api.CDNState { return f.cdns() }

func (f fake) Explain(name string, client netip.Addr) (api.Explanation, error) {
	return f.explain(name, client)
}

func (f fake) Probe(ctx context.Context, what string) (api.ProbeReport, error) {
	return f.probe(ctx, what)
}

// oneSite is an engine with one site.
func oneSite(name string) api.Engine {
	return fake{states: func() []api.State { return []api.State{{Site: name}} }}
}

// journal is a logger that remembers.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Warningf(format string, v ...any) { j.add("warning: "+format, v...) }
func (j *journal) Errorf(format string, v ...any)   { j.add("error: "+format, v...) }

func (j *journal) add(format string, v ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, v...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...)
}

// folder returns a folder that every user may enter, with a short path.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// listen serves engine on a new socket until the test is over.
func listen(t *testing.T, engine api.Engine) (s *api.Server, path string) {
	t.Helper()
	path = filepath.Join(folder(t), "s")
	return open(t, path, api.Config{Engine: engine, Log: new(journal)}), path
}

func open(t *testing.T, path string, cfg api.Config) *api.Server {
	t.Helper()
	s, err := api.Listen(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// siteAt returns the name of the one site that the server at path has.
func siteAt(t *testing.T, path string) string {
	t.Helper()
	list, err := api.Dial(path).States(soon(t), api.StateQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.States) != 1 {
		t.Fatalf("Expected one site, got %v", list)
	}
	return list.States[0].Site
}

// soon ends when only a broken server has not answered yet.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
