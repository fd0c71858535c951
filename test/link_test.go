//go:build linux

package test

import (
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// Addresses of the two ends of a link, and the name of the interface at both
// (RFC 5737).
const (
	nearHost = "192.0.2.1"
	farHost  = "192.0.2.2"
	uplink   = "uplink"
)

// atFarm is the answer with the far end as the origin.
const atFarm = "A " + farHost

// link is two hosts and a wire: our server's and the origin's.
type link struct {
	near, far namespace
	us, them  *agent
	ours      *server
	socket    string // of the server
}

func newLink(t *testing.T) *link {
	t.Helper()
	l := &link{near: newNamespace(t), far: newNamespace(t), socket: filepath.Join(folder(t), "control")}
	l.near.connect(t, uplink, nearHost, l.far, uplink, farHost)
	l.us, l.them = startAgent(t, l.near), startAgent(t, l.far)
	return l
}

// connect lays a wire to another namespace. The interfaces at its ends have the
// names and the addresses given, which are of one network of 30 bits.
func (ns namespace) connect(t *testing.T, device, address string, other namespace, otherDevice, otherAddress string) {
	t.Helper()
	ns.ip(t, "link", "add", device, "type", "veth", "peer", "name", otherDevice, "netns", string(other))
	ns.ip(t, "address", "add", address+"/30", "dev", device)
	other.ip(t, "address", "add", otherAddress+"/30", "dev", otherDevice)
	ns.ip(t, "link", "set", device, "up")
	other.ip(t, "link", "set", otherDevice, "up")
}

// serve starts our server. In the Corefile $socket is its control socket, and
// $origin the port of the web server at the far end.
func (l *link) serve(t *testing.T, corefile string) {
	t.Helper()
	inside := func(binary string, args ...string) *exec.Cmd { return l.near.command(binary, args...) }
	l.ours = spec{corefile: corefile, vars: map[string]string{"socket": l.socket, "origin": "80"}, command: inside}.start(t)
}

// answers says what our server answers for the addresses of some names: once, if
// it is the same for all of them.
func (l *link) answers(names ...string) string {
	first := ""
	for _, name := range names {
		got := l.us.ask(l.ours.address("dns"), name, typeA)
		if first != "" && got != first {
			return first + " and " + got
		}
		first = got
	}
	return first
}

// talkative is what has the server log why it answers as it does.
const talkative = "    metadata\n    log . \"{name} because {/cdnredirect/reason}.\"\n"

// expectReason wants the log, the metadata and cdnctl to give a reason, and how
// old its data is.
func (l *link) expectReason(t *testing.T, reason string) {
	t.Helper()
	reason += ` \(age \d[^ )]*s\)`
	awaitMatch(t, `site "www\.example\.org\.": .* -> .*: `+reason, l.ours.output.String)
	awaitMatch(t, `www\.example\.org\. because `+reason, func() string {
		l.answers(site)
		return l.ours.output.String()
	})
	awaitMatch(t, `reason +`+reason, func() string {
		text, _ := cdnctl(t, l.socket, "explain", "shop.example.org")
		return text
	})
}

// awaitMatch waits until something is said.
func awaitMatch(t *testing.T, pattern string, said func() string) {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	awaitTrue(t, pattern, func() bool { return wanted.MatchString(said()) })
}

// page returns what an agent sees at a URL, or "".
func (a *agent) page(of string) string {
	var text []byte
	if a.call("/get?url="+url.QueryEscape(of), nil, &text) != nil {
		return ""
	}
	return string(text)
}
