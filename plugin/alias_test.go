package steer_test

import (
	"slices"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/miekg/dns"
)

const (
	loop     = "loops.example.org. 3600 CNAME www.example.org."
	ownData  = "www.example.org. 3600 A 192.0.2.99"
	toTheCDN = "www.example.org. CNAME " + target
)

// TestAnAliasBehindLeadsToWhatWeAnswer has the next plugin give data of its own
// at a site's name: the site replaces it, under its own TTL.
func TestAnAliasBehindLeadsToWhatWeAnswer(t *testing.T) {
	const alias = "alias.example.org. 3600 CNAME WWW.example.org."
	for _, tc := range []struct {
		qtype  uint16
		behind []string
		want   []string
	}{
		{dns.TypeA, []string{alias, ownData}, []string{"alias.example.org. CNAME WWW.example.org.", "WWW.example.org. CNAME " + target}},
		{dns.TypeMX, []string{alias}, []string{"alias.example.org. CNAME WWW.example.org.", "WWW.example.org. CNAME " + target}},
		{dns.TypeCNAME, []string{alias}, []string{"alias.example.org. CNAME WWW.example.org."}},
		{dns.TypeA, []string{"alias.example.org. 60 CNAME a.example.org.", "a.example.org. 60 CNAME www.example.org.", ownData},
			[]string{"alias.example.org. CNAME a.example.org.", "a.example.org. CNAME www.example.org.", toTheCDN}},
		{dns.TypeA, []string{"alias.example.org. 60 A 192.0.2.7"}, []string{"alias.example.org. A 192.0.2.7"}},
	} {
		b := newBed(diverted)
		b.behind(t, dns.RcodeSuccess, tc.behind...)
		b.Use(steer.Config{Table: route.NewTable(b.entry)})
		_, m := b.ask(t, "alias.example.org.", tc.qtype)
		if got := records(m); !slices.Equal(got, tc.want) {
			t.Errorf("%s of %q: expected %q, got %q", dns.Type(tc.qtype), tc.behind, tc.want, got)
		}
	}
}

// TestRule16ALoopOverTheNextPluginEnds: it comes back to a name that the answer
// has been at.
func TestRule16ALoopOverTheNextPluginEnds(t *testing.T) {
	for _, name := range []string{"www.example.org.", "loops.example.org."} {
		b := newBed(to("loops.example.org."))
		b.behind(t, dns.RcodeSuccess, loop, ownData)
		b.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", to("loops.example.org.")))})
		if rcode, m := b.ask(t, name, dns.TypeA); rcode != dns.RcodeServerFailure || m != nil {
			t.Errorf("%s: expected SERVFAIL for the server to write, got %s, %v", name, dns.RcodeToString[rcode], m)
		}
	}
}

// TestRule05NoCNAMEBesideAddresses: one that the next plugin has at the name of
// a site that answers addresses would lead away all types, for its TTL.
func TestRule05NoCNAMEBesideAddresses(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeMX, dns.TypeCNAME, dns.TypeTXT} {
		s := newScene(site.Answer{Form: site.FormAddress}, diverted, "www.example.org.")
		s.behind(t, dns.RcodeSuccess, "www.example.org. 3600 CNAME real.example.org.", "real.example.org. 3600 TXT real")
		s.Use(steer.Config{Table: route.NewTable(s.entry)})
		if _, m := s.ask(t, "www.example.org.", qtype); !isNODATA(m) || soaIn(m).Hdr.Ttl > 30 {
			t.Errorf("%s: expected NODATA, got %v", dns.Type(qtype), m)
		}
	}
}

// TestRule05HeldSitesHaveNoCNAME: data of the next plugin stands beside.
func TestRule05HeldSitesHaveNoCNAME(t *testing.T) {
	s := newScene(site.Answer{Form: site.FormCNAME, Host: "origin.example.org."}, atOrigin, "www.example.org.")
	s.entry.Publish(route.News{Decision: &atOrigin, Passed: []uint16{dns.TypeTXT}})
	s.behind(t, dns.RcodeSuccess, "www.example.org. 60 TXT held")
	s.Use(steer.Config{Table: route.NewTable(s.entry)})
	for qtype, want := range map[uint16]string{dns.TypeAAAA: "www.example.org. AAAA 2001:db8::10", dns.TypeTXT: "www.example.org. TXT held"} {
		_, m := s.ask(t, "www.example.org.", qtype)
		if got := records(m); !slices.Equal(got, []string{want}) {
			t.Errorf("Expected %q, got %q", want, got)
		}
	}
}

// TestRule02MetaTypesAreNobodysAtASite, not even the next plugin's.
func TestRule02MetaTypesAreNobodysAtASite(t *testing.T) {
	s := newScene(site.Answer{Form: site.FormAddress}, atOrigin, "www.example.org.")
	s.behind(t, dns.RcodeSuccess)
	s.Use(steer.Config{Table: route.NewTable(s.entry)})
	for _, qtype := range []uint16{dns.TypeTKEY, dns.TypeOPT, dns.TypeMAILB, dns.TypeAXFR} {
		if rcode, m := s.ask(t, "www.example.org.", qtype); rcode != dns.RcodeRefused || m != nil {
			t.Errorf("%s: expected REFUSED, got %s, %v", dns.Type(qtype), dns.RcodeToString[rcode], m)
		}
	}
}

// TestAnAliasAboveASiteLeadsToWhatWeAnswer: an empty non-terminal of ours may be
// an alias behind.
func TestAnAliasAboveASiteLeadsToWhatWeAnswer(t *testing.T) {
	b := newBed(diverted)
	b.behind(t, dns.RcodeSuccess, "ent.example.org. 60 CNAME www.example.org.", ownData)
	b.Use(steer.Config{Table: route.NewTable(b.entry, entryOf("a.ent.example.org.", atOrigin))})
	_, m := b.ask(t, "ent.example.org.", dns.TypeA)
	if got := records(m); !slices.Equal(got, []string{"ent.example.org. CNAME www.example.org.", toTheCDN}) {
		t.Errorf("Expected the CDN behind the alias, got %q", got)
	}
}

// TestRule11NoAliasDeniesANameOfOurs: the code is that of the last name (RFC
// 6604), which is there.
func TestRule11NoAliasDeniesANameOfOurs(t *testing.T) {
	const soa = "example.org. 60 SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 60"
	for alias, qtype := range map[string]uint16{
		"alias.example.org. 60 CNAME flat.example.org.": dns.TypeMX, // a type that is not the site's
		"alias.example.org. 60 CNAME ent.example.org.":  dns.TypeA,  // above a site
	} {
		flat := newScene(site.Answer{Form: site.FormAddress}, diverted, "flat.example.org.")
		flat.behind(t, dns.RcodeNameError, alias, soa)
		flat.Use(steer.Config{Table: route.NewTable(flat.entry, entryOf("a.ent.example.org.", atOrigin))})
		if _, m := flat.ask(t, "alias.example.org.", qtype); m == nil || m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 || soaIn(m) == nil {
			t.Errorf("%s: expected the alias and NODATA, got %v", alias, m)
		}
	}
}
