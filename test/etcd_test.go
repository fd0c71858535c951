//go:build linux

package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// etcdServer is a real etcd with the data of the plugin of that name.
type etcdServer struct {
	*process
	port string
}

// startEtcd starts one for the time of the test.
func startEtcd(t *testing.T) *etcdServer {
	t.Helper()
	need(t, "etcd", "etcd-server")
	for range 5 {
		e := &etcdServer{port: freePort(t)}
		clients, peers := "http://127.0.0.1:"+e.port, "http://127.0.0.1:"+freePort(t)
		e.process = launch(t, exec.Command("etcd", "--data-dir", filepath.Join(folder(t), "data"), "--log-level", "error",
			"--listen-client-urls", clients, "--advertise-client-urls", clients, "--listen-peer-urls", peers,
			"--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers))
		awaitTrue(t, "etcd to listen or to give up", func() bool { return e.over() || e.put("start", "") == nil })
		if !e.over() {
			return e
		}
	}
	t.Fatal("Expected etcd to start in five attempts")
	return nil
}

// put sets a key.
func (e *etcdServer) put(key, value string) error {
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	body, err := json.Marshal(map[string]string{"key": encode(key), "value": encode(value)})
	if err != nil {
		return err
	}
	resp, err := browser.Post("http://127.0.0.1:"+e.port+"/v3/kv/put", "application/json", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}

// host sets what www.example.org has, as SkyDNS writes it: an address, or the
// name that its CNAME leads to.
func (e *etcdServer) host(t *testing.T, host string) {
	t.Helper()
	if err := e.put("/skydns/org/example/www", `{"host":"`+host+`","ttl":5}`); err != nil {
		t.Fatal(err)
	}
}

// withEtcd builds our binary with the plugin etcd in it: one more in the slim
// list takes a fraction of the time of the full one.
func withEtcd(t *testing.T) string {
	t.Helper()
	slim := filepath.Join(repository(t), "cmd", "coredns", "slim.go")
	dir := folder(t)
	text, err := os.ReadFile(slim)
	if err != nil {
		t.Fatal(err)
	}
	more := strings.NewReplacer(
		"import (", "import (\n\t_ \"github.com/coredns/coredns/plugin/etcd\"",
		`"secondary", "forward"`, `"secondary", "etcd", "forward"`)
	edited := write(t, dir, "slim.go", more.Replace(string(text)))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{slim: edited}})
	if err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, "coredns")
	if err := goBuild(repository(t), output, "./cmd/coredns", "GOFLAGS=-overlay="+write(t, dir, "overlay.json", string(overlay))); err != nil {
		t.Fatal(err)
	}
	return output
}

// TestOriginNextOfEtcd starts without data, and leads to an address, to another,
// and by a CNAME out of the zone, which that plugin leaves out of its answers.
func TestOriginNextOfEtcd(t *testing.T) {
	t.Parallel()
	store := startEtcd(t)
	need(t, "go", "golang-go")
	program := withEtcd(t)
	web := startOrigin(t, "127.0.0.1", "127.0.0.2")
	vars := at(web)
	vars["etcd"] = store.port
	vars["others"] = serveZone(t, "example.net", "web A 127.0.0.1").vars["dns"]
	s := spec{
		corefile: block("    etcd {\n        endpoint http://127.0.0.1:$etcd\n    }\n", ready,
			siteBlock([]string{"resolver 127.0.0.1:$others"}, []string{site, "origin next", "cdn example web.example.net"})),
		vars: vars, command: instead(program),
	}.start(t)
	await(t, 0, notReady, s.readiness)

	store.host(t, "127.0.0.1")
	await(t, promisedDown, "A 30", s.ttl)
	await(t, patience, isReady, s.readiness)
	await(t, 0, atOrigin, s.answer)
	store.host(t, "127.0.0.2")
	await(t, promisedDown, "A 127.0.0.2", s.answer)
	store.host(t, "web.example.net")
	await(t, promisedDown, atOrigin, s.answer)
	store.kill()
	asked := web.asked.Load()
	awaitTrue(t, "more probes", func() bool { return web.asked.Load() > asked+4 })
	await(t, 0, atOrigin, s.answer) // the last good address stays
}
