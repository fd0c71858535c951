//go:build linux

package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"
	"github.com/cdnredirect/cdnredirect/test/pg"
)

// TestAnEmptyStoreInThePlaceOfAnotherTakesNoSitesAway: neither at the first start, nor
// at later ones, nor at reloads, until something is published in it.
func TestAnEmptyStoreInThePlaceOfAnotherTakesNoSitesAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publishIn(t, dir, site.Object{Kind: site.ObjectSite, Name: "www.example.org", Text: storedSite})
	startIn(t, dir, 0, www)
	removeStore(t, dir)
	startIn(t, dir, 0, www)
	startIn(t, dir, 2, www)
	startIn(t, dir, 2, www)
	publishIn(t, dir, site.Object{Kind: site.ObjectSite, Name: "new.example.org", Text: "site new" + storedSite[len("site www"):]})
	startIn(t, dir, 1, "new.example.org.")
	startIn(t, dir, 1, "new.example.org.")
}

// TestTheLogSaysThatAnotherStoreIsServed also where a start, or a reload, finds it.
func TestTheLogSaysThatAnotherStoreIsServed(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]bool{"a start": false, "a reload": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, other := t.TempDir(), t.TempDir()
			publishIn(t, dir, site.Object{Kind: site.ObjectSite, Name: "www.example.org", Text: storedSite})
			startIn(t, dir, 0, www)
			publishIn(t, other, site.Object{Kind: site.ObjectSite, Name: "new.example.org", Text: "site new" + storedSite[len("site www"):]})
			w := newWorld()
			e, _ := w.engine(t)
			defer e.Close()
			if first {
				keepIn(t, e, dir, true)
			}
			keepThis(t, e, engine.Keeping{State: dir, Server: "one", Store: storeIn(other)})
			defer e.Forget()
			w.wantLine(t, "error: the store is another one than that of revision 1, whose sites stay in force until this one has a revision")
			w.wantLine(t, "info: revision 1 is in force: 1 sites put, 1 removed, in ")
		})
	}
}

// startIn starts an engine with a store in dir, reloads it a few times, and wants these
// sites of the store in force each time.
func startIn(t *testing.T, dir string, reloads int, want ...string) {
	t.Helper()
	e, _ := newWorld().engine(t)
	defer e.Close()
	for i := range 1 + reloads {
		if got := namesOf(keepIn(t, e, dir, true)); !slices.Equal(got, want) {
			t.Errorf("Reload %d: Expected the sites %v, got %v", i, want, got)
		}
	}
}

// namesOf returns the names of all sites that are in force.
func namesOf(k *engine.Kept) (names []string) {
	for _, s := range k.Sites() {
		names = append(names, s.Name())
	}
	return names
}

