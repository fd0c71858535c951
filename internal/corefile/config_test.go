package corefile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// full is a class that leaves nothing for its sites to say.
const full = `class web {
        origin 192.0.2.1
        cdn edge {name}.edge.example.net
        probe http http://{origin}/
        threshold response_time 300ms
    }`

// example makes a Corefile of one server block, whose lines begin on line 3.
func example(lines ...string) string {
	return "example.org example.com {\n  cdnredirect {\n" + strings.Join(lines, "\n") + "\n  }\n}\n"
}

// fileError is what is said of a Corefile.
type fileError struct{ name, in, want string }

// corefileErrors are the rules of the directive, of classes, of sites and of
// the whole Corefile.
var corefileErrors = []fileError{
	{"unknown line", example("foo bar"), "3 - Error during parsing: unknown property 'foo': ns, class, origin, cdn, site, resolver, seed, ecs, allow, download, guard, socket, redirector, console, store, state, server, journal are known"},
	{"property outside a site", example("ttl 30s"), "3 - Error during parsing: unknown property 'ttl': ns, class, origin, cdn, site, resolver, seed, ecs, allow, download, guard, socket, redirector, console, store, state, server, journal are known"},

	{"zone of no name", "example.org {\n cdnredirect a..b example.org {\n }\n}", "2 - Error during parsing: 'a..b' gives no zone: write names such as example.org"},
	{"zone not ASCII", "example.org {\n cdnredirect münchen.example {\n }\n}", "2 - Error during parsing: invalid zone: name 'münchen.example.' is not ASCII: write its A-labels (RFC 5891)"},
	{"no zone at all", "a..b {\n cdnredirect {\n }\n}", "2 - Error during parsing: 'cdnredirect' gives no zone: write names such as example.org"},

	{"ns without names", example("ns"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'ns'"},
	{"ns of no name", example("ns ns1.example.net a..b"), "3 - Error during parsing: 'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"ns of the root", example("ns ."), "3 - Error during parsing: '.' is the root of all names: write a name such as www.example.org"},
	{"ns repeated", example("ns ns1.example.net NS1.example.net."), "3 - Error during parsing: 'NS1.example.net.' is repeated in 'ns'"},
	{"ns twice", example("ns ns1.example.net", "ns ns2.example.net"), "4 - Error during parsing: property 'ns' is already given on line 3"},

	{"class without name", example("class {", "}"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'class'"},
	{"class with two names", example("class web shop {", "}"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'shop'"},
	{"class with an empty name", example(`class "" {`, "}"), "3 - Error during parsing: invalid name '' of a class: write a word"},
	{"class without block", example("class web"), "3 - Error during parsing: '{' is missing at the end of the line 'class web'"},
	{"class twice", example("class web {", "}", "class web {", "}"), "5 - Error during parsing: class 'web' is already defined at Corefile:3"},
	{"class twice in two blocks", example("class web {", "}") + example("class web {", "}"), "9 - Error during parsing: class 'web' is already defined at Corefile:3"},
	{"property twice in a class", example("class web {", "ttl 30s", "enter 1", "ttl 30s", "}"), "6 - Error during parsing: property 'ttl' is already given on line 4"},
	{"placeholder in an unused class", example("class web {", "cdn edge {nam}.example.net", "}"), "4 - Error during parsing: unknown placeholder in '{nam}.example.net': {origin}, {name}, {label} and {host} are known"},
	{"range in an unused class", example("class web {", "enter 0", "}"), "4 - Error during parsing: enter 0 is not at least 1"},
	{"contradiction in an unused class", example("class web {", "threshold response_time 5s", "probe http http://{origin}/", "}"), "4 - Error during parsing: limit 5s is not below the timeout 5s of the probe that measures it"},

	{"site without name", example("site"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'site'"},
	{"site without name, with class", example("site class web"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'site'"},
	{"site without class name", example("site www.example.org class"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'class'"},
	{"site with two classes", example("site www.example.org class web shop"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'shop'"},
	{"site with empty class name", example(`site www.example.org class ""`), "3 - Error during parsing: invalid name '' of a class: write a word"},
	{"site of no name", example("site www..example.org"), "3 - Error during parsing: 'www..example.org' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"site of an empty name", example(`site ""`), "3 - Error during parsing: '' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"site of the root", "." + example("site .")[len("example.org example.com"):], "3 - Error during parsing: '.' is the root of all names: write a name such as www.example.org"},
	{"site not ASCII", example("site münchen.example.org"), "3 - Error during parsing: name 'münchen.example.org' is not ASCII: write its A-labels (RFC 5891)"},
	{"site in no zone", example("site www.example.net"), "3 - Error during parsing: site name 'www.example.net.' is outside every served zone: 'example.org.', 'example.com.'"},
	{"site beside the zone", example("site wwwexample.org"), "3 - Error during parsing: site name 'wwwexample.org.' is outside every served zone: 'example.org.', 'example.com.'"},
	{"second name in no zone", example("site www.example.org www.example.net"), "3 - Error during parsing: site name 'www.example.net.' is outside every served zone: 'example.org.', 'example.com.'"},
	{"second name in another zone", example("site www.example.org www.example.com"), "3 - Error during parsing: site name 'www.example.com.' lies in the zone 'example.com.', the site in 'example.org.'"},
	{"outside the words behind the directive", "example.org {\n cdnredirect a.example.org {\n site b.example.org\n }\n}", "3 - Error during parsing: site name 'b.example.org.' is outside every served zone: 'a.example.org.'"},
	{"site at the apex", example("site example.org class web", full), "3 - Error during parsing: site name 'example.org.' is the apex of its zone, where a CNAME cannot stand (RFC 1034, section 3.6.2): write 'answer address'"},
	{"wildcard", example("site *.example.org class web", full), "3 - Error during parsing: '*.example.org' is not a host name: name the web server's own with 'host NAME'"},
	{"name repeated", example("site www.example.org WWW.example.org class web", full), "3 - Error during parsing: site name 'www.example.org.' is repeated"},
	{"name that is no host", example("site a+b.example.org class web", full), "3 - Error during parsing: 'a+b.example.org' is not a host name: name the web server's own with 'host NAME'"},
	{"property twice in a site", example("site www.example.org {", "origin 192.0.2.1", "origin 192.0.2.2", "}"), "5 - Error during parsing: property 'origin' is already given on line 4"},
	{"cdn twice", example("site www.example.org {", "cdn edge a.example.net", "cdn big a.example.net", "cdn edge b.example.net", "}"), "6 - Error during parsing: property 'cdn edge' is already given on line 4"},
	{"probe twice", example("site www.example.org {", "probe http http://{origin}/", "probe http http://{origin}/", "}"), "5 - Error during parsing: property 'probe http' is already given on line 4"},
	{"threshold twice", example("site www.example.org {", "threshold response_time 1s", "threshold response_time p90 2s", "}"), "5 - Error during parsing: property 'threshold response_time' is already given on line 4"},

	{"site with nothing", example("site www.example.org"), "3 - Error during parsing: site 'www.example.org.' has no origin"},
	{"site without cdn", example("site www.example.org {", "origin 192.0.2.1", "}"), "3 - Error during parsing: site 'www.example.org.' has no cdn"},
	{"site without probe", example("site www.example.org {", needed[0], needed[1], "}"), "3 - Error during parsing: site 'www.example.org.' has no probe and no feed"},
	{"site without threshold", example("site www.example.org {", needed[0], needed[1], needed[2], "}"), "3 - Error during parsing: site 'www.example.org.' has no threshold"},
	{"the line of the cdn is blamed", example("site www.example.org class web {", "cdn a {name}", "cdn b b.example.net", "}", full), "4 - Error during parsing: target 'www.example.org.' of cdn 'a' leads back to the site"},

	{"class line that fails for a site", example("site www.example.org class web {", "probe http http://{origin}/ timeout 100ms", "}", full), "10 - Error during parsing: limit 300ms is not below the timeout 100ms of the probe that measures it (site 'www.example.org' at Corefile:3)"},
	{"class placeholder that fails for a site", example("class web {", "cdn edge "+strings.Repeat("{label}", 6)+".example.net", "}", "site www-0123456.example.org class web"), "4 - Error during parsing: '" + strings.Repeat("www-0123456", 6) + ".example.net' is not a domain name: labels of 1 to 63 octets, 255 octets in all (site 'www-0123456.example.org' at Corefile:6)"},
	{"placeholder that makes no URL", example(full, `site a\(b.example.org class web {`, "host www.example.org", "probe http http://{name}/", "}"), `11 - Error during parsing: 'http://a\(b.example.org/' is not an http:// or https:// URL: invalid character "\\" in host name`},

	{"share with switch", example(full, "site www.example.org class web {", "divert fixed 30%", "}"), "10 - Error during parsing: a share of the clients needs 'answer cname HOST' or 'answer address': resolvers that several clients share would mix addresses and CNAME; 'answer switch keyed' accepts that"},
	{"hides with address", example(full, "site www.example.org class web {", "hides MX", "answer address", "}"), "10 - Error during parsing: hides has no meaning with 'answer address', which hides nothing"},
	{"https of a host elsewhere", example(full, "site www.example.org class web {", "answer cname www.example.net", "https alpn=h2", "}"), "11 - Error during parsing: 'www.example.net.' is outside the zone 'example.org.': its HTTPS record is not ours to give"},
	{"weight for one of two", example(full, "site www.example.org class web {", "cdn a a.example.net weight 1", "cdn b b.example.net", "}"), "11 - Error during parsing: cdn 'edge' and cdn 'a' have the same priority: give a weight to both or to neither"},
	{"one host for two sites", example(full, "site a.example.org class web {", "answer cname o.example.org", "}", "site b.example.org class web {", "answer cname o.example.org", "}"), "12 - Error during parsing: 'o.example.org.' of 'answer cname' is already taken by the site 'a.example.org.' at Corefile:9"},
	{"host that is a site", example(full, "site a.example.org class web {", "answer cname b.example.org", "}", "site b.example.org class web"), "9 - Error during parsing: 'b.example.org.' of 'answer cname' is already taken by the site 'b.example.org.' at Corefile:12"},
	{"chain of nine sites", example(full, chainOf(9)), "9 - Error during parsing: the targets of site 's0.example.org.' lead over more than 8 sites, up to 's8.example.org.'"},
	{"loop over a host", "example.org example.net {\n cdnredirect {\n" + full + "\n site a.example.org class web {\n answer cname b.example.net\n }\n site b.example.net class web {\n cdn edge a.example.org\n }\n }\n}", "12 - Error during parsing: target 'a.example.org.' of cdn 'edge' leads back to the site 'a.example.org.'"},

	{"host at the apex", example(full, "site www.example.org class web {", "answer cname example.org", "}"), "10 - Error during parsing: 'example.org.' is the apex of the zone: the origin needs a name below it"},

	{"unknown class", example("site www.example.org class web", "class shop {", "}"), "3 - Error during parsing: unknown class 'web': define it with 'class web { ... }'"},
	{"own lines of a waiting site", example("site www.example.org class web {", "ttl 5", "}"), "4 - Error during parsing: invalid duration '5': write a unit, such as 300ms or 10s"},
	{"repeated line of a waiting site", example("site www.example.org class web {", "ttl 5s", "ttl 5s", "}"), "5 - Error during parsing: property 'ttl' is already given on line 4"},
	{"waiting site that fails", example("site www.example.org class web") + example("class web {", "}"), "3 - Error during parsing: site 'www.example.org.' has no origin"},
	{"name defined twice", example(full, "site a.example.org class web", "site b.example.org a.example.org class web"), "10 - Error during parsing: site name 'a.example.org.' is already defined at Corefile:9"},
	{"name defined in two blocks", example(full, "site a.example.org class web") + example("site a.example.org class web"), "14 - Error during parsing: site name 'a.example.org.' is already defined at Corefile:9"},
	{"name server that is a site", example("ns ns1.example.net www.example.org", "site www.example.org class web", full), "3 - Error during parsing: name server 'www.example.org.' is a name of the site 'www.example.org.' at Corefile:4: it needs one that is not steered (RFC 2181, section 10.3)"},
	{"name server that another block steers", example("ns ns1.example.com") + example(full, "site ns1.example.com class web"), "3 - Error during parsing: name server 'ns1.example.com.' is a name of the site 'ns1.example.com.' at Corefile:14: it needs one that is not steered (RFC 2181, section 10.3)"},
	{"loop of targets", example(full, "site a.example.org class web {", "cdn edge b.example.org", "}", "site b.example.org class web {", "cdn edge a.example.org", "}"), "12 - Error during parsing: target 'a.example.org.' of cdn 'edge' leads back to the site 'a.example.org.'"},
}

// chainOf is that many sites, each with the next one as its target.
func chainOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "site s%d.example.org class web {\ncdn edge s%d.example.org\n}\n", i, i+1)
	}
	return b.String()
}

// TestTheLongestChain is one that answers can hold.
func TestTheLongestChain(t *testing.T) {
	if _, _, err := loadAll(t, "Corefile", example(full, chainOf(8))); err != nil {
		t.Error(err)
	}
}

func TestCorefileErrors(t *testing.T) {
	for _, tc := range slices.Concat(corefileErrors, originErrors, processErrors, storeErrors) {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := loadAll(t, "Corefile", tc.in)
			wantError(t, err, "Corefile:"+tc.want)
		})
	}
}

func TestBlock(t *testing.T) {
	for _, tc := range []struct {
		name, in  string
		zones, ns []string
	}{
		{"server block", "Example.org {\n cdnredirect {\n }\n}", []string{"example.org."}, nil},
		{"two names", "example.org example.com {\n cdnredirect {\n }\n}", []string{"example.org.", "example.com."}, nil},
		{"a name for each port", "example.org example.org. {\n cdnredirect {\n }\n}", []string{"example.org."}, nil},
		{"words", "example.org {\n cdnredirect A.example.org b.example.org a.example.org. {\n }\n}", []string{"a.example.org.", "b.example.org."}, nil},
		{"root", ". {\n cdnredirect {\n }\n}", []string{"."}, nil},
		{"escapes", `\097.example.org {` + "\n cdnredirect {\n }\n}", []string{"a.example.org."}, nil},
		{"ns", "example.org {\n cdnredirect {\n ns NS1.example.net ns2.example.net.\n }\n}", []string{"example.org."}, []string{"ns1.example.net.", "ns2.example.net."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			blocks, _, err := loadAll(t, "Corefile", tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if b := blocks[0]; !reflect.DeepEqual(b.Zones, tc.zones) || !reflect.DeepEqual(b.NS, tc.ns) {
				t.Errorf("got zones %q, ns %q", b.Zones, b.NS)
			}
		})
	}
}

func TestZoneOfSite(t *testing.T) {
	for _, tc := range []struct{ zones, name, want string }{
		{"example.org", "www.example.org", "example.org."},
		{". example.org", "www.example.org", "example.org."},
		{"sub.example.org example.org", "www.sub.example.org", "sub.example.org."},
		{"example.org sub.example.org", "www.sub.example.org", "sub.example.org."},
		{"sub.example.org example.org", "wwwsub.example.org", "example.org."},
		{".", "org", "."},
	} {
		t.Run(tc.zones+" "+tc.name, func(t *testing.T) {
			_, sites, err := loadAll(t, "Corefile", tc.zones+" {\n cdnredirect {\n"+full+"\n site "+tc.name+" class web\n }\n}")
			if err != nil {
				t.Fatal(err)
			}
			if sites[0].Zone != tc.want {
				t.Errorf("got %s, want %s", sites[0].Zone, tc.want)
			}
		})
	}
}

// inheritance is tried with this class.
const parent = `class web {
        cdn a a.example.net
        cdn b b.example.net
        probe http http://{origin}/class every 20s
        threshold response_time p90 400ms recover 100ms
        origin 192.0.2.9
        host class.example.net
        enter 7
        ttl 60s min 1s
        damping max 1h
    }`

// inherited is a site that says nothing itself.
func inherited(change func(*site.Site)) *site.Site {
	s := base()
	s.Place, s.Class = "Corefile:14", "web"
	s.Hosts = []string{"class.example.net"}
	s.Origins = []site.Origin{{Addresses: addresses("192.0.2.9")}}
	s.CDNs = []site.CDN{{Name: "a", Target: "a.example.net."}, {Name: "b", Target: "b.example.net."}}
	s.Probes[0].URL, s.Probes[0].Every, s.Probes[0].Timeout = "http://{origin}/class", 20*time.Second, 10*time.Second
	s.Thresholds[0] = site.Threshold{Signal: site.ResponseTime, Statistic: site.P90, Limit: 0.4, Recover: 0.1}
	s.Enter = 7
	s.TTL = site.TTL{Full: time.Minute, Diverted: time.Minute, Min: time.Second}
	s.Damping.Max = time.Hour
	if change != nil {
		change(s)
	}
	s.FinishReady()
	return s
}

func cdns(pairs ...string) func(*site.Site) {
	return func(s *site.Site) {
		s.CDNs = nil
		for i := 0; i < len(pairs); i += 2 {
			s.CDNs = append(s.CDNs, site.CDN{Name: pairs[i], Target: pairs[i+1]})
		}
	}
}

func TestInheritance(t *testing.T) {
	for _, tc := range []struct {
		line   string
		change func(*site.Site)
	}{
		{"", nil},
		{"origin 192.0.2.1", func(s *site.Site) { s.Origins = []site.Origin{{Addresses: addresses("192.0.2.1")}} }},
		{"host own.example.net", func(s *site.Site) { s.Hosts = []string{"own.example.net"} }},
		{"enter 2", func(s *site.Site) { s.Enter = 2 }},
		{"ttl 20s", ttl(20, 20, 10)},
		{"damping half_life 1m", func(s *site.Site) { s.Damping.Max, s.Damping.HalfLife = 0, time.Minute }},
		{"damping off", func(s *site.Site) { s.Damping.Max, s.Damping.Off = 0, true }},
		{"threshold response_time 500ms", threshold(func(t *site.Threshold) {
			t.Statistic, t.Limit, t.Recover = site.StatisticAuto, 0.5, 0.4
		})},
		{"probe http http://{origin}/own", probe(func(p *site.Source) {
			p.URL, p.Every, p.Timeout = "http://{origin}/own", 10*time.Second, 5*time.Second
		})},
		{"cdn a other.example.net", cdns("a", "other.example.net.", "b", "b.example.net.")},
		{"cdn c c.example.net", cdns("a", "a.example.net.", "b", "b.example.net.", "c", "c.example.net.")},
		{"cdn c c.example.net\ncdn b {label}.example.net", cdns("a", "a.example.net.", "b", "www.example.net.", "c", "c.example.net.")},
		{"divert none", func(s *site.Site) { s.Divert.Mode = site.DivertNone }},
	} {
		t.Run(tc.line, func(t *testing.T) {
			_, sites, err := loadAll(t, "Corefile", "example.org {\n cdnredirect {\n"+parent+"\n site www.example.org class web {\n"+tc.line+"\n }\n }\n}")
			if err != nil {
				t.Fatal(err)
			}
			same(t, sites[0], inherited(tc.change))
		})
	}
}

// Placeholders are expanded last, and for each site anew.
func TestPlaceholders(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example("class web {",
		"cdn edge {label}.{host}.example.net", "probe http http://{origin}:8080/{name}/{host}",
		"threshold response_time 300ms", "origin 192.0.2.1 2001:db8::1", "host own.example.net", "}",
		"site www.example.org class web", "site shop.example.org class web { host shop.example.net second.example.net }"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sites {
		got = append(got, s.CDNs[0].Target)
		for _, path := range s.Paths() {
			got = append(got, path.Target.URL, path.Target.Host)
		}
	}
	want := []string{
		"www.own.example.net.example.net.",
		"http://192.0.2.1:8080/www.example.org/own.example.net", "own.example.net",
		"http://[2001:db8::1]:8080/www.example.org/own.example.net", "own.example.net",
		"shop.shop.example.net.example.net.",
		"http://192.0.2.1:8080/shop.example.org/shop.example.net", "shop.example.net",
		"http://[2001:db8::1]:8080/shop.example.org/shop.example.net", "shop.example.net",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestNames(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example(full, `site WWW.Example.org. \115hop.example.org api.example.org class web`))
	if err != nil {
		t.Fatal(err)
	}
	s := sites[0]
	if want := []string{"www.example.org.", "shop.example.org.", "api.example.org."}; !reflect.DeepEqual(s.Names, want) {
		t.Errorf("names %q", s.Names)
	}
	if want := []string{"www.example.org", "shop.example.org", "api.example.org"}; !reflect.DeepEqual(s.Hosts, want) {
		t.Errorf("hosts %q", s.Hosts)
	}
}

// A class may come behind its sites, and in another server block. The sites
// stay in the order of their definition.
func TestOrder(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example(
		"site a.example.org class late", "site b.example.org class web", full, "site c.example.com class late")+
		"example.net {\n cdnredirect {\n site d.example.net class web\n class late { ttl 20s\n"+strings.Join(needed, "\n")+" }\n}\n}")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sites {
		got = append(got, s.Name(), s.Zone, s.Place, s.TTL.Full.String())
	}
	want := []string{
		"a.example.org.", "example.org.", "Corefile:3", "20s",
		"b.example.org.", "example.org.", "Corefile:4", "30s",
		"c.example.com.", "example.com.", "Corefile:11", "20s",
		"d.example.net.", "example.net.", "Corefile:16", "30s",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// A class of several probes and thresholds is shared as a whole.
func TestSitesShareAPolicy(t *testing.T) {
	class := "class web {\norigin 192.0.2.1\ncdn edge edge.example.net\nprobe http http://{origin}/\nprobe tcp {origin}:25\nthreshold response_time 1s\nthreshold error_ratio 5%\n}"
	_, sites, err := loadAll(t, "Corefile", example(class, "site a.example.org class web {\nhost www.example.org\n}", "site b.example.org class web {\nhost www.example.org\n}"))
	if err != nil {
		t.Fatal(err)
	}
	if sites[0].Policy != sites[1].Policy {
		t.Error("two sites of a class have policies of their own")
	}
}

// Sites share what is alike: there may be very many. What differs is their own.
func TestSitesShareWhatIsAlike(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example(full, "site a.example.org class web", "site b.example.org class web"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := sites[0], sites[1]
	if &a.Origins[0].Addresses[0] != &b.Origins[0].Addresses[0] || &a.Thresholds[0] != &b.Thresholds[0] || &a.Probes[0] != &b.Probes[0] {
		t.Error("two sites have the same list twice")
	}
	if a.Hosts[0] == b.Hosts[0] || a.CDNs[0].Target == b.CDNs[0].Target {
		t.Errorf("two sites share a host or a target: %v, %v", a, b)
	}
}

// A line that replaces one of the class does so for its own site only.
func TestClassIsNotChanged(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example(full,
		"site a.example.org class web {", "origin 192.0.2.2", "}", "site b.example.org class web"))
	if err != nil {
		t.Fatal(err)
	}
	if got := sites[1].Origins[0].Addresses[0].String(); got != "192.0.2.1" {
		t.Errorf("the second site's origin is %s", got)
	}
}

// write makes a file in a new folder and returns its path.
func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImports(t *testing.T) {
	t.Setenv("CDNREDIRECT_TEST_ORIGIN", "192.0.2.77")
	folder := t.TempDir()
	path := write(t, folder, "sites.conf", "site a.example.org {\n import lines.conf\n import common\n}\n")
	write(t, folder, "lines.conf", "origin {$CDNREDIRECT_TEST_ORIGIN}\ncdn edge \"{label}.example.net\"\n")
	corefile := filepath.Join(folder, "Corefile")
	_, sites, err := loadAll(t, corefile, "(common) {\n probe http http://{origin}/\n threshold response_time 1s\n}\n"+
		"example.org {\n cdnredirect {\n import sites.conf\n site b.example.org {\n origin 192.0.2.2\n import common\n cdn edge b.example.net\n }\n }\n}")
	if err != nil {
		t.Fatal(err)
	}
	a, b := sites[0], sites[1]
	if a.Place != path+":1" || b.Place != corefile+":8" {
		t.Errorf("places %s and %s", a.Place, b.Place)
	}
	if a.Origins[0].Addresses[0].String() != "192.0.2.77" || a.CDNs[0].Target != "a.example.net." {
		t.Errorf("got %+v", a)
	}
	if a.Thresholds[0].Limit != 1 || b.Thresholds[0].Limit != 1 {
		t.Error("the snippet is lost")
	}
}

func TestImportErrors(t *testing.T) {
	const head, tail = "example.org {\n cdnredirect {\n", "\n }\n}\n"
	for _, tc := range []struct{ name, file, in, want string }{
		{"place", "ttl 5s\n\nttl 5", head + "site a.example.org {\n import x.conf\n }" + tail, "FILE:3 - Error during parsing: property 'ttl' is already given on line 1"},
		{"twice in two files", "ttl 5s", head + "site a.example.org {\n import x.conf\n ttl 6s\n }" + tail, "Corefile:5 - Error during parsing: property 'ttl' is already given at FILE:1"},
		{"class in two files", "class web {\n}", head + "class web {\n}\n import x.conf" + tail, "FILE:1 - Error during parsing: class 'web' is already defined at Corefile:3"},
		{"line for a site", "cdn edge {name}", head + "site a.example.org {\n import x.conf\n" + needed[0] + "\n" + needed[2] + "\n" + needed[3] + "\n }" + tail, "FILE:1 - Error during parsing: target 'a.example.org.' of cdn 'edge' leads back to the site (site 'a.example.org' at Corefile:3)"},
		{"line for a class", "enter 0", head + "class web {\n import x.conf\n }" + tail, "FILE:1 - Error during parsing: enter 0 is not at least 1 (class 'web' at Corefile:3)"},
		{"snippet", "", "(x) {\n cdn edge {name}\n}\n" + head + "site a.example.org {\n import x\n" + needed[0] + "\n" + needed[2] + "\n" + needed[3] + "\n }" + tail, "Corefile:2 - Error during parsing: target 'a.example.org.' of cdn 'edge' leads back to the site (site 'a.example.org' at Corefile:6)"},
		{"site in two files", "site a.example.org class web", head + full + "\n import x.conf\n site a.example.org class web" + tail, "Corefile:10 - Error during parsing: site name 'a.example.org.' is already defined at FILE:1"},
		{"missing words at the end of a file", "ttl", head + "site a.example.org {\n import x.conf\n enter 2\n }" + tail, "FILE:1 - Error during parsing: Wrong argument count or unexpected line ending after 'ttl'"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			folder := t.TempDir()
			path := write(t, folder, "x.conf", tc.file)
			corefile := filepath.Join(folder, "Corefile")
			_, _, err := loadAll(t, corefile, tc.in)
			want := strings.ReplaceAll(strings.ReplaceAll(tc.want, "FILE", path), "Corefile:", corefile+":")
			wantError(t, err, want)
		})
	}
}

// A snippet that two server blocks import defines what it holds twice, at one
// place.
func TestSnippetImportedTwice(t *testing.T) {
	const rest = "example.org {\n cdnredirect {\n import x\n }\n}\nexample.net {\n cdnredirect example.org {\n import x\n }\n}\n"
	for lines, want := range map[string]string{
		full:             "class 'web' is already defined at Corefile:2: import it once, it is known in all server blocks",
		block("fra", ""): "origin 'fra' is already defined at Corefile:2: import it once, it is known in all server blocks",
		"site www.example.org {\n" + strings.Join(needed, "\n") + "\n}": "site name 'www.example.org.' is already defined at Corefile:2: sites are defined once, and a block of a bare 'cdnredirect' serves those of others",
		"seed a": "seed is already given at Corefile:2: import it once, it is known in all server blocks",
	} {
		_, _, err := loadAll(t, "Corefile", "(x) {\n"+lines+"\n}\n"+rest)
		wantError(t, err, "Corefile:2 - Error during parsing: "+want)
	}
}

// TestBlockSites has each block know the sites that it defines itself.
func TestBlockSites(t *testing.T) {
	blocks, sites, err := loadAll(t, "Corefile", example(full, "site a.example.org class web", "site b.example.org class web")+"example.net {\n cdnredirect {\n site a.example.net class web\n }\n}")
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Concat(blocks[0].Sites(), blocks[1].Sites()); !slices.Equal(got, sites) || len(blocks[1].Sites()) != 1 {
		t.Errorf("Expected the sites block by block, got %v", got)
	}
}
