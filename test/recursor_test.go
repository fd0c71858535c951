//go:build linux

package test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// recursor is a resolver that people run. It listens at an address, from which
// it also asks; one with two stacks asks over IPv6 as well.
type recursor struct {
	name          string
	program       string
	debianPackage string
	at, at6       string
	validates     bool

	// start returns its command in the namespace. The folder is its own and
	// holds the hints and the trust anchors, which are all that it may know.
	start func(t *testing.T, ns namespace, r recursor, dir string) *exec.Cmd
}

// Files in the folder of a recursor: where the root is, and whom to trust.
const (
	hintsFile   = "hints"
	anchorsFile = "anchors"
	rootHints   = ". 60 IN NS a.root.\na.root. 60 IN A " + rootServer + "\n"
)

// recursors are those that the flip has to reach.
var recursors = []recursor{
	{name: "unbound", program: "unbound", debianPackage: "unbound", at: "192.0.2.53", start: startUnbound},
	{name: "unbound dual", program: "unbound", debianPackage: "unbound", at: "192.0.2.54", at6: "2001:db8::54", start: startUnbound},
	{name: "unbound validating", program: "unbound", debianPackage: "unbound", at: "192.0.2.58", validates: true, start: startUnbound},
	{name: "BIND", program: "named", debianPackage: "bind9", at: "192.0.2.55", start: startNamed},
	{name: "PowerDNS", program: "pdns_recursor", debianPackage: "pdns-recursor", at: "192.0.2.56", start: startPowerDNS},
	{name: "Knot", program: "kresd", debianPackage: "knot-resolver", at: "192.0.2.57", start: startKnot},
}

// needRecursors skips the test unless all of them are installed.
func needRecursors(t *testing.T) {
	t.Helper()
	for _, r := range recursors {
		need(t, r.program, r.debianPackage)
	}
}

// recursorAddresses returns where they listen.
func recursorAddresses() (v4 []string) {
	for _, r := range recursors {
		v4 = append(v4, r.at)
	}
	return v4
}

// startRecursors starts all of them.
func (l *lab) startRecursors(t *testing.T, anchors string) {
	t.Helper()
	for _, r := range recursors {
		if r.at6 != "" {
			l.addV6(t, r.at6)
		}
		dir := folder(t)
		write(t, dir, hintsFile, rootHints)
		write(t, dir, anchorsFile, anchors)
		launch(t, r.start(t, l.namespace, r, dir))
	}
}

// validated reports whether a resolver says of an answer that it has proof.
func (l *lab) validated(t *testing.T, r recursor, name string, qtype uint16) bool {
	t.Helper()
	q := question(name, qtype)
	q.AuthenticatedData = true // we understand it (RFC 6840, section 5.7)
	wire := pack(t, q)
	if err := l.call("/exchange?server="+dnsAt(r.at), wire, &wire); err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	return m.AuthenticatedData
}

// startUnbound asks as few labels as it can, in a mix of cases that has to come
// back, and keeps answers exactly as long as the TTL says. If it validates, it
// concludes from a proof what else is not there (RFC 8198).
func startUnbound(t *testing.T, ns namespace, r recursor, dir string) *exec.Cmd {
	t.Helper()
	stacks := "    do-ip6: no\n    outgoing-interface: " + r.at + "\n"
	if r.at6 != "" {
		stacks = strings.Replace(stacks, "no", "yes", 1) + "    outgoing-interface: " + r.at6 + "\n"
	}
	modules := "    module-config: \"iterator\"\n"
	if r.validates {
		modules = "    module-config: \"validator iterator\"\n    trust-anchor-file: \"" + filepath.Join(dir, anchorsFile) + "\"\n    aggressive-nsec: yes\n"
	}
	return ns.command("unbound", "-d", "-c", write(t, dir, "unbound.conf", `server:
    interface: `+r.at+`
    root-hints: "`+filepath.Join(dir, hintsFile)+`"
    directory: "`+dir+`"
    access-control: 0.0.0.0/0 allow
    use-caps-for-id: yes
    qname-minimisation: yes
    qname-minimisation-strict: yes
    chroot: ""
    username: ""
    pidfile: ""
    do-daemonize: no
    use-syslog: no
    logfile: ""
`+stacks+modules+`remote-control:
    control-enable: no
`))
}

func startNamed(t *testing.T, ns namespace, r recursor, dir string) *exec.Cmd {
	t.Helper()
	return ns.command("named", "-4", "-g", "-c", write(t, dir, "named.conf", `options {
    directory "`+dir+`";
    listen-on port 53 { `+r.at+`; };
    query-source address `+r.at+`;
    recursion yes;
    allow-query { any; };
    dnssec-validation no;
    empty-zones-enable no;
    qname-minimization strict;
    pid-file none;
    session-keyfile none;
};
controls { };
zone "." { type hint; file "`+filepath.Join(dir, hintsFile)+`"; };
`))
}

// startPowerDNS lifts the ban on asking private and test addresses.
func startPowerDNS(t *testing.T, ns namespace, r recursor, dir string) *exec.Cmd {
	t.Helper()
	write(t, dir, "recursor.conf", `hint-file=`+filepath.Join(dir, hintsFile)+`
dont-query=
allow-from=0.0.0.0/0
local-address=`+r.at+`
local-port=53
query-local-address=`+r.at+`
dnssec=off
threads=1
daemon=no
write-pid=no
socket-dir=`+dir+`
security-poll-suffix=
disable-syslog=yes
`)
	return ns.command("pdns_recursor", "--config-dir="+dir)
}

// startKnot has neither a trust anchor nor what would look for one. Its cache
// is its folder.
func startKnot(t *testing.T, ns namespace, r recursor, dir string) *exec.Cmd {
	t.Helper()
	conf := write(t, dir, "kresd.conf", `net.ipv6 = false
net.listen('`+r.at+`', 53, { kind = 'dns' })
net.outgoing_v4('`+r.at+`')
modules = { 'hints > iterate' }
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('detect_time_skew')
hints.root_file('`+filepath.Join(dir, hintsFile)+`')
trust_anchors.remove('.')
cache.size = 10 * MB
`)
	return ns.command("kresd", "-n", "-c", conf, dir)
}
