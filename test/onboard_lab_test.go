//go:build linux

package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// Where a customer's name server is, and our console.
const (
	customerDNS = "192.0.2.16"
	consoleURL  = "https://" + ourServer1 + ":8443"
)

// shopPlan is a server with a store, a console and two CDNs of our own: one of two nginx
// nodes, one of a Varnish node. The zone of the customer's names is his own server's, which
// stands behind us.
var shopPlan = plan{
	addresses: append([]string{nodesOrigin, visitorsDNS, customerDNS}, nodes...),
	delegated: "shops NS ns1\nown NS ns1\n",
	corefile: `shops.zz:53 own.zz:53 {
    bind ` + ourServer1 + `
    errors
    cdnredirect {
        ns ns1.zz
        socket $socket
        state $state
        store sqlite $store
        console ` + ourServer1 + `:8443 {
            tls $cert $key
        }
        resolver ` + visitorsDNS + `
        allow 192.0.2.0/24 203.0.113.0/24
        class shop {
            origin ` + nodesOrigin + `
            cdn edge {label}.edge.own.zz
            ready probe http://{target}/ every 1s timeout 800ms
            probe http http://{origin}/ every 5s timeout 2s
            threshold response_time 1s
            ttl 5s
        }
        cdn edge {
            operated own
            dns edge.own.zz
            ttl 5s
            node one ` + nodes[0] + `
            node two ` + nodes[1] + `
            probe tcp {node}:80 every 1s timeout 800ms
            threshold response_time 700ms
            deploy nginx $handing/edge
        }
        cdn cache {
            operated own
            dns cache.own.zz
            ttl 5s
            node three ` + nodes[2] + `
            probe tcp {node}:80 every 1s timeout 800ms
            threshold response_time 700ms
            deploy varnish $handing/cache
        }
    }
    forward shops.zz ` + customerDNS + `
}
`,
}

// shopLab is a lab with a customer who has shops.
type shopLab struct {
	*lab
	sp      spec // of our server
	dirs    map[string]string
	nodes   map[string]*process
	handing string // folder of the commands that hand configurations to nodes
	home    string // of the customer
	zone    *shopZone
}

// newShopLab builds it, and makes the customer 'acme' and his user.
func newShopLab(t *testing.T) *shopLab {
	t.Helper()
	need(t, "varnishd", "varnish")
	need(t, "nginx", "nginx-light")
	need(t, "unbound", "unbound")
	l := &shopLab{dirs: make(map[string]string), nodes: make(map[string]*process), handing: folder(t), home: folder(t)}
	p, dir := shopPlan, folder(t)
	socket := filepath.Join(dir, "socket")
	cert, key, _ := certified(t, ourServer1)
	p.corefile = strings.NewReplacer("$socket", socket, "$state", filepath.Join(dir, "state"), "$store", filepath.Join(dir, "store.db"), "$handing", l.handing,
		"$cert", cert, "$key", key).Replace(p.corefile)
	p.before = func(outside *lab) {
		l.lab = outside
		l.startShops(t)
		for _, node := range nodes {
			l.dirs[node] = folder(t)
		}
		l.prepareNodes(t)
		for _, node := range nodes {
			l.up(t, node)
		}
		l.zone = newShopZone(t)
		spec{corefile: "shops.zz:53 {\n    bind " + customerDNS + "\n    errors\n    file " + l.zone.file + " {\n        reload 200ms\n    }\n}\n", command: l.inside}.start(t)
		hints := folder(t)
		write(t, hints, hintsFile, rootHints)
		launch(t, startUnbound(t, l.namespace, recursor{at: visitorsDNS}, hints))
	}
	newLab(t, p)
	l.sp = spec{corefile: p.corefile, command: l.inside}
	l.ours.vars = map[string]string{"socket": socket}
	l.register(t, cert)
	return l
}

