package foreign_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

const apex = "$TTL 300\n@ SOA ns1 hostmaster 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"

// zoneCases are a zone and what comes of it.
var zoneCases = []struct {
	name, zone string
	options    foreign.Options
	want       string
}{
	{name: "names with addresses", zone: apex + "www A 192.0.2.10\nwww AAAA 2001:db8::1\nwww 60 A 192.0.2.11\nwww A 192.0.2.10\nshop 1D IN A 192.0.2.10\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org: other records stay in the zone: A 1, NS 1, SOA 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class imported {
    origin 192.0.2.10 2001:db8::1 192.0.2.11
    ttl 60s
}
site shop.example.org class imported {
    origin 192.0.2.10
    ttl 86400s
}
`},
	{name: "words of the operator", zone: apex + "www A 192.0.2.10\n", options: foreign.Options{Probe: "tcp {origin}:80 every 5s", CDN: "big {label}.big.example"},
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org: other records stay in the zone: A 1, NS 1, SOA 1
class imported {
    probe tcp {origin}:80 every 5s
    threshold error_ratio 100%
    cdn big {label}.big.example
}
site www.example.org class imported {
    origin 192.0.2.10
    ttl 300s
}
`},
	{name: "the apex, mail and services", zone: apex + "@ A 192.0.2.9\n@ MX 10 mail\nmail A 192.0.2.25\n_sip._tcp SRV 1 2 3 sip\nsip A 192.0.2.26\nlist A 192.0.2.27\nlist MX 10 mail\n",
		want: `
# db/db.example.org:5: 'example.org' stays in the zone: it has records as SOA, NS or MX; --name takes it all the same
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:7: 'mail.example.org' stays in the zone: the record MX leads to it; --name takes it all the same
# db/db.example.org:9: 'sip.example.org' stays in the zone: the record SRV leads to it; --name takes it all the same
# db/db.example.org:10: 'list.example.org' stays in the zone: it has records as SOA, NS or MX; --name takes it all the same
# db/db.example.org: other records stay in the zone: A 5, MX 2, NS 1, SOA 1, SRV 1
`},
	{name: "names of the operator", zone: apex + "@ A 192.0.2.9\nwww A 192.0.2.10\nmail A 192.0.2.25\nmail MX 10 mail\nother A 192.0.2.11\n", options: foreign.Options{Names: []string{"example.org.", "MAIL.*", "ns1.*", "none.*"}},
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org: other records stay in the zone: A 3, MX 1, NS 1, SOA 1
# --name: 'none.*' matches no name with addresses
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site example.org class imported {
    origin 192.0.2.9
    ttl 300s
    answer address
}
site mail.example.org class imported {
    origin 192.0.2.25
    ttl 300s
    answer address
}
`},
	{name: "other data", zone: apex + "www A 192.0.2.10\nwww TXT \"x\"\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org: other records stay in the zone: A 1, NS 1, SOA 1, TXT 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class imported {
    origin 192.0.2.10
    ttl 300s
    answer address
}
`},
	{name: "an HTTPS record", zone: "www 60 A 192.0.2.10\nwww 60 HTTPS 1 . alpn=h2\n",
		want: "# db/db.example.org:1: the HTTPS record of 'www.example.org' is hidden: write it as `https`\n# db/db.example.org: other records stay in the zone: HTTPS 1\nclass imported {\n    probe http http://{origin}/\n    threshold error_ratio 100%\n    cdn later later.invalid\n    ready none\n    divert none\n}\nsite www.example.org class imported {\n    origin 192.0.2.10\n    ttl 60s\n    answer address\n}\n"},
	{name: "a wildcard", zone: apex + "*.sites A 192.0.2.10\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org: other records stay in the zone: A 1, NS 1, SOA 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site *.sites.example.org class imported {
    host sites.example.org
    origin 192.0.2.10
    ttl 300s
}
`},
	{name: "no host", zone: apex + "a\\032b A 192.0.2.10\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:5: 'a\ b.example.org' is not a name that a web server has
# db/db.example.org: other records stay in the zone: A 2, NS 1, SOA 1
`},
	{name: "no address for visitors", zone: apex + "www A 0.0.0.0\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:5: '0.0.0.0' is not an address that visitors can reach
# db/db.example.org: other records stay in the zone: A 2, NS 1, SOA 1
`},
	{name: "no address", zone: apex + "www A\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:5: 'invalid IP' is not an address that visitors can reach
# db/db.example.org: other records stay in the zone: A 1, AAAA 1, NS 1, SOA 1
`},
	{name: "a long TTL", zone: apex + "www 2w A 192.0.2.10\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:5: the TTL 1209600 is above 86400, the highest that is possible
# db/db.example.org: other records stay in the zone: A 1, NS 1, SOA 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class imported {
    origin 192.0.2.10
    ttl 86400s
}
`},
	{name: "a delegation", zone: apex + "sub NS ns1.sub\nns1.sub A 192.0.2.53\nwww.sub A 192.0.2.10\n", options: foreign.Options{Names: []string{"www.sub.*"}},
		want: `
