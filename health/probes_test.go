package health_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// silentTarget is one that takes the question and never answers.
type silentTarget struct {
	kind  string
	start func(t *testing.T) string // its address
	ask   site.Ask
	phase func(health.Phases) time.Duration // the one that is cut short; nil: none
	heavy bool                              // one at a time is enough
}

func firstByte(p health.Phases) time.Duration { return p.FirstByte }

func silentTargets() map[string]silentTarget {
	mutes := func(t *testing.T) string { return serve(t, "127.0.0.1:0", mute) }
	handshake := func(p health.Phases) time.Duration { return p.TLS }
	transfer := func(p health.Phases) time.Duration { return p.Transfer }
	expect := site.Ask{Send: "PING\r\n", Expect: "PONG\r\n"}
	return map[string]silentTarget{
		"tls":                  {"tls", mutes, site.Ask{}, handshake, false},
		"tcp":                  {"tcp", mutes, expect, firstByte, false},
		"tcp, in the middle":   {"tcp", trickle, expect, transfer, false},
		"tcp, not reading":     {"tcp", deaf, site.Ask{Send: strings.Repeat("x", 64<<20)}, nil, true},
		"dns":                  {"dns", mutePackets, asksA, firstByte, false},
		"dns, flooding":        {"dns", flood, asksA, firstByte, true},
		"dns, over TCP":        {"dns", muteStream, asksA, firstByte, false},
		"grpc":                 {"grpc", mutes, site.Ask{}, firstByte, false},
		"grpc, over TLS":       {"grpc", mutes, site.Ask{TLS: true}, handshake, false},
		"grpc, in the service": {"grpc", func(t *testing.T) string { return serveGRPC(t, stuckHealth{}) }, site.Ask{}, firstByte, false},
	}
}

// trickle sends what is not expected, byte by byte.
func trickle(t *testing.T) string {
	return serve(t, "127.0.0.1:0", func(ctx context.Context, conn net.Conn) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for _, err := conn.Write([]byte("x")); err == nil; _, err = conn.Write([]byte("x")) {
			<-tick.C
		}
	})
}

// deaf does not even read.
func deaf(t *testing.T) string {
	return serve(t, "127.0.0.1:0", func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
}

func mutePackets(t *testing.T) string {
	return serveDNS(t, func(dns.ResponseWriter, *dns.Msg) {}).String()
}

// flood sends answers to another question until the question is forgotten.
func flood(t *testing.T) string {
	return serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Id++
		for range 80 {
			w.WriteMsg(m)
			time.Sleep(5 * time.Millisecond)
		}
	}).String()
}

// muteStream has the question put again over TCP.
func muteStream(t *testing.T) string {
	return serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if m := new(dns.Msg).SetReply(q); w.RemoteAddr().Network() == "udp" {
			m.Truncated = true
			w.WriteMsg(m)
		}
	}).String()
}

// stuckHealth never has an answer.
type stuckHealth struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (stuckHealth) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestProbesTimeout(t *testing.T) {
	for name, tt := range silentTargets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := asked(tt.kind+"://"+tt.start(t), tt.ask)
			to.Timeout = 300 * time.Millisecond
			r := ask(t, probing(t, tt.kind), to)
			wantFailure(t, r, site.FailureTimeout, "probing '"+to.URL+"': ")
			if r.Total > generous {
				t.Errorf("got total %s for timeout %s", r.Total, to.Timeout)
			}
			if tt.phase != nil && tt.phase(r.Phases) <= 0 {
				t.Errorf("got phases %+v, want the one that was cut short", r.Phases)
			}
		})
	}
}

// An end that comes before the timeout counts as one.
func TestProbesCancelled(t *testing.T) {
	for name, tt := range silentTargets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			to := asked(tt.kind+"://"+tt.start(t), tt.ask)
			if r := probing(t, tt.kind)(ctx, to); r.Failure != site.FailureTimeout || r.Total >= to.Timeout {
				t.Errorf("got failure %q (%v) after %s", r.Failure, r.Err, r.Total)
			}
		})
	}
}

func TestProbesRefused(t *testing.T) {
	for kind, what := range map[string]site.Ask{
		"tls": {}, "tcp": {Send: "PING", Expect: "PONG"}, "dns": asksA, "grpc": {},
	} {
		t.Run(kind, func(t *testing.T) {
			to := asked(kind+"://"+closed(t).String(), what)
			wantFailure(t, ask(t, probing(t, kind), to), site.FailureConnect, "probing '"+to.URL+"': ", "refused")
		})
	}
}

// Whatever does not answer holds nothing of ours once the probe is over.
func TestProbesLeaveNothingBehind(t *testing.T) {
	for name, tt := range silentTargets() {
		if tt.heavy {
			continue
		}
		t.Run(name, func(t *testing.T) {
			address := tt.start(t)
			serving := goleak.IgnoreCurrent()
			var probes sync.WaitGroup
			for range 20 {
				probes.Go(func() {
					to := asked(tt.kind+"://"+address, tt.ask)
					to.Timeout = 100 * time.Millisecond
					if r := probing(t, tt.kind)(t.Context(), to); r.Failure != site.FailureTimeout {
						t.Errorf("got failure %q: %v", r.Failure, r.Err)
					}
				})
			}
			probes.Wait()
			goleak.VerifyNone(t, serving)
		})
	}
}
