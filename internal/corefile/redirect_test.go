package corefile_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// redirectErrors are those of a site's own lines about the redirector.
var redirectErrors = []lineError{
	{"redirect", wrongArgs + "'redirect'"},
	{"redirect {origin}", "invalid host '{origin}': {origin} stands for addresses, write a name"},
	{"redirect {lable}.example.net", "unknown placeholder in '{lable}.example.net': {origin}, {name}, {label} and {host} are known"},
	{"redirect a_b:80", "'a_b:80' is not a host name"},
	{"redirect 192.0.2.1", "'192.0.2.1' is not a host that visitors can be sent to"},
	{"redirect o.example.net status", wrongArgs + "'status'"},
	{"redirect o.example.net status moved", "invalid number 'moved': write a whole number, such as 3"},
	{"redirect o.example.net status 301", "status 301 is neither 302 nor 307"},
	{"redirect o.example.net status 302 status 307", "'status' is repeated in 'redirect'"},
	{"redirect o.example.net code 302", "unknown word 'code': status, cdn, dns are known"},
	{"redirect o.example.net cdn edge", wrongArgs + "'edge'"},
	{"redirect o.example.net cdn edge {origin}", "invalid host '{origin}': {origin} stands for addresses, write a name"},
	{"redirect o.example.net cdn edge a..b", "'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"redirect o.example.net cdn edge a.example.net cdn edge b.example.net", "cdn 'edge' is repeated in 'redirect'"},
	{"redirect o.example.net cdn edge o.example.net", "'o.example.net' is the host at cdn 'edge', too: visitors would go there in either state"},
	{"redirect edge.example.net", "'edge.example.net' is the host at cdn 'edge', too: visitors would go there in either state"},
	{"redirect o.example.net dns", wrongArgs + "'dns'"},
	{"redirect o.example.net dns own", wrongArgs + "'own'"},
	{"redirect o.example.net dns follow 192.0.2.1", wrongArgs + "'192.0.2.1'"},
	{"redirect o.example.net dns other", "unknown answer 'other': follow, own are known"},
	{"redirect o.example.net dns own status 307", "'status' is not an IPv4 or IPv6 address"},
	{"redirect o.example.net dns own 192.0.2.1 192.0.2.1", "'192.0.2.1' is repeated in 'dns own'"},
	{"redirect o.example.net dns own 0.0.0.0", "'0.0.0.0' is not an address that visitors can reach"},
	{"feed load redirector", "feed redirector gives requests, not 'load'"},
	{"feed requests redirector now", "unknown word 'now': every, timeout are known"},
}

// redirectSiteErrors depend on the names of the site.
var redirectSiteErrors = []lineError{
	{"redirect {name}", "'www.example.org' is a name of the site itself: visitors would be sent back"},
	{"host shop.example.net\nredirect shop.example.net", "'shop.example.net' is a name of the site itself: visitors would be sent back"},
	{"redirect o.example.net cdn edge {host}", "'www.example.org' is a name of the site itself: visitors would be sent back"},
	{"redirect o.example.net cdn other a.example.net", "cdn 'other' of 'redirect' is none of the site's"},
	{"feed requests redirector", "the redirector counts no requests for site 'www.example.org.', which has no 'redirect'"},
	{"redirect o.example.net dns own 192.0.2.1\nanswer cname o.example.org", "answer has no meaning with 'redirect ... dns own': the site's name always has the redirector's addresses"},
	{"redirect o.example.net dns own 192.0.2.1\nhttps alpn=h2", "https has no meaning with 'redirect ... dns own': the site's name always has the redirector's addresses"},
	{"redirect o.example.net dns own 192.0.2.1\nhides MX", "hides has no meaning with 'redirect ... dns own': the site's name always has the redirector's addresses"},
}

func TestRedirectErrorsOfASite(t *testing.T) {
	for _, tc := range redirectSiteErrors {
		t.Run(tc.line, func(t *testing.T) {
			_, _, err := load(siteWith(tc.line))
			line := 2 + strings.Count(tc.line, "\n") + 1 // the last of them is wrong
			wantError(t, err, fmt.Sprintf("Corefile:%d - Error during parsing: %s", line, tc.want))
		})
	}
}

// redirectFileErrors are what only several sites together can have wrong.
var redirectFileErrors = []fileError{
	{"host redirected twice", example(full, "site a.example.org class web {", "host x.example.net", "redirect o.example.net", "}", "site b.example.org class web {", "host x.example.net", "redirect o.example.net", "}"), "13 - Error during parsing: host 'x.example.net' is redirected for the site 'a.example.org.' at Corefile:9 already"},
	{"redirect to a redirect", example(full, "site a.example.org class web {", "redirect b.example.org", "}", "site b.example.org class web {", "redirect o.example.net", "}"), "9 - Error during parsing: 'b.example.org' of 'redirect' is a host of the site 'b.example.org.' at Corefile:12, which is redirected, too: visitors would go round"},
	{"redirect to a wildcard that redirects", example(full, "site a.example.org class web {", "redirect x.w.example.org", "}", "site *.w.example.org class web {", "host w.example.org", "cdn edge w.example.net", "redirect o.example.net", "}"), "9 - Error during parsing: 'x.w.example.org' of 'redirect' is a host of the site '*.w.example.org.' at Corefile:12, which is redirected, too: visitors would go round"},
	{"redirect to a CDN's target that redirects", example(full, "site a.example.org class web {", "redirect o.example.net", "cdn edge b.example.org", "}", "site b.example.org class web {", "redirect p.example.net", "}"), "9 - Error during parsing: 'b.example.org' of 'redirect' is a host of the site 'b.example.org.' at Corefile:13, which is redirected, too: visitors would go round"},

	{"redirector without an address", example("redirector"), "3 - Error during parsing: " + wrongArgs + "'redirector'"},
	{"redirector without a port", example("redirector 192.0.2.1"), "3 - Error during parsing: '192.0.2.1' is not an address to listen at: write 192.0.2.1:80 or [2001:db8::1]:80"},
	{"redirector at port 0", example("redirector 192.0.2.1:0"), "3 - Error during parsing: '192.0.2.1:0' is not an address to listen at: write 192.0.2.1:80 or [2001:db8::1]:80"},
	{"redirector twice in a line", example("redirector 192.0.2.1:80 192.0.2.1:80"), "3 - Error during parsing: '192.0.2.1:80' is repeated in 'redirector'"},
	{"redirector twice", example("redirector 192.0.2.1:80", "redirector 192.0.2.1:80"), "4 - Error during parsing: '192.0.2.1:80' is already a redirector at Corefile:3"},
	{"redirector with another word", redirector("port 80"), "4 - Error during parsing: unknown property 'port': tls, acme, trust, explain, connections are known"},
	{"redirector with a deeper block", redirector("tls {", "}"), "4 - Error during parsing: unexpected '{' after 'tls': a property has no block; is a '}' missing above?"},
	{"tls without a key", redirector("tls /c"), "4 - Error during parsing: " + wrongArgs + "'/c'"},
	{"tls with a relative file", redirector("tls c /k"), "4 - Error during parsing: 'c' is not an absolute path"},
	{"tls twice the same", redirector("tls /c /k", "tls /c /k"), "5 - Error during parsing: '/c' is repeated in 'tls'"},
	{"tls and acme", redirector("tls /c /k", "acme /d"), "5 - Error during parsing: certificates come by 'tls' or by 'acme', not both"},
	{"acme alone", redirector("acme"), "4 - Error during parsing: " + wrongArgs + "'acme'"},
	{"acme in a relative folder", redirector("acme d"), "4 - Error during parsing: 'd' is not an absolute path"},
	{"acme of a CA without TLS", redirector("acme /d ca http://ca.example/dir"), "4 - Error during parsing: 'http://ca.example/dir' is not an https:// URL"},
	{"acme with another word", redirector("acme /d mail a@b"), "4 - Error during parsing: unknown word 'mail': email, ca, root are known"},
	{"acme twice", redirector("acme /d", "acme /e"), "5 - Error during parsing: property 'acme' is already given on line 4"},
	{"trust of nobody", redirector("trust"), "4 - Error during parsing: " + wrongArgs + "'trust'"},
	{"trust of no network", redirector("trust proxy"), "4 - Error during parsing: 'proxy' is not a network: write 192.0.2.0/24, 2001:db8::/32 or an address"},
	{"explain to no network", redirector("explain me"), "4 - Error during parsing: 'me' is not a network: write 192.0.2.0/24, 2001:db8::/32 or an address"},
	{"no connections", redirector("connections 0"), "4 - Error during parsing: invalid number '0': it must be at least 1"},
}

// redirector is a block with a redirector that has these lines.
func redirector(lines ...string) string {
	return example(append(append([]string{"redirector 192.0.2.1:80 {"}, lines...), "}")...)
}

func TestRedirectorErrors(t *testing.T) {
	for _, tc := range redirectFileErrors {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := loadAll(t, "Corefile", tc.in)
			wantError(t, err, "Corefile:"+tc.want)
		})
	}
}

