package provision_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// realOverlay is that of a Corefile with a site of its own.
func realOverlay(t testing.TB) *corefile.Overlay {
	t.Helper()
	const text = `cdnredirect example.org {
		site own.example.org {
			origin 192.0.2.1
			cdn edge own.edge.example.net
			probe http http://{origin}/
			threshold response_time 300ms
		}
	}`
	config := corefile.New(func(site.Ask) error { return nil })
	d := caddyfile.NewDispenser("Corefile", strings.NewReader(text))
	if _, err := config.Add(&d, func(zones []string) []string { return zones }); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Complete(); err != nil {
		t.Fatal(err)
	}
	return config.Overlay()
}

// class is one that real sites are of.
func class(ttl string, revision int64) site.Object {
	text := fmt.Sprintf("class web {\n    origin 192.0.2.7\n    cdn edge {label}.edge.example.net\n    probe http http://{origin}/\n    threshold response_time 300ms\n    ttl %s\n}", ttl)
	return site.Object{Kind: site.ObjectClass, Name: "web", Text: text, Revision: revision}
}

// realSites are some of them, with lines of their own.
func realSites(n int, lines string, revision int64) (objects []site.Object) {
	for _, o := range sites("s", n, "", revision) {
		o.Text = fmt.Sprintf("site %s class web {\n%s\n}", o.Name, lines)
		objects = append(objects, o)
	}
	return objects
}

// served lists sites with what tells their forms apart.
func served(o *corefile.Overlay) string {
	var list []string
	for _, s := range o.Sites() {
		list = append(list, fmt.Sprintf("%s %v %d", s.Name(), s.TTL, s.Enter))
	}
	return strings.Join(list, "\n")
}

// TestPublicationOnACorefile goes through the life of a configuration with the
// overlay that servers have.
func TestPublicationOnACorefile(t *testing.T) {
	o := realOverlay(t)
	p := provision.NewPublisher(o)
	wantPublished(t, p, p.Offer(1, append(realSites(12, "", 1), class("30s", 1)), false), 1)
	wantSites(t, o, 13)

	out := p.Offer(2, append(realSites(11, "enter 0", 2), realSites(12, "enter 5", 2)[11]), false)
	wantPublished(t, p, out, 2)
	if len(out.Change.Refused) != 11 || len(out.Change.Put) != 1 {
		t.Errorf("Expected 11 refused and one changed, got %v", out.Change)
	}
	wantSites(t, o, 13)
	wantPublished(t, p, p.Offer(3, sites("waits", 1, "site waits0.example.org class none", 3), false), 3)
	wantSites(t, o, 13)

	removed := sites("s", 12, "", 4)
	wantHeld(t, p, p.Offer(4, removed, false), provision.Held{Revision: 4, Sites: 12})
	wantSites(t, o, 13)
	wantRestored(t, p, o)
	wantPublished(t, p, p.Offer(4, removed, true), 4)
	wantSites(t, o, 1)
	if waiting := o.Waiting(); len(waiting) != 1 || waiting[0].Name != "waits0.example.org" {
		t.Errorf("Nothing that was removed waits, but one is new: %v", waiting)
	}
}

func wantSites(t *testing.T, o *corefile.Overlay, n int) {
	t.Helper()
	if got := len(o.Sites()); got != n {
		t.Errorf("Expected %d sites, got %d: %s", n, got, served(o))
	}
	var stored []string
	for _, object := range o.Objects() {
		if object.Kind == site.ObjectSite {
			stored = append(stored, object.Name)
		}
	}
	slices.Sort(stored)
	if got := slices.Sorted(o.Stored()); !slices.Equal(got, stored) {
		t.Errorf("Expected the sites %v of the store, got %v", stored, got)
	}
}

func inOrder(objects []site.Object) []site.Object {
	slices.SortFunc(objects, func(a, b site.Object) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return objects
}

// wantRestored has another server start from what this one keeps.
func wantRestored(t *testing.T, p *provision.Publisher, o *corefile.Overlay) {
	t.Helper()
	next := realOverlay(t)
	if !provision.NewPublisher(next).Restore(kept(t, p)) {
		t.Fatal("Nothing was restored")
	}
	if served(next) != served(o) || !slices.Equal(inOrder(next.Objects()), inOrder(o.Objects())) || !slices.Equal(next.Waiting(), o.Waiting()) {
		t.Errorf("Expected\n%s\ngot\n%s", served(o), served(next))
	}
}

// TestAClassThatItsSitesDoNotBear: they stay as they are, also after a start from
// what was kept.
func TestAClassThatItsSitesDoNotBear(t *testing.T) {
	o := realOverlay(t)
	p := provision.NewPublisher(o)
	wantPublished(t, p, p.Offer(1, append(realSites(12, "", 1), class("30s", 1)), false), 1)
	before := served(o)
	gone := class("", 2)
	gone.Text = ""
	out := p.Offer(2, []site.Object{gone}, false)
	wantPublished(t, p, out, 2)
	if len(out.Change.Refused) == 0 {
		t.Error("Nobody was told")
	}
	if served(o) != before {
		t.Errorf("Expected\n%s\ngot\n%s", before, served(o))
	}
	wantRestored(t, p, o)
	wantPublished(t, p, p.Offer(3, []site.Object{class("60s", 3)}, false), 3)
	if got := strings.Count(served(o), "{1m0s"); got != 12 {
		t.Errorf("Expected 12 sites with the new TTL, got %d: %s", got, served(o))
	}
}

func TestCheckNamesPlaces(t *testing.T) {
	p := provision.NewPublisher(realOverlay(t))
	err := p.Check(append(realSites(2, "enter 0", 4), class("30s", 4)))
	for i := range 2 {
		if place := fmt.Sprintf("store/site/s%d.example.org@4:2 - Error during parsing: ", i); !strings.Contains(fmt.Sprint(err), place) {
			t.Errorf("Expected %q in %v", place, err)
		}
	}
}
