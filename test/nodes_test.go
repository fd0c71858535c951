//go:build linux

package test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"

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
        ecs ` + ourServer1 + `
        cdn edge {
            operated own
            dns edge.own.zz
            ttl 5s
            node one ` + nodes[0] + `$capacity
            node two ` + nodes[1] + `$capacity
            node three ` + nodes[2] + `$capacity
            probe http http://{node}/ every 1s timeout 800ms body "served by nginx"
            threshold response_time 500ms
            $feed
        }
        site www.steer.zz {
            origin ` + webServer + `
            cdn edge {label}.edge.own.zz
            ready none
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

// newOwnLab builds it. The nodes are there before our server is. If they are fed,
// each is of 8 Mbit/s, and an exporter tells what it sends.
func newOwnLab(t *testing.T, fed bool) *ownLab {
	t.Helper()
	need(t, "varnishd", "varnish")
	need(t, "nginx", "nginx-light")
	need(t, "unbound", "unbound")
	p, l := ownPlan, &ownLab{varnish: make(map[string]*process), socket: withSocket(t, map[string]string{})["socket"]}
	capacity, feed := "", ""
	if fed {
		need(t, "prometheus-varnish-exporter", "prometheus-varnish-exporter")
		capacity, feed = " capacity 8Mbit", "feed map varnish http://{node}:9131/metrics every 1s"
	}
	p.corefile = strings.NewReplacer("$socket", l.socket, "$capacity", capacity, "$feed", feed).Replace(p.corefile)
	p.before = func(outside *lab) {
		l.lab = outside
		l.slow(t, tooSlow)
		l.startNginx(t)
		for _, node := range nodes {
			dir := l.up(t, node)
			l.awaitPage(t, "http://"+node+"/", "served by nginx")
			if fed {
				launch(t, l.command("prometheus-varnish-exporter", "-n", dir, "-web.listen-address="+node+":9131"))
				l.awaitPage(t, "http://"+node+":9131/metrics", "varnish_up 1")
			}
		}
	}
	newLab(t, p)
	hints := folder(t)
	write(t, hints, hintsFile, rootHints)
	launch(t, startUnbound(t, l.namespace, recursor{at: visitorsDNS}, hints))
	return l
}

// startNginx starts the web server behind the nodes. It has a small page and a
// large one.
func (l *ownLab) startNginx(t *testing.T) {
	t.Helper()
	dir := folder(t)
	write(t, dir, "index.html", "served by nginx\n")
	write(t, dir, "large", strings.Repeat("x", largePage))
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
}

// up starts Varnish at a node, and returns its folder.
func (l *ownLab) up(t *testing.T, node string) (dir string) {
	t.Helper()
	dir = folder(t)
	l.varnish[node] = launch(t, l.command("varnishd", "-F", "-a", node+":80", "-b", nodesOrigin+":80", "-T", "none", "-n", dir, "-s", "malloc,8M"))
	return dir
}

// visit returns what the visitors' resolver says of the site: names and addresses.
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
	l := newOwnLab(t, false)
	longest := l.comeAndGo(t)
	first := l.awaitNode(t, patience)

	l.varnish[first].kill()
	second := l.awaitNode(t, leaving, first)
	l.node(t, "drain", second)
	third := l.awaitNode(t, promisedSwitch, first, second)
	if page := l.page("http://" + second + "/"); !strings.Contains(page, "served by nginx") {
		t.Errorf("Expected a drained node to go on with those that are there, got %s", page)
	}
	l.expectCDNs(t, "edge  own       ready", third+" up", "drained", first+" down")

	l.node(t, "undrain", second)
	await(t, promisedSwitch, "2 nodes", l.serving(t))
	l.varnish[second].kill()
	l.varnish[third].kill()
	await(t, leaving, "A "+webServer, func() string { _, answer := l.visit(); return answer })
	if got := l.ask(dnsAt(ourServer1), "www.edge.own.zz.", dns.TypeA); got != "A "+second && got != "A "+third {
		t.Errorf("Expected the last address to stay while no node is up, got %s", got)
	}
	l.expectCDNs(t, "edge  own       out")

	for _, node := range nodes {
		l.up(t, node)
	}
	l.awaitNode(t, 2*patience)
	await(t, 2*patience, "3 nodes", l.serving(t))
	got := longest()
	t.Logf("visitors were not served for %s at most", got)
	if got > leaving+slack {
		t.Errorf("Expected visitors to be served again within %s, took %s", leaving, got)
	}
}

// comeAndGo has visitors come by the site's name, one after the other, from now
// on. It returns what says for how long at most they were not served.
func (l *ownLab) comeAndGo(t *testing.T) (longest func() time.Duration) {
	ctx, cancel := context.WithCancel(t.Context())
	most := make(chan time.Duration, 1)
	go func() {
		long, served := time.Duration(0), time.Now()
		for ctx.Err() == nil {
			came := time.Now()
			if at, _ := l.visit(); l.page("http://"+at+"/") != "" {
				long, served = max(long, came.Sub(served)), time.Now()
			}
			time.Sleep(poll)
		}
		most <- long
	}()
	return func() time.Duration { cancel(); return <-most }
}

// serving says how many nodes get visitors.
func (l *ownLab) serving(t *testing.T) func() string {
	return func() string {
		out := func(weight int) bool { return weight == 0 }
		return fmt.Sprintf("%d nodes", len(slices.DeleteFunc(l.weights(t), out)))
	}
}

// weights returns the weights of the nodes as cdnctl has them.
func (l *ownLab) weights(t *testing.T) (weights []int) {
	t.Helper()
	said, _ := cdnctl(t, l.socket, "cdns", "-o", "json")
	var cdns []api.CDNState
	if err := json.Unmarshal([]byte(said), &cdns); err != nil {
		t.Fatal(err)
	}
	for _, node := range cdns[0].Nodes {
		weights = append(weights, node.Weight)
	}
	return weights
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