// redirected has a site redirected.
func redirected(r site.Redirect) func(*site.Site) {
	return func(s *site.Site) { s.Redirect = &r }
}

// redirectEffects has what every word changes in a site.
var redirectEffects = []effect{
	{"redirect O.example.net", redirected(site.Redirect{Host: "o.example.net", Status: 302})},
	{"redirect {label}.o.example.net cdn edge {name}.e.example.net", redirected(site.Redirect{
		Host: "www.o.example.net", Status: 302, CDNs: []site.HostOf{{CDN: "edge", Host: "www.example.org.e.example.net"}},
	})},
	{"redirect o.example.net status 307", redirected(site.Redirect{Host: "o.example.net", Status: 307})},
	{"redirect o.example.net dns follow", redirected(site.Redirect{Host: "o.example.net", Status: 302})},
	{"redirect o.example.net status 307 dns own 192.0.2.7 2001:db8::7", redirected(site.Redirect{
		Host: "o.example.net", Status: 307, Own: addresses("192.0.2.7", "2001:db8::7"),
	})},
	{"redirect o.example.net\nfeed requests redirector every 5s", func(s *site.Site) {
		feed("redirector", "redirector:///www.example.org", site.Requests, every5s)(s)
		redirected(site.Redirect{Host: "o.example.net", Status: 302})(s)
	}},
	{"redirect o.example.net dns own 192.0.2.7\ndivert fixed 30%", func(s *site.Site) {
		redirected(site.Redirect{Host: "o.example.net", Status: 302, Own: addresses("192.0.2.7")})(s)
		s.Divert = site.Divert{Mode: site.DivertFixed, Share: 0.3}
	}},
}

