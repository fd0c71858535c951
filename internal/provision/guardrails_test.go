package provision_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// planned is a site that is within the plan below.
func planned() *site.Site {
	s := site.New("www.example.org.")
	s.TTL, s.FailbackDelay = site.NewTTL(time.Minute), 2*time.Minute
	s.Probes = []site.Source{{Kind: "http", URL: "http://{origin}/", Every: 10 * time.Second}}
	s.Customer = "acme"
	s.Feeds = []site.Source{{Kind: "push", URL: "push://acme/web1", Every: 30 * time.Second, Ask: site.Ask{Signal: site.Load}}}
	s.CDNs = []site.CDN{{Name: "edge", Target: "www.edge.example.net."}}
	s.Ready = site.Ready{Level: site.ReadyProbe, Check: site.Source{Every: 10 * time.Second}}
	s.Divert = site.Divert{Mode: site.DivertFixed, Share: 0.3}
	return s
}

func plan() site.Guardrails {
	return site.Guardrails{
		MinTTL: time.Minute, MinFailbackDelay: 2 * time.Minute, MinProbePeriod: 10 * time.Second,
		MaxShare: new(0.3), ProbeKinds: []string{"http", "tls"}, Targets: []string{"edge.example.net"}, MaxSites: 3,
	}
}

// TestGuardrails has a site at each bound, and one just behind it.
func TestGuardrails(t *testing.T) {
	if breaches := provision.Check(planned(), plan(), 2); breaches != nil {
		t.Fatalf("Expected a site at the bounds to be good, got %v", breaches)
	}
	for _, test := range []struct {
		change   func(*site.Site)
		property string
		words    string
	}{
		{func(s *site.Site) { s.TTL.Full = 59 * time.Second }, "ttl", "ttl '59s' is below 1m0s, the least of the plan"},
		{func(s *site.Site) { s.TTL.Diverted = 0 }, "ttl", "ttl diverted '0s' is below 1m0s, the least of the plan"},
		{func(s *site.Site) { s.TTL.Min = 29 * time.Second }, "ttl", "ttl min '29s' is below 30s, the least of the plan"},
		{func(s *site.Site) { s.FailbackDelay = time.Second }, "failback_delay", "failback_delay '1s' is below 2m0s, the least of the plan"},
		{func(s *site.Site) { s.Divert.Share = 0.31 }, "divert", "divert 'fixed' is a share of 31%, above 30%, the largest of the plan"},
		{func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertAll} }, "divert", "divert 'all' is a share of 100%, above 30%, the largest of the plan"},
		{func(s *site.Site) { s.Probes[0].Kind = "icmp" }, "probe icmp", "probe kind 'icmp' is not in the plan, which has http, tls"},
		{func(s *site.Site) { s.Probes[0].Every = 9 * time.Second }, "probe http", "period of probe http '9s' is below 10s, the least of the plan"},
		{func(s *site.Site) { s.Ready.Check.Every = time.Second }, "ready", "period of ready '1s' is below 10s, the least of the plan"},
		{func(s *site.Site) { s.CDNs[0].Target = "edge.example.com." }, "cdn edge", "target 'edge.example.com' of cdn 'edge' is not in the plan, which has edge.example.net and what is below"},
		{func(s *site.Site) { s.Feeds[0].URL = "push://other/web1" }, "feed load", "host 'other/web1' is not the customer's: write 'acme/web1'"},
		{func(s *site.Site) { s.Feeds[0].URL = "push://web1" }, "feed load", "host 'web1' is not the customer's: write 'acme/web1'"},
		{func(s *site.Site) {
			s.Feeds[0] = site.Source{Kind: "file", URL: "file:///etc/x", Every: time.Minute, Ask: site.Ask{Signal: site.Load}}
		}, "feed load", "feed file reads files of the servers, which are not the customer's"},
		{func(s *site.Site) { s.Probes[0].Ask.Headers = "X-A: b\nX-B: env:PGPASSWORD" }, "probe http", "env:NAME and file:PATH are secrets of the servers, which are not the customer's"},
		{func(s *site.Site) { s.Probes[0].Ask.Headers = "X-B: \u00a0\t env:PGPASSWORD" }, "probe http", "env:NAME and file:PATH are secrets of the servers, which are not the customer's"},
		{func(s *site.Site) { s.Origins = at("127.0.0.1") }, "origin", "address 127.0.0.1 is not on the public Internet"},
		{func(s *site.Site) { s.Origins = at("fd00::1") }, "origin", "address fd00::1 is not on the public Internet"},
		{func(s *site.Site) { s.Origins = at("100.64.0.5") }, "origin", "address 100.64.0.5 is not on the public Internet"},
		{func(s *site.Site) { s.Origins = at("64:ff9b::a00:5") }, "origin", "address 64:ff9b::a00:5 is not on the public Internet"},
		{func(s *site.Site) { s.Origins = at("2002:a00:5::1") }, "origin", "address 2002:a00:5::1 is not on the public Internet"},
		{func(s *site.Site) { s.Origins = at("::10.0.0.5") }, "origin", "address ::a00:5 is not on the public Internet"},
		{func(s *site.Site) { s.Feeds[0].Ask.Community = "file:/etc/secret" }, "feed load", "env:NAME and file:PATH are secrets of the servers, which are not the customer's"},
		{func(s *site.Site) { s.CDNs[0].Target = "wedge.example.net." }, "cdn edge", "target 'wedge.example.net' of cdn 'edge' is not in the plan, which has edge.example.net and what is below"},
	} {
		s := planned()
		test.change(s)
		want(t, provision.Check(s, plan(), 2), test.property, test.words)
	}
	want(t, provision.Check(planned(), plan(), 3), "", "site 'www.example.org' would be number 4, and the plan has 3")
}

// at is an origin with one address.
func at(addr string) []site.Origin {
	return []site.Origin{{Addresses: []netip.Addr{netip.MustParseAddr(addr)}}}
}

func want(t *testing.T, breaches []error, property, words string) {
	t.Helper()
	var wrong *site.PropertyError
	if len(breaches) != 1 || breaches[0].Error() != words || !errors.As(breaches[0], &wrong) || wrong.Property != property {
		t.Errorf("Expected '%s' of '%s', got %v", words, property, breaches)
	}
}

// TestGuardrailsNameAllBreaches: whoever mends one should not meet the next.
func TestGuardrailsNameAllBreaches(t *testing.T) {
	s := planned()
	s.TTL, s.FailbackDelay, s.Divert = site.TTL{}, 0, site.Divert{Mode: site.DivertAll}
	s.Probes[0].Kind, s.Probes[0].Every, s.Feeds[0].Every = "tcp", time.Second, time.Second
	s.CDNs[0].Target = "elsewhere.example."
	if breaches := provision.Check(s, plan(), 9); len(breaches) != 10 {
		t.Errorf("Expected ten breaches, got %d: %v", len(breaches), breaches)
	}
}

// TestGuardrailsThatBoundNothing: a plan without a word allows all, and divert none
// diverts nobody.
func TestGuardrailsThatBoundNothing(t *testing.T) {
	s := planned()
	s.TTL, s.FailbackDelay, s.Probes[0].Every = site.TTL{}, 0, time.Second
	if breaches := provision.Check(s, site.Guardrails{}, 1000); breaches != nil {
		t.Errorf("Expected no breach without a bound, got %v", breaches)
	}
	s = planned()
	s.Divert = site.Divert{Mode: site.DivertNone}
	if breaches := provision.Check(s, plan(), 0); breaches != nil {
		t.Errorf("Expected that nobody who is diverted is no share, got %v", breaches)
	}
}
