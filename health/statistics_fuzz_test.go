package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// FuzzStatistics reads whatever somebody else's statistics may be, as each kind
// of page. What comes of it is a number at a time that has been, or nothing.
func FuzzStatistics(f *testing.F) {
	f.Add([]byte(limits(60, limit("egress", 10e9, 8e9, 2e9), limit("requests", 5, 5, 9))))
	f.Add([]byte(`{"capabilities": [{"capability-type": "FCI.CapacityLimits", "capability-value": [{"limits": [{"maximum-hard": 5e-324, "current": 1e308}]}]}]}`))
	f.Add([]byte("# TYPE haproxy_frontend_bytes_out_total counter\nhaproxy_frontend_bytes_out_total{proxy=\"a\"} NaN\nnginx_connections_active 1e309\n"))
	f.Add([]byte("node_load1 -5 99999999999999999\nnode_netstat_Tcp_CurrEstab{} 3\n<html>"))
	f.Add([]byte(fastlyAnswer(1600223694, 9, fastlySecond(1600223685, 10, 1000, 1), fastlySecond(1600223684, 1e308, 1e308, 0))))
	f.Add([]byte(fastlyAnswer(1600223694, 9, fastlyCached(1600223685, 100, 1e308, 1e308))))
	f.Add([]byte(`{"Error": "No data available, please retry", "Data": [], "Timestamp": 1e300, "AggregateDelay": -1e300}`))
	f.Add([]byte(cloudflareAnswer(cloudflareZone("z", cloudflareRow(200, 10, 1e6), cloudflareRow(503, 1, 100)))))
	f.Add([]byte(bunnyAnswer(time.Now(), 3600e6, 3600, 36)))
	f.Fuzz(func(t *testing.T, page []byte) {
		now := time.Now()
		readings, err := health.ReadFCI(page, now)
		if (err == nil) != (len(readings) > 0) {
			t.Fatalf("Expected readings or an error, got %v and %v", readings, err)
		}
		meter := health.NewMeter()
		samples, _ := meter.Samples(now, now, readings)
		for _, s := range samples {
			if !s.Usable(now) {
				t.Errorf("Expected a sample that can be used, got %+v", s)
			}
		}
		for _, list := range health.FeedMaps() {
			if site.IsAPI(list) {
				readings, err := health.ReadAPI(list, page, now)
				samples, _ := health.NewMeter().Samples(now, now, readings)
				if err != nil && readings != nil || slices.ContainsFunc(samples, func(s site.Sample) bool { return !s.Usable(now) }) {
					t.Errorf("Expected of %s what can be used, or an error, got %+v and %v", list, samples, err)
				}
				continue
			}
			if n, err := health.ReadPage(page, list); err == nil && n > len(site.MapSignals(list)) {
				t.Errorf("Expected at most the signals of %s, got %d", list, n)
			}
		}
	})
}
