package corefile_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// follower applies texts and follows what comes of them.
type follower struct {
	t        *testing.T
	o        *corefile.Overlay
	revision int64
}

func follow(t *testing.T, directive string) *follower {
	return &follower{t: t, o: overlayOf(t, directive)}
}

// object is an object of a text: "- KIND NAME" is one that is removed, "+ TEXT" an
// adopted one. Each has a revision of its own, from 1 on.
func (f *follower) object(text string) site.Object {
	rest, removed := strings.CutPrefix(text, "- ")
	rest, adopted := strings.CutPrefix(rest, "+ ")
	words := strings.Fields(rest)
	f.revision++
	o := site.Object{Kind: site.ObjectKind(words[0]), Name: strings.ToLower(strings.TrimSuffix(words[1], ".")), Text: rest, Adopted: adopted, Revision: f.revision}
	if removed {
		o.Text = ""
	}
	return o
}

func (f *follower) objects(texts []string) []site.Object {
	var objects []site.Object
	for _, text := range texts {
		objects = append(objects, f.object(text))
	}
	return objects
}

func (f *follower) apply(texts ...string) corefile.Change { return f.o.Apply(f.objects(texts)) }

// good applies texts of which none is refused.
func (f *follower) good(texts ...string) corefile.Change {
	f.t.Helper()
	change := f.apply(texts...)
	if change.Refused != nil {
		f.t.Fatalf("Expected all of %q to be taken, got %q", texts, refusals(change.Refused))
	}
	return change
}

// bad applies texts of which exactly these are refused.
func (f *follower) bad(want []string, texts ...string) corefile.Change {
	f.t.Helper()
	change := f.apply(texts...)
	f.wantRefused(change.Refused, want...)
	return change
}

func (f *follower) wantRefused(got []corefile.Refusal, want ...string) {
	f.t.Helper()
	if texts := refusals(got); !slices.Equal(texts, want) {
		f.t.Fatalf("\n got %s\nwant %s", strings.Join(texts, "\n     "), strings.Join(want, "\n     "))
	}
}

// changed compares a change in short.
func (f *follower) changed(change corefile.Change, put, removed string) {
	f.t.Helper()
	var names []string
	for _, s := range change.Put {
		names = append(names, s.Name())
	}
	if got := strings.Join(names, " "); got != put || strings.Join(change.Removed, " ") != removed {
		f.t.Fatalf("Expected put %q and removed %q, got %q and %q", put, removed, got, change.Removed)
	}
}

func (f *follower) site(name string) *site.Site {
	f.t.Helper()
	s := siteOf(f.o, name)
	if s == nil {
		f.t.Fatalf("Expected a site %s, got %q", name, names(f.o))
	}
	return s
}

// aSite is a site with all it needs, and more lines.
func aSite(head string, lines ...string) string {
	return "site " + head + " {\n" + strings.Join(completed(lines), "\n") + "\n}"
}

// ofWeb is a site of the class web with these lines.
func ofWeb(names string, lines ...string) string {
	return "site " + names + " class web {\n" + strings.Join(lines, "\n") + "\n}"
}

const parsing = " - Error during parsing: "

