package foreign_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

// backends are lines of a record with health checks that are taken as they are.
func backends(lines string) string {
	return "healthcheck_profiles:\n  up: { type: tcp, params: { port: 80 } }\nrecords:\n  www.example.org.:\n" + lines
}

// one is a backend that is checked.
const one = "    - { address: 192.0.2.1, healthchecks: [ up ] }\n"

// check is a record with one health check.
func check(text string) string {
	return "records:\n  www.example.org.:\n    backends:\n    - address: 192.0.2.1\n      healthchecks:\n      - " + text + "\n"
}

// gslbCases are files of records, and what comes of them.
var gslbCases = []struct {
	name, in string
	options  foreign.Options
	want     string
}{
	{name: "nothing"},
	{name: "failover", in: backends("    mode: failover\n    backends:\n    - { address: 192.0.2.2, priority: 2, healthchecks: [ up ] }\n    - { address: 192.0.2.1, priority: 1, healthchecks: [ up ] }\n    - { address: 192.0.2.3, priority: 2, healthchecks: [ up ] }\n"),
		want: `
origin www-example-org-1 { address 192.0.2.1 }
origin www-example-org-2 { address 192.0.2.2 192.0.2.3 }
site www.example.org {
    origin www-example-org-1
    origin www-example-org-2 priority 1
    as usual
}
`},
	{name: "failover of both families", in: backends("    backends:\n" + one + "    - { address: 2001:db8::1, healthchecks: [ up ] }\n"),
		want: `
# r.yml:4: record 'www.example.org': there a backend is chosen for A and for AAAA each, here an origin has the addresses of both
site www.example.org {
    origin 192.0.2.1 2001:db8::1
    as usual
}
`},
	{name: "failover to a name", in: backends("    backends:\n" + one + "    - { address: WWW.big.example., priority: 1, healthchecks: [ up ] }\n    - { address: www.far.example, priority: 2 }\n"),
		want: "# r.yml:7: record 'www.example.org': what is checked of a CDN is said by `ready`\nsite www.example.org {\n    origin 192.0.2.1\n    probe tcp {origin}:80 every 10s timeout 5s\n    threshold error_ratio 100%\n    failback_delay 0s\n    damping off\n    cdn big www.big.example\n    cdn far www.far.example priority 1\n    ready none\n    ttl 30s\n}\n"},
	{name: "failover from a name", in: backends("    backends:\n    - { address: www.big.example }\n    - { address: 192.0.2.1, priority: 2, healthchecks: [ up ] }\n"),
		want: `
# r.yml:7: record 'www.example.org': an address comes behind a name: a site goes to CDNs when all of its origins are out
`},
	{name: "failover to a name beside", in: backends("    backends:\n" + one + "    - { address: www.big.example }\n"),
		want: `
# r.yml:7: record 'www.example.org': name 'www.big.example' stands beside other backends
`},
	{name: "random", in: backends("    mode: random\n    backends:\n" + one + "    - { address: 192.0.2.2, priority: 5, healthchecks: [ up ] }\n"),
		want: `
site www.example.org {
    origin 192.0.2.1 192.0.2.2
    as usual
}
`},
	{name: "round robin", in: backends("    mode: RoundRobin\n    backends:\n" + one + "    - { address: 192.0.2.2, weight: 5, healthchecks: [ up ] }\n"),
		want: `
origin www-example-org-1 { address 192.0.2.1 }
origin www-example-org-2 { address 192.0.2.2 }
site www.example.org {
    origin www-example-org-1 weight 1
    origin www-example-org-2 weight 1
    as usual
}
`},
	{name: "weighted", in: backends("    mode: weighted\n    backends:\n" + one + "    - { address: 192.0.2.2, weight: 5, healthchecks: [ up ] }\n    - { address: 192.0.2.3, weight: 0, healthchecks: [ up ] }\n"),
		want: `
origin www-example-org-1 { address 192.0.2.1 }
origin www-example-org-2 { address 192.0.2.2 }
origin www-example-org-3 { address 192.0.2.3 }
site www.example.org {
    origin www-example-org-1 weight 1
    origin www-example-org-2 weight 5
    origin www-example-org-3 weight 1
    as usual
}
`},
	{name: "ip-hash of both families", in: backends("    mode: ip-hash\n    backends:\n" + one + "    - { address: 2001:db8::1, healthchecks: [ up ] }\n"),
		want: `
# r.yml:4: record 'www.example.org': there a backend is chosen for A and for AAAA each, here an origin has the addresses of both
`},
	{name: "weighted with a name", in: backends("    mode: weighted\n    backends:\n" + one + "    - { address: www.big.example, weight: 5 }\n"),
		want: `
# r.yml:8: record 'www.example.org': name 'www.big.example' stands beside other backends
`},
	{name: "geoip", in: backends("    mode: geoip\n    backends:\n" + one),
		want: `
# r.yml:4: record 'www.example.org': mode 'geoip' is not taken
`},
	{name: "names alone", in: backends("    backends:\n    - { address: www.big.example }\n"),
		want: `
# r.yml:4: record 'www.example.org' has no backend with an address: a site needs an origin
`},
	{name: "no backends", in: backends("    mode: random\n"),
		want: `
# r.yml:4: record 'www.example.org' has no backend with an address: a site needs an origin
`},
	{name: "backends", in: backends("    backends:\n    - { address: 192.0.2.1, enable: false }\n    - { address: 192.0.2.2, healthchecks: [ up ], port: 8443, tags: [ a ], description: x, location: y, passive: true }\n    - { address: 0.0.0.0 }\n    - { address: a..b }\n    - { address: 192.0.2.2 }\n    - { priority: x }\n"),
		want: `
# r.yml:6: backend '192.0.2.1' is not enabled
# r.yml:7: 'passive' is not taken
# r.yml:7: port 8443: HTTPS and SRV records with a port are not answered
# r.yml:8: '0.0.0.0' is not an address that visitors can reach
# r.yml:9: 'a..b' is neither an address nor a name
# r.yml:10: backend '192.0.2.2' is repeated
# r.yml:11: priority 'x' is no number from 0 to 1048576
# r.yml:11: '' is neither an address nor a name
site www.example.org {
    origin 192.0.2.2
    as usual
}
`},
	{name: "other counts", in: backends("    scrape_retries: 2\n    backends:\n    - address: 192.0.2.1\n      rise: 3\n      fall: 3\n      healthchecks:\n      - { type: tcp, rise: 2, fall: 4 }\n"),
		want: `
# r.yml:5: scrape_retries 2: a probe is tried once
# r.yml:8: rise 3: here it is 2
# r.yml:11: fall 4: here it is 3
site www.example.org {
    origin 192.0.2.1
    as usual
}
`},
	{name: "times", in: backends("    record_ttl: 60\n    scrape_interval: 1m\n    scrape_timeout: 2s\n    scrape_retries: 1\n    backends:\n" + one),
		want: `
site www.example.org {
    origin 192.0.2.1
    probe tcp {origin}:80 every 1m0s timeout 2s
    threshold error_ratio 100%
    failback_delay 0s
    damping off
    cdn later later.invalid
    ready none
    divert none
    ttl 60s
}
`},
	{name: "wrong times", in: backends("    record_ttl: x\n    scrape_interval: 10ms\n    scrape_timeout: x\n    backends:\n" + one),
		want: `
# r.yml:7: scrape_timeout 'x' is no time with a unit
# r.yml:4: record 'www.example.org': scrape_interval 10ms is shorter than 1s
# r.yml:2: timeout 5s is not below the period 1s
# r.yml:5: record_ttl 'x' is no number of seconds
site www.example.org {
    origin 192.0.2.1
    probe tcp {origin}:80 every 1s
    as usual rest
}
`},
	{name: "a long TTL", in: backends("    record_ttl: 200000\n    backends:\n" + one),
		want: `
# r.yml:5: the TTL 200000 is above 86400, the highest that is possible
site www.example.org {
    origin 192.0.2.1
    probe tcp {origin}:80 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 0s
    damping off
    cdn later later.invalid
    ready none
    divert none
    ttl 86400s
}
`},
	{name: "defaults", in: "defaults: &d { record_ttl: 5, owner: me, other: x }\nhealthcheck_profiles: { up: { type: icmp, params: { count: 1 } } }\nrecords:\n  a.example.org.:\n    backends:\n    - &b { address: 192.0.2.1, healthchecks: [ up ] }\n  b.example.org.:\n    <<: [ { mode: random }, *d ]\n    backends:\n    - *b\n    - { <<: *b, address: 192.0.2.2 }\nextra: 1\n",
		want: `
# r.yml:12: 'extra' is not taken
# r.yml:1: 'other' is not taken
site a.example.org {
    origin 192.0.2.1
    probe icmp {origin} every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 0s
    damping off
    cdn later later.invalid
    ready none
    divert none
    ttl 5s
}
site b.example.org {
    origin 192.0.2.1 192.0.2.2
    probe icmp {origin} every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 0s
    damping off
    cdn later later.invalid
    ready none
    divert none
    ttl 5s
}
`},
	{name: "fallbacks", in: "healthcheck_profiles: { up: { type: tcp, params: { port: 80 } } }\nrecords:\n  open.example.org.: { failover_policy: { mode: fail-open }, backends: [ { address: 192.0.2.1, healthchecks: [ up ] } ] }\n  closed.example.org.: { failover_policy: { mode: fail-closed, rcode: NXDOMAIN }, backends: [ { address: 192.0.2.1, healthchecks: [ up ] } ] }\n  ips.example.org.: { fallback_policy: { mode: fallback_ips, fallback_ips: [ 192.0.2.9, x ] }, backends: [ { address: 192.0.2.1, healthchecks: [ up ] } ] }\n  cname.example.org.: { fallback_policy: { mode: fallback_cname, fallback_cname: www.big.example }, backends: [ { address: 192.0.2.1, healthchecks: [ up ] } ] }\n  wrong.example.org.: { fallback_policy: { fallback_cname: a..b }, backends: [ { address: 192.0.2.1, healthchecks: [ up ] } ] }\n  none.example.org.: { fallback_policy: { x: y }, backends: [ { address: 192.0.2.1, healthchecks: [ up ] } ] }\n",
		want: `
# r.yml:4: record 'closed.example.org': a site goes on answering with its origin when all is down
# r.yml:5: fallback_ips: 'x' is not another address that visitors can reach
# r.yml:5: fallback_ips of record 'ips.example.org' are probed as the others are, and answered with while they are up
# r.yml:7: fallback_cname 'a..b' is not a name
# r.yml:8: 'x' is not taken
# r.yml:8: record 'none.example.org': its fallback_policy is not taken
site open.example.org {
    origin 192.0.2.1
    as usual
}
site closed.example.org {
    origin 192.0.2.1
    as usual
}
origin ips-example-org-1 { address 192.0.2.1 }
origin ips-example-org-fallback { address 192.0.2.9 }
site ips.example.org {
    origin ips-example-org-1
    origin ips-example-org-fallback priority 1
    as usual
}
site cname.example.org {
    origin 192.0.2.1
    probe tcp {origin}:80 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 0s
    damping off
    cdn fallback www.big.example
    ready none
    ttl 30s
}
site wrong.example.org {
    origin 192.0.2.1
    as usual
}
site none.example.org {
    origin 192.0.2.1
    as usual
}
`},
	{name: "alpn", in: backends("    alpn: [ h3, h2, h2, \"a b\" ]\n    backends:\n" + one),
		want: `
# r.yml:5: alpn 'h2' is not taken
# r.yml:5: alpn 'a b' is not taken
site www.example.org {
    origin 192.0.2.1
    as usual
    https alpn=h3,h2
}
`},
	{name: "names", in: "records:\n  \"*.wild.example.org.\": { backends: [ { address: 192.0.2.1, healthchecks: [ { type: tcp } ] } ] }\n  a..b.: { }\n  \"a\\\\ b.example.org.\": { backends: [ { address: 192.0.2.1, healthchecks: [ { type: tcp } ] } ] }\n  c.example.org.: x\n  C.example.org: { }\n  D.example.org.: { backends: [ { address: 192.0.2.1, healthchecks: [ { type: tcp } ] } ] }\n  d.example.org: { }\n",
		want: `
# r.yml:3: 'a..b.' is not a name of a site
# r.yml:4: 'a\ b.example.org' is not a name that a web server has: give its health check a host
# r.yml:5: record 'c.example.org' says nothing
# r.yml:6: record 'c.example.org' has no backend with an address: a site needs an origin
# r.yml:8: 'd.example.org' is a site already
site *.wild.example.org {
    host wild.example.org
    origin 192.0.2.1
    as usual
}
site d.example.org {
    origin 192.0.2.1
    as usual
}
`},
	{name: "nothing checked", in: backends("    backends:\n    - { address: 192.0.2.1 }\n    - { address: 192.0.2.2, assume_healthy: true, healthchecks: [ up ] }\n"),
		want: `
# r.yml:4: record 'www.example.org': nothing is checked of its backends, and a site needs a probe: say which with --probe
`},
	{name: "nothing checked with a probe", in: backends("    backends:\n    - { address: 192.0.2.1 }\n"), options: foreign.Options{Probe: "icmp {origin}", CDN: "big www.big.example"},
		want: `
site www.example.org {
    origin 192.0.2.1
    probe icmp {origin}
    threshold error_ratio 100%
    damping off
    cdn big www.big.example
    ttl 30s
}
`},
	{name: "checked in part", in: backends("    backends:\n" + one + "    - { address: 192.0.2.2, assume_healthy: true }\n"),
		want: `
# r.yml:7: record 'www.example.org': this backend is probed, too: all addresses of a site have the same probes
site www.example.org {
    origin 192.0.2.1 192.0.2.2
    as usual
}
`},
	{name: "checked in different ways", in: backends("    backends:\n" + one + "    - { address: 192.0.2.2, healthchecks: [ { type: tcp, params: { port: 81 } } ] }\n"),
		want: `
# r.yml:7: record 'www.example.org': its backends are checked in different ways: all addresses of a site have the same probes
# r.yml:4: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "a check that is not defined", in: backends("    backends:\n    - { address: 192.0.2.2, healthchecks: [ none ] }\n"),
		want: `
# r.yml:6: health check 'none' is not defined
# r.yml:4: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "two of a kind", in: backends("    backends:\n    - { address: 192.0.2.2, healthchecks: [ up, { type: tcp, params: { port: 81 } }, { type: icmp } ] }\n"),
		want: `
# r.yml:6: record 'www.example.org': a site has one probe tcp
site www.example.org {
    origin 192.0.2.2
    probe tcp {origin}:80 every 10s timeout 5s
    probe icmp {origin} every 10s timeout 5s
    as usual rest
}
`},
	{name: "http", in: check("{ type: http, params: { port: 8443, uri: \"/a?b=c d\" } }"),
		want: `
# r.yml:6: uri '/a?b=c d' cannot be the path of a probe
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "http with everything", in: check("{ type: http, params: { port: 8443, uri: /healthz, method: POST, host: WWW.example.net, headers: { Authorization: \"Bearer x\", Host: y, \"a b\": c }, timeout: 3s, expected_code: 204, expected_body: \"^ok # fine\", enable_tls: true, skip_tls_verify: true, more: 1 } }"),
		want: `
# r.yml:6: 'more' is not taken
# r.yml:6: header 'Host' is not taken
# r.yml:6: header 'a b' is not taken
site www.example.org {
    host www.example.net
    origin 192.0.2.1
    probe http https://{origin}:8443/healthz status 204 method POST match "^ok # fine" header Authorization "Bearer x" tls_verify off every 10s timeout 3s
    as usual rest
}
`},
	{name: "http without TLS", in: check("{ type: http, params: { port: 80, enable_tls: false, skip_tls_verify: true, headers: } }"),
		want: `
site www.example.org {
    origin 192.0.2.1
    probe http http://{origin}:80/ status 200 every 10s timeout 5s
    as usual rest
}
`},
	{name: "http with a wrong method", in: check("{ type: http, params: { method: PUT } }"),
		want: `
# r.yml:6: method 'PUT' is none that a probe knows
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "http with a wrong code", in: check("{ type: http, params: { expected_code: 99 } }"),
		want: `
# r.yml:6: expected_code 99 is no status that a probe knows, from 100 to 599
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "http with a wrong host", in: check("{ type: http, params: { host: \"a:80\" } }"),
		want: `
# r.yml:6: host 'a:80' is not a host name without a port
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "http with a wrong body", in: check("{ type: http, params: { expected_body: '\"ok\\\"' } }"),
		want: `
# r.yml:6: expected_body '"ok\"' is no pattern that a probe can look for
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "http with quotation marks", in: check("{ type: http, params: { expected_body: '\"status\": *\"ok\"' } }"),
		want: `
site www.example.org {
    origin 192.0.2.1
    probe http https://{origin}:443/ status 200 match "\"status\": *\"ok\"" every 10s timeout 5s
    as usual rest
}
`},
	{name: "http with no pattern", in: check("{ type: http, params: { expected_body: '(' } }"),
		want: `
# r.yml:6: expected_body '(' is no pattern that a probe can look for
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "http with a body of HEAD", in: check("{ type: http, params: { method: HEAD, expected_body: ok } }"),
		want: `
# r.yml:6: expected_body 'ok' is no pattern that a probe can look for
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "http with a wrong path", in: check("{ type: http, params: { uri: '/\\\"' } }"),
		want: `
# r.yml:6: uri: 'https://{origin}:443/\"' cannot be written in a Corefile
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "a long timeout", in: check("{ type: tcp, params: { port: 70000, timeout: 20s } }"),
		want: `
# r.yml:6: the port is not from 1 to 65535
site www.example.org {
    origin 192.0.2.1
    as usual
}
`},
	{name: "icmp", in: check("{ type: icmp, params: { count: 3, timeout: 2s } }"),
		want: `
# r.yml:6: count 3: a probe is one echo
site www.example.org {
    origin 192.0.2.1
    probe icmp {origin} every 10s timeout 2s
    as usual rest
}
`},
	{name: "grpc", in: check("{ type: grpc, params: { port: 9090, service: shop.Cart, enable_tls: true, skip_tls_verify: true, ca: x } }"),
		want: `
# r.yml:6: 'ca' is not taken
site www.example.org {
    origin 192.0.2.1
    probe grpc {origin}:9090 service shop.Cart tls on tls_verify off every 10s timeout 5s
    as usual rest
}
`},
	{name: "grpc with a wrong service", in: check("{ type: grpc, params: { service: '\\\"' } }"),
		want: `
# r.yml:6: service: '\"' cannot be written in a Corefile
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
	{name: "lua", in: check("{ type: lua, params: { script: return true } }"),
		want: `
# r.yml:6: health check 'lua' is not taken
# r.yml:2: record 'www.example.org' was not taken for its health checks: say what is probed with --probe
`},
}

// TestGSLB compares what is written, and has a server take it.
func TestGSLB(t *testing.T) {
	for _, tc := range gslbCases {
		t.Run(tc.name, func(t *testing.T) {
			r, err := foreign.GSLB(texts{"r.yml": tc.in}, []string{"r.yml"}, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, brief(r.Text()), tc.want)
			checkObjects(t, r)
			if _, err := load(r, "example.org"); err != nil {
				t.Errorf("Expected a server to take it, got %v", err)
			}
		})
	}
}

// gslbCorefile has both forms of a block.
const gslbCorefile = `. {
    file db.example.org # gslb { }
    gslb {
        zones {
            example.org.   "db/one.yml"
            example.net.   two.yaml
        }
        healthcheck_profiles profiles.yml
        max_stagger_start "120s"
        geoip_maxmind {
            country_db /GeoLite2-Country.mmdb
        }
        use_edns_csubnet
        api_enable false
        other
    }
    log
}
example.eu {
    gslb one.yml example.eu {
        batch_size_start 100
    }
}
example.com {
    gslb two.yaml
}
`

// gslbFiles are what it names.
func gslbFiles(corefile string) texts {
	record := func(name, check string) string {
		return "records: { " + name + ": { mode: random, backends: [ { address: 192.0.2.1, healthchecks: [ " + check + " ] } ] } }"
	}
	return texts{
		"etc/Corefile": corefile, "etc/db/one.yml": record("www.example.org.", "own"), "etc/two.yaml": record("www.example.net.", "own"), "etc/one.yml": record("www.example.eu.", "none"),
		"etc/wrong.yml":    "a: @",
		"etc/profiles.yml": "healthcheck_profiles: { own: { type: tcp, params: { port: 80 } } }",
	}
}

func TestGSLBCorefile(t *testing.T) {
	r, err := foreign.GSLB(gslbFiles(gslbCorefile), []string{"etc/Corefile"}, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, brief(r.Text()), "# etc/Corefile:9: 'max_stagger_start' is of the server, and no part of a site\n"+
		"# etc/Corefile:10: 'geoip_maxmind' is of the server, and no part of a site\n"+
		"# etc/Corefile:11: 'country_db' is of the server, and no part of a site\n"+
		"# etc/Corefile:13: use_edns_csubnet: `ecs` names the resolvers whose client subnet is believed\n"+
		"# etc/Corefile:14: 'api_enable' is of the server, and no part of a site\n"+
		"# etc/Corefile:15: 'other' is not known\n"+
		"# etc/Corefile:21: 'batch_size_start' is of the server, and no part of a site\n"+
		"# etc/one.yml:1: health check 'none' is not defined\n"+
		"# etc/one.yml:1: record 'www.example.eu' was not taken for its health checks: say what is probed with --probe\n"+
		"site www.example.org {\n    origin 192.0.2.1\n    as usual\n}\nsite www.example.net {\n    origin 192.0.2.1\n    as usual\n}\n")
}

// gslbErrors are files that cannot be read.
var gslbErrors = []struct{ name, path, corefile, want string }{
	{"no block", "etc/Corefile", ". {\n log\n}\n", "'etc/Corefile' has no gslb block, and is no .yml file"},
	{"an open quotation mark", "etc/Corefile", ". {\n gslb \"x\n}\n", "etc/Corefile:2: a quotation mark is not closed in this line"},
	{"a file that is missing", "etc/Corefile", "gslb {\n zones {\n a. b.yml\n }\n}\n", "reading 'etc/b.yml': there is no such file"},
	{"no file", "etc/none", "", "reading 'etc/none': there is no such file"},
	{"no records", "etc/none.yml", "", "reading 'etc/none.yml': there is no such file"},
	{"no YAML", "etc/wrong.yml", "", "'etc/wrong.yml': yaml: found character that cannot start any token"},
}

func TestGSLBErrors(t *testing.T) {
	for _, tc := range gslbErrors {
		if _, err := foreign.GSLB(gslbFiles(tc.corefile), []string{tc.path}, foreign.Options{}); err == nil || err.Error() != tc.want {
			t.Errorf("%s: Expected %q, got %q", tc.name, tc.want, err)
		}
	}
	if _, err := foreign.GSLB(texts{}, nil, foreign.Options{CDN: "x"}); err == nil || err.Error() != "--cdn 'x': write two words at least" {
		t.Errorf("Expected wrong words to be an error, got %v", err)
	}
	r, err := foreign.GSLB(texts{"Corefile": "gslb {\n healthcheck_profiles none\n}"}, []string{"Corefile"}, foreign.Options{})
	if err != nil || r.Text() != "# Corefile:2: reading 'none': there is no such file\n" {
		t.Errorf("Expected missing profiles to be noted, got %v, %s", err, r.Text())
	}
}

// FuzzGSLB imports any files: what comes of them is an error, or text that can be
// read.
func FuzzGSLB(f *testing.F) {
	for _, tc := range gslbCases {
		f.Add("gslb r.yml", tc.in, tc.options.Probe)
	}
	f.Add(gslbCorefile, "", "")
	for _, tc := range gslbErrors {
		f.Add(tc.corefile, "", "")
	}
	f.Add("gslb r.yml", "a: &a { <<: *a }\nrecords: *a", "")
	f.Fuzz(func(t *testing.T, corefile, records, probe string) {
		files := gslbFiles(corefile)
		files["etc/r.yml"] = records
		if r, err := foreign.GSLB(files, []string{"etc/Corefile"}, foreign.Options{Probe: probe}); err == nil {
			checkObjects(t, r)
		}
	})
}

// TestGSLBIsTaken has any records made of what coredns-gslb knows come out as sites
// that a server takes, whatever of them is lost.
func TestGSLBIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
		var b strings.Builder
		b.WriteString("healthcheck_profiles:\n  http: { type: http, params: { port: 80, enable_tls: false, host: www.example.net, timeout: 20s } }\n  tcp: { type: tcp }\n  icmp: { type: icmp }\n  lua: { type: lua }\nrecords:\n")
		for i := range rapid.IntRange(1, 4).Draw(t, "records") {
			fmt.Fprintf(&b, "  %s:\n    mode: %s\n    scrape_interval: %s\n    record_ttl: %s\n", strings.ReplaceAll(pick("name", "n%.example.org.", "'*.n%.example.org.'", "_n%.example.org"), "%", fmt.Sprint(i)),
				pick("mode", "failover", "random", "weighted", "round-robin", "ip-hash", "geoip"), pick("interval", "10s", "1s", "500ms"), pick("ttl", "0", "30", "100000"))
			b.WriteString(pick("fallback", "", "    fallback_policy: { fallback_cname: www.big.example }\n", "    failover_policy: { mode: fail-specific, fallback_ips: [ 192.0.2.9, 2001:db8::9 ] }\n", "    fallback_policy: { mode: rcode }\n"))
			b.WriteString(pick("alpn", "", "    alpn: [ h3, h2 ]\n") + "    backends:\n")
			for range rapid.IntRange(1, 5).Draw(t, "backends") {
				fmt.Fprintf(&b, "    - { address: %s, priority: %d, weight: %d, enable: %s, healthchecks: [ %s ] }\n", pick("address", "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "www.big.example", "www.far.example."),
					rapid.IntRange(0, 2).Draw(t, "priority"), rapid.IntRange(0, 3).Draw(t, "weight"), pick("enable", "true", "true", "true", "false"), pick("checks", "", "http", "http", "tcp", "tcp, icmp", "lua", "none"))
			}
		}
		o := foreign.Options{Probe: pick("probe", "", "icmp {origin}"), CDN: pick("cdn", "", "big www.big.example")}
		r, err := foreign.GSLB(texts{"r.yml": b.String()}, []string{"r.yml"}, o)
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		checkObjects(t, r)
		if _, err := load(r, "example.org"); err != nil {
			t.Fatalf("Expected a server to take it, got %v\n%s\n%s", err, r.Text(), b.String())
		}
	})
}
