//go:build linux

package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The nodes of our own CDN, and the web server behind them.
const (
	nodesOrigin = "192.0.2.22"
	visitorsDNS = "192.0.2.53"
)

var nodes = []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"}

// ownPlan is a site whose CDN is our own: its nodes and its DNS.
var ownPlan = plan{
	addresses: append([]string{nodesOrigin, visitorsDNS}, nodes...),
	delegated: "steer NS ns1\nown NS ns1\n",
	corefile: `steer.zz:53 own.zz:53 {
    bind ` + ourServer1 + `
    errors
    cdnredirect {
        ns ns1.zz
        socket $socket
        cdn edge {
            operated own
            dns edge.own.zz
            ttl 5s
            node one ` + nodes[0] + `
            node two ` + nodes[1] + `
            node three ` + nodes[2] + `
            probe http http://{node}/ every 1s timeout 800ms body "served by nginx"
            threshold response_time 500ms
        }
        site www.steer.zz {
            origin ` + webServer + `
            cdn edge {label}.edge.own.zz
            probe http http://{origin}/ every 1s timeout 800ms
            threshold response_time 300ms
            ttl 5s
            failback_delay 10m
        }
    }
}
`,
}

// ownLab is a lab with a CDN of three Varnish nodes in front of nginx, of which
// the origin of the site is too slow.
type ownLab struct {
	*lab
	varnish map[string]*process
	socket  string
}

func newOwnLab(t *testing.T) *ownLab {
	t.Helper()
	need(t, "varnishd", "varnish")
	need(t, "nginx", "nginx-light")
	need(t, "unbound", "unbound")
	p, vars := ownPlan, withSocket(t, map[string]string{})
	p.corefile = strings.ReplaceAll(p.corefile, "$socket", vars["socket"])
	l := &ownLab{lab: newLab(t, p), varnish: make(map[string]*process), socket: vars["socket"]}
	l.slow(t, tooSlow)
	dir := folder(t)
	write(t, dir, "index.html", "served by nginx\n")
	launch(t, l.command("nginx", "-p", dir, "-c", write(t, dir, "nginx.conf", `
daemon off;
master_process off;
user root;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    server { listen `+nodesOrigin+`:80; root `+dir+`; }
}
`)))
	for _, node := range nodes {
		l.up(t, node)
	}
	hints := folder(t)
	write(t, hints, hintsFile, rootHints)
	launch(t, startUnbound(t, l.namespace, recursor{at: visitorsDNS}, hints))
	return l
}

// up starts Varnish at a node.
func (l *ownLab) up(t *testing.T, node string) {
	t.Helper()
	l.varnish[node] = launch(t, l.command("varnishd", "-F", "-a", node+":80", "-b", nodesOrigin+":80", "-T", "none", "-n", folder(t), "-s", "malloc,8M"))
}

// ask returns what the visitors' resolver says of the site: names and addresses.
func (l *ownLab) visit() (node, answer string) {
	answer = l.ask(dnsAt(visitorsDNS), "www.steer.zz.", dns.TypeA)
	first, _, _ := strings.Cut(strings.TrimPrefix(answer, "A "), ",")
	return first, answer
}

// awaitNode waits until the visitor is at a node that is not one of these, and
// gets the page there.
func (l *ownLab) awaitNode(t *testing.T, bound time.Duration, not ...string) (node string) {
	t.Helper()
	took := await(t, bound, "a node", func() string {
		at, answer := l.visit()
		if !slices.Contains(nodes, at) || slices.Contains(not, at) {
			return answer
		}
		if page := l.page("http://" + at + "/"); !strings.Contains(page, "served by nginx") {
			return at + " " + page
		}
		node = at
		return "a node"
	})
	t.Logf("at %s after %s", node, took)
	return node
}

// node runs cdnctl node.
func (l *ownLab) node(t *testing.T, word, address string) {
	t.Helper()
	name := map[string]string{nodes[0]: "one", nodes[1]: "two", nodes[2]: "three"}[address]
	if said, good := cdnctl(t, l.socket, "node", word, "edge", name); !good {
		t.Fatalf("Expected node %s to %s, got %s", name, word, said)
	}
}

// leaving is how long after the fault the last visitor is elsewhere: detection,
// and then the TTL.
const leaving = promisedDown + promisedSwitch

// TestOwnCDNLeadsVisitorsToLiveNodes is claims 2 and 6: the way of a visitor from
// the site's CNAME to a node that works is ours to the end.
func TestOwnCDNLeadsVisitorsToLiveNodes(t *testing.T) {
	t.Parallel()
	l := newOwnLab(t)
	first := l.awaitNode(t, patience)

	l.varnish[first].kill()
	second := l.awaitNode(t, leaving, first)
	l.node(t, "drain", second)
	third := l.awaitNode(t, promisedSwitch, first, second)
	if page := l.page("http://" + second + "/"); !strings.Contains(page, "served by nginx") {
		t.Errorf("Expected a drained node to go on with those that are there, got %s", page)
	}
	l.expectCDNs(t, "edge  own       ready", third+" up", "drained", first+" down")

	l.varnish[third].kill()
	await(t, leaving, "A "+webServer, func() string { _, answer := l.visit(); return answer })
	if got := l.ask(dnsAt(ourServer1), "www.edge.own.zz.", dns.TypeA); got != "A "+third {
		t.Errorf("Expected the last address to stay while no node is up, got %s", got)
	}
	l.expectCDNs(t, "edge  own       out")

	l.node(t, "undrain", second)
	if got := l.awaitNode(t, leaving, first, third); got != second {
		t.Errorf("Expected the only one that is up, got %s", got)
	}
	for _, node := range []string{first, third} {
		l.up(t, node)
	}
	await(t, 2*patience, "3 nodes", func() string {
		said, _ := cdnctl(t, l.socket, "cdns")
		return fmt.Sprintf("%d nodes", strings.Count(said, " up "))
	})
}

func (l *ownLab) expectCDNs(t *testing.T, texts ...string) {
	t.Helper()
	said, _ := cdnctl(t, l.socket, "cdns")
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("Expected cdnctl to say %q, got\n%s", text, said)
		}
	}
}