func every5s(src *site.Source) { src.Every, src.Timeout = src.Every/2, src.Timeout/2 }

// TestApexWithOwn: there is no CNAME, so the name may be the apex.
func TestApexWithOwn(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example(full, "site example.org class web {", "redirect o.example.net dns own 192.0.2.7", "}"))
	if err != nil || sites[0].Own() == nil {
		t.Error(err)
	}
}

// TestClassMayRedirect: its sites bring the CDN that it names, or the redirect
// that it counts.
func TestClassMayRedirect(t *testing.T) {
	for _, line := range []string{"redirect o.example.net cdn big {label}.example.net", "feed requests redirector"} {
		if _, _, err := load(classWith(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestRedirectors has every line change its own value and nothing else.
func TestRedirectors(t *testing.T) {
	prefixes := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}
	for line, change := range map[string]func(*site.Redirector){
		"# nothing":                        func(*site.Redirector) {},
		"connections 5":                    func(r *site.Redirector) { r.Connections = 5 },
		"trust 192.0.2.0/24 2001:db8::1":   func(r *site.Redirector) { r.Trust = prefixes },
		"explain 192.0.2.0/24 2001:db8::1": func(r *site.Redirector) { r.Explain = prefixes },
		"tls /c /k\ntls /d /l": func(r *site.Redirector) {
			r.Certificates = []site.KeyPair{{Cert: "/c", Key: "/k"}, {Cert: "/d", Key: "/l"}}
		},
		"acme /d":                             func(r *site.Redirector) { r.ACME.Dir = "/d" },
		"acme /d email a@example.org root /r": func(r *site.Redirector) { r.ACME = site.ACME{Dir: "/d", Email: "a@example.org", Root: "/r"} },
		"acme /d ca https://ca.example/dir":   func(r *site.Redirector) { r.ACME = site.ACME{Dir: "/d", CA: "https://ca.example/dir"} },
	} {
		got := said(t, "redirector 192.0.2.1:80 [::]:80 {", line, "}").Redirectors
		want := site.Redirector{Connections: 10000, Addresses: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("[::]:80")}}
		change(&want)
		if !reflect.DeepEqual(got, []site.Redirector{want}) {
			t.Errorf("%s:\n got %+v\nwant %+v", line, got, want)
		}
	}
}
