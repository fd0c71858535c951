package corefile_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// FuzzAdd adds any text twice: once as it is, once after a block that it may
// clash with. Whatever comes of it is an error with a place, or valid.
func FuzzAdd(f *testing.F) {
	for _, in := range seeds() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		checkLoad(t, in)
		checkLoad(t, "cdnredirect {\n"+full+"\n site www.example.org class late\n}", in)
	})
}

// seeds are the inputs of all tables.
func seeds() []string {
	all := []string{"cdnredirect {\n" + parent + "\n site www.example.org class web\n}", together}
	for _, tc := range braceErrors {
		all = append(all, tc.in)
	}
	for _, tc := range goodBlocks {
		all = append(all, tc.in)
	}
	for _, tc := range append(lineErrors(), supplyErrors...) {
		all = append(all, siteWith(tc.line), classWith(tc.line))
	}
	for _, tc := range slices.Concat(effects, sourceEffects, thresholdEffects, redirectEffects) {
		all = append(all, siteWith(tc.line))
	}
	for _, tc := range originEffects {
		all = append(all, "cdnredirect {\n"+full+"\n"+block("fra", tc.lines)+"\nsite www.example.org class web {\norigin fra\n}\n}")
	}
	for _, tc := range originLineErrors {
		all = append(all, "cdnredirect {\n"+block("fra", tc.line)+"\n}")
	}
	for _, line := range defaults {
		all = append(all, siteWith(line))
	}
	for _, tc := range slices.Concat(corefileErrors, originErrors, processErrors, storeErrors, redirectFileErrors, consoleErrors) {
		_, directive, _ := strings.Cut(tc.in, "{")
		all = append(all, directive[:strings.LastIndex(directive, "}")])
	}
	return all
}

// together is a directive with all that sites and the process may have at once.
const together = `cdnredirect {
    ns ns1.example.net ns2.example.net
    resolver 192.0.2.53 [2001:db8::53]:5353
    ecs 192.0.2.53 2001:db8:53::/48
    seed correct-horse
    allow 10.0.0.0/8 fd00::/8
    download 20Mbit
    guard 30% in 1m anchor 192.0.2.53 [2001:db8::53]:53
    socket /run/cdnredirect/control.sock
    store postgres "host=db.example.net password='a b' dbname=cdnredirect" tls /etc/ca.pem
    state /var/lib/cdnredirect
    server ns1.example.net
    journal keep 720h rows 100000
    origin fra {
        address 192.0.2.10
        capacity 10Gbit
        operated own
        feed used_bandwidth snmp {origin} ifindex 3 community env:COMMUNITY every 30s
        feed map node_exporter http://{origin}:9100/metrics labels device="eth0"
        threshold available_bandwidth 1Gbit recover 2Gbit window 5m
    }
    origin ams {
        address 203.0.113.10
        operated third-party
        feed error_ratio prometheus http://{origin}/metrics errors{code="500"} over requests header Authorization env:TOKEN
        feed load file /run/ams.prom load scale 0.01
        feed hit_ratio json http://{origin}/stats cache.hits
    }
    class late {
        origin next
        cdn big {label}.big.example.net priority 1 weight 3
        cdn small {label}.small.example.net priority 1 weight 1
        cdn last {label}.last.example.net priority 2
        probe http http://{origin}/
        threshold response_time 300ms
        divert fixed 30%
    }
    site www.example.org class late {
        answer cname {label}.origin.example.org
        https alpn=h2,h3 port=8443
        hides MX TXT TYPE65280
    }
    site example.org class late {
        answer address alias
    }
    site shop.example.org class late {
        answer switch keyed
        hides CAA
        origin fra weight 3
        origin ams weight 1
        probe http https://{origin}/ header Authorization file:/etc/token method POST body ok match ^o json "a == 1" http2 on keep_alive on days 14 every 20s
        probe download http://{origin}/1m size 512KiB every 5m
        probe tls {origin} days 14
        probe tcp {origin}:25 send "EHLO {name}\r\n" expect 250
        probe dns {origin} {name} type SOA
        probe grpc {origin}:50051 service shop.Cart tls on
        probe icmp {origin}
        feed requests promql http://prom.example.net:9090 "sum(rate(x{job=\"a\"}[1m]))"
        feed connections json https://api.example.net/{label} stats.now scale 1000
        threshold response_time p95 300ms no_data cdn after 1m
        threshold error_ratio 5%
        threshold requests 2000 recover 1000
    }
    site *.wild.example.org class late {
        host shop.example.org
        answer address
        cdn last last.example.net priority 2
        cdn big big.example.net priority 1 weight 2
        cdn small small.example.net priority 1 weight 1
    }
}`

// TestTogether has the seed of all properties be valid.
func TestTogether(t *testing.T) {
	_, sites, err := load(together)
	if err != nil || len(sites) != 4 {
		t.Errorf("Expected four sites, got %d, %v", len(sites), err)
	}
}

// checkLoad adds each text as a server block.
func checkLoad(t *testing.T, blocks ...string) {
	c := corefile.New(health.Check)
	for _, in := range blocks {
		d := caddyfile.NewDispenser("Corefile", strings.NewReader(in))
		block, err := c.Add(&d, origins("example.org."))
		if err != nil {
			checkError(t, err)
			return
		}
		if len(block.Zones) == 0 {
			t.Fatal("a block without zones")
		}
	}
	sites, err := c.Complete()
	if err != nil {
		checkError(t, err)
		return
	}
	for _, s := range sites {
		if err := s.Validate(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		if s.Place == "" || len(s.Paths()) == 0 && !s.Origins[0].Next {
			t.Fatalf("got %+v", s)
		}
		for _, p := range s.Paths() {
			checkTarget(t, p.Target)
		}
	}
}

// checkTarget has a target be something that can be asked.
func checkTarget(t *testing.T, target site.Target) {
	t.Helper()
	if u, err := url.Parse(target.URL); err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" {
		t.Fatalf("accepted, but there is nothing at %+v (%v)", target, err)
	}
	if signals := (site.Source{Kind: target.Kind, Ask: target.Ask.Value()}).Signals(); len(signals) == 0 || signals[0] == "" {
		t.Fatalf("accepted, but %+v measures nothing", target)
	}
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if !strings.HasPrefix(err.Error(), "Corefile:") || !strings.Contains(err.Error(), " - Error during parsing: ") {
		t.Fatalf("an error without place: %v", err)
	}
}
