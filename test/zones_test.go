//go:build linux

package test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// labZone is a zone that our server has in the lab.
type labZone struct {
	name   string
	filed  bool // the plugin file is behind ours, and knows the rest
	signed bool // the plugin dnssec signs the answers
}

// labZones are one of each kind. The first is our plugin's alone: every name but
// the sites and the apex is refused.
var labZones = []labZone{
	{name: "steer.zz"},
	{name: "filed.zz", filed: true},
	{name: "signed.zz", filed: true, signed: true},
}

// labClass is what the sites of the lab have in common. Targets are looked up at
// the CDN's own name server.
const labClass = `        resolver ` + cdnServer + `
        class lab {
            origin ` + webServer + `
            cdn edge {label}.edge.cdn.zz
            ready resolve every 1s
            probe http http://{origin}/ every 1s timeout 800ms
            threshold response_time 300ms
            ttl 5s
            failback_delay 2s
            damping off
        }
`

// filedZone is what file knows of a zone, and of the name servers in it.
const filedZone = `$TTL 3600
@    SOA  ns1 hostmaster 1 14400 3600 604800 300
@    NS   ns1
@    NS   ns2
@    MX   10 mail
mail A    192.0.2.25
flat A    ` + webServer + `
flat TXT  "flat"
ns1  A    ` + ourServer1 + `
ns1  AAAA ` + ourServer1v6 + `
ns2  A    ` + ourServer2 + `
ns2  AAAA ` + ourServer2v6 + `
`

// Delegations are what the top-level domain has of a zone: name servers outside
// of it, as the README demands of ns, or in it.
const (
	delegated = `ZONE NS ns1.zz.
ZONE NS ns2.zz.
`
	delegatedInside = `ZONE NS ns1.ZONE
ZONE NS ns2.ZONE
ns1.ZONE A    ` + ourServer1 + `
ns1.ZONE AAAA ` + ourServer1v6 + `
ns2.ZONE A    ` + ourServer2 + `
ns2.ZONE AAAA ` + ourServer2v6 + `
`
)

// steeredPlan is the lab with these zones, the sites of labSites in them, and
// trust anchors of those that are signed. Our server logs who asks.
func steeredPlan(t *testing.T) (p plan, anchors string) {
	t.Helper()
	dir := folder(t)
	for i, zone := range labZones {
		servers, behind := delegated, ""
		if zone.filed {
			servers = delegatedInside
			behind += "    file " + write(t, dir, "db."+zone.name, "$ORIGIN "+zone.name+".\n"+filedZone) + "\n"
		}
		p.delegated += strings.ReplaceAll(servers, "ZONE", zone.name+".")
		if zone.signed {
			file, key := signingKey(t, dir, zone.name+".")
			behind += "    dnssec {\n        key file " + file + "\n    }\n"
			p.delegated += key.ToDS(dns.SHA256).String() + "\n"
			anchors += key.String() + "\n"
		}
		class := labClass
		if i > 0 {
			class = "" // all server blocks know it
		}
		p.corefile += zone.block(behind + "    cdnredirect {\n" + class + zone.sites() + "    }\n")
	}
	return p, anchors
}

// block is the server block of a zone, on all our addresses.
func (z labZone) block(directives string) string {
	return z.name + `:53 {
    bind ` + ourServer1 + ` ` + ourServer2 + ` ` + ourServer1v6 + ` ` + ourServer2v6 + `
    bufsize 1232
    errors
    log . "{remote} asks for {name} {type}"
` + directives + "}\n"
}

// sites are the lines of a zone's cdnredirect block.
func (z labZone) sites() string {
	var text strings.Builder
	if !z.filed {
		text.WriteString("        ns ns1.zz ns2.zz\n")
	}
	for _, s := range labSites {
		if dns.IsSubDomain(z.name+".", s.name) {
			fmt.Fprintf(&text, "        site %s class lab {\n            %s\n        }\n", cmp.Or(s.site, s.name), strings.Join(s.lines, "\n            "))
		}
	}
	return text.String()
}

// signingKey makes a key of a zone, and returns the name of its files.
func signingKey(t *testing.T, dir, zone string) (file string, key *dns.DNSKEY) {
	t.Helper()
	key = &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "K"+zone)
	write(t, dir, "K"+zone+".key", key.String()+"\n")
	write(t, dir, "K"+zone+".private", key.PrivateKeyString(private))
	return file, key
}
