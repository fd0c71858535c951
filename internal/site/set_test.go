package site_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// everything returns a site that has one of all that another may want, too.
func everything(name string) *site.Site {
	s := valid()
	s.Names, s.Hosts = []string{name, "*.wild.example.org."}, []string{"shop.example.com"}
	s.CDNs = []site.CDN{{Name: "edge", Target: "next.example.org."}}
	s.Answer = site.Answer{Form: site.FormCNAME, Host: "origin.example.org."}
	s.Redirect = &site.Redirect{Host: "o.example.com", Status: 302}
	return s
}

func aCDN(name, zone, asked string) *site.WatchedCDN {
	c := site.NewWatchedCDN(name)
	c.Zone = zone
	c.Watch.Probes = []site.Source{{Kind: "http", URL: "http://" + asked + "/"}}
	return c
}

// TestSetGivesBack has all that was a site's, or a CDN's, be free when it has gone, or
// when it was not taken.
func TestSetGivesBack(t *testing.T) {
	set := site.NewSet(func(string) bool { return true })
	a, b := everything("a.example.org."), everything("b.example.org.")
	first, second := aCDN("first", "cdn.example.org.", "probe.example.org"), aCDN("second", "far.cdn.example.org.", "probe.example.org")
	for range 2 {
		if clash := set.Add(a); clash != nil || !set.Has(a) {
			t.Fatalf("Expected it to be taken, got %v", clash)
		}
		if clash := set.Add(b); clash == nil || set.Has(b) || clash.Sites[0] != a {
			t.Fatalf("Expected a clash with the first, got %+v", clash)
		}
		if before := set.Before([]string{"next.example.org."}); len(before) != 1 || before[0] != a {
			t.Fatalf("Expected the first to lead there, got %v", before)
		}
		set.Remove(b) // which is not in
		if clash := set.AddCDN(first); clash != nil {
			t.Fatal(clash.Err)
		}
		if clash := set.AddCDN(second); clash == nil || clash.CDNs[1] != first {
			t.Fatalf("Expected a clash with the first, got %+v", clash)
		}
		set.RemoveCDN(second) // which is not in
		for _, name := range []string{"x.far.cdn.example.org.", "probe.example.org."} {
			s := valid()
			s.Names = []string{name}
			if clash := set.Add(s); clash == nil || clash.CDNs[0] != first {
				t.Fatalf("Expected %s to be the CDN's, got %+v", name, clash)
			}
		}
		set.Remove(a)
		set.RemoveCDN(first)
		if set.Before([]string{"next.example.org."}) != nil {
			t.Fatal("Expected nobody to lead there")
		}
		a, b = b, a
		first, second = second, first
	}
}

// TestBefore follows the ways back, over wildcards too.
func TestBefore(t *testing.T) {
	set := site.NewSet(func(name string) bool { return name != "elsewhere." })
	add := func(name string, targets ...string) *site.Site {
		s := site.New(name)
		for _, target := range targets {
			s.CDNs = append(s.CDNs, site.CDN{Name: target, Target: target})
		}
		if clash := set.Add(s); clash != nil {
			t.Fatal(clash.Err)
		}
		return s
	}
	a, b := add("a.", "b."), add("b.", "x.y.w.", "x.y.w.", "elsewhere.")
	add("*.w.", "elsewhere.")
	c := add("c.", "b.")
	for _, tc := range []struct {
		name string
		want []*site.Site
	}{
		{"*.w.", []*site.Site{b, a, c}}, {"x.y.w.", []*site.Site{b, a, c}}, {"b.", []*site.Site{a, c}}, {"a.", nil}, {"w.", nil}, {"elsewhere.", nil},
	} {
		got := set.Before([]string{tc.name})
		if len(got) != len(tc.want) {
			t.Fatalf("%s: Expected %d sites, got %d", tc.name, len(tc.want), len(got))
		}
		for i, s := range got {
			if s != tc.want[i] {
				t.Errorf("%s: Expected %s, got %s", tc.name, tc.want[i].Name(), s.Name())
			}
		}
	}
	set.Remove(b)
	if got := set.Before([]string{"*.w."}); got != nil {
		t.Errorf("Expected nobody, got %d", len(got))
	}
}

// TestDownloadsComeAndGo leaves nothing of what has gone.
func TestDownloadsComeAndGo(t *testing.T) {
	costs := site.NewDownloadCosts()
	load := func(place string) *site.Site {
		s := valid()
		s.Place = place
		s.Probes[0].Kind = "download"
		s.Probes[0].Ask.Size = 1 << 20
		return s
	}
	a, b := load("Corefile:1"), load("Corefile:2")
	b.Probes[0].Every /= 2
	costs.Add(a)
	alone := costs.Cost()
	costs.Add(b)
	if costs.Cost() != 2*alone || alone != 838860.8 {
		t.Errorf("Expected one target at its shortest period, got %g and %g", alone, costs.Cost())
	}
	costs.Remove(b)
	if costs.Cost() != alone {
		t.Errorf("Expected %g again, got %g", alone, costs.Cost())
	}
	if costs.Remove(a); costs.Cost() != 0 {
		t.Errorf("Expected nothing, got %g", costs.Cost())
	}
}
