//go:build linux

package test

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// caches are those that would hide a flip the longest: with serve_stale the
// last answer that could be cached is given again and again.
var caches = map[string]string{
	"plain":              "    cache 3600\n",
	"serve_stale":        nested("cache 3600", "serve_stale 1h"),
	"serve_stale verify": nested("cache 3600", "serve_stale 1h verify"),
	"prefetch":           nested("cache 3600", "prefetch 1 1h 90%"),
}

func TestCacheInFrontShowsEveryFlipAtOnce(t *testing.T) {
	t.Parallel()
	for name, cache := range caches {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := startOrigin(t)
			s := spec{corefile: block(metrics, cache, ours()), vars: at(web)}.start(t)
			await(t, patience, atOrigin, s.answer)
			s.expectState(t, false) // which a cache would keep, denials too

			web.kill("127.0.0.1")
			await(t, promisedDown, atCDN, s.answer)
			s.expectState(t, true)

			web.revive(t, "127.0.0.1")
			await(t, promisedBack, atOrigin, s.answer)
			s.expectState(t, false)
			s.expectCached(t, 0)
		})
	}
}

// expectCached checks how many answers came from the cache.
func (s *server) expectCached(t *testing.T, want float64) {
	t.Helper()
	if got := s.total(t, "coredns_cache_hits_total"); got != want {
		t.Errorf("Expected %g answers from the cache, got %g", want, got)
	}
}

// TestNarrowZonesLeaveTheRestToTheCache has the zone of the sites below the
// zone of the server block, as the README advises.
func TestNarrowZonesLeaveTheRestToTheCache(t *testing.T) {
	t.Parallel()
	const narrow = "www.steered.example.org."
	narrowed := strings.NewReplacer("cdnredirect {", "cdnredirect steered.example.org {", site, narrow)
	web := startOrigin(t)
	corefile := block(metrics, caches["serve_stale"], narrowed.Replace(ours()), zoneIn(t, zoneBehind))
	s := spec{corefile: corefile, vars: at(web)}.start(t)
	steered := func() string { return s.udp().ask(narrow, typeA) }
	await(t, patience, atOrigin, steered)
	s.expectMailCached(t)

	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, steered)
	s.expectCached(t, 1) // none of them of the site
}

// expectMailCached asks twice for a name that is not ours.
func (s *server) expectMailCached(t *testing.T) {
	t.Helper()
	for range 2 {
		if got := s.udp().ask("mail.example.org.", dns.TypeA); got != "A 192.0.2.25" {
			t.Errorf("Expected the address of the zone file, got %q", got)
		}
	}
	s.expectCached(t, 1)
}

// TestCacheOfAnotherZoneOfTheBlockWorks has the zones side by side.
func TestCacheOfAnotherZoneOfTheBlockWorks(t *testing.T) {
	t.Parallel()
	other := write(t, folder(t), "db.example.net", strings.ReplaceAll(zoneBehind, "example.org", "example.net"))
	both := strings.NewReplacer("example.org:$dns", "example.org:$dns example.net:$dns", "cdnredirect {", "cdnredirect example.org {")
	corefile := both.Replace(block(metrics, caches["plain"], ours(), "    file "+other+" example.net\n"))
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		for range 2 {
			s.expectState(t, diverted)
			if got := s.udp().ask("mail.example.net.", dns.TypeA); got != "A 192.0.2.25" {
				t.Errorf("Expected the address of the zone file, got %q", got)
			}
		}
		s.expectCached(t, 1)
	})
}

// TestCacheOfAnAliasShowsTheOriginAfterAFlip pins plugin/cache/handler.go: the
// zone of the alias is not ours, so its server block may cache what the alias
// leads to. serve_stale then repeats the origin's address again and again: the
// CNAME that follows the flip is nothing to be cached in its place.
func TestCacheOfAnAliasShowsTheOriginAfterAFlip(t *testing.T) {
	t.Parallel()
	alias := flipBehindCache(t, caches["serve_stale"])
	awaitTrue(t, "a stale answer", func() bool { return alias().Answer[0].Header().Ttl == 0 })
	for range 3 {
		if got := summary(alias()); got != through.origin {
			t.Errorf("Expected still %q, got %q", through.origin, got)
		}
	}
}

// TestCacheOfAnAliasFollowsAFlipOnceTheTTLIsOver has the caches that do no harm.
func TestCacheOfAnAliasFollowsAFlipOnceTheTTLIsOver(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "serve_stale verify"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alias := flipBehindCache(t, caches[name])
			await(t, 2*shortTTL, through.cdn, func() string { return summary(alias()) })
		})
	}
}

// shortTTL is the least that cache keeps anything.
const shortTTL = 5 * time.Second

// flipBehindCache has a site diverted of which an alias is cached, and returns
// what asks for the alias.
func flipBehindCache(t *testing.T, cache string) func() *dns.Msg {
	t.Helper()
	cached := strings.Replace(elsewhere(t), "    file ", cache+"    file ", 1)
	web := startOrigin(t)
	s := spec{corefile: block(ours("ttl "+shortTTL.String())) + cached, vars: at(web)}.start(t)
	alias := func() *dns.Msg { return s.udp().must(t, question("www.customer.example.", dns.TypeA)) }
	await(t, patience, through.origin, func() string { return summary(alias()) })
	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, s.answer)
	return alias
}