// overlayErrors are the rules that hold between objects: of what is applied, only the
// last is refused. What stands in below is on lines of the Corefile.
var overlayErrors = []struct {
	name  string
	texts []string
	want  string
}{
	{"unknown class", []string{ofWeb("a.example.org"), "site b.example.org class shop"}, "store/site/b.example.org@2:1" + parsing + "unknown class 'shop': define it with 'class shop { ... }'"},
	{"unknown origin", []string{ofWeb("a.example.org", "origin fra")}, "store/site/a.example.org@1:2" + parsing + "unknown origin 'fra': write its addresses, or define it with 'origin fra { ... }'"},
	{"property", []string{ofWeb("a.example.org", "ttl 30s", "", "foo")}, "store/site/a.example.org@1:4" + parsing + "unknown property 'foo': answer, cdn, damping, divert, enter, failback_delay, feed, hides, host, https, no_data, origin, probe, ready, redirect, threshold, ttl, warmup are known"},
	{"property twice", []string{ofWeb("a.example.org", "ttl 30s", "ttl 5s")}, "store/site/a.example.org@1:3" + parsing + "property 'ttl' is already given on line 2"},
	{"class property", []string{"class shop {\nttl 30\n}"}, "store/class/shop@1:2" + parsing + "invalid duration '30': write a unit, such as 300ms or 10s"},
	{"nothing said", []string{"site a.example.org"}, "store/site/a.example.org@1:1" + parsing + "site 'a.example.org.' has no origin"},
	{"outside the zones", []string{aSite("www.example.com")}, "store/site/www.example.com@1:1" + parsing + "site name 'www.example.com.' is outside every served zone: 'example.org.', 'example.net.'"},
	{"in two zones", []string{aSite("www.example.org www.example.net")}, "store/site/www.example.org@1:1" + parsing + "site name 'www.example.net.' lies in the zone 'example.net.', the site in 'example.org.'"},

	{"class of the Corefile", []string{"class web {\n}"}, "store/class/web@1:1" + parsing + "class 'web' is already defined at Corefile:4"},
	{"origin of the Corefile", []string{"origin core {\naddress 192.0.2.1\n}"}, "store/origin/core@1:1" + parsing + "origin 'core' is already defined at Corefile:10"},
	{"CDN of the Corefile", []string{"cdn tier {\n" + aProbe + "\n}"}, "store/cdn/tier@1:1" + parsing + "cdn 'tier' is already defined at Corefile:13"},
	{"site of the Corefile", []string{ofWeb("k1.example.org")}, "store/site/k1.example.org@1:1" + parsing + "site name 'k1.example.org.' is already defined at Corefile:17"},
	{"second name of a site of the Corefile", []string{ofWeb("a.example.org k1b.example.org")}, "store/site/a.example.org@1:1" + parsing + "site name 'k1b.example.org.' is already defined at Corefile:17"},
	{"adopted by another name", []string{"+ " + ofWeb("k1b.example.org k1.example.org")}, "store/site/k1b.example.org@1:1" + parsing + "site name 'k1b.example.org.' is already defined at Corefile:17"},

	{"name of another site", []string{ofWeb("a.example.org b.example.org"), ofWeb("b.example.org")}, "store/site/b.example.org@2:1" + parsing + "site name 'b.example.org.' is already defined at store/site/a.example.org@1:1"},
	{"alias that is a name", []string{ofWeb("a.example.org"), ofWeb("b.example.org", "answer cname a.example.org")}, "store/site/b.example.org@2:1" + parsing + "'a.example.org.' of 'answer cname' is already taken by the site 'a.example.org.' at store/site/a.example.org@1:1"},
	{"alias of the Corefile", []string{ofWeb("b.example.org", "answer cname k1b.example.org")}, "store/site/b.example.org@1:1" + parsing + "'k1b.example.org.' of 'answer cname' is already taken by the site 'k1.example.org.' at Corefile:17"},
	{"alias of two", []string{ofWeb("a.example.org", "answer cname o.example.org"), ofWeb("b.example.org", "answer cname o.example.org")}, "store/site/b.example.org@2:1" + parsing + "'o.example.org.' of 'answer cname' is already taken by the site 'a.example.org.' at store/site/a.example.org@1:1"},
	{"name that is an alias", []string{ofWeb("a.example.org", "answer cname o.example.org"), ofWeb("b.example.org o.example.org")}, "store/site/b.example.org@2:1" + parsing + "site name 'o.example.org.' is already that of 'answer cname' of the site 'a.example.org.' at store/site/a.example.org@1:1"},
	{"host of two redirects", []string{ofWeb("a.example.org", "host www.example.com", "redirect o.example.com"), ofWeb("b.example.org", "host www.example.com", "redirect o.example.com")}, "store/site/b.example.org@2:1" + parsing + "host 'www.example.com' is redirected for the site 'a.example.org.' at store/site/a.example.org@1:1 already"},
	{"redirect to a redirect", []string{ofWeb("a.example.org", "redirect o.example.com"), ofWeb("b.example.org", "redirect a.example.org")}, "store/site/b.example.org@2:1" + parsing + "'a.example.org' of 'redirect' is a host of the site 'a.example.org.' at store/site/a.example.org@1:1, which is redirected, too: visitors would go round"},
	{"redirect that is led to", []string{ofWeb("a.example.org", "redirect b.example.org"), ofWeb("b.example.org", "redirect o.example.com")}, "store/site/b.example.org@2:1" + parsing + "the site is redirected, and 'redirect' of the site 'a.example.org.' at store/site/a.example.org@1:1 leads to it: visitors would go round"},
	{"redirect that is led to by a wildcard", []string{ofWeb("a.example.org", "redirect x.b.example.org"), ofWeb("*.b.example.org", "host b.example.org", "cdn edge b.example.com", "redirect o.example.com")}, "store/site/*.b.example.org@2:1" + parsing + "the site is redirected, and 'redirect' of the site 'a.example.org.' at store/site/a.example.org@1:1 leads to it: visitors would go round"},

	{"loop", []string{ofWeb("a.example.org", "cdn edge b.example.org"), ofWeb("b.example.org", "cdn edge a.example.org")}, "store/site/a.example.org@1:1" + parsing + "target 'b.example.org.' of cdn 'edge' leads back to the site 'b.example.org.' (site 'b.example.org.' at store/site/b.example.org@2:1)"},
	{"loop over the Corefile", []string{"+ " + ofWeb("k1.example.org", "cdn edge k2.example.org")}, "Corefile:18" + parsing + "target 'k1.example.org.' of cdn 'edge' leads back to the site 'k1.example.org.' (site 'k1.example.org.' at store/site/k1.example.org@1:1)"},
	{"loop over a wildcard", []string{ofWeb("a.example.org", "cdn edge x.b.example.org"), ofWeb("*.b.example.org", "host b.example.org", "cdn edge a.example.org")}, "store/site/a.example.org@1:1" + parsing + "target 'x.b.example.org.' of cdn 'edge' leads back to the site '*.b.example.org.' (site '*.b.example.org.' at store/site/*.b.example.org@2:1)"},

	{"name server", []string{ofWeb("ns1.example.org")}, "store/site/ns1.example.org@1:1" + parsing + "name server 'ns1.example.org.', which is named at Corefile:2, is a name of the site: it needs one that is not steered (RFC 2181, section 10.3)"},
	{"name server below a wildcard", []string{ofWeb("*.example.org", "host example.org", "cdn edge w.example.com")}, "store/site/*.example.org@1:1" + parsing + "name server 'ns1.example.org.', which is named at Corefile:2, is a name of the site: it needs one that is not steered (RFC 2181, section 10.3)"},

	{"CDN's zone elsewhere", []string{ownCDN("big", "big.example.com")}, "store/cdn/big@1:1" + parsing + "dns zone 'big.example.com.' of cdn 'big' is outside every served zone: 'example.org.', 'example.net.'"},
	{"CDN's zone with a zone", []string{ownCDN("big", "net")}, "store/cdn/big@1:1" + parsing + "the served zone 'example.net.' is in the dns zone 'net.' of cdn 'big'"},
	{"CDN's zone with a name server", []string{ownCDN("big", "ns1.example.org")}, "store/cdn/big@1:1" + parsing + "name server 'ns1.example.org.' is in the dns zone 'ns1.example.org.' of cdn 'big', where every name has the addresses of nodes"},
	{"CDN's zone in another", []string{ownCDN("a", "z.example.org"), ownCDN("b", "b.z.example.org")}, "store/cdn/b@2:1" + parsing + "dns zone 'z.example.org.' of cdn 'a' at store/cdn/a@1:1 holds that of cdn 'b' at store/cdn/b@2:1"},
	{"CDN's zone with another", []string{ownCDN("a", "a.z.example.org"), ownCDN("b", "z.example.org")}, "store/cdn/b@2:1" + parsing + "dns zone 'z.example.org.' of cdn 'b' at store/cdn/b@2:1 holds that of cdn 'a' at store/cdn/a@1:1"},
	{"CDN's zone with a site", []string{ofWeb("a.z.example.org"), ownCDN("big", "z.example.org")}, "store/cdn/big@2:1" + parsing + "the name 'a.z.example.org.' of the site 'a.z.example.org.' is in the dns zone 'z.example.org.' of cdn 'big' at store/cdn/big@2:1, and the site is at store/site/a.z.example.org@1:1"},
	{"CDN's zone with a site of the Corefile", []string{ownCDN("big", "k1.example.org")}, "store/cdn/big@1:1" + parsing + "the name 'k1.example.org.' of the site 'k1.example.org.' is in the dns zone 'k1.example.org.' of cdn 'big' at store/cdn/big@1:1, and the site is at Corefile:17"},
	{"CDN's zone with an alias", []string{ownCDN("big", "z.example.org"), ofWeb("a.example.org", "answer cname o.z.example.org")}, "store/site/a.example.org@2:1" + parsing + "the name 'o.z.example.org.' of the site 'a.example.org.' is in the dns zone 'z.example.org.' of cdn 'big' at store/cdn/big@1:1"},
	{"CDN that asks a site of the Corefile", []string{"cdn big {\nprobe http http://x.w.example.org/\n}"}, "store/cdn/big@1:1" + parsing + "probe http of cdn 'big' at store/cdn/big@1:1 asks 'x.w.example.org', a name of the site '*.w.example.org.' at Corefile:22, which leads where the decision says"},
	{"site that a CDN asks", []string{"cdn big {\nprobe http http://A.example.org/\n}", ofWeb("a.example.org")}, "store/site/a.example.org@2:1" + parsing + "probe http of cdn 'big' at store/cdn/big@1:1 asks 'A.example.org', a name of the site 'a.example.org.' at store/site/a.example.org@2:1, which leads where the decision says"},
	{"wildcard that a CDN is asked below", []string{"cdn big {\nprobe http http://x.b.example.org/\n}", ofWeb("*.b.example.org", "host b.example.org", "cdn edge b.example.com")}, "store/site/*.b.example.org@2:1" + parsing + "probe http of cdn 'big' at store/cdn/big@1:1 asks 'x.b.example.org', a name of the site '*.b.example.org.' at store/site/*.b.example.org@2:1, which leads where the decision says"},

	{"target outside the zone", []string{ownCDN("big", "z.example.org"), ofWeb("a.example.org", "cdn big big.example.com")}, "store/site/a.example.org@2:1" + parsing + "target 'big.example.com.' of cdn 'big' is not below its dns zone 'z.example.org.', which is at store/cdn/big@1:1"},
	{"no service", []string{ofWeb("a.example.org", "cdn tier a.tier.example")}, "store/site/a.example.org@1:1" + parsing + "cdn 'tier' of the site has no service, and feed load reads services: write 'cdn tier TARGET service ID', and the same ID on the lines of sites that share one"},
	{"service of nothing", []string{ofWeb("a.example.org", "cdn edge a.example.com service 1")}, "store/site/a.example.org@1:1" + parsing + "service '1' of cdn 'edge' is read by nothing: its block needs a feed with {service}, or a map of its API"},
	{"service that is no number", []string{"cdn big {\n" + aProbe + "\n" + bunny + "\n}", ofWeb("a.example.org", "cdn big a.example.com service x")}, "store/site/a.example.org@2:1" + parsing + "service 'x' of cdn 'big' is not the number of a pull zone, which feed map bunny asks for"},
	{"downloads", []string{download("a.example.org", "size 1MiB every 15s"), download("b.example.org", "size 2MiB every 15s")}, "store/site/b.example.org@2:1" + parsing + "with those of 'b.example.org.' all downloads cost 1.678Mbit (targets: 2), more than 1Mbit: make them smaller or less often, or allow more with 'download RATE'"},
	{"downloads of a CDN", []string{"cdn big {\nprobe download http://big.example/ size 1MiB every 5s\nthreshold available_bandwidth 1Mbit\n}"}, "store/cdn/big@1:1" + parsing + "with those of 'big' all downloads cost 1.678Mbit (targets: 1), more than 1Mbit: make them smaller or less often, or allow more with 'download RATE'"},

	{"import", []string{ofWeb("a.example.org", "import x")}, "store/site/a.example.org@1:2" + parsing + "import is of a Corefile only: write the lines themselves"},
	{"unknown kind", []string{"seed a"}, "store/seed/a@1:1" + parsing + "unknown kind of object 'seed': class, origin, cdn, site are known"},
	{"comment", []string{"site a # nothing\n"}, "store/site/a@1:1" + parsing + "site name 'a.' is outside every served zone: 'example.org.', 'example.net.'"},
}

