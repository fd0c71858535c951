package corefile_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// many is how many sites a large provider has.
const many = 100_000

// shops are that many sites of one class, as texts of a Corefile.
func shops(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("site s%d.example.org class web {\n    origin 192.0.%d.%d\n}", i, i/250%250, 1+i%250)
	}
	return texts
}

// shopObjects are the same in the store.
func shopObjects(n int) []site.Object {
	objects := []site.Object{{Kind: site.ObjectClass, Name: "web", Text: full, Revision: 1}}
	for i, text := range shops(n) {
		objects = append(objects, site.Object{Kind: site.ObjectSite, Name: fmt.Sprintf("s%d.example.org", i), Text: text, Revision: int64(i + 2)})
	}
	return objects
}

// BenchmarkCorefile reads as many sites from a Corefile, to compare with.
func BenchmarkCorefile(b *testing.B) {
	text := "cdnredirect {\n" + full + "\n" + strings.Join(shops(many), "\n") + "\n}\n"
	for b.Loop() {
		d := caddyfile.NewDispenser("Corefile", strings.NewReader(text))
		c := corefile.New(health.Check)
		if _, err := c.Add(&d, origins("example.org.")); err != nil {
			b.Fatal(err)
		}
		if sites, err := c.Complete(); err != nil || len(sites) != many {
			b.Fatal(len(sites), err)
		}
	}
}

// BenchmarkOverlayFirst is the first Apply of all.
func BenchmarkOverlayFirst(b *testing.B) {
	objects := shopObjects(many)
	for b.Loop() {
		before := heap()
		o := overlayOf(b, "cdnredirect")
		if change := o.Apply(objects); len(change.Put) != many || len(change.Refused) > 0 {
			b.Fatalf("got %d sites, refused %v", len(change.Put), change.Refused)
		}
		b.ReportMetric(float64(heap()-before)/many, "held-B/site")
		runtime.KeepAlive(o)
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// BenchmarkOverlayOne changes one site of many.
func BenchmarkOverlayOne(b *testing.B) {
	objects := shopObjects(many)
	o := overlayOf(b, "cdnredirect")
	o.Apply(objects)
	for i := 0; b.Loop(); i++ {
		changed := objects[1+i%many]
		changed.Revision = int64(many + i + 10)
		changed.Text = strings.Replace(changed.Text, "}", "    ttl "+fmt.Sprint(5+i%50)+"s\n}", 1)
		if change := o.Apply([]site.Object{changed}); len(change.Put) != 1 {
			b.Fatalf("got %+v", change)
		}
	}
}

// BenchmarkOverlayCheck asks what a change of one site would do.
func BenchmarkOverlayCheck(b *testing.B) {
	objects := shopObjects(many)
	o := overlayOf(b, "cdnredirect")
	o.Apply(objects)
	changed := objects[7]
	changed.Revision, changed.Text = many+10, strings.Replace(changed.Text, "}", "    ttl 5s\n}", 1)
	for b.Loop() {
		if refused := o.Check([]site.Object{changed}); refused != nil {
			b.Fatal(refused)
		}
	}
}

// BenchmarkOverlayClass changes the class of all.
func BenchmarkOverlayClass(b *testing.B) {
	objects := shopObjects(many)
	o := overlayOf(b, "cdnredirect")
	o.Apply(objects)
	for i := 0; b.Loop(); i++ {
		class := objects[0]
		class.Revision, class.Text = int64(many+i+10), strings.Replace(full, "300ms", fmt.Sprint(100+i%100)+"ms", 1)
		if change := o.Apply([]site.Object{class}); len(change.Put) != many {
			b.Fatalf("got %d", len(change.Put))
		}
	}
}

// overlayOf is the overlay of a Corefile's directive.
func overlayOf(t testing.TB, directive string) *corefile.Overlay {
	t.Helper()
	return complete(t, directive).Overlay()
}

// complete reads a directive for example.org.
func complete(t testing.TB, directive string) *corefile.Config {
	t.Helper()
	d := caddyfile.NewDispenser("Corefile", strings.NewReader(directive))
	c := corefile.New(health.Check)
	if _, err := c.Add(&d, origins("example.org.", "example.net.")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	return c
}
