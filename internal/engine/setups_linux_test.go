//go:build linux

package engine_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// until waits until something is so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("Waited in vain for %s", what)
		}
	}
}

// onboards takes a site to visitors, by the word of an operator.
func (b *bed) onboards(t *testing.T, customer, text string) {
	t.Helper()
	o, err := b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: text, Customer: customer, Proof: site.ProofOperator, Why: "a new site"}, alice)
	must(t, err)
	b.await(t, o.ID, alice, done)
}

// puts has a site be what a text says, as PUT /v1/config/site does.
func (b *bed) puts(t *testing.T, customer, text string) {
	t.Helper()
	doc, err := document.Read(text)
	must(t, err)
	o, err := document.Object(doc)
	must(t, err)
	o.Customer = customer
	_, err = b.Resources().Documents.PutDocument(context.Background(), api.DocumentWrite{Object: o, Document: doc, Wants: api.WhateverVersion, Why: "a change"}, alice)
	must(t, err)
}

// deletes has it go, as DELETE does.
func (b *bed) deletes(t *testing.T, name string) {
	t.Helper()
	o := site.Object{Kind: site.ObjectSite, Name: name}
	_, err := b.Resources().Documents.DeleteDocument(context.Background(), api.DocumentWrite{Object: o, Wants: api.WhateverVersion, Why: "it goes"}, alice)
	must(t, err)
}

// setups is how they are: "CDN state words".
func (b *bed) setups(t *testing.T, who api.Caller) string {
	t.Helper()
	list, _, err := b.Resources().Setups.Setups(context.Background(), api.SetupQuery{Limit: 10}, who)
	must(t, err)
	var all []string
	for _, s := range list {
		all = append(all, strings.TrimSpace(fmt.Sprint(s.CDN, " ", s.State, " ", s.Words)))
	}
	return strings.Join(all, ", ")
}

// TestWhatACDNSaysIsForOperators: its owner is told that it is not as it should be.
func TestWhatACDNSaysIsForOperators(t *testing.T) {
	b := newBed(t)
	b.onboards(t, "acme", onboarded)
	b.cdn.answer(http.StatusForbidden)
	b.puts(t, "acme", strings.Replace(onboarded, "192.0.2.1", "192.0.2.2", 1))
	until(t, "the CDN to refuse", func() bool { return strings.HasPrefix(b.setups(t, alice), "edge refused") })
	if got, want := b.setups(t, alice), "edge refused '"+b.cdn.URL+"' answers to create with status 403"; got != want {
		t.Errorf("Expected the words of the CDN, got %s", got)
	}
	if got := b.setups(t, ofAcme); got != "edge refused it could not be set up: the provider sees why" {
		t.Errorf("Expected nothing of the CDN's words, got %s", got)
	}
	if got := b.setups(t, ofOther); got != "" {
		t.Errorf("Expected nobody else to see it, got %s", got)
	}
	b.cdn.answer(0)
	n, err := b.Resources().Setups.RetrySetups(context.Background(), "www.example.org", "", alice)
	if err != nil || n != 1 {
		t.Errorf("Expected one to be tried again, got %d, %v", n, err)
	}
	until(t, "the CDN to be told", func() bool { return b.setups(t, alice) == "edge done" })
}

// nginxNode is a real one, which serves sites at an address.
type nginxNode struct{ addr, dir string }

