package onboard_test

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestWhatWasAskedCanBeAskedAgain: what is kept of a site makes the same request, and so
// the same digest, as the site.
func TestWhatWasAskedCanBeAskedAgain(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := site.New("www.example.org.")
		s.Hosts = rapid.SliceOfN(rapid.SampledFrom([]string{"www.example.org", "example.org", "a-b.example.org"}), 1, 3).Draw(r, "hosts")
		s.Origins = nil
		for i := range rapid.IntRange(1, 4).Draw(r, "origins") {
			o := site.Origin{Priority: rapid.IntRange(0, 2).Draw(r, "priority"), Weight: rapid.IntRange(0, 3).Draw(r, "weight")}
			for j := range rapid.IntRange(1, 2).Draw(r, "addresses") {
				o.Addresses = append(o.Addresses, netip.MustParseAddr([]string{fmt.Sprintf("192.0.2.%d", 2*i+j), fmt.Sprintf("2001:db8::%d", 2*i+j)}[j]))
			}
			s.Origins = append(s.Origins, o)
		}
		url := rapid.SampledFrom([]string{"http://{origin}/", "http://{origin}:8080/x", "https://{origin}/", "https://{origin}:8443/", "tcp"}).Draw(r, "probe")
		if url != "tcp" {
			s.Probes = []site.Source{{Kind: "http", URL: url, Ask: site.Ask{SkipVerify: rapid.Bool().Draw(r, "any certificate")}}}
		}
		c := site.CDN{Name: "edge", Target: "www.edge.example.net."}
		for _, by := range []site.Provision{{}, {Manual: "x"}, {Webhook: &site.Webhook{URL: "https://hooks.example.net/"}}, {Deploy: &site.Deploy{Kind: site.DeployNginx, Command: []string{"/bin/x"}}}} {
			text, digest := onboard.ContentOf(s, c, by)
			again, err := onboard.RequestOf(site.Setup{Site: "www.example.org", CDN: "edge", Asked: text})
			if err != nil {
				r.Fatal(err)
			}
			if other, same := onboard.ContentOf(again.Site, again.CDN, by); other != text || same != digest {
				r.Errorf("Expected\n%s\ngot\n%s", text, other)
			}
		}
	})
}

// TestWhatMattersToAProvider: what its output is made of, and who it is.
func TestWhatMattersToAProvider(t *testing.T) {
	nginx := site.Provision{Deploy: &site.Deploy{Kind: site.DeployNginx, Command: []string{"/bin/x", "a"}}}
	base := func() (*site.Site, site.CDN) {
		s := siteWith(www, "192.0.2.1", "edge")
		return s, s.CDNs[0]
	}
	digest := func(change func(s *site.Site, c *site.CDN, by *site.Provision)) string {
		s, c := base()
		by := nginx
		change(s, &c, &by)
		_, digest := onboard.ContentOf(s, c, by)
		return digest
	}
	same := digest(func(*site.Site, *site.CDN, *site.Provision) {})
	for what, change := range map[string]func(s *site.Site, c *site.CDN, by *site.Provision){
		"a host": func(s *site.Site, _ *site.CDN, _ *site.Provision) { s.Hosts = append(s.Hosts, "example.org") },
		"an address": func(s *site.Site, _ *site.CDN, _ *site.Provision) {
			s.Origins[0].Addresses[0] = netip.MustParseAddr("192.0.2.7")
		},
		"a weight":     func(s *site.Site, _ *site.CDN, _ *site.Provision) { s.Origins[0].Weight = 5 },
		"the port":     func(s *site.Site, _ *site.CDN, _ *site.Provision) { s.Probes[0].URL = "http://{origin}:81/" },
		"TLS":          func(s *site.Site, _ *site.CDN, _ *site.Provision) { s.Probes[0].URL = "https://{origin}/" },
		"certificates": func(s *site.Site, _ *site.CDN, _ *site.Provision) { s.Probes[0].Ask.SkipVerify = true },
		"the target":   func(_ *site.Site, c *site.CDN, _ *site.Provision) { c.Target = "x.example.net." },
		"the command": func(_ *site.Site, _ *site.CDN, by *site.Provision) {
			by.Deploy = &site.Deploy{Kind: site.DeployNginx, Command: []string{"/bin/x", "b"}}
		},
		"the kind": func(_ *site.Site, _ *site.CDN, by *site.Provision) {
			by.Deploy = &site.Deploy{Kind: site.DeployVarnish, Command: []string{"/bin/x", "a"}}
		},
	} {
		if digest(change) == same {
			t.Errorf("Expected %s to matter", what)
		}
	}
	for what, change := range map[string]func(s *site.Site, c *site.CDN, by *site.Provision){
		"the path of a probe": func(s *site.Site, _ *site.CDN, _ *site.Provision) { s.Probes[0].URL = "http://{origin}/healthz" },
		"another CDN":         func(s *site.Site, _ *site.CDN, _ *site.Provision) { s.CDNs = append(s.CDNs, site.CDN{Name: "big"}) },
		"a preference":        func(_ *site.Site, c *site.CDN, _ *site.Provision) { c.Weight = 7 },
	} {
		if digest(change) != same {
			t.Errorf("Expected %s not to matter", what)
		}
	}
}
