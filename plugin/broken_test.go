package steer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
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

// TestRule36ANameAboveASiteIsThere although a plugin behind that may have data
// of it fails: resolvers that minimise questions would lose the site.
func TestRule36ANameAboveASiteIsThere(t *testing.T) {
	for _, name := range []string{"Fails", "Errs"} {
		b := newBed(atOrigin)
		b.Next = broken[name]
		b.Use(steer.Config{Table: route.NewTable(entryOf("a.ent.example.org.", atOrigin))})
		if _, m := b.ask(t, "ent.example.org.", dns.TypeTXT); !isNODATA(m) {
			t.Errorf("%s: expected NODATA, got %v", name, m)
		}
	}
}

// TestATypeThatIsNotOursFailsAsItsOwn: a domain whose mail servers cannot be
// found for a moment must not be told to have none.
func TestATypeThatIsNotOursFailsAsItsOwn(t *testing.T) {
	for name, tc := range map[string]struct {
		next   plugin.Handler
		nodata bool
	}{
		"Fails":         {broken["Fails"], false},
		"Errs":          {broken["Errs"], false},
		"End of chain":  {test.NextHandler(dns.RcodeServerFailure, plugin.Error("hosts", errors.New("no next plugin found"))), true},
		"Knows nothing": {test.NextHandler(dns.RcodeRefused, nil), true},
	} {
		s := newScene(site.Answer{Form: site.FormAddress}, diverted, "www.example.org.")
		s.Next = tc.next
		s.Use(steer.Config{Table: route.NewTable(s.entry)})
		w := dnstest.NewRecorder(&test.ResponseWriter{})
		rcode, _ := s.ServeDNS(t.Context(), w, question("www.example.org.", dns.TypeMX))
		if tc.nodata != (w.Msg != nil && isNODATA(w.Msg)) || !tc.nodata && rcode != dns.RcodeServerFailure {
			t.Errorf("%s: expected NODATA to be %t, got %s, %v", name, tc.nodata, dns.RcodeToString[rcode], w.Msg)
		}
	}
}

// TestRule36AChainDoesNotWaitForASilentPlugin: resolvers give a server a second
// or two.
func TestRule36AChainDoesNotWaitForASilentPlugin(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		b, hang, began := newBed(diverted), make(chan bool), time.Now()
		defer close(hang)
		b.Next = plugin.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
			<-hang
			return dns.RcodeServerFailure, nil
		})
		b.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", to("edge.example.org.")))})
		_, m := b.ask(t, "www.example.org.", dns.TypeA)
		if got := records(m); len(got) != 1 || time.Since(began) > time.Second {
			t.Errorf("Expected the CNAME alone within a second, got %v after %s", got, time.Since(began))
		}
	})
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
