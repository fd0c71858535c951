package steer_test

import (
	"context"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// broken are plugins behind us that do not work.
var broken = map[string]plugin.HandlerFunc{
	"Panics": func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { panic("broken") },
	"Fails":  func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeServerFailure, nil },
	"Errs": func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
		return dns.RcodeServerFailure, context.DeadlineExceeded
	},
	"IsSilent": func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeSuccess, nil },
	"WritesSERVFAIL": func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetRcode(r, dns.RcodeServerFailure))
	},
	"WritesREFUSED": func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetRcode(r, dns.RcodeRefused))
	},
}

// TestRule36WhatIsOursDoesNotAskWhoIsBehind has a plugin there that never comes
// back: every type of ours is answered all the same (RFC 9520, section 3.2:
// resolvers remember failures).
func TestRule36WhatIsOursDoesNotAskWhoIsBehind(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		s.Next = plugin.HandlerFunc(func(_ context.Context, _ dns.ResponseWriter, r *dns.Msg) (int, error) {
			t.Fatalf("Expected nobody to be asked for %v", r.Question)
			return 0, nil
		})
		s.Use(steer.Config{Table: route.NewTable(s.entry)})
		asked := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeANY}
		if s.form == site.FormSwitch || s.form == site.FormCNAME && s.atCDN {
			asked = append(asked, dataTypes...)
		}
		for _, qtype := range asked {
			q := question("www.example.org.", qtype)
			_, m := s.send(t, q)
			checkHeader(t, q, m)
		}
	})
}

// TestRule36AChainsBrokenEndIsTheResolversToFind: the CNAME is ours, and stands
// whatever becomes of its target.
func TestRule36AChainsBrokenEndIsTheResolversToFind(t *testing.T) {
	for name, next := range broken {
		t.Run(name, func(t *testing.T) {
			b := newBed(diverted)
			b.Next = next
			b.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", to("edge.example.org.")))})
			q := question("www.example.org.", dns.TypeA)
			_, m := b.send(t, q)
			checkHeader(t, q, m)
			if len(m.Answer) != 1 || len(m.Ns) != 0 {
				t.Errorf("Expected the CNAME alone, got %v", m)
			}
		})
	}
}

// TestRule36ANameOfOursIsThere although a plugin behind that may have data of
// it fails.
func TestRule36ANameOfOursIsThere(t *testing.T) {
	for _, name := range []string{"Fails", "Errs"} {
		for _, qname := range []string{"www.example.org.", "ent.example.org."} {
			s := newScene(site.Answer{Form: site.FormAddress}, diverted, "www.example.org.")
			s.Next = broken[name]
			s.Use(steer.Config{Table: route.NewTable(s.entry, entryOf("a.ent.example.org.", atOrigin))})
			if _, m := s.ask(t, qname, dns.TypeTXT); !isNODATA(m) {
				t.Errorf("%s, %s: expected NODATA, got %v", name, qname, m)
			}
		}
	}
}

// TestRule36BeforeTheFirstDecision a site is neither denied nor failed.
func TestRule36BeforeTheFirstDecision(t *testing.T) {
	s := site.New("www.example.org.")
	s.Zone = "example.org."
	b := newBed(atOrigin)
	b.Use(steer.Config{Table: route.NewTable(route.NewEntry(s, route.NewZone(s.Zone, ""), route.NewSeed("")))})
	for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeANY} {
		_, m := b.ask(t, "www.example.org.", qtype)
		if !isNODATA(m) || soaIn(m).Hdr.Ttl > 5 {
			t.Errorf("%s: expected NODATA for a moment, got %v", dns.Type(qtype), m)
		}
	}
}
