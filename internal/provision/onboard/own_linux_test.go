package onboard_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// node is a real server of a CDN.
type node struct {
	provider onboard.Provider
	command  *site.Deploy
	addr     string
	dir      string
	run      *running
}

// running is a program that a test has started.
type running struct {
	pid  int
	over chan struct{} // closed once it has ended
}

// deploy runs the node's command with a file, and returns its exit status and what it says.
func (n *node) deploy(t *testing.T, what, name, text string) (code int, said string) {
	t.Helper()
	var in bytes.Buffer
	archive := tar.NewWriter(&in)
	file := name + map[site.DeployKind]string{site.DeployNginx: ".conf", site.DeployVarnish: ".vcl"}[n.command.Kind]
	must(t, archive.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(text))}))
	_, err := io.WriteString(archive, text)
	must(t, err)
	must(t, archive.Close())
	cmd := exec.Command(n.command.Command[0], append(slices.Clone(n.command.Command[1:]), what)...)
	cmd.Stdin = &in
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// deployment is a block's deploy with one of the scripts, and what that needs to be told.
func deployment(t *testing.T, kind site.DeployKind, dir string) *site.Deploy {
	t.Helper()
	words := []string{script(t, string(kind)), dir}
	if kind == site.DeployVarnish {
		words = append(words, filepath.Join(dir, "work"))
	}
	return &site.Deploy{Kind: kind, Command: words}
}

// nodeOf is the one of a deployment.
func nodeOf(d *site.Deploy, addr, dir string, run *running) *node {
	return &node{onboard.New("edge", site.Provision{Deploy: d}, nil), d, addr, dir, run}
}

// get asks the node for a host, and returns what it answers, or its status if that is no page.
func (n *node) get(t *testing.T, host, path string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+n.addr+path, nil)
	must(t, err)
	req.Host = host
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(req)
	if err != nil {
		return "no answer"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return response.Status
	}
	return string(body)
}

// await waits until a host's page is what it is to be.
func (n *node) await(t *testing.T, host, path, want string) {
	t.Helper()
	var got string
	defer func() {
		if t.Failed() {
			t.Logf("%s%s: the last answer was %q", host, path, got)
		}
	}()
	eventually(t, fmt.Sprintf("%q from %s%s", want, host, path), func() bool { got = n.get(t, host, path); return strings.HasPrefix(got, want) })
}

// freePort is one of loopback that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// write writes a file of a test.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
}

// script is one of those that come with the program.
func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../../deploy", name))
	must(t, err)
	return path
}

// launch runs a program, until the test is over if it does not end before.
func launch(t *testing.T, words ...string) *running {
	t.Helper()
	var said strings.Builder
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	r := &running{cmd.Process.Pid, make(chan struct{})}
	go func() {
		defer close(r.over)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-r.over
		if t.Failed() {
			t.Logf("%s said:\n%s", words[0], said.String())
		}
	})
	return r
}

// nodeFolder is one that the servers' own users may read.
func nodeFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "node")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func startNginx(t *testing.T) *node {
	need(t, "nginx", "nginx-light")
	dir, addr := nodeFolder(t), freePort(t)
	write(t, dir, "nginx.conf", `
daemon off;
pid `+dir+`/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    `+temporary(dir)+`
    proxy_cache_path `+dir+`/cache keys_zone=cdnredirect:1m;
    include sites/*.conf;
}
`)
	write(t, dir, "cdnredirect_server.conf", "listen "+addr+";\n")
	run := launch(t, "nginx", "-c", filepath.Join(dir, "nginx.conf"))
	eventually(t, "nginx", func() bool { _, err := os.Stat(filepath.Join(dir, "nginx.pid")); return err == nil })
	return nodeOf(deployment(t, site.DeployNginx, dir), addr, dir, run)
}

// temporary has all of nginx's temporary files in a folder.
func temporary(dir string) string {
	var b strings.Builder
	for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "%s_temp_path %s/tmp; ", of, dir)
	}
	return b.String()
}