# db/db.example.org:7: 'www.sub.example.org' stays in the zone: it belongs to 'sub.example.org', which is delegated
# db/db.example.org: other records stay in the zone: A 3, NS 2, SOA 1
`},
	{name: "outside", zone: apex + "www.example.net. A 192.0.2.10\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:5: 'www.example.net' stays in the zone: it lies outside of 'example.org'
# db/db.example.org: other records stay in the zone: A 2, NS 1, SOA 1
`},
	{name: "aliases", zone: apex + "www A 192.0.2.10\nalias CNAME www\nshop CNAME shop.big.example.\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:6: 'alias.example.org' is an alias in the zone
# db/db.example.org:7: 'shop.example.org' leads to 'shop.big.example': with --origin it is a site that has that as its CDN
# db/db.example.org: other records stay in the zone: A 1, CNAME 2, NS 1, SOA 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class imported {
    origin 192.0.2.10
    ttl 300s
}
`},
	{name: "aliases that are named", zone: apex + "alias CNAME www\nshop CNAME shop.big.example.\n", options: foreign.Options{Names: []string{"*"}},
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:5: 'alias.example.org' is an alias in the zone
# db/db.example.org:6: 'shop.example.org' leads to 'shop.big.example': with --origin it is a site that has that as its CDN
# db/db.example.org: other records stay in the zone: A 1, CNAME 2, NS 1, SOA 1
`},
	{name: "CNAMEs into CDNs", zone: apex + "www A 192.0.2.10\nalias CNAME www\nshop 60 CNAME shop.big.example.\nblog CNAME d111.cloudfront.net.\nshort CNAME example.\n",
		options: foreign.Options{Origin: []netip.Addr{netip.MustParseAddr("192.0.2.20"), netip.MustParseAddr("2001:db8::20")}},
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org:6: 'alias.example.org' is an alias in the zone
# db/db.example.org: other records stay in the zone: A 1, CNAME 1, NS 1, SOA 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class imported {
    origin 192.0.2.10
    ttl 300s
}
class imported-cdn {
    probe http http://{origin}/
    threshold error_ratio 100%
}
site shop.example.org class imported-cdn {
    origin 192.0.2.20 2001:db8::20
    cdn big shop.big.example
    ttl 60s
}
site blog.example.org class imported-cdn {
    origin 192.0.2.20 2001:db8::20
    cdn cloudfront d111.cloudfront.net
    ttl 300s
}
site short.example.org class imported-cdn {
    origin 192.0.2.20 2001:db8::20
    cdn example example
    ttl 300s
}
`},
	{name: "a CNAME of nothing", zone: "a 60 CNAME .\nb 60 CNAME ", options: foreign.Options{Origin: []netip.Addr{netip.MustParseAddr("192.0.2.20")}},
		want: "# db/db.example.org:1: 'a.example.org' is a CNAME of no name\n# db/db.example.org:2: 'b.example.org' is a CNAME of no name\n# db/db.example.org: other records stay in the zone: CNAME 2\n"},
	{name: "included files", zone: apex + "$INCLUDE more sub\nlast A 192.0.2.12\n",
		want: `
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/more:2: 'www.sub.example.org' stays in the zone: the record MX leads to it; --name takes it all the same
# db/db.example.org: other records stay in the zone: A 2, MX 1, NS 1, SOA 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site last.example.org class imported {
    origin 192.0.2.12
    ttl 300s
}
`},
	{name: "generated", zone: apex + "$GENERATE 1-2 w$ A 192.0.2.$\n",
		want: `
