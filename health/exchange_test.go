package health_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cdnredirect/cdnredirect/health"

	"github.com/miekg/dns"
)

// resolver is a DNS server on one port of UDP and TCP.
type resolver struct {
	netip.AddrPort
	udp, tcp atomic.Int32 // questions
}

// serveDNS starts a server for the time of the test.
func serveDNS(t *testing.T, handle func(w dns.ResponseWriter, q *dns.Msg)) *resolver {
	t.Helper()
	stream, packets := listenBoth(t)
	r := &resolver{AddrPort: netip.MustParseAddrPort(stream.Addr().String())}
	start := func(s *dns.Server, questions *atomic.Int32) {
		up, down := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			questions.Add(1)
			handle(w, q)
		})
		go func() {
			defer close(down)
			s.ActivateAndServe()
		}()
		<-up
		t.Cleanup(func() {
			s.Shutdown()
			<-down
		})
	}
	start(&dns.Server{Listener: stream}, &r.tcp)
	start(&dns.Server{PacketConn: packets}, &r.udp)
	return r
}

// listenBoth listens on one port of both transports.
func listenBoth(t *testing.T) (net.Listener, net.PacketConn) {
	t.Helper()
	for range 100 {
		stream, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp", stream.Addr().String())
		if err == nil {
			return stream, packets
		}
		stream.Close()
	}
	t.Fatal("Expected a port that is free for both transports")
	return nil, nil
}

// saying answers every question with one address.
func saying(addr string) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = records(q.Question[0].Name + " 60 A " + addr)
		w.WriteMsg(m)
	}
}

// failing answers every question with an rcode.
func failing(rcode int) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(new(dns.Msg).SetRcode(q, rcode)) }
}

// resolve asks resolvers for an address, and says what came of it.
func resolve(t *testing.T, servers ...*resolver) string {
	t.Helper()
	var addresses []netip.AddrPort
	for _, s := range servers {
		addresses = append(addresses, s.AddrPort)
	}
	found, err := health.NewResolver(addresses).Addresses(t.Context(), "www.example.org.", dns.TypeA)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(found.Addresses)
}

func TestResolversAreAskedUntilOneAnswers(t *testing.T) {
	t.Parallel()
	good, other := serveDNS(t, saying("192.0.2.1")), serveDNS(t, saying("192.0.2.2"))
	denying := serveDNS(t, failing(dns.RcodeNameError))
	for name, first := range map[string]*resolver{
		"fails":   serveDNS(t, failing(dns.RcodeServerFailure)),
		"refuses": serveDNS(t, failing(dns.RcodeRefused)),
		"is dead": closed(t),
		"is mute": serveDNS(t, func(dns.ResponseWriter, *dns.Msg) {}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := resolve(t, first, good, other); got != "[192.0.2.1]" {
				t.Errorf("Expected the second server's answer, got %q", got)
			}
			if got := resolve(t, first); !strings.HasPrefix(got, "asking for A of 'www.example.org.': asking the resolver "+first.String()+": ") {
				t.Errorf("Expected an error that names the server, got %q", got)
			}
		})
	}
	if got := resolve(t, denying, good); got != "[]" {
		t.Errorf("Expected the first server's denial, got %q", got)
	}
	t.Cleanup(func() {
		if n := other.udp.Load(); n != 0 {
			t.Errorf("Expected the third server left alone, got %d questions", n)
		}
	})
}

// closed is a server that is not there.
func closed(t *testing.T) *resolver {
	t.Helper()
	stream, packets := listenBoth(t)
	stream.Close()
	packets.Close()
	return &resolver{AddrPort: netip.MustParseAddrPort(stream.Addr().String())}
}

func TestAnAnswerThatIsCutIsFetchedOverTCP(t *testing.T) {
	t.Parallel()
	r := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if m.Truncated = w.RemoteAddr().Network() == "udp"; !m.Truncated {
			m.Answer = records(q.Question[0].Name + " 60 A 192.0.2.1")
		}
		w.WriteMsg(m)
	})
	if got := resolve(t, r); got != "[192.0.2.1]" || r.udp.Load() != 1 || r.tcp.Load() != 1 {
		t.Errorf("Expected the answer over TCP, got %q after %d and %d questions", got, r.udp.Load(), r.tcp.Load())
	}
}

