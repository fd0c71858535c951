package health_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cdnredirect/cdnredirect/health"
)

// BenchmarkPage reads all signals of HAProxy off a page of 2,000 series.
func BenchmarkPage(b *testing.B) {
	page := haproxyPage(100)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := health.ReadPage(bytes.Clone(page), "haproxy"); err != nil || n != 4 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/page")
}

// haproxyPage has 20 series of each proxy.
func haproxyPage(proxies int) []byte {
	var b bytes.Buffer
	metric := func(name, kind string, labels ...string) {
		fmt.Fprintf(&b, "# HELP %s Text that says what this is.\n# TYPE %[1]s %s\n", name, kind)
		for i := range proxies {
			for _, l := range labels {
				fmt.Fprintf(&b, "%s{proxy=\"customer-%d\"%s} %d\n", name, i, l, i*1000)
			}
		}
	}
	metric("haproxy_frontend_http_responses_total", "counter",
		`,code="1xx"`, `,code="2xx"`, `,code="3xx"`, `,code="4xx"`, `,code="5xx"`, `,code="other"`)
	metric("haproxy_frontend_http_requests_total", "counter", "")
	metric("haproxy_frontend_bytes_out_total", "counter", "")
	metric("haproxy_frontend_current_sessions", "gauge", "")
	metric("haproxy_backend_response_time_average_seconds", "gauge", "")
	for i := range 10 {
		metric(fmt.Sprintf("haproxy_frontend_other_%d", i), "gauge", "")
	}
	return b.Bytes()
}
