//go:build linux

package test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The addresses of the private Internet, all of them for documentation only
// (RFC 5737).
const (
	rootServer = "192.0.2.11"
	tldServer  = "192.0.2.12"
	ourServer1 = "192.0.2.13"
	ourServer2 = "192.0.2.14"
	cdnServer  = "192.0.2.15"
	webServer  = "192.0.2.21"
	unboundAt  = "192.0.2.53"
	bindAt     = "192.0.2.54"
)

// The site that the resolvers ask for, and where it is.
const (
	labSite     = "www.steer.zz."
	labTarget   = "www.edge.cdn.zz."
	labAtOrigin = "A " + webServer
)

// lab is a private Internet: a root, a top-level domain, a CDN and our server,
// resolvers that know nothing but the address of the root, and a web server.
type lab struct {
	namespace
	*agent
	resolvers map[string]string // their addresses by name
}

// newLab builds the lab and waits until every server answers.
func newLab(t *testing.T) *lab {
	t.Helper()
	need(t, "unbound", "unbound")
	need(t, "named", "bind9")
	l := &lab{
		namespace: newNamespace(t, rootServer, tldServer, ourServer1, ourServer2, cdnServer, webServer, unboundAt, bindAt),
		resolvers: map[string]string{"unbound": unboundAt, "BIND": bindAt},
	}
	l.ip(t, "route", "add", "default", "dev", "lo")
	l.agent = startAgent(t, l.namespace)
	l.serveOrigin(t, webServer, "80")
	spec{corefile: internet(t), command: l.inside}.start(t)
	spec{corefile: steeredInLab, command: l.inside}.start(t)
	l.startResolvers(t)
	return l
}

// inside starts a server in the lab.
func (l *lab) inside(binary string, args ...string) *exec.Cmd { return l.command(binary, args...) }

// dnsAt returns where the DNS server at an address listens.
func dnsAt(address string) string { return address + ":53" }

// steeredInLab is our server's Corefile. Every name of the zone but the site is
// refused; the resolvers know the name servers' addresses from the parent zone.
const steeredInLab = `steer.zz:53 {
    bind ` + ourServer1 + ` ` + ourServer2 + `
    bufsize 1232
    errors
    cdnredirect {
        ns ns1.steer.zz ns2.steer.zz
        site www.steer.zz {
            origin ` + webServer + `
            cdn edge {label}.edge.cdn.zz
            probe http http://{origin}/ every 1s timeout 800ms
            threshold response_time 300ms
            ttl 5s
            failback_delay 2s
            damping off
        }
    }
}
`

// internet returns the Corefile of everybody else's name servers.
func internet(t *testing.T) string {
	t.Helper()
	dir := folder(t)
	serve := func(zone, address, data string) string {
		return zone + ":53 {\n    bind " + address + "\n    errors\n    file " + write(t, dir, "db."+zone, data) + "\n}\n"
	}
	return serve(".", rootServer, rootZone) + serve("zz", tldServer, tldZone) + serve("cdn.zz", cdnServer, cdnZone)
}

const rootZone = `$TTL 3600
.      SOA a.root. hostmaster.root. 1 7200 1800 86400 3600
.      NS  a.root.
a.root. A  ` + rootServer + `
zz.    NS  ns.zz.
ns.zz. A   ` + tldServer + `
`

const tldZone = `$TTL 3600
$ORIGIN zz.
@         SOA ns hostmaster 1 7200 1800 86400 3600
@         NS  ns
ns        A   ` + tldServer + `
steer     NS  ns1.steer
steer     NS  ns2.steer
ns1.steer A   ` + ourServer1 + `
ns2.steer A   ` + ourServer2 + `
cdn       NS  ns.cdn
ns.cdn    A   ` + cdnServer + `
`

const cdnZone = `$TTL 60
$ORIGIN cdn.zz.
@      SOA   ns hostmaster 1 7200 1800 86400 60
@      NS    ns
ns     A     ` + cdnServer + `
*.edge A     192.0.2.80
*.edge AAAA  2001:db8::80
*.edge HTTPS 1 . alpn=h2
*.edge TXT   "edge"
`

// startResolvers starts the resolvers, which ask as few labels as they can and
// keep answers exactly as long as the TTL says.
func (l *lab) startResolvers(t *testing.T) {
	t.Helper()
	dir := folder(t)
	hints := write(t, dir, "hints", ". 60 IN NS a.root.\na.root. 60 IN A "+rootServer+"\n")
	launch(t, l.command("unbound", "-d", "-c", write(t, dir, "unbound.conf", unboundConf(hints))))
	launch(t, l.command("named", "-g", "-c", write(t, dir, "named.conf", namedConf(hints))))
}

func unboundConf(hints string) string {
	return `server:
    interface: ` + unboundAt + `
    root-hints: "` + hints + `"
    directory: "` + filepath.Dir(hints) + `"
    module-config: "iterator"
    access-control: 0.0.0.0/0 allow
    use-caps-for-id: yes
    qname-minimisation: yes
    qname-minimisation-strict: yes
    do-ip6: no
    chroot: ""
    username: ""
    pidfile: ""
    do-daemonize: no
    use-syslog: no
    logfile: ""
remote-control:
    control-enable: no
`
}

func namedConf(hints string) string {
	return `options {
    directory "` + filepath.Dir(hints) + `";
    listen-on port 53 { ` + bindAt + `; };
    listen-on-v6 { none; };
    query-source address ` + bindAt + `;
    recursion yes;
    allow-query { any; };
    dnssec-validation no;
    empty-zones-enable no;
    qname-minimization strict;
    pid-file none;
    session-keyfile none;
};
controls { };
zone "." { type hint; file "` + hints + `"; };
`
}
