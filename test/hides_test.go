//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

func TestASiteIsNotDivertedWhereThatWouldHideData(t *testing.T) {
	t.Parallel()
	web := absentOrigin(t)
	zone := zoneWith(t, "www 600 MX 10 mail")
	s := spec{corefile: block(zone.directive(), metrics, ours()), vars: at(web)}.start(t)
	const mail = "MX 10 mail.example.org."
	held := func(qtype uint16) string {
		switch qtype {
		case dns.TypeMX:
			return mail
		case dns.TypeANY:
			return atOrigin
		}
		return originHasAddresses(qtype)
	}
	await(t, patience, atOrigin, s.answer)
	s.expectTypes(t, held)
	if got := s.total(t, "coredns_cdnredirect_sites_held"); got != 1 {
		t.Errorf("Expected one site held back, got %g", got)
	}
	for _, line := range []string{
		`site "www.example.org." is not diverted: the next plugin has MX at its name, which a CNAME would hide; 'hides MX' accepts that`,
		`hides MX: response_time`,
	} {
		awaitTrue(t, "the line "+line, func() bool { return s.output.count(line) == 1 })
	}

	s.configure(t, block(zone.directive(), metrics, ours("hides MX")))
	s.reload(t)
	await(t, promisedDown, atCDN, s.answer)
	s.expectTypes(t, cdnHasEverything)
	if got := s.total(t, "coredns_cdnredirect_sites_held"); got != 0 {
		t.Errorf("Expected no site held back, got %g", got)
	}
}