func TestOverlayErrors(t *testing.T) {
	for _, tc := range overlayErrors {
		t.Run(tc.name, func(t *testing.T) {
			f := follow(t, below)
			last := len(tc.texts) - 1
			for together := range 2 { // one by one, and all at once
				f.revision, f.o = 0, overlayOf(t, below)
				var refused []corefile.Refusal
				if together == 1 {
					refused = f.apply(tc.texts...).Refused
				} else {
					for _, text := range tc.texts[:last] {
						f.good(text)
					}
					refused = f.apply(tc.texts[last]).Refused
				}
				if together == 1 && tc.texts[0] == ofWeb("a.z.example.org") { // then the CDN comes first
					continue
				}
				if len(refused) != 1 || refused[0].Revision != f.revision {
					t.Fatalf("Expected the last alone to be refused, got %q", refusals(refused))
				}
				wantError(t, refused[0].Err, tc.want)
				f.wantRefused(f.o.Refused(), refusals(refused)...)
			}
		})
	}
}

// objectMismatches are texts that are not what they are called.
func TestObjectMismatches(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "store/class/web@7:1" + parsing + "the text of class 'shop' has no block",
		"# nothing":                     "store/class/shop@7:1" + parsing + "the text of class 'shop' has no block",
		"class web {\n}":                "store/class/shop@7:1" + parsing + "the text of class 'shop' is that of class 'web'",
		"origin shop {\n}":              "store/class/shop@7:1" + parsing + "the text of class 'shop' is that of origin 'shop'",
		"class shop {\n}\ncdn big {\n}": "store/class/shop@7:3" + parsing + "the text of class 'shop' has a second block",
		"class shop {\n" + strings.Repeat("# a\n", 1<<14) + "}": "store/class/shop@7:1" + parsing + "a block of 65550 bytes is longer than 65536",
	} {
		if text == "" {
			continue // is a removal
		}
		refused := overlayOf(t, below).Apply([]site.Object{{Kind: "class", Name: "shop", Text: text, Revision: 7}}).Refused
		if len(refused) != 1 {
			t.Fatalf("Expected a refusal of %q", text)
		}
		wantError(t, refused[0].Err, want)
	}
}