# db/db.example.org:5: the names that this makes get a TTL of an hour: write one in the line
# db/db.example.org:4: 'ns1.example.org' stays in the zone: it is a name server's
# db/db.example.org: other records stay in the zone: A 1, NS 1, SOA 1
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site w1.example.org class imported {
    origin 192.0.2.1
    ttl 3600s
}
site w2.example.org class imported {
    origin 192.0.2.2
    ttl 3600s
}
`},
	{name: "generated with a TTL", zone: "$GENERATE 1-1 w$ 60 IN A 192.0.2.$\n",
		want: `
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site w1.example.org class imported {
    origin 192.0.2.1
    ttl 60s
}
`},
	{name: "no SOA", zone: "www 30 A 192.0.2.10",
		want: `
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class imported {
    origin 192.0.2.10
    ttl 30s
}
`},
}

// zoneFiles are the files of a zone.
func zoneFiles(zone string) texts {
	return texts{"db/db.example.org": zone, "db/more": "\nwww A 192.0.2.11\nmail MX 10 www\n", "/db/abs": "abs 60 A 192.0.2.14\n"}
}

// wrongZones are those that cannot be read.
var wrongZones = []struct{ name, in, want string }{
	{"nonsense", apex + "www A nowhere\n", `db/db.example.org:5: bad A A: "nowhere"`},
	{"a type that is none", "\n\nwww 60 DYNA multifo!r\n", `db/db.example.org:3: expecting RR type or class, not this...: "DYNA"`},
	{"a file that is missing", "$INCLUDE none\n", "db/db.example.org:1: failed to open `none' as `db/none': there is no such file: \"none\""},
	{"a file that is wrong", "$TTL 1\n$INCLUDE bad\n", `db/bad:2: bad A A: "x"`},
	{"a loop", "$INCLUDE db.example.org\n", `db/db.example.org:1: too deeply nested $INCLUDE: "db.example.org"`},
}

// TestZone compares what is written, and has a server take it.
func TestZone(t *testing.T) {
	for _, tc := range zoneCases {
		t.Run(tc.name, func(t *testing.T) {
			r, err := foreign.Zone(zoneFiles(tc.zone), []string{"db/db.example.org"}, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, brief(r.Text()), tc.want)
			checkObjects(t, r)
			if _, err := load(r, "example.org"); err != nil {
				t.Errorf("Expected a server to take it, got %v", err)
			}
		})
	}
	for _, tc := range wrongZones {
		files := zoneFiles(tc.in)
		files["db/bad"] = "\na A x\n"
		if _, err := foreign.Zone(files, []string{"db/db.example.org"}, foreign.Options{}); err == nil || err.Error() != tc.want {
			t.Errorf("%s: Expected %q, got %q", tc.name, tc.want, err)
		}
	}
}

// zoneNames are files, and what the zone is called that is in them.
var zoneNames = []struct {
	file string
	zone string // the operator's word
	want string
}{
	{"db/db.example.org", "", "www.example.org"},
	{"/etc/example.org.zone", "", "www.example.org"},
	{"example.org.db", "", "www.example.org"},
	{"example.org.", "", "www.example.org"},
	{"forward", "Example.net.", "www.example.net"},
}

