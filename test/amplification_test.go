//go:build linux

package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// amplifying is a Corefile of a typical zone: one to four addresses, targets as
// CDNs have them, an HTTPS record, and name servers.
func amplifying(t *testing.T, zone, more string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(zone + ":$dns {\n    bind 127.0.0.1\n    bufsize 1232\n    cdnredirect {\n")
	b.WriteString("        ns ns1.provider.example ns2.provider.example\n" + `        class web {
            cdn edge {label}-` + strings.ReplaceAll(zone, ".", "-") + `.cdn.example.net
            ready none
            probe http http://{origin}:$origin/ every 1s timeout 800ms
            threshold response_time 300ms
            ` + more + "\n        }\n")
	for n, addresses := range map[int]string{1: "127.0.0.1", 2: "127.0.0.1 127.0.0.2", 4: "127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4"} {
		fmt.Fprintf(&b, "        site www%d.%s class web {\n            origin %s\n        }\n", n, zone, addresses)
	}
	return b.String() + "    }\n}\n"
}

// fair is how many times as large as its question an answer over UDP should be
// at most: the source of a packet is easily forged, and whoever it names gets
// the answer.
const fair = 3.0

// The answers that are larger than that. CoreDNS sends what fits into the
// client's size uncompressed, whatever the plugin wants, so that every record
// repeats its owner, and an SOA the zone three times.
const (
	fourAddresses  = 4.9
	negative       = 3.8
	atApex         = 4.4
	aliasNegative  = 5.3 // CNAME and SOA
	aliasAddresses = 7.2 // CNAME and four addresses under a longer name
)

// TestAmplification compares the sizes of questions and answers on the wire, in
// zones with a short, a usual and a long name.
func TestAmplification(t *testing.T) {
	t.Parallel()
	const refused = 1
	type most map[string]float64 // by name and type; other types of a name: by name
	alike := most{"www1": fair, "www2": fair, "www4": fair, "other": refused, "other.www1": refused}
	for name, tc := range map[string]struct {
		line  string
		atCDN bool
		most  most
	}{
		"Origin": {"https alpn=h2,h3", false, most{
			"www1 A": 2, "www2 A": fair, "www4 A": fourAddresses, "www1 HTTPS": fair, "www1 ANY": 2, "www4 ANY": fourAddresses, "www4 HTTPS": fair,
			"www1": negative, "www2": negative, "www4": negative, "other": refused, "other.www1": refused, "": atApex,
		}},
		"CDN": {"divert all", true, alike},
		"Alias": {"answer cname origin-{label}.ZONE", false, most{
			"www1 A": 4, "www2 A": 5, "www4 A": aliasAddresses, "www1 ANY": fair, "www2 ANY": fair, "www4 ANY": fair, "www4 CNAME": fair,
			"www1": aliasNegative, "www2": aliasNegative, "www4": aliasNegative, "origin-www1 A": fair,
		}},
		"Alias at the CDN": {"answer cname origin-{label}.ZONE", true, alike},
		"Address":          {"answer address", false, most{"www1 A": 2, "www4 A": fourAddresses, "www1": negative}},
	} {
		for _, zone := range []string{"ab.ch", "example.org", "customers.hosting-provider.example"} {
			t.Run(name+" in "+zone, func(t *testing.T) {
				t.Parallel()
				web := startOrigin(t, "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
				if tc.atCDN {
					web.close()
				}
				s := spec{corefile: amplifying(t, zone, strings.ReplaceAll(tc.line, "ZONE", zone)), vars: at(web)}.start(t)
				for key, bound := range tc.most {
					owner, typed, one := strings.Cut(key, " ")
					for _, qtype := range append([]uint16{dns.TypeCNAME}, dataTypes...) {
						_, other := tc.most[owner+" "+dns.Type(qtype).String()]
						if one && dns.Type(qtype).String() != typed || !one && other {
							continue
						}
						s.checkAmplification(t, strings.TrimPrefix(owner+"."+zone+".", "."), qtype, bound)
					}
				}
			})
		}
	}
}

// checkAmplification asks with and without EDNS.
func (s *server) checkAmplification(t *testing.T, name string, qtype uint16, bound float64) {
	t.Helper()
	for _, q := range []*dns.Msg{question(name, qtype), question(name, qtype).SetEdns0(4096, true)} {
		wire, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		m, octets := s.raw(t, q)
		if ratio := float64(octets) / float64(len(wire)); ratio > bound {
			t.Errorf("%s %s: expected an answer of at most %g times the question, got %d to %d octets, %.2f times: %s",
				name, dns.Type(qtype), bound, len(wire), octets, ratio, summary(m))
		}
	}
}
