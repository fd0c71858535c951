package steer_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// TestAskNext asks plugins that end a question in all the ways that there are.
func TestAskNext(t *testing.T) {
	message := func(rcode int) plugin.HandlerFunc {
		return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			w.WriteMsg(new(dns.Msg).SetRcode(r, rcode))
			return dns.RcodeSuccess, nil
		}
	}
	code := func(rcode int, err error) plugin.HandlerFunc {
		return func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return rcode, err }
	}
	for _, tc := range []struct {
		name string
		next plugin.Handler
		want string // the rcode, or the error
	}{
		{"an answer", message(dns.RcodeSuccess), "NOERROR"},
		{"a denial", message(dns.RcodeNameError), "NXDOMAIN"},
		{"a failure that it writes", message(dns.RcodeServerFailure), "SERVFAIL"},
		{"a refusal that the server would write", code(dns.RcodeRefused, nil), "REFUSED"},
		{"an error", code(dns.RcodeServerFailure, errors.New("no good")), "asking the next plugin: no good"},
		{"a backend that is gone", failedBackend, "asking the next plugin: no backend"},
		{"silence", code(dns.RcodeSuccess, nil), "asking the next plugin: it gives no answer"},
		{"nobody", nil, "REFUSED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(atOrigin)
			b.Next = tc.next
			q := new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA)
			m, err := b.AskNext(t.Context(), q)
			got := ""
			if err != nil {
				got = err.Error()
			} else if got = dns.RcodeToString[m.Rcode]; m.Id != q.Id || !m.Response {
				t.Errorf("Expected an answer to the question, got %v", m)
			}
			if got != tc.want {
				t.Errorf("Expected %q, got %q", tc.want, got)
			}
		})
	}
}

// TestOurOwnQuestionsAreNotCut has the next plugin fit its answer to the client.
func TestOurOwnQuestionsAreNotCut(t *testing.T) {
	b := newBed(atOrigin)
	b.Next = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if w.RemoteAddr().Network() != "tcp" || !strings.HasPrefix(w.LocalAddr().String(), "127.0.0.1:") {
			t.Errorf("Expected a client on TCP, got %v at %v", w.RemoteAddr(), w.LocalAddr())
		}
		w.WriteMsg(new(dns.Msg).SetReply(r))
		return dns.RcodeSuccess, nil
	})
	if _, err := b.AskNext(t.Context(), new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA)); err != nil {
		t.Errorf("Expected no error, got %v", err)
	}
}

// failedBackend does what CoreDNS's BackendError does: it writes SERVFAIL, says
// that it did, and returns the error.
var failedBackend = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	w.WriteMsg(new(dns.Msg).SetRcode(r, dns.RcodeServerFailure))
	return dns.RcodeSuccess, errors.New("no backend")
})