func newNginxNode(t *testing.T) nginxNode {
	t.Helper()
	if _, err := exec.LookPath("nginx"); err != nil {
		if os.Getenv("CDNREDIRECT_REQUIRE_ALL") == "1" {
			t.Fatal("nginx is not installed: install the Debian package nginx-light")
		}
		t.Skip("nginx is not installed: install the Debian package nginx-light")
	}
	dir, err := os.MkdirTemp("", "node")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	n := nginxNode{freeAddress(t).String(), dir}
	for name, text := range map[string]string{
		"nginx.conf": `daemon off;
pid ` + dir + `/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path ` + dir + `/tmp; proxy_temp_path ` + dir + `/tmp; fastcgi_temp_path ` + dir + `/tmp; uwsgi_temp_path ` + dir + `/tmp; scgi_temp_path ` + dir + `/tmp;
    proxy_cache_path ` + dir + `/cache keys_zone=cdnredirect:1m;
    include sites/*.conf;
}
`,
		"cdnredirect_server.conf": "listen " + n.addr + ";\n",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	cmd := exec.Command("nginx", "-c", filepath.Join(dir, "nginx.conf"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	until(t, "nginx", func() bool { _, err := os.Stat(filepath.Join(dir, "nginx.pid")); return err == nil })
	return n
}

// get asks the node for a page of a site, and returns that or its status.
func (n nginxNode) get(t *testing.T, host, path string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+n.addr+path, nil)
	must(t, err)
	req.Host = host
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return response.Status
	}
	return string(body)
}

// twoOrigins are web servers at one port of two addresses, which say where they are.
func twoOrigins(t *testing.T) (port string) {
	t.Helper()
	page := func(w http.ResponseWriter, r *http.Request) {
		at, _, _ := net.SplitHostPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
		fmt.Fprint(w, at)
	}
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.2:"} {
		l, err := net.Listen("tcp", addr+port)
		must(t, err)
		server := httptest.NewUnstartedServer(http.HandlerFunc(page))
		server.Listener.Close()
		server.Listener = l
		server.Start()
		t.Cleanup(server.Close)
		_, port, _ = net.SplitHostPort(l.Addr().String())
	}
	return port
}

// TestARealNodeFollows what is in force: another origin, another host, and that the site
// is gone, once nobody is led there any more.
func TestARealNodeFollows(t *testing.T) {
	t.Parallel()
	n, port := newNginxNode(t), twoOrigins(t)
	script, err := filepath.Abs("../../deploy/nginx")
	must(t, err)
	b := &bed{world: newWorld()}
	b.Engine, _ = b.world.engineOver(t, kinds{"http": b.probe, "tls": b.world.probe})
	dir := t.TempDir()
	keeping := engine.Keeping{State: filepath.Join(dir, "state"), Server: "one", Journal: time.Hour, Rows: 1000, Store: storeIn(dir)}
	b.kept = keepThis(t, b.Engine, keeping, "cdn edge {\noperated own\ndeploy nginx "+script+" "+n.dir+"\n}",
		"class web {\nprobe http http://{origin}:"+port+"/\nthreshold response_time 300ms\nttl 0s\ncdn edge www.edge.example.net\nready probe http://{target}/\n}")
	b.Offer(context.Background(), engine.Sites{Kept: b.kept, Sites: b.kept.Sites(), CDNs: b.kept.CDNs(), Own: b.kept.Own(), Seed: b.kept.Seed()})
	b.Promote()
	b.world.resolvers.set("www.edge.example.net. A", "www.edge.example.net. 30 IN A 198.51.100.1")

	text := func(origin, more string) string {
		return "site www.example.org class web {\norigin " + origin + "\n" + more + "}"
	}
	b.onboards(t, "", text("127.0.0.1", ""))
	until(t, "the node to serve the site", func() bool { return n.get(t, "www.example.org", "/") == "127.0.0.1" })
	b.puts(t, "", text("127.0.0.2", "")) // the first one goes on to be there
	fresh := 0
	until(t, "the node to serve from the other origin", func() bool {
		fresh++
		return n.get(t, "www.example.org", fmt.Sprint("/", fresh)) == "127.0.0.2"
	})
	b.puts(t, "", text("127.0.0.2", "host www.example.org shop.example.org\n"))
	until(t, "the node to know the other host", func() bool { return n.get(t, "shop.example.org", "/") == "127.0.0.2" })
	until(t, "all to be written", func() bool { return b.setups(t, alice) == "edge done" })

	b.puts(t, "", strings.Replace(text("127.0.0.1", ""), "www", "stays", 1)) // else the last site would be held back
	began := time.Now()
	b.deletes(t, "www.example.org")
	until(t, "the site to leave", func() bool { return strings.HasPrefix(b.setups(t, alice), "edge leaving") })
	until(t, "the node to refuse the host", func() bool {
		return strings.HasPrefix(n.get(t, "www.example.org", "/"), "421") || strings.Contains(n.get(t, "www.example.org", "/"), "refused")
	})
	if took := time.Since(began); took < 5*time.Second {
		t.Errorf("Expected the node to serve whom resolvers still lead there, got %s", took)
	}
	until(t, "nothing to be left", func() bool { return b.setups(t, alice) == "" })
}