// TestStoreSites are what their texts say, of what is in the Corefile and in the store.
func TestStoreSites(t *testing.T) {
	f := follow(t, below)
	change := f.good(ofWeb("a.example.org", "cdn big a.example.com", "origin fra"), "class shop {\n"+strings.Join(needed, "\n")+"\nttl 7s\n}", "origin fra {\naddress 192.0.2.10\n}",
		"cdn big {\n"+aProbe+"\n}", "site b.example.net c.example.net class shop {\norigin core\n}")
	f.changed(change, "a.example.org. b.example.net.", "")
	a, b := f.site("a.example.org"), f.site("b.example.net")
	if a.Origins[0].Addresses[0].String() != "192.0.2.10" || a.CDNs[0].Watched || !a.CDNs[1].Watched || a.Zone != "example.org." || a.Place != "store/site/a.example.org@1:1" {
		t.Errorf("got %+v", a)
	}
	if b.Origins[0].Addresses[0].String() != "192.0.2.9" || b.TTL.Full.String() != "7s" || b.Zone != "example.net." || len(b.Names) != 2 {
		t.Errorf("got %+v", b)
	}
	if got := strings.Join(names(f.o), " "); got != "k1.example.org. k2.example.org. *.w.example.org. a.example.org. b.example.net." {
		t.Errorf("got %s", got)
	}
	if cdns := f.o.CDNs(); !change.CDNs || len(cdns) != 2 || cdns[0].Name != "tier" || cdns[1].Name != "big" || cdns[1].Place != "store/cdn/big@4:1" {
		t.Errorf("got %+v", cdns)
	}
	if change := f.good(ofWeb("a.example.org")); change.CDNs {
		t.Error("Expected the CDNs to be the same")
	}
	if got := slices.Sorted(f.o.Stored()); !slices.Equal(got, []string{"a.example.org", "b.example.net"}) {
		t.Errorf("Expected the names of the store's sites, got %q", got)
	}
	f.changed(f.good("- site a.example.org", "- site nobody.example.org", "- class nothing"), "", "a.example.org.")
}

// TestStoreSitesShareWhatIsAlike as those of the Corefile do.
func TestStoreSitesShareWhatIsAlike(t *testing.T) {
	f := follow(t, below)
	f.good(ofWeb("a.example.org"))
	f.good(ofWeb("b.example.org"))
	if a, b := f.site("a.example.org"), f.site("b.example.org"); a.Policy != b.Policy || &a.Origins[0] != &b.Origins[0] {
		t.Error("two sites have the same list twice")
	}
	f.good("origin fra {\naddress 192.0.2.10\n}", ofWeb("a.example.org", "origin fra"))
	f.good("origin fra {\naddress 192.0.2.11\n}", ofWeb("b.example.org", "origin fra"))
	for _, name := range []string{"a.example.org", "b.example.org"} {
		if got := f.site(name).Origins[0].Addresses[0].String(); got != "192.0.2.11" {
			t.Errorf("Expected %s to have the new address, got %s", name, got)
		}
	}
}