// register makes the first operator and the customers, as whoever has just set up a
// server does it. The customer's user names the server on his own machine.
func (l *shopLab) register(t *testing.T, cert string) {
	t.Helper()
	token := filepath.Join(l.home, "token")
	l.ours.ctl(t, "init", "alice", "--token-file", filepath.Join(l.home, "alice")).expect(t, 0)
	l.ours.ctl(t, "plan", "put", "shops", "--title", "Shops", "--max-sites", "200", "--min-ttl", "5s").expect(t, 0)
	l.ours.ctl(t, "customer", "put", "acme", "--title", "Acme", "--plan", "shops").expect(t, 0)
	l.ours.ctl(t, "customer", "put", "other", "--title", "Another one", "--plan", "shops").expect(t, 0)
	l.ours.ctl(t, "user", "put", "bob", "--role", "customer-admin", "--customer", "acme").expect(t, 0)
	l.ours.ctl(t, "token", "create", "bob", "--token-file", token).expect(t, 0)
	l.bob(t, "context", "add", "shops", "--url", consoleURL, "--token-file", token, "--ca", cert).expect(t, 0)
	l.bob(t, "whoami").expect(t, 0, "bob", "customer-admin", "acme")
}

// restart ends our server at once, and starts it again after f.
func (l *shopLab) restart(t *testing.T, f func()) {
	t.Helper()
	l.ours.kill()
	f()
	vars := l.ours.vars
	l.ours = l.sp.start(t)
	l.ours.vars = vars
}

// bob runs cdnctl for the customer's user, over the network.
func (l *shopLab) bob(t *testing.T, args ...string) outcome {
	t.Helper()
	return outcomeOf(t, l.asBob(t, args...))
}

func (l *shopLab) asBob(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := l.command(theCtl.built(t), args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+l.home)
	return cmd
}

// startShops starts the web server of all shops.
func (l *shopLab) startShops(t *testing.T) {
	t.Helper()
	dir := folder(t)
	launch(t, l.command("nginx", "-p", dir, "-c", write(t, dir, "nginx.conf", nginxWith(dir, "master_process off;", `
    server {
        listen `+nodesOrigin+`:80;
        location / { default_type text/plain; add_header Cache-Control no-store; return 200 "shop $host of nginx\n"; }
        location /.well-known/acme-challenge/ { return 404; }
    }`))))
}

// nginxWith is a configuration of nginx, whose files are in a folder, with lines at its
// top, and in its block http.
func nginxWith(dir, top, http string) string {
	return `daemon off;
user root;
pid ` + dir + `/nginx.pid;
error_log stderr;
` + top + `
events {}
http {
    access_log off;
    client_body_temp_path ` + dir + `/tmp; proxy_temp_path ` + dir + `/tmp; fastcgi_temp_path ` + dir + `/tmp; uwsgi_temp_path ` + dir + `/tmp; scgi_temp_path ` + dir + `/tmp;
` + http + `
}
`
}

// nobodyHere is what a node says for a host that it does not know.
const nobodyHere = "nobody here"

