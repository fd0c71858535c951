//go:build linux

package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	internal "github.com/cdnredirect/cdnredirect/internal/site"
)

// apex is a site where no CNAME can stand.
const apex = "example.org."

// apexCDN is what its CDN's zone holds of the target.
var apexCDN = []string{"edge A 198.51.100.1", "edge A 198.51.100.2", "edge AAAA 2001:db8::1", `edge HTTPS 1 . alpn="h3"`, `edge TXT "edge"`}

// withCDN adds to the variables of a Corefile the resolver of a CDN's zone.
func withCDN(t *testing.T, web *origin, records ...string) map[string]string {
	vars := at(web)
	vars["resolver"] = serveZone(t, "cdn.example.net", records...).vars["dns"]
	return vars
}

// throughResolver is the line that names it.
var throughResolver = []string{"resolver 127.0.0.1:$resolver"}

// expectAll asks for every type of a map.
func (s *server) expectAll(t *testing.T, name string, want map[uint16]string) {
	t.Helper()
	for _, c := range []client{s.udp(), s.tcp()} {
		for qtype, wanted := range want {
			if got := c.ask(name, qtype); got != wanted {
				t.Errorf("Expected %s of %s over %s to be %q, got %q", dns.Type(qtype), name, c.net, wanted, got)
			}
		}
	}
}

// with returns base with the entries of more in it.
func with(base, more map[uint16]string) map[uint16]string {
	all := make(map[uint16]string)
	for _, m := range []map[uint16]string{base, more} {
		for qtype, want := range m {
			all[qtype] = want
		}
	}
	return all
}

const edgeV4 = "A 198.51.100.1, A 198.51.100.2"

// TestApexWithAZoneBehind goes to the CDN and back. The addresses that the zone
// has at the apex are never seen.
func TestApexWithAZoneBehind(t *testing.T) {
	t.Parallel()
	zone := zoneWith(t, "@ A 192.0.2.80", "@ AAAA 2001:db8::80", "@ MX 10 mail", `@ TXT "apex"`)
	for name, line := range map[string]string{"AliasMode": "answer address alias", "none": "answer address"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := startOrigin(t)
			s := spec{corefile: block(zone.directive(), siteBlock(throughResolver,
				[]string{apex, line, "https alpn=h2", "cdn example edge.cdn.example.net"})), vars: withCDN(t, web, apexCDN...)}.start(t)
			zones := map[uint16]string{
				dns.TypeMX: "MX 10 mail.example.org.", dns.TypeTXT: `TXT "apex"`, dns.TypeNS: "NS primary.example.org.",
				dns.TypeSOA:    "SOA primary.example.org. people.example.org. 42 7200 1800 86400 3600",
				dns.TypeDNSKEY: "NODATA", dns.TypeCAA: "NODATA", 65280: "NODATA",
			}
			atOrigin := with(zones, map[uint16]string{dns.TypeA: atOrigin, dns.TypeAAAA: "NODATA", dns.TypeHTTPS: `HTTPS 1 . alpn="h2"`})
			alias := map[string]string{"AliasMode": "HTTPS 0 edge.cdn.example.net.", "none": "NODATA"}[name]
			atCDN := with(zones, map[uint16]string{dns.TypeA: edgeV4, dns.TypeAAAA: "AAAA 2001:db8::1", dns.TypeHTTPS: alias})
			address := func() string { return s.udp().ask(apex, typeA) }

			await(t, patience, atOrigin[dns.TypeA], address)
			s.expectAll(t, apex, atOrigin)
			web.fail(true)
			await(t, promisedDown, edgeV4, address)
			s.expectAll(t, apex, atCDN)
			web.fail(false)
			await(t, promisedBack, atOrigin[dns.TypeA], address)
			s.expectAll(t, apex, atOrigin)
		})
	}
}

func TestApexWithNothingBehind(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(siteBlock(append([]string{"ns ns1.example.net ns2.example.net"}, throughResolver...),
		[]string{apex, "answer address", "cdn example edge.cdn.example.net"})), vars: withCDN(t, web, apexCDN...)}.start(t)
	address := func() string { return s.udp().ask(apex, typeA) }
	servers := map[uint16]string{
		dns.TypeNS: "NS ns1.example.net., NS ns2.example.net.", dns.TypeSOA: "SOA ns1.example.net. hostmaster.example.org. 1 14400 3600 604800 30",
		dns.TypeMX: "NODATA", dns.TypeTXT: "NODATA", dns.TypeHTTPS: "NODATA",
	}
	await(t, patience, atOrigin, address)
	s.expectAll(t, apex, with(servers, map[uint16]string{dns.TypeAAAA: "NODATA"}))
	web.fail(true)
	await(t, promisedDown, edgeV4, address)
	s.expectAll(t, apex, with(servers, map[uint16]string{dns.TypeAAAA: "AAAA 2001:db8::1"}))
}

// TestATargetWithoutAddressesIsLeft lets the CDN's zone lose the target of a
// site that answers addresses, and of one that answers a CNAME.
func TestATargetWithoutAddressesIsLeft(t *testing.T) {
	t.Parallel()
	web := absentOrigin(t)
	s := spec{corefile: block(metrics, siteBlock(throughResolver,
		[]string{"flat.example.org", "answer address", "cdn example gone.cdn.example.net"},
		[]string{site, "ready resolve every 1s", "cdn example gone.cdn.example.net", "cdn spare edge.cdn.example.net"})), vars: withCDN(t, web, apexCDN...)}.start(t)
	await(t, patience, "CNAME edge.cdn.example.net.", s.answer)
	await(t, patience, atOrigin, func() string { return s.udp().ask("flat.example.org.", typeA) })
	s.expectGates(t, 1, 1, 0)
}