func TestZoneName(t *testing.T) {
	for _, tc := range zoneNames {
		r, err := foreign.Zone(texts{tc.file: "www 60 A 192.0.2.1\n"}, []string{tc.file}, foreign.Options{Zone: tc.zone})
		if err != nil || len(r.Objects) != 2 || r.Objects[1].Name != tc.want {
			t.Errorf("%s: Expected the site %s, got %+v, %v", tc.file, tc.want, r.Objects, err)
		}
	}
	const want = "'a..b': the zone is called as the file, unless --zone says otherwise: 'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all"
	if _, err := foreign.Zone(texts{"a..b": ""}, []string{"a..b"}, foreign.Options{}); err == nil || err.Error() != want {
		t.Errorf("Expected %q, got %v", want, err)
	}
	if _, err := foreign.Zone(texts{}, []string{"db.example.org"}, foreign.Options{}); err == nil || err.Error() != "reading 'db.example.org': there is no such file" {
		t.Errorf("Expected a missing file to be an error, got %v", err)
	}
	if _, err := foreign.Zone(texts{}, nil, foreign.Options{Names: []string{"[a"}}); err == nil || err.Error() != "--name '[a': syntax error in pattern" {
		t.Errorf("Expected a wrong glob to be an error, got %v", err)
	}
}

// TestTwoZones has a name that is in two files be one site, and included files with
// an absolute path be found from either kind.
func TestTwoZones(t *testing.T) {
	files := texts{"one": "$INCLUDE /db/abs\nwww 60 A 192.0.2.1\n", "/two": "www 60 A 192.0.2.2\n$INCLUDE more sub\n", "/db/abs": "abs 60 A 192.0.2.14\n", "/more": "a 60 A 192.0.2.3\n"}
	r, err := foreign.Zone(files, []string{"one", "/two"}, foreign.Options{Zone: "example.org"})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, brief(r.Text()), `
# /two:1: 'www.example.org' is a site already
class imported {
    probe http http://{origin}/
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}
site abs.example.org class imported {
    origin 192.0.2.14
    ttl 60s
}
site www.example.org class imported {
    origin 192.0.2.1
    ttl 60s
}
site a.sub.example.org class imported {
    origin 192.0.2.3
    ttl 60s
}
`)
}

// FuzzZone imports any zone file: what comes of it is an error, or text that can be
// read.
func FuzzZone(f *testing.F) {
	for _, tc := range zoneCases {
		f.Add(tc.zone, "", "192.0.2.20")
	}
	for _, tc := range wrongZones {
		f.Add(tc.in, "www*", "")
	}
	f.Fuzz(func(t *testing.T, zone, glob, origin string) {
		var o foreign.Options
		if addr, err := netip.ParseAddr(origin); err == nil {
			o.Origin = []netip.Addr{addr}
		}
		if glob != "" {
			o.Names = []string{glob}
		}
		if r, err := foreign.Zone(zoneFiles(zone), []string{"db/db.example.org"}, o); err == nil {
			checkObjects(t, r)
		}
	})
}

// TestZoneIsTaken has any names and addresses come out as sites that a server takes,
// whatever of them is lost.
func TestZoneIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"@", "www", "a.b", "*.b", "_x", "a\\.b", "B", "ns1"})
		data := rapid.SampledFrom([]string{"A 192.0.2.1", "A 0.0.0.0", "A 127.0.0.1", "AAAA 2001:db8::1", "AAAA ::ffff:192.0.2.1", "CNAME www", "CNAME www.big.example.", "NS ns1", "MX 10 www", "TXT x", "HTTPS 1 ."})
		var b strings.Builder
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			fmt.Fprintf(&b, "%s %d %s\n", names.Draw(t, "name"), rapid.SampledFrom([]int{0, 60, 100000}).Draw(t, "ttl"), data.Draw(t, "data"))
		}
		o := foreign.Options{Names: rapid.SampledFrom([][]string{nil, {"*"}, {"www.*", "example.org"}}).Draw(t, "globs")}
		if rapid.Bool().Draw(t, "origin") {
			o.Origin = []netip.Addr{netip.MustParseAddr("192.0.2.20")}
		}
		r, err := foreign.Zone(zoneFiles(b.String()), []string{"db/db.example.org"}, o)
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		checkObjects(t, r)
		if _, err := load(r, "example.org"); err != nil {
			t.Fatalf("Expected a server to take it, got %v\n%s", err, r.Text())
		}
	})
}