// TestOneBadObject does not hold up the others, and what was good of it stays.
func TestOneBadObject(t *testing.T) {
	f := follow(t, below)
	f.changed(f.good(ofWeb("a.example.org", "ttl 5s")), "a.example.org.", "")
	noOrigin := "site/a.example.org@2: store/site/a.example.org@2:2" + parsing + "enter 0 is not at least 1"
	f.changed(f.bad([]string{noOrigin}, ofWeb("a.example.org", "enter 0"), ofWeb("b.example.org")), "b.example.org.", "")
	if got := f.site("a.example.org").TTL.Full.String(); got != "5s" {
		t.Errorf("Expected what was good to be in force, got %s", got)
	}
	f.changed(f.good(ofWeb("b.example.org", "ttl 6s")), "b.example.org.", "")
	f.wantRefused(f.o.Refused(), noOrigin)
	again := site.Object{Kind: "site", Name: "a.example.org", Text: ofWeb("a.example.org", "enter 0"), Revision: 2}
	if change := f.o.Apply([]site.Object{again}); change.Refused != nil {
		t.Errorf("Expected what is known to be refused to be no news, got %q", refusals(change.Refused))
	}
	again.Text, again.Revision = ofWeb("a.example.org", "ttl 5s"), 1
	f.changed(f.o.Apply([]site.Object{again}), "", "")
	f.wantRefused(f.o.Refused())
	f.bad([]string{"site/a.example.org@5: store/site/a.example.org@5:1" + parsing + "unknown class 'shop': define it with 'class shop { ... }'"}, "site a.example.org class shop")
	f.changed(f.good("- site a.example.org"), "", "a.example.org.")
	f.wantRefused(f.o.Refused())
	f.bad([]string{"site/a.example.org@7: store/site/a.example.org@7:2" + parsing + "enter 0 is not at least 1"}, ofWeb("a.example.org", "enter 0"))
	f.changed(f.good("- site a.example.org"), "", "")
	f.wantRefused(f.o.Refused())
}

// TestInAnyOrder has what a site needs come after it.
func TestInAnyOrder(t *testing.T) {
	f := follow(t, below)
	f.apply("site a.example.org class shop {\norigin fra\ncdn big x.z.example.org\n}")
	f.changed(f.good("class shop {\n"+strings.Join(needed[1:], "\n")+"\n}"), "", "")
	f.wantRefused(f.o.Refused(), "site/a.example.org@1: store/site/a.example.org@1:2"+parsing+"unknown origin 'fra': write its addresses, or define it with 'origin fra { ... }'")
	f.changed(f.good("origin fra {\naddress 192.0.2.1\n}"), "a.example.org.", "")
	f.wantRefused(f.o.Refused())

	f.apply(ofWeb("b.example.org", "cdn far b.example.com service 1"))
	f.changed(f.good("cdn far {\n"+aProbe+"\nfeed load json https://far.example/{service} load\n}"), "b.example.org.", "")
}

// TestWhatIsGivenUp is free for those who wait for it.
func TestWhatIsGivenUp(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, waits  string
		gives         string
		put, removed  string
		alsoDirective string
	}{
		{name: "name", first: ofWeb("a.example.org x.example.org"), waits: ofWeb("b.example.org x.example.org"), gives: ofWeb("a.example.org"), put: "a.example.org. b.example.org."},
		{name: "name of what is removed", first: ofWeb("a.example.org x.example.org"), waits: ofWeb("b.example.org x.example.org"), gives: "- site a.example.org", put: "b.example.org.", removed: "a.example.org."},
		{name: "alias", first: ofWeb("a.example.org", "answer cname x.example.org"), waits: ofWeb("x.example.org"), gives: ofWeb("a.example.org"), put: "a.example.org. x.example.org."},
		{name: "host", first: ofWeb("a.example.org", "host www.example.com", "redirect o.example.com"), waits: ofWeb("b.example.org", "host www.example.com", "redirect o.example.com"), gives: ofWeb("a.example.org"), put: "a.example.org. b.example.org."},
		{name: "way", first: ofWeb("a.example.org", "cdn edge b.example.org"), waits: ofWeb("b.example.org", "cdn edge a.example.org"), gives: ofWeb("a.example.org"), put: "a.example.org. b.example.org."},
		{name: "way by another name", first: ofWeb("a.example.org", "cdn edge x.b.example.org"), waits: ofWeb("*.b.example.org", "host b.example.org", "cdn edge a.example.org"), gives: ofWeb("c.example.org x.b.example.org"), put: "*.b.example.org. c.example.org."},
		{name: "name of the Corefile", waits: ofWeb("b.example.org k1b.example.org"), gives: "+ " + ofWeb("k1.example.org"), put: "b.example.org. k1.example.org."},
		{name: "downloads", first: download("a.example.org", "size 1MiB every 15s"), waits: download("b.example.org", "size 1MiB every 15s timeout 6s"), gives: ofWeb("a.example.org"), put: "a.example.org. b.example.org."},
		{name: "zone", first: ownCDN("big", "z.example.org"), waits: ofWeb("a.z.example.org"), gives: "- cdn big", put: "a.z.example.org."},
		{name: "zone of a CDN", first: ofWeb("a.z.example.org"), waits: ownCDN("big", "z.example.org"), gives: "- site a.z.example.org", removed: "a.z.example.org."},
		{name: "host of a probe", first: "cdn big {\nprobe http http://a.example.org/\n}", waits: ofWeb("a.example.org"), gives: "cdn big {\n" + aProbe + "\n}", put: "a.example.org."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := follow(t, below)
			if tc.first != "" {
				f.good(tc.first)
			}
			if refused := f.apply(tc.waits).Refused; len(refused) != 1 {
				t.Fatalf("Expected it to be refused, got %q", refusals(refused))
			}
			f.good(ofWeb("other.example.org"))
			f.changed(f.good(tc.gives), tc.put, tc.removed)
			f.wantRefused(f.o.Refused())
		})
	}
}

