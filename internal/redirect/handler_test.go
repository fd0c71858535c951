package redirect_test

import (
	"crypto/tls"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func TestLeadsWhereTheDecisionSays(t *testing.T) {
	b := newBed()
	b.want(t, "302 http://"+atOrigin+"/a?b=c", "GET", "/a?b=c", nil)
	b.decide(www+".", 1)
	b.want(t, "302 http://"+atCDN+"/a?b=c", "GET", "/a?b=c", nil)
	if origin, cdn := b.count(t, "origin", "302"), b.count(t, "cdn", "302"); origin != 1 || cdn != 1 {
		t.Errorf("Expected one each, got %g and %g", origin, cdn)
	}
	b.want(t, "302 https://"+atCDN+"/", "GET", "/", secure)
}

// TestAHostOfACDN: without its target is the host.
func TestAHostOfACDN(t *testing.T) {
	s := redirected(nil, www+".")
	s.CDNs = s.CDNs[1:]
	b := newBed(s)
	b.decide(www+".", 1)
	b.want(t, "302 http://"+atOwn+"/", "GET", "/", nil)
}

// TestF36NobodyKeepsARedirect has 302 and 307 only, which keeps the method, and
// every answer forbids to store it (see bed.want).
func TestF36NobodyKeepsARedirect(t *testing.T) {
	temporary := redirected(func(s *site.Site) { s.Redirect.Status = http.StatusTemporaryRedirect }, www+".")
	for status, b := range map[string]*bed{"302": newBed(), "307": newBed(temporary)} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			r := b.want(t, status+" http://"+atOrigin+"/a", method, "/a", nil)
			if vary := r.Header.Get("Vary"); vary != "" {
				t.Errorf("Expected no Vary, got %q", vary)
			}
		}
		if got := b.count(t, "origin", status); got != 9 {
			t.Errorf("Expected 9 redirects counted, got %g", got)
		}
	}
}

// TestF35HostAttacks has everything about a request be hostile but the path.
func TestF35HostAttacks(t *testing.T) {
	shop := redirected(func(s *site.Site) { s.Hosts = []string{"shop.example.com", "go.example.com"} }, "shop.example.org.")
	wild := redirected(func(s *site.Site) { s.Hosts = []string{"wild.example.org"} }, "*.wild.example.org.")
	quiet := redirected(func(s *site.Site) { s.Redirect, s.Hosts = nil, []string{"quiet.example.com"} }, "quiet.example.org.")
	b := newBed(redirected(nil, www+"."), shop, wild, quiet)
	const good = "302 http://" + atOrigin + "/"
	for name, want := range map[string]string{
		"WWW.Example.ORG": good, "www.example.org.": good, "www.example.org:8080": good, "www.example.org.:80": good,
		"shop.example.org": good, "shop.example.com": good, "go.example.com": good,
		"wild.example.org": good, "a.wild.example.org": good, "A.b.Wild.example.org:1": good,
		"": "421", "evil.example": "421", "example.org": "421", ".www.example.org": "421", "www.example.org..": "421",
		"quiet.example.org": "421", "quiet.example.com": "421", "x.quiet.example.org": "421",
		"[::1]": "421", "[::1]:80": "421", "192.0.2.1": "421", "www.example.org@evil.example": "421",
		"evil.example/www.example.org": "421", "www.example.org:80:80": "421", `www.example.org\`: "421",
		"www.example.org,evil.example": "421", "*.wild.example.org": "421", "a..wild.example.org": "421",
		strings.Repeat("a", 70) + ".wild.example.org": "421",
	} {
		b.want(t, want, "GET", "/", host(name))
	}
	for target, want := range map[string]string{
		"http://www.example.org/a?b": "302 http://" + atOrigin + "/a?b", "http://www.example.org": good,
		"http://www.example.org?b": "302 http://" + atOrigin + "/?b", "https://www.example.org//a": "302 http://" + atOrigin + "/a",
		"http://evil.example/": "421", "http://user@www.example.org/": "400", "http://user:pass@www.example.org/": "400",
		"ftp://www.example.org/": "400", "*": "400",
	} {
		b.want(t, want, "GET", target, func(r *http.Request) {
			if r.URL.Host != "" {
				r.Host = r.URL.Host // as net/http does
			}
		})
	}
	r := b.want(t, "405", "CONNECT", "/", nil)
	if got := r.Header.Get("Allow"); got != "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" {
		t.Errorf("Expected the methods, got %q", got)
	}
	b.want(t, "200", "OPTIONS", "*", nil)
	b.want(t, "421", "OPTIONS", "*", host("evil.example"))
	if got := b.count(t, "none", "405") + b.count(t, "none", "200"); got != 2 {
		t.Errorf("Expected both counted, got %g", got)
	}
}

// TestF35Paths has them byte for byte, and harmless.
func TestF35Paths(t *testing.T) {
	b := newBed()
	for raw, want := range map[string]string{
		"/": "/", "/a/b?c=d&e=%20+f": "/a/b?c=d&e=%20+f", "/?": "/?", "/a?": "/a?", "/%2e%2E/%00": "/%2e%2E/%00",
		"//evil.example": "/evil.example", "///evil.example//a//": "/evil.example//a//", "/?//a": "/?//a",
		`/\evil.example`: "/%5Cevil.example", `//\evil.example`: "/%5Cevil.example", "/@evil.example": "/@evil.example",
		"/%0d%0aSet-Cookie:a=b": "/%0d%0aSet-Cookie:a=b", "/a#b": "/a%23b", `/a"<b>`: "/a%22%3Cb%3E",
		"/\xc3\xa4?\xff": "/%C3%A4?%FF", "/a[0]={b}|c^d`e~f'(g)*!;,$": "/a[0]={b}|c^d`e~f'(g)*!;,$",
		"/a/../b;c=d/./e": "/a/../b;c=d/./e", "/http://evil.example/": "/http://evil.example/",
		"/\x7f\x00\t \r\n": "/%7F%00%09%20%0D%0A", // which net/http lets nobody send
	} {
		b.want(t, "302 http://"+atOrigin+want, "GET", "/", func(r *http.Request) { r.RequestURI = raw })
	}
}