// removeStore removes the store of a server that has ended.
func removeStore(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"store", "store-wal", "store-shm"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheSeedIsTheStores as soon as the store is there, whether anything is published in
// it or not, and stays so when a reload does not reach it.
func TestTheSeedIsTheStores(t *testing.T) {
	t.Parallel()
	const stored, first = "of the store", "of the Corefile"
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	sowIn(t, there, stored)
	rename(t, there, there+".away")
	e, _ := newWorld().engine(t)
	keeping := engine.Keeping{State: filepath.Join(dir, "state"), Server: "one", Store: storeIn(there), Seed: first}
	offer := func(k *engine.Kept) {
		e.Offer(context.Background(), engine.Sites{Kept: k, Seed: k.Seed()})
		e.Promote()
	}
	offer(keepThis(t, e, keeping))
	if got := e.Seed(); got != first {
		t.Errorf("Expected the seed of the Corefile while the store is away, got %q", got)
	}
	rename(t, there+".away", there)
	for end := time.Now().Add(30 * time.Second); e.Seed() != stored && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	if got := e.Seed(); got != stored {
		t.Errorf("Expected the seed of the store once it is there, got %q", got)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	offer(keepWithin(over, t, e, keeping))
	if got := e.Seed(); got != stored {
		t.Errorf("Expected the seed of the store after a reload that does not reach it, got %q", got)
	}
}

// TestWithoutAStoreTheSeedIsTheCorefiles after a reload, too.
func TestWithoutAStoreTheSeedIsTheCorefiles(t *testing.T) {
	t.Parallel()
	e, _ := newWorld().engine(t)
	dir := t.TempDir()
	for _, seed := range []string{"first", "second"} {
		k := keepThis(t, e, engine.Keeping{State: dir, Server: "one", Seed: seed})
		e.Offer(context.Background(), engine.Sites{Kept: k, Seed: k.Seed()})
		e.Promote()
		if got := e.Seed(); got != seed {
			t.Errorf("Expected the seed %q, got %q", seed, got)
		}
	}
}

// TestADecisionOfASiteWaitsForItsOrigin over restarts and reloads, where the next plugin
// knows the origin: it is found at once, or late, while another site decides.
func TestADecisionOfASiteWaitsForItsOrigin(t *testing.T) {
	const origin, addr, other = www + " 60 A 192.0.2.1", "192.0.2.1", "192.0.2.9"
	for name, early := range map[string]bool{"at once": true, "late": false} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w, dir := newWorld(), t.TempDir()
				serve := func(e *engine.Engine) *engine.Generation {
					k := keepThis(t, e, engine.Keeping{State: dir, Server: "one"})
					g := e.Offer(t.Context(), engine.Sites{Sites: []*site.Site{newNext(www), newSite("shop.example.org.", other)}, Next: w.behind, Kept: k})
					e.Promote()
					return g
				}
				w.next.set(wwwA, origin)
				w.set(url(addr), 400*time.Millisecond)
				e, _ := w.engine(t)
				expect(t, serve(e), edge)
				e.Close()

				w.set(url(addr), 0)
				if !early {
					w.next.set(wwwA, "error")
					e, _ = w.engine(t)
					expectAddresses(t, serve(e), "none")
					w.set(url(other), 400*time.Millisecond)
					time.Sleep(8 * time.Second)
					expectAddresses(t, serve(e), "none")
					w.set(url(other), 0)
					time.Sleep(30 * time.Second)
					e.Close()
				}
				e, reg := w.engine(t)
				g := serve(e)
				w.next.set(wwwA, origin)
				time.Sleep(6 * time.Second)
				expect(t, g, edge)
				if got := gauge(t, reg, "coredns_cdnredirect_sites", "cdn"); got != 1 {
					t.Errorf("Expected one site to be counted at the CDN, got %g", got)
				}
				time.Sleep(time.Minute)
				expect(t, g, "1 A")
			})
		})
	}
}

// TestAnotherWayToTheStoreTakesNoSitesAway, though it leads nowhere, and what was kept
// is gone.
func TestAnotherWayToTheStoreTakesNoSitesAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publishIn(t, dir, site.Object{Kind: site.ObjectSite, Name: "www.example.org", Text: storedSite})
	e, _ := newWorld().engine(t)
	keepIn(t, e, dir, true)
	for _, name := range []string{"configuration", "configuration.old"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	k := keepThis(t, e, engine.Keeping{State: dir, Server: "one", Store: storeIn(filepath.Join(dir, "nowhere"))})
	defer e.Forget()
	if got := namesOf(k); !slices.Equal(got, []string{www}) {
		t.Errorf("Expected the sites in force to stay, got %v", got)
	}
}

// TestTheFirstLoadTakesItsTime has a database that needs longer for all objects than any
// other step with it may take. A start does not wait for that.
func TestTheFirstLoadTakesItsTime(t *testing.T) {
	t.Parallel()
	server := pg.Start(t)
	dsn, err := server.Database()
	if err != nil {
		t.Fatal(err)
	}
	cfg := store.Config{Driver: "postgres", Source: dsn, Server: "one"}
	publishTo(t, cfg, site.Object{Kind: site.ObjectSite, Name: "www.example.org", Text: storedSite})
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const slow = "ALTER TABLE objects RENAME TO all_objects; CREATE VIEW objects AS SELECT o.* FROM all_objects o, (SELECT pg_sleep(9)) AS s"
	if _, err := conn.Exec(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	e, reg := newWorld().engine(t)
	k := keepThis(t, e, engine.Keeping{State: t.TempDir(), Server: "one", Store: cfg})
	if got := namesOf(k); got != nil {
		t.Errorf("Expected the start not to wait for the sites, got %v", got)
	}
	e.Offer(context.Background(), engine.Sites{Kept: k})
	e.Promote()
	awaitGauges(t, reg, map[string]float64{"store_up": 1, "revision": 1})
}

// sowIn makes a store with a seed in a folder.
func sowIn(t *testing.T, dir, seed string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(context.Background(), storeIn(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got, err := db.Seed(context.Background(), seed); err != nil || got != seed {
		t.Fatalf("Expected the seed %q, got %q, %v", seed, got, err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