// TestExchange has names, and zones, change hands in one Apply.
func TestExchange(t *testing.T) {
	f := follow(t, below)
	f.good(ofWeb("a.example.org x.example.org"), ofWeb("b.example.org y.example.org"), ofWeb("c.example.org z.example.org"), ownCDN("p", "p.example.org"), ownCDN("q", "q.example.org"))
	f.changed(f.good(ofWeb("a.example.org y.example.org"), ofWeb("b.example.org z.example.org"), ofWeb("c.example.org x.example.org")), "a.example.org. b.example.org. c.example.org.", "")
	if change := f.good(ownCDN("p", "q.example.org"), ownCDN("q", "p.example.org")); !change.CDNs {
		t.Error("Expected the CDNs to have changed")
	}
	for _, text := range []string{ofWeb("a.example.org z.example.org"), ofWeb("b.example.org x.example.org")} { // one after the other
		if refused := f.apply(text).Refused; len(refused) != 1 {
			t.Fatalf("Expected it to be refused, got %q", refusals(refused))
		}
	}
	f.changed(f.good(ofWeb("c.example.org y.example.org")), "a.example.org. b.example.org. c.example.org.", "")
	f.wantRefused(f.o.Refused())
}

// TestWhoLosesGivesBack has one who took the name of another give it back when that
// one stays as it was.
func TestWhoLosesGivesBack(t *testing.T) {
	f := follow(t, below)
	f.good(ofWeb("a.example.org x.example.org"))
	f.bad([]string{
		"site/a.example.org@2: store/site/a.example.org@2:1" + parsing + "site name 'k1b.example.org.' is already defined at Corefile:17",
		"site/b.example.org@3: store/site/b.example.org@3:1" + parsing + "site name 'x.example.org.' is already defined at store/site/a.example.org@1:1",
	}, ofWeb("a.example.org k1b.example.org"), ofWeb("b.example.org x.example.org"))
	f.good(ofWeb("c.example.org y.example.org"))
	f.changed(f.bad([]string{"site/c.example.org@6: store/site/c.example.org@6:1" + parsing + "site name 'x.example.org.' is already defined at store/site/a.example.org@1:1"},
		ofWeb("d.example.org"), ofWeb("c.example.org x.example.org")), "d.example.org.", "")
	if s := f.site("c.example.org"); !slices.Contains(s.Names, "y.example.org.") {
		t.Errorf("Expected the names it had, got %q", s.Names)
	}
}

// TestChains has a chain get too long by a change further down, or by one that
// leaves.
func TestChains(t *testing.T) {
	f := follow(t, below)
	for i := range 8 {
		f.good(ofWeb(fmt.Sprintf("s%d.example.org", i), fmt.Sprintf("cdn edge s%d.example.org", i+1)))
	}
	const tooLong = parsing + "the targets of site 's0.example.org.' lead over more than 8 sites, up to "
	f.bad([]string{"site/s8.example.org@9: store/site/s0.example.org@1:1" + tooLong + "'s8.example.org.' (site 's8.example.org.' at store/site/s8.example.org@9:1)"}, ofWeb("s8.example.org"))
	f.good(ofWeb("*.u.example.org", "host u.example.org", "cdn edge u.example.com"))
	f.bad([]string{"site/s7.example.org@11: store/site/s0.example.org@1:1" + tooLong + "'*.u.example.org.' (site 's7.example.org.' at store/site/s7.example.org@11:1)"}, ofWeb("s7.example.org", "cdn edge x.u.example.org"))
	f.good(ofWeb("x.u.example.org", "cdn edge k1.example.org")) // k1 is the end
	f.good(ofWeb("s3.example.org"))
	f.wantRefused(f.o.Refused())
	f.bad([]string{"site/s3.example.org@14: store/site/s1.example.org@2:1" + parsing + "the targets of site 's1.example.org.' lead over more than 8 sites, up to 'k1.example.org.' (site 's3.example.org.' at store/site/s3.example.org@14:1)"}, ofWeb("s3.example.org", "cdn edge s4.example.org"))
}

// TestALoopByLeaving is made by a site that gives up a name below a wildcard.
func TestALoopByLeaving(t *testing.T) {
	f := follow(t, below)
	f.good(ofWeb("x.u.example.org"), ofWeb("a.example.org", "cdn edge x.u.example.org"), ofWeb("*.u.example.org", "host u.example.org", "cdn edge a.example.org"))
	const loop = "store/site/*.u.example.org@3:1" + parsing + "target 'a.example.org.' of cdn 'edge' leads back to the site 'a.example.org.'"
	f.bad([]string{"site/x.u.example.org@4: " + loop}, "- site x.u.example.org")
	f.site("x.u.example.org")
	f.changed(f.good(ofWeb("a.example.org")), "a.example.org.", "x.u.example.org.")
}