func startVarnish(t *testing.T) *node {
	need(t, "varnishd", "varnish")
	dir, addr := nodeFolder(t), freePort(t)
	work := filepath.Join(dir, "work")
	write(t, dir, "main.vcl", `vcl 4.1;
backend default none;
include "./sites.vcl";
sub vcl_recv {
    if (req.backend_hint == default) {
        return (synth(421));
    }
}
`)
	write(t, dir, "sites.vcl", "vcl 4.1;\n")
	run := launch(t, "varnishd", "-F", "-a", addr, "-f", filepath.Join(dir, "main.vcl"), "-n", work, "-s", "malloc,8M")
	n := nodeOf(deployment(t, site.DeployVarnish, dir), addr, dir, run)
	n.await(t, "nobody.example.org", "/", "421")
	return n
}

// origin is a web server that says who it is, and counts.
func origin(t *testing.T, name string) (server *httptest.Server, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=3600")
		fmt.Fprintf(w, "%s: %s%s, loop %s", name, r.Host, r.URL.Path, r.Header.Get("CDN-Loop"))
	}))
	t.Cleanup(server.Close)
	return server, asked
}

// requestOf asks for a site with these hosts at a CDN, with an origin server.
func requestOf(t *testing.T, at *httptest.Server, hosts ...string) onboard.Request {
	t.Helper()
	u, err := url.Parse(at.URL)
	must(t, err)
	s := site.New(hosts[0] + ".")
	s.Hosts = hosts
	s.Origins = []site.Origin{{Addresses: []netip.Addr{netip.MustParseAddr(u.Hostname())}}}
	s.Probes = []site.Source{{Kind: "http", URL: "http://{origin}:" + u.Port() + "/"}}
	return onboard.Request{Onboarding: "id", Key: "id/cdn/edge/create", Site: s, CDN: site.CDN{Name: "edge", Target: hosts[0] + ".edge.example.net."}}
}

// TestOwnNodes has real nodes serve sites, serve one from another origin, and serve one no more.
func TestOwnNodes(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *node{"nginx": startNginx, "varnish": startVarnish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			first, asked := origin(t, "first")
			other, _ := origin(t, "other")
			create := func(r onboard.Request) {
				t.Helper()
				_, err := n.provider.Create(context.Background(), r)
				must(t, err)
			}
			www, shop := requestOf(t, first, "www.example.org", "example.org"), requestOf(t, other, "shop.example.org")
			create(www)
			create(www) // a step may be tried again
			create(shop)
			n.await(t, "www.example.org", "/page", "first: www.example.org/page, loop cdnredirect")
			n.await(t, "example.org", "/page", "first: example.org/page, loop cdnredirect")
			n.await(t, "shop.example.org", "/page", "other: shop.example.org/page, loop cdnredirect")
			n.await(t, "wwwXexample.org", "/", "421")

			before := asked.Load()
			n.get(t, "www.example.org", "/page")
			if asked.Load() != before {
				t.Error("Expected the second visitor to be served from the cache")
			}
			for range 2 {
				n.await(t, "www.example.org", "/.well-known/acme-challenge/x", "first: ")
			}
			if got := asked.Load() - before; got != 2 {
				t.Errorf("Expected each challenge to be passed on, got %d of 2", got)
			}

			create(requestOf(t, other, "www.example.org", "example.org"))
			fresh := 0
			eventually(t, "the other origin", func() bool {
				fresh++
				return strings.HasPrefix(n.get(t, "www.example.org", fmt.Sprint("/new", fresh)), "other: www.example.org/new")
			})
			for range 2 {
				_, err := n.provider.Remove(context.Background(), www)
				must(t, err)
			}
			n.await(t, "www.example.org", "/new", "421")
			n.await(t, "shop.example.org", "/page", "other: shop.example.org/page")
		})
	}
}

// TestASiteThatANodeRefuses changes nothing there.
func TestASiteThatANodeRefuses(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *node{"nginx": startNginx, "varnish": startVarnish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			at, _ := origin(t, "first")
			_, err := n.provider.Create(context.Background(), requestOf(t, at, "www.example.org"))
			must(t, err)
			n.await(t, "www.example.org", "/", "first: www.example.org/") // it reads its files when it likes
			sites := filepath.Join(n.dir, "sites")
			refuses := func(what string, want int) {
				t.Helper()
				code, said := n.deploy(t, what, "shop.example.org", "nonsense;")
				if code != want || !strings.Contains(said, "nonsense") {
					t.Errorf("%s: Expected %d and the words of the node, got %d: %s", what, want, code, said)
				}
				n.await(t, "www.example.org", "/", "first: www.example.org/")
				if left, err := filepath.Glob(filepath.Join(sites, "shop*")); err != nil || left != nil {
					t.Errorf("%s: Expected nothing of the new site, got %v, %v", what, left, err)
				}
			}
			refuses("check", 1)
			refuses("apply", 1)
			for _, kind := range []string{".conf", ".vcl"} {
				write(t, sites, "broken"+kind, "nonsense;")
			}
			refuses("check", 75) // who is to blame is seen once the other one is well
			refuses("apply", 75)
		})
	}
}

