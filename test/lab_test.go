//go:build linux

package test

import (
	"os"
	"os/exec"
	"testing"
)

// The addresses of the private Internet, all of them for documentation only
// (RFC 5737, RFC 3849).
const (
	rootServer = "192.0.2.11"
	tldServer  = "192.0.2.12"
	ourServer1 = "192.0.2.13"
	ourServer2 = "192.0.2.14"
	cdnServer  = "192.0.2.15"
	webServer  = "192.0.2.21"

	ourServer1v6 = "2001:db8::13"
	ourServer2v6 = "2001:db8::14"
)

// lab is a private Internet: a root, a top-level domain, a CDN and our server,
// and a web server.
type lab struct {
	namespace
	*agent
	ours *server
}

// plan is what differs between labs.
type plan struct {
	corefile  string     // of our server
	delegated string     // lines of the top-level domain about our server's zones
	addresses []string   // of whoever asks
	before    func(*lab) // starts what is to be there when our server starts; nil: nothing
}

// newLab builds the lab and waits until every server answers.
func newLab(t *testing.T, p plan) *lab {
	t.Helper()
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		missing(t, "the kernel has no IPv6: %v", err)
	}
	v4 := append([]string{rootServer, tldServer, ourServer1, ourServer2, cdnServer, webServer}, p.addresses...)
	l := &lab{namespace: newNamespace(t, v4...)}
	l.addV6(t, ourServer1v6, ourServer2v6)
	l.ip(t, "route", "add", "default", "dev", "lo")
	l.ip(t, "-6", "route", "add", "default", "dev", "lo")
	l.agent = startAgent(t, l.namespace)
	l.serveOrigin(t, webServer, "80")
	spec{corefile: internet(t, p.delegated), command: l.inside}.start(t)
	if p.before != nil {
		p.before(l)
	}
	l.ours = spec{corefile: p.corefile, command: l.inside}.start(t)
	return l
}

// addV6 gives the namespace IPv6 addresses.
func (l *lab) addV6(t *testing.T, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		l.ip(t, "address", "add", address+"/128", "dev", "lo", "nodad")
	}
}

// inside starts a server in the lab.
func (l *lab) inside(binary string, args ...string) *exec.Cmd { return l.command(binary, args...) }

// dnsAt returns where the DNS server at an address listens.
func dnsAt(address string) string { return address + ":53" }

// internet returns the Corefile of everybody else's name servers.
func internet(t *testing.T, delegated string) string {
	t.Helper()
	dir := folder(t)
	serve := func(zone, address, data string) string {
		return zone + ":53 {\n    bind " + address + "\n    bufsize 1232\n    errors\n    file " + write(t, dir, "db."+zone, data) + "\n}\n"
	}
	return serve(".", rootServer, rootZone) + serve("zz", tldServer, tldZone+delegated) + serve("cdn.zz", cdnServer, cdnZone)
}

const rootZone = `$TTL 3600
.      SOA a.root. hostmaster.root. 1 7200 1800 86400 3600
.      NS  a.root.
a.root. A  ` + rootServer + `
zz.    NS  ns.zz.
ns.zz. A   ` + tldServer + `
`

// tldZone has name servers for those zones of ours that have none in them. They
// have addresses of both families.
const tldZone = `$TTL 3600
$ORIGIN zz.
@         SOA ns hostmaster 1 7200 1800 86400 3600
@         NS  ns
ns        A    ` + tldServer + `
ns1       A    ` + ourServer1 + `
ns1       AAAA ` + ourServer1v6 + `
ns2       A    ` + ourServer2 + `
ns2       AAAA ` + ourServer2v6 + `
customer  CNAME c0001.steer
cdn       NS   ns.cdn
ns.cdn    A    ` + cdnServer + `
`

const cdnZone = `$TTL 60
$ORIGIN cdn.zz.
@      SOA   ns hostmaster 1 7200 1800 86400 60
@      NS    ns
ns     A     ` + cdnServer + `
origin A     ` + webServer + `
*.edge A     192.0.2.80
*.edge AAAA  2001:db8::80
*.edge HTTPS 1 . alpn=h2
*.edge TXT   "edge"
`
