//go:build linux

package test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"
)

// british is an address that CoreDNS's own test database places in Cambridge.
const british = "81.2.69.142"

// geoip returns the directive with that database, which is part of CoreDNS.
func geoip(t *testing.T) string {
	t.Helper()
	source := goRun(t, repository(t), nil, "list", "-m", "-f", "{{.Dir}}", "github.com/coredns/coredns")
	return nested("geoip "+filepath.Join(source, "plugin/geoip/testdata/GeoLite2-City.mmdb"), "edns-subnet")
}

// TestGeoipAndOurMetadataStandSideBySide logs labels of both.
func TestGeoipAndOurMetadataStandSideBySide(t *testing.T) {
	t.Parallel()
	const format = `    log . "{type} from {/geoip/country/code}: {/cdnredirect/decision}"` + "\n"
	corefile := block("    metadata\n", geoip(t), format, ours())
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		s.expectState(t, diverted)
		if got := summary(s.udp().must(t, asking(british))); got != usual.in(diverted) {
			t.Errorf("Expected %q, got %q", usual.in(diverted), got)
		}
		want := "[INFO] AAAA from GB: " + answers{"origin", "cdn example"}.in(diverted)
		s.udp().must(t, asking(british, dns.TypeAAAA))
		awaitTrue(t, "the line "+want, func() bool { return s.output.count(want) == 1 })
	})
}

// TestViewByCountryShowsTheSite has visitors of one country only steered.
func TestViewByCountryShowsTheSite(t *testing.T) {
	t.Parallel()
	corefile := viewed(t, "metadata('geoip/country/code') == 'GB'", "    metadata\n", geoip(t))
	inBothStates(t, corefile, answers{"A 192.0.2.80", "A 192.0.2.80"}, func(t *testing.T, s *server, diverted bool) {
		if got := summary(s.udp().must(t, asking(british))); got != usual.in(diverted) {
			t.Errorf("Expected %q, got %q", usual.in(diverted), got)
		}
	})
}

// asking is a question for the site with a client's subnet, for A or another type.
func asking(client string, types ...uint16) *dns.Msg {
	q := question(site, append(types, dns.TypeA)[0]).SetEdns0(1232, false)
	subnet := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 32, Address: net.ParseIP(client).To4()}
	q.IsEdns0().Option = append(q.IsEdns0().Option, subnet)
	return q
}