// TestASiteComesOnceANodeIsWell where somebody has broken another one: until then it is
// tried again, by itself.
func TestASiteComesOnceANodeIsWell(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *node{"nginx": startNginx, "varnish": startVarnish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			at, _ := origin(t, "first")
			sites := filepath.Join(n.dir, "sites")
			must(t, os.Mkdir(sites, 0o755))
			for _, kind := range []string{".conf", ".vcl"} {
				write(t, sites, "broken"+kind, "nonsense;")
			}
			shop := requestOf(t, at, "shop.example.org")
			_, err := n.provider.Create(context.Background(), shop)
			if err == nil || onboard.Final(err) || !strings.Contains(err.Error(), "' of cdn 'edge': exit status 75: ") || !strings.Contains(err.Error(), "nonsense") {
				t.Errorf("Expected to be told to try again, and the words of the node, got %v", err)
			}
			for _, kind := range []string{".conf", ".vcl"} {
				must(t, os.Remove(filepath.Join(sites, "broken"+kind)))
			}
			_, err = n.provider.Create(context.Background(), shop)
			must(t, err)
			n.await(t, "shop.example.org", "/", "first: shop.example.org/")
		})
	}
}

// TestDeployWithoutRoom says that it may work the next time, wherever the disk is full.
func TestDeployWithoutRoom(t *testing.T) {
	need(t, "flock", "util-linux")
	for _, kind := range []site.DeployKind{site.DeployNginx, site.DeployVarnish} {
		dir := t.TempDir()
		n := &node{dir: dir, command: deployment(t, kind, dir)}
		t.Setenv("TMPDIR", filepath.Join(dir, "none")) // no folder can be made there
		if code, said := n.deploy(t, "apply", "www.example.org", ""); code != 75 {
			t.Errorf("%s, without a folder for files: Expected 75, got %d: %s", kind, code, said)
		}
		n.command = deployment(t, kind, filepath.Join(dir, "none"))
		if code, said := n.deploy(t, "apply", "www.example.org", ""); code != 75 {
			t.Errorf("%s, without a lock: Expected 75, got %d: %s", kind, code, said)
		}
	}
}

// TestASiteGoesOnceANodeIsWell where somebody has broken another site: until then it is
// tried again, whether or not it has ever been there.
func TestASiteGoesOnceANodeIsWell(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *node{"nginx": startNginx, "varnish": startVarnish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			at, _ := origin(t, "first")
			www, shop := requestOf(t, at, "www.example.org"), requestOf(t, at, "shop.example.org")
			for _, r := range []onboard.Request{www, requestOf(t, at, "stays.example.org")} {
				_, err := n.provider.Create(context.Background(), r)
				must(t, err)
			}
			sites := filepath.Join(n.dir, "sites")
			for _, kind := range []string{".conf", ".vcl"} {
				write(t, sites, "broken"+kind, "nonsense;")
			}
			for _, r := range []onboard.Request{www, shop} {
				if _, err := n.provider.Remove(context.Background(), r); err == nil || !strings.Contains(err.Error(), "exit status 75") {
					t.Errorf("Expected to be told to try again, got %v", err)
				}
			}
			n.await(t, "www.example.org", "/", "first: www.example.org/")
			for _, kind := range []string{".conf", ".vcl"} {
				must(t, os.Remove(filepath.Join(sites, "broken"+kind)))
			}
			for _, r := range []onboard.Request{www, shop} {
				_, err := n.provider.Remove(context.Background(), r)
				must(t, err)
			}
			n.await(t, "www.example.org", "/", "421")
		})
	}
}
