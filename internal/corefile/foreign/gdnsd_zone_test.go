package foreign_test

import (
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

const oneResource = web + "plugins => { multifo => { service_types => web r => 192.0.2.1 } }"

// zoneErrors are zone files that are none.
var zoneErrors = []struct{ name, in, want string }{
	{"no type", "a 60 IN\n", "etc/example.org:1: the entry has no type"},
	{"no resource", "\na DYNA\n", "etc/example.org:2: DYNA needs PLUGIN!RESOURCE"},
	{"two resources", "a DYNC a!b c!d\n", "etc/example.org:1: DYNC needs PLUGIN!RESOURCE"},
	{"a wrong name", "a..b A 192.0.2.1\n", "etc/example.org:1: 'a..b.example.org.' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"a name outside", "a.example.net. A 192.0.2.1\n", "etc/example.org:1: 'a.example.net.' lies outside of the zone 'example.org.'"},
	{"an origin outside", "$ORIGIN example.net.\n", "etc/example.org:1: 'example.net.' lies outside of the zone 'example.org.'"},
	{"a wrong TTL", "$TTL x\n", "etc/example.org:1: 'x' is not a TTL"},
	{"a large TTL", "a 99999999999 DYNA multifo!r\n", "etc/example.org:1: '99999999999' is not a TTL"},
	{"a large least TTL", "a 1/4000w DYNA multifo!r\n", "etc/example.org:1: '4000w' is not a TTL"},
	{"an open parenthesis", "a A ( 192.0.2.1\n", "etc/example.org:2: ')' is missing"},
	{"a parenthesis twice", "a A ( (\n", "etc/example.org:1: unexpected '('"},
	{"a stray parenthesis", "a A )\n", "etc/example.org:1: unexpected ')'"},
	{"an open quotation mark", "a TXT \"b\n", "etc/example.org:2: a quotation mark is not closed"},
	{"a file that is missing", "\n$INCLUDE none\n", "etc/example.org:2: reading 'etc/none': there is no such file"},
	{"a loop", "$INCLUDE example.org\n", strings.Repeat("etc/example.org:1: ", 8) + "etc/example.org:1: more than 8 files include each other"},
	{"too many files", strings.Repeat("$INCLUDE empty\n", 1001), "etc/example.org:1000: 'etc/empty': more than 1000 files are included"},
	{"a wrong origin of a file", "$INCLUDE empty a..b\n", "etc/example.org:1: 'a..b.example.org.' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
}

func TestZoneErrors(t *testing.T) {
	for _, tc := range zoneErrors {
		files := texts{"etc/config": oneResource, "etc/example.org": tc.in, "etc/empty": ""}
		if _, err := foreign.Gdnsd(files, "etc/config", []string{"etc/example.org"}, foreign.Options{}); err == nil || err.Error() != tc.want {
			t.Errorf("%s: Expected %q, got %q", tc.name, tc.want, err)
		}
	}
}

// TestZoneNames has the names of gdnsd's own example, and zones of other names.
func TestZoneNames(t *testing.T) {
	files := texts{
		"config":                           oneResource,
		"zones/example.org":                "$INCLUDE includes/foo foo\n$INCLUDE \"/includes/bar\"\nlast 60 DYNA multifo!r\n",
		"zones/includes/foo":               "$ORIGIN bar\nasdf 60 DYNA multifo!r\n$ORIGIN baz.@F\nasdf 60 DYNA multifo!r\n$ORIGIN quux.@Z\nasdf 60 DYNA multifo!r\n",
		"/includes/bar":                    "$TTL 1\n  60 DYNA multifo!r\n",
		"zones/0@24.2.0.192.in-addr.arpa.": "@ PTR a.example.org.\na 60 DYNA multifo!r",
		"zones/ROOT_ZONE":                  "example.net. 60 DYNA multifo!r\n@F TXT x\n",
	}
	r, err := foreign.Gdnsd(files, "config", []string{"zones/example.org", "zones/0@24.2.0.192.in-addr.arpa.", "zones/ROOT_ZONE"}, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var sites []string
	for _, o := range r.Objects {
		if o.Kind == "site" {
			sites = append(sites, o.Name)
		}
	}
	want := "asdf.bar.foo.example.org asdf.baz.foo.example.org asdf.quux.example.org example.org last.example.org example.net"
	if got := strings.Join(sites, " "); got != want {
		t.Errorf("Expected the sites %s, got %s", want, got)
	}
	const notes = `zones/0@24.2.0.192.in-addr.arpa.:2: 'a.0/24.2.0.192.in-addr.arpa' is not a name that a web server has: give its service type a vhost
zones/0@24.2.0.192.in-addr.arpa.: other records stay in the zone: PTR 1
zones/ROOT_ZONE: other records stay in the zone: TXT 1
`
	var got strings.Builder
	for _, n := range r.Notes {
		got.WriteString(n.String() + "\n")
	}
	expect(t, got.String(), notes)
	if _, err := foreign.Gdnsd(files, "config", []string{"zones/a..b"}, foreign.Options{}); err == nil || err.Error() != "'zones/a..b': the name of a zone file is that of its zone: 'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all" {
		t.Errorf("Expected a zone without a name to be refused, got %v", err)
	}
}
