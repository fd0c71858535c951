//go:build linux

package engine_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy/caddyfile"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// TestTheGaugesOfTheStore has a store with what is served, what is refused and what is
// held back.
func TestTheGaugesOfTheStore(t *testing.T) {
	e, reg := newWorld().engine(t)
	awaitGauges(t, reg, map[string]float64{"decides": 1, "store_up": 0, "revision": 0})
	dir := t.TempDir()
	publishIn(t, dir, site.Object{Kind: site.ObjectSite, Name: "www.example.org", Text: storedSite},
		site.Object{Kind: site.ObjectSite, Name: "bad.example.org", Text: "site bad.example.org {\n}"})
	keepIn(t, e, dir, true)
	awaitGauges(t, reg, map[string]float64{"store_up": 1, "revision": 1, "objects_refused": 1, "revision_held": 0, "decides": 1, "alone": 0})

	awaitKept(t, dir, "www.example.org") // else nothing is known that would be lost
	keepIn(t, e, dir, false)             // a reload without a store
	awaitGauges(t, reg, map[string]float64{"store_up": 0, "revision": 0, "objects_refused": 0, "decides": 1})

	publishIn(t, dir, site.Object{Kind: site.ObjectSite, Name: "www.example.org"})
	keepIn(t, e, dir, true)
	awaitGauges(t, reg, map[string]float64{"store_up": 1, "revision": 1, "revision_held": 2})
}

// awaitKept waits until the configuration that is kept in a folder has a text.
func awaitKept(t *testing.T, dir, text string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(keptText(filepath.Join(dir, "configuration")), text) {
			return
		}
	}
	t.Fatalf("Expected '%s' to be kept", text)
}

// keptText is what is packed in a file of the state; empty: nothing as yet.
func keptText(path string) string {
	const head = 64 // octets before it
	all, err := os.ReadFile(path)
	if err != nil || len(all) < head {
		return ""
	}
	packed, err := gzip.NewReader(bytes.NewReader(all[head:]))
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(packed)
	return string(text)
}

const storedSite = `site www.example.org {
 origin 192.0.2.1
 cdn edge edge.example.net
 ready none
 probe http http://{origin}/
 threshold response_time 1s
}`

// TestTheGaugeOfStateThatIsNotWritten takes the folder of the state away.
func TestTheGaugeOfStateThatIsNotWritten(t *testing.T) {
	e, reg := newWorld().engine(t)
	dir := filepath.Join(t.TempDir(), "state")
	keepIn(t, e, dir, false)
	set := engine.Change{Put: []*site.Site{newSite(www, "192.0.2.1")}}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if !e.Change(set) {
		t.Fatal("Expected the change to be made")
	}
	awaitGauges(t, reg, map[string]float64{"state_unsaved": 1})
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	awaitGauges(t, reg, map[string]float64{"state_unsaved": 0})
	written, err := fs.Glob(os.DirFS(dir), "decisions*")
	if err != nil || len(written) == 0 {
		t.Errorf("Expected the decisions to be kept, got %v, %v", written, err)
	}
}

// keepIn offers what a Corefile without sites, and a store in dir if there is to be
// one, have, and puts it into force.
func keepIn(t *testing.T, e *engine.Engine, dir string, stored bool) *engine.Kept {
	t.Helper()
	keeping := engine.Keeping{State: dir, Server: "one", Journal: time.Hour, Rows: 1000}
	if stored {
		keeping.Store = storeIn(dir)
	}
	k := keepThis(t, e, keeping)
	e.Offer(context.Background(), engine.Sites{Kept: k, Sites: k.Sites(), CDNs: k.CDNs(), Seed: k.Seed()})
	e.Promote()
	return k
}

// keepThis opens what is kept beside a Corefile with some sites.
func keepThis(t testing.TB, e *engine.Engine, keeping engine.Keeping, sites ...string) *engine.Kept {
	t.Helper()
	return keepWithin(context.Background(), t, e, keeping, sites...)
}

// keepWithin does so as long as ctx is not over.
func keepWithin(ctx context.Context, t testing.TB, e *engine.Engine, keeping engine.Keeping, sites ...string) *engine.Kept {
	t.Helper()
	config := corefile.New(func(site.Ask) error { return nil })
	block := caddyfile.NewDispenser("Corefile", strings.NewReader("cdnredirect example.org. {\n"+strings.Join(sites, "\n")+"\n}"))
	if _, err := config.Add(&block, func(zones []string) []string { return zones }); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Complete(); err != nil {
		t.Fatal(err)
	}
	k, err := e.Keep(ctx, keeping, config, func(*site.Site) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func storeIn(dir string) store.Config {
	return store.Config{Driver: "sqlite", Source: filepath.Join(dir, "store"), Server: "one", Backups: filepath.Join(dir, "backups")}
}

// publishIn makes a revision in a store that nobody has open, unless it will be in a
// moment.
func publishIn(t testing.TB, dir string, objects ...site.Object) {
	t.Helper()
	publishTo(t, storeIn(dir), objects...)
}

// publishTo does so in any store.
func publishTo(t testing.TB, cfg store.Config, objects ...site.Object) {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, cfg)
	for end := time.Now().Add(30 * time.Second); errors.Is(err, store.ErrLocked) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		db, err = store.Open(ctx, cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	base, err := db.Revision(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.Customer == "" {
			continue
		}
		if _, err := db.As(store.Viewer{Name: "alice", Operator: true}).PutCustomer(ctx, store.Customer{Name: o.Customer, Version: store.Whatever}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = db.As(store.Viewer{Name: "alice", Operator: true}).Publish(ctx, store.Publication{Base: base, Why: "a test", Objects: objects}); err != nil {
		t.Fatal(err)
	}
}

// awaitGauges waits until the engine's gauges have these values.
func awaitGauges(t *testing.T, reg *prometheus.Registry, want map[string]float64) {
	t.Helper()
	got := make(map[string]float64)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for name := range want {
			got[name] = plainGauge(t, reg, "coredns_cdnredirect_"+name)
		}
		if maps.Equal(got, want) {
			return
		}
	}
	t.Fatalf("Expected the gauges %v, got %v", want, got)
}

// plainGauge reads a series without labels.
func plainGauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("Expected a series %s", name)
	return 0
}
