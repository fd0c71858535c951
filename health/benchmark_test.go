package health_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
	"unique"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// BenchmarkScheduler is what one probe costs besides the probe: taking it off
// the queue, its goroutine, the metrics and the way back.
func BenchmarkScheduler(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			ctx, cancel := context.WithCancel(b.Context())
			var delivered atomic.Int64
			s := health.NewScheduler(health.Config{
				Probes:  map[string]health.Probe{"test": good},
				Metrics: health.NewMetrics(prometheus.NewRegistry()),
				Deliver: func(site.Target, []site.Sample) {
					if delivered.Add(1) == int64(b.N) {
						cancel()
					}
				},
			})
			s.Set(targets(n, time.Millisecond)) // more than can be done: somebody is always due
			b.ResetTimer()
			s.Run(ctx)
		})
	}
}

// BenchmarkSet is one target more, and one less, among many.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			s := health.NewScheduler(health.Config{})
			set := targets(n, 10*time.Second)
			s.Set(set)
			for i := 0; b.Loop(); i++ {
				if i%2 == 0 {
					set[named("extra")] = time.Second
				} else {
					delete(set, named("extra"))
				}
				s.Set(set)
			}
		})
	}
}

// BenchmarkHTTP has the server's work in it, which is most of the time; of the
// allocations it has none, as the server is as simple as can be.
func BenchmarkHTTP(b *testing.B) {
	url := "http://" + serve(b, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		var request [1024]byte
		for {
			if _, err := conn.Read(request[:]); err != nil {
				return
			}
			if _, err := io.WriteString(conn, empty); err != nil {
				return
			}
		}
	})
	for name, keep := range map[string]bool{"fresh": false, "keep": true} {
		b.Run(name, func(b *testing.B) {
			n := health.NewNetwork("bench")
			defer n.Close()
			probe, to := n.Probes()["http"], target(url+"/health")
			to.Ask = unique.Make(site.Ask{Status: site.DefaultStatus(), KeepAlive: keep})
			b.ReportAllocs()
			for b.Loop() {
				if r := probe(b.Context(), to); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}

func BenchmarkWindow(b *testing.B) {
	w := health.NewWindow(time.Minute)
	s := at(0)
	b.ReportAllocs()
	for b.Loop() {
		w.Add(s)
		w.Within(30 * time.Second)
		s.At = s.At.Add(10 * time.Second)
	}
}