// TestClassChanges has all sites of a class change with it, but for those that are
// not good with it.
func TestClassChanges(t *testing.T) {
	class := func(lines string) string {
		return "class shop {\norigin 192.0.2.1\ncdn edge edge.example.com\nprobe http http://{origin}/ timeout 2s\n" + lines + "\n}"
	}
	f := follow(t, below)
	f.good(class("threshold response_time 300ms"), "site a.example.org class shop", "site b.example.org class shop {\nthreshold response_time 1s\n}", "site c.example.org class shop {\nprobe http http://{origin}/ timeout 500ms\n}", ofWeb("d.example.org"))
	change := f.apply(class("threshold response_time 600ms"))
	f.changed(change, "a.example.org.", "") // b says otherwise, and stays what it is
	if len(change.Refused) != 1 {
		t.Fatalf("Expected c to be refused, got %q", refusals(change.Refused))
	}
	wantStays := "store/class/shop@6:5" + parsing + "limit 600ms is not below the timeout 500ms of the probe that measures it (site 'c.example.org' at store/site/c.example.org@4:1); the site 'c.example.org.' at store/site/c.example.org@4:1 stays as it was before store/class/shop@6"
	wantError(t, change.Refused[0].Err, wantStays)
	if s := f.site("c.example.org"); s.Thresholds[0].Limit != 0.3 || change.Refused[0].Revision != 4 {
		t.Errorf("Expected c as it was, got %+v", s)
	}
	objects, waiting := objectsOf(f.o), f.o.Waiting()
	if objects[0].Revision != 1 || len(waiting) != 2 || waiting[0].Revision != 6 {
		t.Errorf("Expected the class that c was built with, and the new one to come, got %+v and %+v", objects[0], waiting)
	}
	f.changed(f.bad(nil, class("threshold response_time 700ms")), "a.example.org.", "") // which is no news of c
	f.changed(f.good("site c.example.org class shop"), "c.example.org.", "")
	f.wantRefused(f.o.Refused())
	if objects := objectsOf(f.o); objects[0].Revision != 7 {
		t.Errorf("Expected the class that all are built with, got %+v", objects[0])
	}
}

// TestOriginAndCDNChange is the same of what sites name.
func TestOriginAndCDNChange(t *testing.T) {
	f := follow(t, below)
	f.good("origin fra {\naddress 192.0.2.10\ncapacity 1Gbit\n}", "cdn big {\n"+aProbe+"\n}", ofWeb("a.example.org", "origin fra", "cdn big a.example.com"), ofWeb("b.example.org"))
	f.changed(f.good("origin fra {\naddress 192.0.2.11\n}"), "a.example.org.", "")
	change := f.good("cdn big {\n" + aProbe + "\nfeed load json https://big.example/ load\nthreshold load 1\n}")
	f.changed(change, "", "") // it is told to a CDN's own watch
	if !change.CDNs {
		t.Error("Expected the CDN to have changed")
	}
	const stays = "; the site 'a.example.org.' at store/site/a.example.org@3:1 stays as it was before store/cdn/big@7"
	f.bad([]string{"site/a.example.org@3: store/site/a.example.org@3:1" + parsing + "target 'a.example.com.' of cdn 'big' is not below its dns zone 'z.example.org.', which is at store/cdn/big@7:1" + stays}, ownCDN("big", "z.example.org"))
	f.changed(f.good("cdn big {\n"+aProbe+"\n}"), "", "")
	f.wantRefused(f.o.Refused())
	f.good(ofWeb("a.example.org", "cdn far a.example.com"))
	f.changed(f.good("cdn far {\n"+aProbe+"\n}"), "a.example.org.", "")
	if c := f.site("a.example.org").CDNs[1]; !c.Watched {
		t.Errorf("Expected a CDN that is watched now, got %+v", c)
	}
}

// TestRemovalOfWhatIsUsed waits until it is not.
func TestRemovalOfWhatIsUsed(t *testing.T) {
	f := follow(t, below)
	f.good("class shop {\n"+strings.Join(needed[1:], "\n")+"\n}", "origin fra {\naddress 192.0.2.10\n}", "cdn big {\n"+aProbe+"\n}", "site b.example.org class shop {\norigin fra\ncdn big b.example.com\n}", "site a.example.org class shop {\norigin fra\n}")
	f.bad([]string{
		"class/shop@6: store/class/shop@1:1" + parsing + "class 'shop' is still used by the site 'a.example.org.' at store/site/a.example.org@5:1",
		"origin/fra@7: store/origin/fra@2:1" + parsing + "origin 'fra' is still used by the site 'a.example.org.' at store/site/a.example.org@5:1",
		"cdn/big@8: store/cdn/big@3:1" + parsing + "cdn 'big' is still used by the site 'b.example.org.' at store/site/b.example.org@4:1",
	}, "- class shop", "- origin fra", "- cdn big")
	if waiting := f.o.Waiting(); len(waiting) != 3 || waiting[0].Text != "" || waiting[0].Revision != 6 {
		t.Errorf("Expected what is to be removed to wait, got %+v", waiting)
	}
	f.good("- site a.example.org")
	if change := f.good("- site b.example.org"); !change.CDNs || len(f.o.Objects()) != 0 || len(f.o.Refused()) != 0 {
		t.Errorf("Expected nothing to be left, got %+v, %q", f.o.Objects(), refusals(f.o.Refused()))
	}
}

// TestAdoption has a site of the store stand in front of one of the Corefile.
func TestAdoption(t *testing.T) {
	f := follow(t, below)
	if f.o.Shadowed() != nil {
		t.Errorf("Expected none, got %v", f.o.Shadowed())
	}
	own := f.site("k1.example.org")
	f.changed(f.good("+ "+ofWeb("k1.example.org", "ttl 5s"), ofWeb("a.example.org k1b.example.org")), "a.example.org. k1.example.org.", "")
	if got := f.o.Shadowed(); len(got) != 1 || got[0] != own || f.site("k1.example.org").TTL.Full.String() != "5s" || len(f.o.Sites()) != 4 {
		t.Errorf("Expected k1 to be shadowed, got %v, %q", got, names(f.o))
	}
	f.bad([]string{"site/k1.example.org@3: Corefile:17" + parsing + "site name 'k1b.example.org.' is already defined at store/site/a.example.org@2:1"}, "- site k1.example.org")
	f.changed(f.good("- site a.example.org"), "k1.example.org.", "a.example.org.")
	if f.site("k1.example.org") != own || f.o.Shadowed() != nil {
		t.Error("Expected the Corefile's site again")
	}
	f.good("+ " + ofWeb("k1.example.org"))
	f.bad([]string{"site/k1.example.org@6: store/site/k1.example.org@6:1" + parsing + "site name 'k1.example.org.' is already defined at Corefile:17"}, ofWeb("k1.example.org", "ttl 9s"))
	f.changed(f.good("+ "+ofWeb("new.example.org")), "new.example.org.", "")
}