// prepareNodes writes what nodes have beside sites, and the commands that hand them those:
// with deploy/nginx and deploy/varnish on each. The commands say what they were asked in
// a file. That of the Varnish node refuses a site whose name begins with 'refused'.
func (l *shopLab) prepareNodes(t *testing.T) {
	t.Helper()
	deploy := filepath.Join(repository(t), "deploy")
	for _, node := range nodes[:2] {
		write(t, l.dirs[node], "nginx.conf", nginxWith(l.dirs[node], "worker_processes 1;", `
    proxy_cache_path `+l.dirs[node]+`/cache keys_zone=cdnredirect:1m;
    server { listen `+node+`:80 default_server; return 200 "`+nobodyHere+`\n"; }
    include sites/*.conf;`))
		write(t, l.dirs[node], "cdnredirect_server.conf", "listen "+node+":80;\n")
	}
	varnish := l.dirs[nodes[2]]
	write(t, varnish, "main.vcl", `vcl 4.1;
backend default none;
include "./sites.vcl";
sub vcl_recv {
    if (req.backend_hint == default) {
        return (synth(200));
    }
}
sub vcl_synth {
    set resp.body = "`+nobodyHere+`";
    return (deliver);
}
`)
	write(t, varnish, "sites.vcl", "vcl 4.1;\n")
	const head = `#!/bin/sh
in=$(mktemp)
trap 'rm -f "$in"' EXIT
cat >"$in"
echo "$1 $CDNREDIRECT_KEY $(sha256sum <"$in" | cut -c1-16)" >>` + "$0.log\n"
	write(t, l.handing, "edge", head+`
`+deploy+`/nginx `+l.dirs[nodes[0]]+` "$1" <"$in" & first=$!
`+deploy+`/nginx `+l.dirs[nodes[1]]+` "$1" <"$in"; second=$?
wait $first; first=$?
case $first,$second in *75*) exit 75;; 0,0) exit 0;; *) exit 1;; esac
`)
	write(t, l.handing, "cache", head+`
case $CDNREDIRECT_SITE,$1 in refused*,check) echo "no room for $CDNREDIRECT_SITE"; exit 1;; esac
exec `+deploy+`/varnish `+varnish+` `+varnish+`/work "$1" <"$in"
`)
	for _, command := range []string{"edge", "cache"} {
		if err := os.Chmod(filepath.Join(l.handing, command), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// up starts a node, with the sites that it had.
func (l *shopLab) up(t *testing.T, node string) {
	t.Helper()
	dir := l.dirs[node]
	cmd := l.command("nginx", "-c", filepath.Join(dir, "nginx.conf"))
	if node == nodes[2] {
		cmd = l.command("varnishd", "-F", "-a", node+":80", "-f", filepath.Join(dir, "main.vcl"), "-n", filepath.Join(dir, "work"), "-s", "malloc,8M")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	l.nodes[node] = launch(t, cmd)
	group := cmd.Process.Pid
	t.Cleanup(func() { syscall.Kill(-group, syscall.SIGKILL) }) // nginx's workers do not end with it
	awaitTrue(t, "node "+node, func() bool { return l.pageOf(node, "nobody.shops.zz") == nobodyHere })
}

// die ends a node at once, all of its processes. No number of a process that is gone is
// left for a reload to find.
func (l *shopLab) die(t *testing.T, node string) {
	t.Helper()
	if err := os.Remove(filepath.Join(l.dirs[node], "nginx.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	syscall.Kill(-l.nodes[node].cmd.Process.Pid, syscall.SIGKILL)
	<-l.nodes[node].ended
}

// pageOf asks a node for the page of a host.
func (l *shopLab) pageOf(node, host string) string {
	var text []byte
	if err := l.call("/get?url="+url.QueryEscape("http://"+node+"/")+"&host="+host, nil, &text); err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// has returns the nodes whose folder has something of a site.
func (l *shopLab) has(t *testing.T, name string) (at []string) {
	t.Helper()
	for _, node := range nodes {
		found, err := filepath.Glob(filepath.Join(l.dirs[node], "sites", name+".*"))
		if err != nil {
			t.Fatal(err)
		}
		if found != nil {
			at = append(at, node)
		}
	}
	return at
}

// seldom is between two looks that cost a process each.
const seldom = 250 * time.Millisecond

// onboardings returns all there are.
func (l *shopLab) onboardings(t *testing.T) (all []api.Onboarding) {
	t.Helper()
	time.Sleep(seldom)
	got := l.ours.ctl(t, "onboard", "list", "-o", "json")
	if err := json.Unmarshal([]byte(got.stdout), &all); err != nil {
		t.Fatalf("%+v: %v", got, err)
	}
	return all
}

// progress returns how many onboardings are in a state.
func (l *shopLab) progress(t *testing.T, states ...string) (n int) {
	t.Helper()
	for _, o := range l.onboardings(t) {
		if slices.Contains(states, string(o.State)) {
			n++
		}
	}
	return n
}

// shopZone is the customer's zone, as its name server reads it.
type shopZone struct {
	file string

	mu      sync.Mutex
	serial  int
	records []string
}

func newShopZone(t *testing.T) *shopZone {
	z := &shopZone{file: filepath.Join(folder(t), "db.shops.zz")}
	if err := z.set(nil); err != nil {
		t.Fatal(err)
	}
	return z
}

// set adds records of proofs. The file is another one at once, so that no half of it is read.
func (z *shopZone) set(records []api.ProofRecord) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, r := range records {
		z.records = append(z.records, fmt.Sprintf("%s. 1 TXT \"%s\"\n", r.Name, r.Text))
	}
	z.serial++
	text := fmt.Sprintf("shops.zz. 1 SOA ns.shops.zz. hostmaster.shops.zz. %d 60 60 60 1\nshops.zz. 1 NS ns.shops.zz.\nns.shops.zz. 1 A %s\n", z.serial, customerDNS)
	if err := os.WriteFile(z.file+".new", []byte(text+strings.Join(z.records, "")), 0o644); err != nil {
		return err
	}
	return os.Rename(z.file+".new", z.file)
}

// asked returns what a command was asked, line by line.
func (l *shopLab) asked(t *testing.T, command string) []string {
	t.Helper()
	text, err := exec.Command("cat", filepath.Join(l.handing, command+".log")).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
