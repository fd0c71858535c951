//go:build linux

package test

import "testing"

// busy is what the origin's host sends, in bit/s: it has less left of its
// capacity than the limit, and more than where fewer samples divert.
const busy = 80_000_000

// farm is a server block of two sites that have one origin, which is judged by
// the bandwidth that it has left.
func farm(feed string) string {
	return block(talkative, `    cdnredirect {
        socket $socket
        origin farm {
            address `+farHost+`
            capacity 250Mbit
            `+feed+`
            threshold available_bandwidth 200Mbit recover 220Mbit
        }
        class fed {
            origin farm
            cdn example `+target+`
            ready none
            failback_delay 3s
        }
        site `+site+` class fed
        site shop.example.org class fed
    }
`)
}

// TestBusyLinkDiverts sends over the link, for real, and has the statistics of
// that read in each way there is.
func TestBusyLinkDiverts(t *testing.T) {
	t.Parallel()
	for name, watch := range map[string]func(*testing.T, *link) (feed string){
		"node exporter": func(t *testing.T, l *link) string {
			l.startNodeExporter(t, folder(t))
			return "feed map node_exporter " + nodePage + ` every 1s labels device="` + uplink + `"`
		},
		"Prometheus": func(t *testing.T, l *link) string {
			l.startPrometheus(t)
			return "feed used_bandwidth promql " + prometheusURL +
				` "sum(rate(node_network_transmit_bytes_total{device='` + uplink + `'}[3s]))*8" every 1s`
		},
		"SNMP": func(t *testing.T, l *link) string {
			l.startSNMPD(t)
			return "feed used_bandwidth snmp " + farHost + " ifindex " + l.interfaceIndex(t) + " every 4s" // it counts anew every 3s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLink(t)
			l.serve(t, farm(watch(t, l)))
			l.busyAndIdle(t)
		})
	}
}

// busyAndIdle makes the link busy, and idle again.
func (l *link) busyAndIdle(t *testing.T) {
	t.Helper()
	both := func() string { return l.answers(site, "shop.example.org.") }
	await(t, patience, atFarm, both)
	l.expectLeft(t, "below", `2[345]\d`)

	l.them.send(t, nearHost, busy)
	t.Logf("busy: CNAME after %s", await(t, patience, atCDN, both))
	l.expectLeft(t, "threshold", `1[4-9]\d`)

	l.them.send(t, nearHost, 0)
	t.Logf("idle: A after %s", await(t, patience, atFarm, both))
	l.expectLeft(t, "recovered", `2[2-5]\d`)
}

// expectLeft wants so many Mbit/s that are left of the farm's to be the reason.
func (l *link) expectLeft(t *testing.T, cause, left string) {
	t.Helper()
	l.expectReason(t, cause+`: available_bandwidth of origin farm `+left+`(\.\d+)?Mbit against the limit 200Mbit is \d+ %`)
}
