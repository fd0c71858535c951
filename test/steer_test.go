//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

// dataTypes are types that a client may ask data of: addresses, what browsers
// and mail ask, what zones hold, one that nobody knows, and all of them.
var dataTypes = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeTXT, dns.TypeMX, dns.TypeSRV,
	dns.TypeNS, dns.TypeSOA, dns.TypeCAA, 65280, dns.TypeANY,
}

// expectTypes asks for every type over UDP and TCP.
func (s *server) expectTypes(t *testing.T, want func(qtype uint16) string) {
	t.Helper()
	for _, c := range []client{s.udp(), s.tcp()} {
		for _, qtype := range dataTypes {
			if got := c.ask(site, qtype); got != want(qtype) {
				t.Errorf("Expected %s over %s to be %q, got %q", dns.Type(qtype), c.net, want(qtype), got)
			}
		}
	}
}

// originHasAddresses is what a site without IPv6 says at its origin.
func originHasAddresses(qtype uint16) string {
	if qtype == dns.TypeA || qtype == dns.TypeANY {
		return atOrigin
	}
	return "NODATA"
}

func cdnHasEverything(uint16) string { return atCDN }

func TestSlowOriginDivertsEveryTypeAndFastOneBringsThemBack(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(ours()), vars: at(web)}.start(t)
	await(t, patience, atOrigin, s.answer)
	s.expectTypes(t, originHasAddresses)

	web.slow(tooSlow)
	t.Logf("slow: CNAME after %s", await(t, promisedSlow, atCDN, s.answer))
	s.expectTypes(t, cdnHasEverything)

	web.fast()
	took := await(t, promisedBack, atOrigin, s.answer)
	t.Logf("fast: A after %s", took)
	if took < failback {
		t.Errorf("Expected the return after failback_delay %s at the earliest, took %s", failback, took)
	}
	s.expectTypes(t, originHasAddresses)
}

func TestDeadOriginDiverts(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(*origin){
		"refuses connections":         func(o *origin) { o.kill("127.0.0.1") },
		"accepts and never answers":   func(o *origin) { o.slow(silence) },
		"answers after the timeout":   func(o *origin) { o.slow(2 * timeout) },
		"answers with a server error": func(o *origin) { o.fail(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := startOrigin(t)
			s := spec{corefile: block(ours()), vars: at(web)}.start(t)
			await(t, patience, atOrigin, s.answer)
			die(web)
			t.Logf("CNAME after %s", await(t, promisedDown, atCDN, s.answer))
		})
	}
}

func TestOneDeadAddressLeavesTheAnswerAndComesBack(t *testing.T) {
	t.Parallel()
	const first, second, both = "A 127.0.0.1", "A 127.0.0.2", "A 127.0.0.1, A 127.0.0.2"
	web := startOrigin(t, "127.0.0.1", "127.0.0.2")
	s := spec{corefile: block(ours("origin 127.0.0.1 127.0.0.2")), vars: at(web)}.start(t)
	await(t, patience, both, s.answer)

	web.kill("127.0.0.2")
	t.Logf("one died: out after %s", await(t, promisedDown, first, s.answer))
	web.revive(t, "127.0.0.2")
	t.Logf("it returned: back after %s", await(t, promisedDown, both, s.answer))

	web.kill("127.0.0.1")
	await(t, promisedDown, second, s.answer)
	web.kill("127.0.0.2")
	t.Logf("both died: CNAME after %s", await(t, promisedDown, atCDN, s.answer))
}

func TestDivertNoneShowsButNeverDiverts(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(metrics, ours("divert none")), vars: at(web)}.start(t)
	web.kill("127.0.0.1")

	measured := func() string {
		if s.total(t, "coredns_cdnredirect_sites", "side", "cdn") == 1 {
			return "cdn"
		}
		return "origin"
	}
	await(t, promisedDown, "cdn", measured)
	for range 2 { // nor does time change anything
		asked := s.total(t, "coredns_cdnredirect_probes_total")
		awaitTrue(t, "another probe", func() bool { return s.total(t, "coredns_cdnredirect_probes_total") > asked })
		s.expectTypes(t, originHasAddresses)
	}
	if s.total(t, "coredns_cdnredirect_responses_total", "answer", "cname") > 0 {
		t.Error("Expected no CNAME")
	}
}

func TestFirstAnswerIsTheMeasuredOne(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	web.slow(silence)
	s := spec{corefile: block(ours()), vars: at(web)}.start(t)
	if got := s.answer(); got != atCDN {
		t.Errorf("Expected the first answer to be %q, got %q", atCDN, got)
	}
}
