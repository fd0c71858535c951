package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/pg"
)

// generous is a deadline for what takes a moment.
const generous = 60 * time.Second

// TestMain plays another process where the environment asks for one, and looks
// for leaked goroutines.
func TestMain(m *testing.M) {
	if file := os.Getenv(holderOf); file != "" {
		os.Exit(holdStore(file))
	}
	code := m.Run()
	if shared.server != nil {
		shared.server.Close()
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// shared is one PostgreSQL for all tests that do it no harm.
var shared struct {
	once   sync.Once
	server *pg.Server
	err    error
}

func postgresServer(t testing.TB) *pg.Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = pg.New() })
	pg.Need(t, shared.err)
	return shared.server
}

// postgresConfig is of an empty database.
func postgresConfig(t testing.TB, s *pg.Server) store.Config {
	t.Helper()
	dsn, err := s.Database()
	if err != nil {
		t.Fatal(err)
	}
	return store.Config{Driver: "postgres", Source: dsn, Server: "ns1"}
}

func sqliteConfig(t testing.TB) store.Config {
	t.Helper()
	return store.Config{Driver: "sqlite", Source: filepath.Join(t.TempDir(), "store.db"), Server: "ns1"}
}

// onBoth runs a test with a store that is not there yet, on both databases.
func onBoth(t *testing.T, f func(t *testing.T, cfg store.Config)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, sqliteConfig(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, postgresConfig(t, postgresServer(t)))
	})
}

// contract runs a test with an empty store, on both databases.
func contract(t *testing.T, f func(t *testing.T, s *store.Store)) {
	onBoth(t, func(t *testing.T, cfg store.Config) { f(t, open(t, cfg)) })
}

// open opens a store until the test is over.
func open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expect wants an error of a kind, with just these words; empty ones are any.
func expect(t testing.TB, err, kind error, words string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("Expected an error of the kind '%v', got '%v'", kind, err)
		return
	}
	if words != "" && err.Error() != words {
		t.Errorf("Expected the error\n%s\ngot\n%v", words, err)
	}
}

// equal compares as people see values.
func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s: expected\n%s\ngot\n%s", what, w, g)
	}
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(generous); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("Waited in vain for %s", what)
		}
	}
}

func operator(s *store.Store) *store.View {
	return s.As(store.Viewer{Name: "ann", Operator: true})
}

func customer(s *store.Store, name string) *store.View {
	return s.As(store.Viewer{Name: "bob", Customer: name})
}

// newCustomers makes customers, each with a user "admin@" and his name.
func newCustomers(t testing.TB, s *store.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := operator(s).PutCustomer(context.Background(), store.Customer{Name: name})
		must(t, err)
		newUser(t, s, "admin@"+name, name, site.RoleCustomerAdmin)
	}
}

func newUser(t testing.TB, s *store.Store, name, customer string, role site.Role) {
	t.Helper()
	_, err := operator(s).PutUser(context.Background(), store.User{Name: name, Customer: customer, Role: role})
	must(t, err)
}

// newToken makes a token of a user.
func newToken(t testing.TB, s *store.Store, owner string) (text, id string) {
	t.Helper()
	text, made, err := operator(s).CreateToken(context.Background(), owner, "a test", time.Time{})
	must(t, err)
	return text, made.ID
}

// siteOf is a site with a text that begins with its name.
func siteOf(name, customer string, lines ...string) site.Object {
	return site.Object{Kind: site.ObjectSite, Name: name, Customer: customer,
		Text: "site " + name + " {\n" + strings.Join(lines, "\n") + "\n}"}
}

// publish makes a revision, or fails the test.
func publish(t testing.TB, v *store.View, base int64, objects ...site.Object) int64 {
	t.Helper()
	revision, err := v.Publish(context.Background(), store.Publication{Base: base, Objects: objects, Claims: ownNames(objects), Why: "a test"})
	must(t, err)
	return revision
}

// ownNames says of sites that they are answered for their names, and no others.
func ownNames(objects []site.Object) (said []store.SiteNames) {
	for _, o := range objects {
		if o.Kind == site.ObjectSite && o.Text != "" {
			said = append(said, store.SiteNames{Site: o.Name})
		}
	}
	return said
}

// draft puts objects into a draft, or fails the test.
func draft(t testing.TB, v *store.View, base int64, objects ...site.Object) {
	t.Helper()
	_, err := v.PutDraft(context.Background(), base, objects...)
	must(t, err)
}

// names of objects, in their order.
func names(objects []site.Object) string {
	var all []string
	for _, o := range objects {
		all = append(all, o.Name)
	}
	return strings.Join(all, " ")
}

// journal is a logger that remembers.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Infof(format string, v ...any)    { j.add("info: "+format, v...) }
func (j *journal) Warningf(format string, v ...any) { j.add("warning: "+format, v...) }

func (j *journal) add(format string, v ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, v...))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}