// TestServicesOfBoth are read from the first site on that names one.
func TestServicesOfBoth(t *testing.T) {
	f := follow(t, below)
	reads := func(want ...string) {
		t.Helper()
		var got []string
		for _, c := range f.o.CDNs() {
			got = append(got, c.Name+": "+c.Watch.Feeds[len(c.Watch.Feeds)-1].Ask.Services)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Expected %q, got %q", want, got)
		}
	}
	reads("tier: s0")
	if change := f.good("cdn big {\n" + aProbe + "\nfeed load json https://big.example/{service} load\n}"); change.CDNs {
		t.Error("Expected no CDN to be watched of which nothing is read")
	}
	reads("tier: s0")
	tier := f.o.CDNs()[0]
	if change := f.good(ofWeb("a.example.org", "cdn big a.example.com service b", "cdn tier a.tier.example service s1"), ofWeb("c.example.org", "cdn big c.example.com service a")); !change.CDNs {
		t.Error("Expected the CDNs to have changed")
	}
	reads("tier: s0 s1", "big: a b")
	if tier.Watch.Feeds[0].Ask.Services != "s0" {
		t.Error("Expected the CDN that was to be unchanged: others may read it")
	}
	if change := f.good(ofWeb("d.example.org", "cdn big d.example.com service b")); change.CDNs {
		t.Error("Expected no change")
	}
	f.good("- site c.example.org", "- site a.example.org", "+ "+ofWeb("k2.example.org"))
	reads("big: b")
	f.good("- site d.example.org")
	reads()
}

// TestTooManyServices are refused where they come in, and taken when there is room.
func TestTooManyServices(t *testing.T) {
	f := follow(t, below)
	var texts []string
	for i := range 99 {
		texts = append(texts, ofWeb(fmt.Sprintf("s%d.example.org", i), fmt.Sprintf("cdn tier t.tier.example service n%d", i)))
	}
	f.good(texts...)
	f.bad([]string{"site/t.example.org@100: store/site/t.example.org@100:1" + parsing + "cdn 'tier' has 101 services on the sites' lines: more than 100 take too long to read"}, ofWeb("t.example.org", "cdn tier t.tier.example service t"))
	f.good(ofWeb("s0.example.org", "cdn tier t.tier.example service m0"))
	f.changed(f.good(ofWeb("s1.example.org")), "s1.example.org. t.example.org.", "")
}

// TestRequire has the caller refuse sites.
func TestRequire(t *testing.T) {
	f := follow(t, below)
	f.o.Require(func(s *site.Site) error {
		if s.Origins[0].Next {
			return errors.New("nothing is behind")
		}
		return nil
	})
	f.bad([]string{"site/a.example.org@1: store/site/a.example.org@1:1" + parsing + "nothing is behind"}, ofWeb("a.example.org", "origin next"), ofWeb("b.example.org"))
}

// TestCDNsComeFirst: of a CDN and a site that come together and clash the site is
// refused.
func TestCDNsComeFirst(t *testing.T) {
	f := follow(t, below)
	f.bad([]string{"site/a.z.example.org@1: store/site/a.z.example.org@1:1" + parsing + "the name 'a.z.example.org.' of the site 'a.z.example.org.' is in the dns zone 'z.example.org.' of cdn 'big' at store/cdn/big@2:1"},
		ofWeb("a.z.example.org"), ownCDN("big", "z.example.org"))
}

// TestSeveralTextsOfOne come one after the other.
func TestSeveralTextsOfOne(t *testing.T) {
	f := follow(t, below)
	f.changed(f.bad([]string{"site/a.example.org@2: store/site/a.example.org@2:2" + parsing + "enter 0 is not at least 1"}, ofWeb("a.example.org", "ttl 5s"), ofWeb("a.example.org", "enter 0")), "a.example.org.", "")
	if got := f.site("a.example.org").TTL.Full.String(); got != "5s" {
		t.Errorf("Expected the first, got %s", got)
	}
	f.changed(f.good(ofWeb("b.example.org"), "- site b.example.org"), "", "")
}

// TestCheckChangesNothing of what was, neither what is in force nor what waits.
func TestCheckChangesNothing(t *testing.T) {
	f := follow(t, below)
	f.good("class shop {\n"+strings.Join(needed, "\n")+"\n}", "site a.example.org class shop", "cdn big {\n"+aProbe+"\n}")
	f.apply(ofWeb("b.example.org", "enter 0"), ofWeb("c.example.org a.example.org"))
	was := state(f.o)
	want := []string{"site/d.example.org@11: store/site/d.example.org@11:1" + parsing + "unknown class 'nothing': define it with 'class nothing { ... }'"}
	f.wantRefused(f.o.Check(f.objects([]string{"- site a.example.org", "class shop {\n" + strings.Join(needed, "\n") + "\nttl 5s\n}", "- cdn big", "+ " + ofWeb("k1.example.org"), ownCDN("new", "z.example.org"), "site d.example.org class nothing"})), want...)
	if now := state(f.o); !reflect.DeepEqual(was, now) {
		t.Errorf("Expected\n%v\ngot\n%v", was, now)
	}
	f.changed(f.good("- site a.example.org"), "c.example.org.", "a.example.org.")
}