// TestF37Forwarded: only what trusted proxies say counts.
func TestF37Forwarded(t *testing.T) {
	b := newBed()
	b.decide(www+".", 0.5)
	here, there := twoSides(t, b)
	b.use(func(v *redirect.View) {
		v.Trust = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:53::/48")}
		v.Explain = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	})
	for _, tc := range []struct {
		peer string
		says []string // lines of X-Forwarded-For
		want string
	}{
		{here, []string{there}, here},
		{"10.0.0.1", []string{there}, there},
		{"10.0.0.1", nil, "10.0.0.1"},
		{"10.0.0.1", []string{""}, "10.0.0.1"},
		{"10.0.0.1", []string{here + ", " + there}, there},
		{"10.0.0.1", []string{here + ", " + there + ",10.0.0.2 , 10.0.0.3"}, there},
		{"10.0.0.1", []string{here, there, "10.0.0.2"}, there},
		{"10.0.0.1", []string{here, there + ", 10.0.0.2"}, there},
		{"10.0.0.1", []string{there + ":4711"}, there},
		{"::ffff:10.0.0.1", []string{"::ffff:" + there}, there},
		{"2001:db8:53::1", []string{"[" + "::ffff:" + there + "]:80"}, there},
		{"10.0.0.1", []string{here + ", unknown"}, "10.0.0.1"},
		{"10.0.0.1", []string{here + ", unknown, 10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1", []string{there + ","}, "10.0.0.1"},
	} {
		want := summary(b.ask("GET", "/", from(tc.want, nil)))
		b.want(t, want, "GET", "/", from(tc.peer, func(r *http.Request) {
			for _, line := range tc.says {
				r.Header.Add("X-Forwarded-For", line)
			}
			r.Header.Set("Forwarded", "for="+here)
			r.Header.Set("X-Real-Ip", here)
		}))
	}
}

func TestF37Scheme(t *testing.T) {
	b := newBed()
	b.use(func(v *redirect.View) { v.Trust = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, tc := range []struct {
		secure     bool
		peer       string
		says, want string
	}{
		{false, "192.0.2.1", "https", "http"}, {true, "192.0.2.1", "http", "https"},
		{false, "10.0.0.1", "https", "https"}, {true, "10.0.0.1", "http", "http"},
		{false, "10.0.0.1", "http, https", "https"}, {false, "10.0.0.1", "javascript", "http"}, {true, "10.0.0.1", "", "https"},
	} {
		b.want(t, "302 "+tc.want+"://"+atOrigin+"/", "GET", "/", from(tc.peer, func(r *http.Request) {
			headers("X-Forwarded-Proto", tc.says)(r)
			if tc.secure {
				secure(r)
			}
		}))
	}
}

// secure has a request come by TLS.
func secure(r *http.Request) { r.TLS = new(tls.ConnectionState) }

// twoSides returns two clients, of which one is diverted.
func twoSides(t *testing.T, b *bed) (here, there string) {
	t.Helper()
	for i := range 256 {
		addr := fmt.Sprintf("198.51.%d.1", i)
		if strings.Contains(summary(b.ask("GET", "/", from(addr, nil))), atOrigin) {
			here = addr
		} else {
			there = addr
		}
	}
	if here == "" || there == "" {
		t.Fatal("Expected clients at both sides")
	}
	return here, there
}

// TestSharesAreThoseOfDNS: each client gets by HTTP what its address gets by the
// DNS answer, and the shares come out, also with several CDNs.
func TestSharesAreThoseOfDNS(t *testing.T) {
	const clients = 20000
	b := newBed()
	b.decide(www+".", 0.3)
	answers := b.entry[www+"."].Answers()
	got := map[string]int{}
	for i := range clients {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 9})
		host := answers.For(route.ClientOf(addr, 24)).Host // of its resolver, or of a client subnet
		b.want(t, "302 http://"+host+"/", "GET", "/", from(addr.String(), nil))
		got[host]++
	}
	for host, share := range map[string]float64{atOrigin: 0.7, atCDN: 0.15, atOwn: 0.15} {
		if part := float64(got[host]) / clients; math.Abs(part-share) > 0.015 {
			t.Errorf("Expected %g of the clients at %s, got %g", share, host, part)
		}
	}
}

// TestF30LoopsEnd: a CDN that pulls from here is sent to the origin, and whoever
// goes round is told so.
func TestF30LoopsEnd(t *testing.T) {
	b := newBed()
	b.decide(www+".", 1)
	const origin, cdn, loop = "302 http://" + atOrigin + "/", "302 http://" + atCDN + "/", "508"
	many := strings.Repeat(", 1.1 a", 8)[2:]
	for _, tc := range []struct{ name, value, want string }{
		{"CDN-Loop", "bigcdn", origin}, {"CDN-Loop", `bigcdn; a="b", other`, origin}, {"CDN-Loop", "", cdn},
		{"CDN-Loop", "cdnredirect", loop}, {"CDN-Loop", "a, CDNredirect;v=1", loop}, {"CDN-Loop", "notcdnredirect", origin},
		{"CDN-Loop", "a, b, c, d, e, f, g, h", origin}, {"CDN-Loop", "a, b, c, d, e, f, g, h, i", loop},
		{"Via", "1.1 proxy", cdn}, {"Via", "1.1 cdnredirect (x)", loop}, {"Via", many, cdn}, {"Via", many + ", 1.1 a", loop},
	} {
		b.want(t, tc.want, "GET", "/", headers(tc.name, tc.value))
	}
	b.want(t, loop, "GET", "/", headers("Cdn-Loop", "a", "Cdn-Loop", "cdnredirect"))
	if got := b.count(t, "none", "508"); got != 6 {
		t.Errorf("Expected 6 loops counted, got %g", got)
	}
}

func TestNoDecisionYet(t *testing.T) {
	s := redirected(nil, www+".")
	b := newBed()
	b.use(func(v *redirect.View) {
		v.Table = route.NewTable(route.NewEntry(s, route.NewZone("example.org.", ""), route.NewSeed("")))
	})
	if r := b.want(t, "503", "GET", "/", nil); r.Header.Get("Retry-After") != "1" {
		t.Errorf("Expected a Retry-After, got %v", r.Header)
	}
}

// TestExplainIsForOperators alone.
func TestExplainIsForOperators(t *testing.T) {
	b := newBed()
	b.decide(www+".", 1)
	b.use(func(v *redirect.View) { v.Explain = []netip.Prefix{netip.MustParsePrefix("192.0.2.64/26")} })
	const want = `site="www.example.org."; epoch=7; decision="cdn big"; reason="threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)"`
	if got := b.ask("GET", "/", from("192.0.2.65", nil)).Header.Get("Cdnredirect-Decision"); got != want {
		t.Errorf("Expected %q, got %q", want, got)
	}
	if got := b.ask("GET", "/", from("192.0.2.1", nil)).Header; len(got) != 2 {
		t.Errorf("Expected Location and Cache-Control only, got %v", got)
	}
}

// TestRequestsAreCounted, those of a diverted site, too, and those of no site not.
func TestRequestsAreCounted(t *testing.T) {
	b := newBed()
	b.ask("GET", "/", nil)
	b.decide(www+".", 1)
	b.ask("GET", "/", nil)
	b.ask("GET", "/", host("evil.example"))
	if n, known := b.entry[www+"."].Requests(); n != 2 || !known {
		t.Errorf("Expected 2, got %d, %t", n, known)
	}
}

func TestMetricsLint(t *testing.T) {
	families, err := newBed().reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("Expected nothing to be wrong, got %v, %v", problems, err)
	}
	series := 0
	for _, f := range families {
		series += len(f.GetMetric())
	}
	if series != 11 {
		t.Errorf("Expected all 11 series from the start, got %d", series)
	}
}