// expectGates waits until that many CDNs are ready for sites, are not, or have not
// been checked.
func (s *server) expectGates(t *testing.T, open, closed, unchecked float64) {
	t.Helper()
	counted := func() string {
		var states []string
		for _, state := range []string{"open", "closed", "unchecked"} {
			states = append(states, fmt.Sprint(s.total(t, ownSeries+"gates", "state", state), " ", state))
		}
		return strings.Join(states, ", ")
	}
	await(t, countGates, fmt.Sprintf("%g open, %g closed, %g unchecked", open, closed, unchecked), counted)
}

// countGates is how often these are counted, at least.
const countGates = 5 * time.Second

// The promises about a target of a CDN that has the TTL of leastTTL, is checked every
// period, and ceases to have an address while visitors are there: nobody is sent
// there from when it is looked up again. It gets visitors again when it has been good
// for a while, but not soon.
const (
	leastTTL       = 5 * time.Second
	promisedLeave  = leastTTL + 2*period
	soonestComing  = internal.FirstEjection - time.Second
	promisedReturn = internal.FirstEjection*6/5 + leastTTL + 2*period
)

// TestATargetIsLeftUntilItLeadsSomewhere has the CDN's zone lose the target while all
// visitors are there, and get it again.
func TestATargetIsLeftUntilItLeadsSomewhere(t *testing.T) {
	t.Parallel()
	records := []string{"edge 5 A 198.51.100.1"}
	zone, change := serveChanging(t, "cdn.example.net", records...)
	vars := at(absentOrigin(t))
	vars["resolver"] = zone.vars["dns"]
	s := spec{corefile: block(metrics, siteBlock(throughResolver,
		[]string{site, "ready resolve every 1s", "cdn example edge.cdn.example.net"})), vars: vars}.start(t)
	const atEdge = "CNAME edge.cdn.example.net."
	await(t, patience, atEdge, s.answer)
	s.expectGates(t, 1, 0, 0)

	change()
	t.Logf("left after %s", await(t, promisedLeave, atOrigin, s.answer))
	left := time.Now()
	s.expectSaid(t, notThere("edge.cdn.example.net."), 1)
	s.expectGates(t, 0, 1, 0)
	change(records...)
	await(t, promisedReturn, atEdge, s.answer)
	if took := time.Since(left); took < soonestComing {
		t.Errorf("Expected nobody there within %s, got somebody after %s", soonestComing, took)
	}
	s.expectSaid(t, "cdn example is ready again", 1)
	s.expectGates(t, 1, 0, 0)
	if got := s.total(t, ownSeries+"checks_total", "result", "resolve"); got == 0 {
		t.Error("Expected checks that found no address")
	}
}

// notThere is what the log says of a target without addresses.
func notThere(target string) string {
	return "site \"" + site + "\": cdn example is not ready: the target '" + target + "' has no address\n"
}

// expectSaid checks how often the log says something.
func (s *server) expectSaid(t *testing.T, text string, times int) {
	t.Helper()
	for wait := soon(); s.output.count(text) < times && time.Now().Before(wait); time.Sleep(poll) {
		continue // what the log says comes by another way than the answer
	}
	if got := s.output.count(text); got != times {
		t.Errorf("Expected the log to say %q %d times, got %d", text, times, got)
	}
}

// originAlias is the name of the origin alone.
const originAlias = "www.origin.example.org."

// TestAliasOfTheOriginInTheZone asks for the site and for the origin's own name,
// of which the zone behind has other types.
func TestAliasOfTheOriginInTheZone(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	zone := zoneWith(t, "www.origin A 192.0.2.80", `www.origin TXT "origin"`)
	s := spec{corefile: block(zone.directive(), ours("answer cname "+originAlias, "https alpn=h2")), vars: at(web)}.start(t)
	own := map[uint16]string{dns.TypeA: atOrigin, dns.TypeAAAA: "NODATA", dns.TypeTXT: `TXT "origin"`, dns.TypeMX: "NODATA"}
	const link = "CNAME " + originAlias
	withLink := func(data string) string {
		return strings.Join(slices.Sorted(slices.Values([]string{link, data})), ", ")
	}
	toOrigin := map[uint16]string{dns.TypeA: withLink(atOrigin), dns.TypeAAAA: link, dns.TypeHTTPS: withLink(`HTTPS 1 . alpn="h2"`), dns.TypeCNAME: link}
	toCDN := map[uint16]string{dns.TypeA: atCDN, dns.TypeAAAA: atCDN, dns.TypeTXT: atCDN, dns.TypeHTTPS: atCDN, dns.TypeCNAME: atCDN}

	await(t, patience, toOrigin[dns.TypeA], s.answer)
	s.expectAll(t, site, toOrigin)
	s.expectAll(t, originAlias, own)
	web.fail(true)
	await(t, promisedDown, atCDN, s.answer)
	s.expectAll(t, site, toCDN)
	s.expectAll(t, originAlias, own)
	web.fail(false)
	await(t, promisedBack, toOrigin[dns.TypeA], s.answer)
	s.expectAll(t, site, toOrigin)
}

func TestAliasOfTheOriginElsewhere(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(ours("answer cname www.origin.example.net")), vars: at(web)}.start(t)
	const link = "CNAME www.origin.example.net."
	await(t, patience, link, s.answer)
	s.expectTypes(t, func(uint16) string { return link })
	web.fail(true)
	await(t, promisedDown, atCDN, s.answer)
	s.expectTypes(t, cdnHasEverything)
}
