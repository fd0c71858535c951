//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

// TestWithoutTheBlockThePlainZoneIsLeft is the big red switch of docs/at-3-am.md: with
// "origin next" the zone has all that visitors need without us, and nobody waits for it.
func TestWithoutTheBlockThePlainZoneIsLeft(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	zone := zoneWith(t, "www 60 A 127.0.0.1", `www 60 TXT "here"`)
	plain, steered := block(zone.directive(), ready), block(zone.directive(), ready, siteBlock(nil, []string{site, "origin next", "hides TXT"}))
	s := spec{corefile: steered, vars: at(web)}.start(t)
	await(t, promisedDown, "A 30", s.ttl)
	text := func() string { return s.udp().ask(site, dns.TypeTXT) }
	await(t, 0, "NODATA", text)
	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, s.answer)
	await(t, 0, atCDN, text)

	s.configure(t, plain)
	s.reload(t)
	await(t, 0, atOrigin, s.answer)
	await(t, 0, "A 60", s.ttl)
	await(t, 0, `TXT "here"`, text)
	await(t, patience, isReady, s.readiness)

	s.configure(t, steered)
	s.reload(t)
	await(t, promisedDown, atCDN, s.answer)
}
