package route_test

import (
	"fmt"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"pgregory.net/rapid"
)

// changeNames are those that sites of the test below may have: near to each
// other, so that they share names above them, and hide each other's wildcards.
var changeNames = []string{
	"a.example.org.", "b.a.example.org.", "*.a.example.org.", "c.b.a.example.org.", "*.b.a.example.org.",
	"x.y.z.example.org.", "z.example.org.", "*.example.org.", "w.y.z.example.org.",
}

func changeEntry(name string, zone *route.Zone, alias bool) *route.Entry {
	s := site.New(name)
	s.Zone = zone.Name
	s.Hosts = []string{name[:len(name)-1]}
	if alias {
		s.Answer = site.Answer{Form: site.FormCNAME, Host: "origin." + zone.Name}
	}
	return route.NewEntry(s, zone, route.NewSeed(""))
}

// TestChangesAddUpToTheWholeSet compares a table that was changed step by step
// with one that is made of what is left.
func TestChangesAddUpToTheWholeSet(t *testing.T) {
	zone := route.NewZone("example.org.", "")
	rapid.Check(t, func(t *rapid.T) {
		table, there := route.NewTable(), map[string]*route.Entry{}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			var gone, put []*route.Entry
			for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(changeNames), rapid.ID).Draw(t, "names") {
				if old := there[name]; old != nil {
					gone = append(gone, old)
					delete(there, name)
				}
				if rapid.Bool().Draw(t, "put") {
					there[name] = changeEntry(name, zone, name == "a.example.org.")
					put = append(put, there[name])
				}
			}
			table.Change(gone, put)
			compareTables(t, table, there)
		}
	})
}

func compareTables(t *rapid.T, got *route.Table, there map[string]*route.Entry) {
	var entries []*route.Entry
	for _, e := range there {
		entries = append(entries, e)
	}
	want := route.NewTable(entries...)
	asked := append([]string{"example.org.", "y.z.example.org.", "q.a.example.org.", "q.b.a.example.org.", "q.example.org.", "origin.example.org."}, changeNames...)
	for _, name := range asked {
		if g, w := got.Lookup(name), want.Lookup(name); g != w {
			t.Fatalf("Lookup of %s: expected %v, got %v", name, w, g)
		}
		g, w := got.Empty(name), want.Empty(name)
		if (g == nil) != (w == nil) {
			t.Fatalf("Empty of %s: expected %v, got %v", name, w, g)
		}
		if g != nil && there[g.Name()] == nil {
			t.Fatalf("Empty of %s: expected an entry that is there, got %s", name, g.Name())
		}
	}
}

// BenchmarkChange changes one of very many sites.
func BenchmarkChange(b *testing.B) {
	zone := route.NewZone("example.org.", "")
	entries := make([]*route.Entry, 100_000)
	for i := range entries {
		entries[i] = changeEntry(fmt.Sprintf("www%d.example.org.", i), zone, false)
	}
	table := route.NewTable(entries...)
	for b.Loop() {
		next := changeEntry("www7.example.org.", zone, false)
		table.Change(entries[7:8], []*route.Entry{next})
		entries[7] = next
	}
}