// TestAnswersToOtherQuestionsAreIgnored has a wrong answer come before the
// right one: one with another id, and one of another question.
func TestAnswersToOtherQuestionsAreIgnored(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(m *dns.Msg){
		"another id":   func(m *dns.Msg) { m.Id++ },
		"another name": func(m *dns.Msg) { m.Question[0].Name = "other.example.org." },
		"another type": func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT },
		"no question":  func(m *dns.Msg) { m.Question = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forger := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
				m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
				spoil(m)
				w.WriteMsg(m)
				if name == "another id" {
					saying("192.0.2.1")(w, q)
				}
			})
			if got := resolve(t, forger, serveDNS(t, saying("192.0.2.1"))); got != "[192.0.2.1]" {
				t.Errorf("Expected the right answer, got %q", got)
			}
		})
	}
}

func TestQuestionsAskForRecursionAndForNoFragments(t *testing.T) {
	t.Parallel()
	r := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		opt := q.IsEdns0()
		if !q.RecursionDesired || opt == nil || opt.UDPSize() != 1232 || opt.Do() {
			failing(dns.RcodeFormatError)(w, q)
			return
		}
		saying("192.0.2.1")(w, q)
	})
	if got := resolve(t, r); got != "[192.0.2.1]" {
		t.Errorf("Expected the answer, got %q", got)
	}
}

func TestSystemResolvers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nameserver 192.0.2.53\nsearch example.org\nnameserver 2001:db8::53\n": "[192.0.2.53:53 [2001:db8::53]:53]",
		"# none\noptions ndots:1\n": "[]",
	} {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := health.SystemResolvers(path)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: expected %s, got %v, %v", text, want, got, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "none")
	got, err := health.SystemResolvers(missing)
	if want := "reading the system's resolvers: open " + missing; err == nil || !strings.HasPrefix(err.Error(), want) || !slices.Equal(got, nil) {
		t.Errorf("Expected the error %q, got %v, %v", want, got, err)
	}
}

// TestTheResolverThatAnswersIsAskedFirst: one that is dead costs its time once.
func TestTheResolverThatAnswersIsAskedFirst(t *testing.T) {
	bad, good := serveDNS(t, failing(dns.RcodeServerFailure)), serveDNS(t, saying("192.0.2.2"))
	x := health.NewResolver([]netip.AddrPort{bad.AddrPort, good.AddrPort})
	for range 3 {
		if _, err := x(t.Context(), new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
	}
	if bad.udp.Load() != 1 || good.udp.Load() != 3 {
		t.Errorf("Expected 1 and 3 questions, got %d and %d", bad.udp.Load(), good.udp.Load())
	}
}

// TestAResolverThatCannotFindOutHasAnswered unlike one that refuses, or is not there.
func TestAResolverThatCannotFindOutHasAnswered(t *testing.T) {
	gone := listenAndClose(t)
	for name, server := range map[string]netip.AddrPort{
		"SERVFAIL": serveDNS(t, failing(dns.RcodeServerFailure)).AddrPort,
		"REFUSED":  serveDNS(t, failing(dns.RcodeRefused)).AddrPort,
		"nobody":   gone,
	} {
		_, err := health.NewResolver([]netip.AddrPort{server}).Addresses(t.Context(), "www.example.org.", dns.TypeA)
		if got := errors.Is(err, health.ErrUnresolvable); err == nil || got != (name == "SERVFAIL") {
			t.Errorf("%s: Expected an error that is an answer for SERVFAIL only, got %t, %v", name, got, err)
		}
	}
}

// listenAndClose returns an address where nobody answers.
func listenAndClose(t *testing.T) netip.AddrPort {
	t.Helper()
	stream, packets := listenBoth(t)
	stream.Close()
	packets.Close()
	return netip.MustParseAddrPort(stream.Addr().String())
}
