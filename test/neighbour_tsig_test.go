//go:build linux

package test

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The key of one client, and no secret to anybody.
const (
	tsigName   = "key.example.org."
	tsigSecret = "i9M+00yrECfVZG2qCjr4mPpaGim/Bq+IWMiNrLjUO4Y="
)

// sign asks with the key. The client checks that the answer is signed, too.
func (c client) sign(t *testing.T, q *dns.Msg) *dns.Msg {
	t.Helper()
	q.SetTsig(tsigName, dns.HmacSHA256, 300, time.Now().Unix())
	dc := dns.Client{Net: c.net, Timeout: patience, TsigSecret: map[string]string{tsigName: tsigSecret}}
	m, _, err := dc.Exchange(q, c.addr)
	if err != nil {
		t.Fatalf("Expected an answer signed with the key over %s, got: %v", c.net, err)
	}
	if m.IsTsig() == nil {
		t.Errorf("Expected a signed answer over %s, got %v", c.net, m)
	}
	return m
}

func TestTsigSignsOurAnswers(t *testing.T) {
	t.Parallel()
	tsig := nested("tsig", "secret "+tsigName+" "+tsigSecret, "require TXT")
	inBothStates(t, block(tsig, ours()), usual, func(t *testing.T, s *server, diverted bool) {
		want := answers{"NODATA", atCDN}.in(diverted)
		for _, c := range []client{s.udp(), s.tcp()} {
			if got := summary(c.sign(t, question(site, dns.TypeTXT))); got != want {
				t.Errorf("Expected %q over %s, got %q", want, c.net, got)
			}
			if got := c.ask(site, dns.TypeTXT); got != "REFUSED" {
				t.Errorf("Expected an unsigned question over %s to be refused, got %q", c.net, got)
			}
		}
	})
}

// dynamic is a zone behind the site that takes updates.
func dynamic(t *testing.T) string {
	t.Helper()
	zone := write(t, folder(t), "db.example.org", zoneBehind)
	return nested("tsig", "secret "+tsigName+" "+tsigSecret, "require_opcode UPDATE") +
		nested("dynupdate", "file "+zone, "allow "+tsigName+" * *")
}

// TestUpdatesGoToTheZoneBehind has a challenge put below the site, and a record
// at its name, which the site hides.
func TestUpdatesGoToTheZoneBehind(t *testing.T) {
	t.Parallel()
	const challenge = "_acme-challenge." + site
	inBothStates(t, block(dynamic(t), ours()), usual, func(t *testing.T, s *server, diverted bool) {
		update := new(dns.Msg).SetUpdate("example.org.")
		update.Insert([]dns.RR{record(t, challenge+` 60 IN TXT "token"`), record(t, site+" 60 IN A 192.0.2.66")})
		if got := s.tcp().sign(t, update); got.Rcode != dns.RcodeSuccess {
			t.Fatalf("Expected the update to be taken, got %v", got)
		}
		if got := s.udp().ask(challenge, dns.TypeTXT); got != `TXT "token"` {
			t.Errorf("Expected the challenge below the site, got %q", got)
		}
		s.expectState(t, diverted)
	})
}
