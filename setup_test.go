package cdnredirect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/bufsize"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/shed"
	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	chain := []string{
		"metadata", "bufsize", "bind", "ready", "health", "shed", "prometheus", "errors", "log", "cdnredirect", "file",
	}
	if err := dnsserver.SetDirectives(chain); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	caddy.Quiet, dnsserver.Quiet = true, true
	os.Exit(m.Run())
}

func TestSetupErrorsNameThePlugin(t *testing.T) {
	for _, tc := range []struct{ input, want string }{
		{"cdnredirect {\n unknown\n}", "plugin/cdnredirect: Testfile:2 - Error during parsing: unknown property 'unknown'"},
		{"cdnredirect example.net {\n}", "plugin/cdnredirect: Testfile:1 - Error during parsing: zone 'example.net.' is outside the server block, which serves 'example.org.'"},
		{"cdnredirect {\n}\ncdnredirect {\n}", "plugin/cdnredirect: Testfile:3 - Error during parsing: this plugin can only be used once per Server Block"},
	} {
		c := caddy.NewTestController("dns", tc.input)
		c.ServerBlockKeys = []string{"dns://example.org.:53"}
		if err := setup(c); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("Expected %q, got %v", tc.want, err)
		}
	}
}

func TestSetupStartsNothing(t *testing.T) {
	before := runtime.NumGoroutine() // others may end meanwhile
	c := caddy.NewTestController("dns", "cdnredirect {\n"+siteText("a", 1, "")+"}")
	c.ServerBlockKeys = []string{"dns://example.org.:53"}
	if err := setup(c); err != nil {
		t.Fatal(err)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("Expected at most %d goroutines, got %d", before, after)
	}
}

func TestNSOfAZoneIsGivenOnce(t *testing.T) {
	port, other := freePort(t), freePort(t)
	conf := func(ns string) string {
		return fmt.Sprintf("example.org:%d {\nbind 127.0.0.1\ncdnredirect {\nns ns1.example.net\n}\n}\n"+
			"example.org:%d {\nbind 127.0.0.1\ncdnredirect {\nns %s\n}\n}\n", port, other, ns)
	}
	_, err := caddy.Start(input(conf("ns2.example.net")))
	want := "Corefile:9 - Error during parsing: ns of zone 'example.org.' is already given as 'ns1.example.net.'"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Expected %q, got %v", want, err)
	}
	start(t, conf("ns1.example.net"))
	for _, p := range []int{port, other} {
		if got := ask(t, p, "example.org.", dns.TypeNS); got != "ns1.example.net." {
			t.Errorf("Expected the name server, got %q", got)
		}
	}
}

// TestWhatAChainMustHave is known only once the whole chain is.
func TestWhatAChainMustHave(t *testing.T) {
	for site, want := range map[string]string{
		"site www.example.org {\norigin next": "'origin next' of site 'www.example.org.' needs a plugin behind cdnredirect that knows it",
		"site example.org {\norigin 127.0.0.1\nanswer address": "site 'example.org.' is the apex of its zone, whose SOA and NS nobody knows: " +
			"write 'ns NAME...', or put a plugin such as file behind cdnredirect",
	} {
		conf := fmt.Sprintf("example.org:%d {\nbind 127.0.0.1\ncdnredirect {\n%s\ncdn a a.example.net\n"+
			"probe http http://{origin}/\nthreshold response_time 1s\n}\n}\n}\n", freePort(t), site)
		if _, err := caddy.Start(input(conf)); err == nil || !strings.HasSuffix(err.Error(), "plugin/cdnredirect: Corefile:4: "+want) {
			t.Errorf("Expected %q, got %v", want, err)
		}
	}
}

// origin is a web server that can be made to fail.
type origin struct {
	port   int
	broken atomic.Bool
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	o := new(origin)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if o.broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	o.port = server.Listener.Addr().(*net.TCPAddr).Port
	return o
}

// siteText is a site of the origin on port, with a CDN's target that ends in target.
func siteText(target string, port int, more string) string {
	return fmt.Sprintf(`site www.example.org {
		origin 127.0.0.1
		cdn edge %s.example.net
		ready none
		probe http http://{origin}:%d/ every 1s timeout 500ms
		threshold response_time 400ms
		failback_delay 1s
		ttl 5s
		%s
	}
	`, target, port, more)
}

// serverText is a server block on port with these lines.
func serverText(port int, lines ...string) string {
	return fmt.Sprintf("example.org:%d {\nbind 127.0.0.1\n%s\n}\n", port, strings.Join(lines, "\n"))
}

func input(text string) caddy.Input {
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"}
}

// running is a CoreDNS instance in this process, replaced by reloads.
type running struct{ *caddy.Instance }

// start starts an instance and stops it, whatever it has become, at the end of
// the test, which then must have left no goroutine of ours behind.
func start(t *testing.T, text string) *running {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	i, err := caddy.Start(input(text))
	if err != nil {
		t.Fatal(err)
	}
	r := &running{i}
	t.Cleanup(func() {
		r.ShutdownCallbacks()
		r.Stop()
		http.DefaultClient.CloseIdleConnections()
		if err := goleak.Find(leaks); err != nil && strings.Contains(err.Error(), "cdnredirect/") {
			t.Error(err)
		}
	})
	return r
}

func (r *running) reload(t *testing.T, text string) {
	t.Helper()
	i, err := r.Restart(input(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Instance = i
}

func (r *running) reloadFails(t *testing.T, text, want string) {
	t.Helper()
	if _, err := r.Restart(input(text)); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("Expected the reload to fail with %q, got %v", want, err)
	}
}

// freePort returns a port that is free on UDP and TCP.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if p, err := net.ListenPacket("udp", l.Addr().String()); err == nil {
			p.Close()
			return port
		}
	}
	t.Fatal("Expected a free port")
	return 0
}

// ask returns the data of the first record of the answer, or the rcode.
func ask(t *testing.T, port int, name string, qtype uint16) string {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	c := &dns.Client{Timeout: 5 * time.Second}
	m, _, err := c.Exchange(q, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Answer) == 0 {
		return dns.RcodeToString[m.Rcode]
	}
	return dns.Field(m.Answer[0], 1)
}

// await asks for www.example.org until the answer is want.
func await(t *testing.T, port int, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if got = ask(t, port, "www.example.org.", dns.TypeA); got == want {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("Expected the answer %q, got %q", want, got)
}

// TestTheStoreHasTheLog to say where it has put a copy, and that it hears of no change.
func TestTheStoreHasTheLog(t *testing.T) {
	said := &corefile.Process{Server: "one", State: "/state", Store: corefile.Store{Driver: "sqlite", Source: "/store"}}
	if k, err := keepingOf(said); err != nil || k.Store.Log == nil {
		t.Errorf("Expected the store to have the log, got %+v, %v", k.Store, err)
	}
}

// TestLifeCycle is the table of CoreDNS's life-cycle events: whatever happens,
// the sites in force go on being answered and decided.
func TestLifeCycle(t *testing.T) {
	const address = "127.0.0.1"
	for _, tc := range []struct {
		name string
		// event returns the target that www.example.org is diverted to afterwards.
		event func(t *testing.T, r *running, port int, o *origin) string
	}{
		{"GoodReload", func(t *testing.T, r *running, port int, o *origin) string {
			r.reload(t, serverText(port, "cdnredirect {", siteText("b", o.port, ""), "}"))
			return "b.example.net."
		}},
		{"BadCorefile", func(t *testing.T, r *running, port int, o *origin) string {
			r.reloadFails(t, serverText(port, "cdnredirect {", siteText("b", o.port, "ttl never"), "}"), "ttl")
			return "a.example.net."
		}},
		{"UnknownClass", func(t *testing.T, r *running, port int, o *origin) string {
			r.reloadFails(t, serverText(port, "cdnredirect {", "site www.example.org class nil", "}"), "unknown class 'nil'")
			return "a.example.net."
		}},
		{"BindFails", func(t *testing.T, r *running, port int, o *origin) string {
			l, err := net.Listen("tcp", "127.0.0.1:0") // without SO_REUSEPORT
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			taken := l.Addr().(*net.TCPAddr).Port
			r.reloadFails(t, serverText(port, "cdnredirect {", siteText("b", o.port, ""), "}")+serverText(taken, "cdnredirect"), "address already in use")
			return "a.example.net."
		}},
		{"FailedThenGoodReload", func(t *testing.T, r *running, port int, o *origin) string {
			r.reloadFails(t, serverText(port, "cdnredirect {", "nonsense", "}"), "nonsense")
			r.reload(t, serverText(port, "cdnredirect {", siteText("c", o.port, ""), "}"))
			return "c.example.net."
		}},
		{"ShutdownWithLameduck", func(t *testing.T, r *running, port int, o *origin) string {
			for _, shutdown := range r.OnShutdown {
				if err := shutdown(); err != nil {
					t.Fatal(err)
				}
			}
			return "a.example.net." // OnFinalShutdown comes after the lameduck
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, port := newOrigin(t), freePort(t)
			r := start(t, serverText(port, "cdnredirect {", siteText("a", o.port, ""), "}"))
			await(t, port, address)
			target := tc.event(t, r, port, o)
			await(t, port, address)
			o.broken.Store(true)
			await(t, port, target)
		})
	}
}

// TestReloadKeepsTheDecision heals the origin before the reload: only what was
// decided before can divert, for as long as failback_delay.
func TestReloadKeepsTheDecision(t *testing.T) {
	o, port := newOrigin(t), freePort(t)
	conf := func(target string) string {
		return strings.Replace(serverText(port, "cdnredirect {", siteText(target, o.port, ""), "}"), "failback_delay 1s", "failback_delay 1h", 1)
	}
	o.broken.Store(true)
	r := start(t, conf("a"))
	await(t, port, "a.example.net.")
	o.broken.Store(false)
	r.reload(t, conf("b"))
	if got := ask(t, port, "www.example.org.", dns.TypeA); got != "b.example.net." {
		t.Errorf("Expected the first answer diverted to the new target, got %q", got)
	}
}

// TestAHookOfAnotherPluginFailsAfterTheReload leaves the new instance serving:
// CoreDNS says that the reload has failed, but only runs the old one's hooks.
func TestAHookOfAnotherPluginFailsAfterTheReload(t *testing.T) {
	fails := func() error { return errors.New("no way out") }
	for name, insert := range map[string]int{"BeforeOurs": 0, "AfterOurs": 1} {
		t.Run(name, func(t *testing.T) {
			o, port := newOrigin(t), freePort(t)
			r := start(t, serverText(port, "cdnredirect {", siteText("a", o.port, ""), "}"))
			r.OnShutdown = slices.Insert(r.OnShutdown, insert*len(r.OnShutdown), fails)
			r.reloadFails(t, serverText(port, "cdnredirect {", siteText("b", o.port, ""), "}"), "no way out")
			for _, i := range caddy.Instances() { // the one that serves now
				r.Instance = i
			}
			await(t, port, "127.0.0.1")
			o.broken.Store(true)
			await(t, port, "b.example.net.")
		})
	}
}

// TestHooksBeforeTheStart are what a signal during a long setup runs.
func TestHooksBeforeTheStart(t *testing.T) {
	i := instanceOf(caddy.NewTestController("dns", ""))
	for _, hook := range []func() error{i.shutdown, i.finalShutdown, i.restart, i.restartFailed} {
		if err := hook(); err != nil {
			t.Error(err)
		}
	}
	if i.ready() {
		t.Error("Expected not ready")
	}
}

// TestReadyDuringAReload adds a site whose origin hangs: until its first probe
// is over, the sites in force are what counts.
func TestReadyDuringAReload(t *testing.T) {
	o, port, readyPort := newOrigin(t), freePort(t), freePort(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	conf := func(more string) string {
		return serverText(port, fmt.Sprintf("ready 127.0.0.1:%d {\nmonitor continuously\n}", readyPort), "cdnredirect {", siteText("a", o.port, ""), more, "}")
	}
	r := start(t, conf(""))
	hanging := fmt.Sprintf("site hangs.example.org {\norigin 127.0.0.1\ncdn edge b.example.net\nready none\n"+
		"probe http http://{origin}:%d/ every 10s timeout 3s\nthreshold response_time 1s\n}", silent.Addr().(*net.TCPAddr).Port)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.reload(t, conf(hanging))
	}()
	for polls := 0; ; polls++ {
		select {
		case <-done:
			if polls == 0 {
				t.Error("Expected the reload to wait for the new site")
			}
			return
		case <-time.After(50 * time.Millisecond):
			if code := status(fmt.Sprintf("http://127.0.0.1:%d/ready", readyPort)); code == http.StatusServiceUnavailable {
				t.Error("Expected ready all the time")
			}
		}
	}
}

// status returns the status of a GET, or 0 while nobody listens.
func status(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestReloadThatAddsAndRemovesThePlugin(t *testing.T) {
	o, port := newOrigin(t), freePort(t)
	without := serverText(port)
	with := serverText(port, "cdnredirect {", siteText("a", o.port, ""), "}")
	r := start(t, without)
	r.reload(t, with)
	await(t, port, "127.0.0.1")
	r.reload(t, without)
	if got := ask(t, port, "www.example.org.", dns.TypeA); got != "REFUSED" {
		t.Errorf("Expected REFUSED, got %q", got)
	}
	r.reload(t, with)
	await(t, port, "127.0.0.1")
}

// TestTwoInstancesInOneProcess is how CoreDNS is embedded.
func TestTwoInstancesInOneProcess(t *testing.T) {
	o1, o2, port1, port2 := newOrigin(t), newOrigin(t), freePort(t), freePort(t)
	first := start(t, serverText(port1, "cdnredirect {", siteText("a", o1.port, ""), "}"))
	start(t, serverText(port2, "cdnredirect {", siteText("b", o2.port, ""), "}"))
	first.reload(t, serverText(port1, "cdnredirect {", siteText("c", o1.port, ""), "}"))
	o1.broken.Store(true)
	await(t, port1, "c.example.net.")
	await(t, port2, "127.0.0.1")
	o2.broken.Store(true)
	await(t, port2, "b.example.net.")
}

// TestABlockWithoutBracesServesTheSitesOfOthers also tells blocks of other
// zones apart, and reads the state of ready.
func TestABlockWithoutBracesServesTheSitesOfOthers(t *testing.T) {
	o, port, second, readyPort := newOrigin(t), freePort(t), freePort(t), freePort(t)
	start(t, serverText(port, fmt.Sprintf("ready 127.0.0.1:%d", readyPort), "cdnredirect {", siteText("a", o.port, ""), "}")+
		serverText(second, "cdnredirect")+
		fmt.Sprintf("example.net:%d {\nbind 127.0.0.1\ncdnredirect\n}\n", second))
	for _, p := range []int{port, second} {
		await(t, p, "127.0.0.1")
	}
	if got := ask(t, second, "www.example.net.", dns.TypeA); got != "REFUSED" {
		t.Errorf("Expected REFUSED, got %q", got)
	}
	if code := status(fmt.Sprintf("http://127.0.0.1:%d/ready", readyPort)); code != http.StatusOK {
		t.Errorf("Expected ready, got %d", code)
	}
}

// TestReadmeCorefiles starts every example of the README, of docs, and Corefile.example,
// on loopback: the addresses of documentation lead nowhere, and no target of a CDN
// does.
func TestReadmeCorefiles(t *testing.T) {
	example, err := os.ReadFile("Corefile.example")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	corefiles := map[string]string{"Corefile.example": string(example)}
	for _, path := range append(guides, "README.md") {
		for i, text := range corefilesIn(t, path) {
			corefiles[fmt.Sprint(filepath.Base(path), i)] = text
		}
	}
	t.Chdir(t.TempDir())
	zone := "example.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 30\n" +
		"example.org. 3600 IN NS ns1.example.org.\nns1.example.org. 3600 IN A 192.0.2.1\n"
	if err := os.WriteFile("db.example.org", []byte(zone), 0o600); err != nil {
		t.Fatal(err)
	}
	resolver, asked := emptyResolver(t)
	for name, text := range corefiles {
		t.Run(name, func(t *testing.T) {
			port, asked := freePort(t), "www.example.org."
			if m := regexp.MustCompile(`(?m)^\s+site (\S+)`).FindStringSubmatch(text); m != nil {
				asked = m[1] + "."
			}
			start(t, withResolver(onLoopback(t, text, port), resolver))
			if got := ask(t, port, asked, dns.TypeTXT); got == "REFUSED" || got == "NXDOMAIN" {
				t.Errorf("Expected %s answered, got %s", asked, got)
			}
		})
	}
	if asked.Load() == 0 {
		t.Error("Expected targets of CDNs to be looked up on loopback")
	}
}

// corefilesIn returns the examples of a page that are whole Corefiles.
func corefilesIn(t *testing.T, path string) (corefiles []string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^~~~ corefile\n(.*?)^~~~$").FindAllSubmatch(page, -1) {
		corefiles = append(corefiles, string(m[1]))
	}
	if n := strings.Count(string(page), "~~~ corefile\n"); n != len(corefiles) || n < 5 && path == "README.md" {
		t.Fatalf("Expected the %d examples of %s, got %d", n, path, len(corefiles))
	}
	return corefiles
}

// emptyResolver is a DNS server on loopback that knows no name. It counts what it
// is asked.
func emptyResolver(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeNameError))
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return conn.LocalAddr().String(), asked
}

// withResolver has a Corefile ask that resolver, and no other.
func withResolver(text, address string) string {
	text = regexp.MustCompile(`(?m)^ *resolver .*\n`).ReplaceAllString(text, "")
	return strings.Replace(text, "cdnredirect {\n", "cdnredirect {\nresolver "+address+"\n", 1)
}

// onLoopback moves a Corefile to loopback, with its main server on port.
func onLoopback(t *testing.T, text string, port int) string {
	t.Helper()
	for _, r := range []struct{ from, to string }{
		{`(?m)^ *guard .*\n`, ""}, // an anchor is never on loopback; TestProcess reads such lines
		{`192\.0\.2\.`, "127.0.0."},
		{`198\.51\.100\.`, "127.0.1."},
		{`203\.0\.113\.`, "127.0.2."},
		{`2001:db8::\d+`, "::1"},
		{`https://\w+\.\w+\.example/`, "https://127.0.0.1/"},
		{`(?m)^([\w.]+\.\w+)(:1053)? \{$`, fmt.Sprintf("$1:%d {\nbind 127.0.0.1", port)},
		{`(?m)^example\.org:5353 \{$`, fmt.Sprintf("example.org:%d {\nbind 127.0.0.1", freePort(t))},
		{`127\.0\.0\.1:(9153|8181)`, "127.0.0.1:0"},
		{`redirector 127\S+`, fmt.Sprintf("redirector 127.0.0.1:%d", freePort(t))},
		{`socket \S+`, "socket " + filepath.Join(t.TempDir(), "socket")},
		{`state \S+`, "state " + filepath.Join(t.TempDir(), "state")},
		{`store sqlite \S+`, "store sqlite " + filepath.Join(t.TempDir(), "store")},
		{`(?m)^ *bind 127\.0\.0\.1\n( *bind 127\.0\.0\.1\n)`, "$1"},
	} {
		text = regexp.MustCompile(r.from).ReplaceAllString(text, r.to)
	}
	return text
}

func TestReadmeSectionsAreInOrder(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllSubmatch(readme, -1) {
		got = append(got, string(m[1]))
	}
	want := []string{"Quick start", "Name", "Description", "Syntax", "Examples", "Metrics", "Ready", "Metadata", "Bugs", "See Also"}
	if !slices.Equal(got, want) {
		t.Errorf("Expected the sections %q, got %q", want, got)
	}
	for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.FromSlash(string(link[1]))); err != nil {
			t.Errorf("Expected the file that the README links to: %v", err)
		}
	}
}

// TestAnAddressThatIsTaken for the redirector fails the reload, which leaves the
// socket of neither.
func TestAnAddressThatIsTaken(t *testing.T) {
	o, port := newOrigin(t), freePort(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	socket := filepath.Join(t.TempDir(), "socket")
	r := start(t, serverText(port, "cdnredirect {", siteText("a", o.port, ""), "}"))
	lines := []string{"cdnredirect {", "socket " + socket, "redirector " + taken.Addr().String(), siteText("b", o.port, ""), "}"}
	r.reloadFails(t, serverText(port, lines...), fmt.Sprintf("plugin/cdnredirect: opening redirector '%s': listen tcp4 %[1]s: bind: address already in use", taken.Addr()))
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("Expected no socket to be left, got %v", err)
	}
	await(t, port, "127.0.0.1")
	taken.Close()
	r.reload(t, serverText(port, lines...))
}

// TestADryRunSaysWhatIsAnswered: at the origin, at a CDN by an override, and of which types.
func TestADryRunSaysWhatIsAnswered(t *testing.T) {
	o, port, socket := newOrigin(t), freePort(t), filepath.Join(t.TempDir(), "socket")
	start(t, serverText(port, "cdnredirect {", "socket "+socket, "ns ns.example.org", siteText("a", o.port, ""), "}"))
	await(t, port, "127.0.0.1")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := api.Dial(socket)
	for kind, want := range map[string][]string{
		"":     {"www.example.org. 5 IN A 127.0.0.1"},
		"a":    {"www.example.org. 5 IN A 127.0.0.1"},
		"AAAA": {},
	} {
		run, err := client.DryRun(ctx, api.DryRunRequest{Name: "WWW.example.org", Type: kind, Client: netip.MustParseAddr("192.0.2.1")})
		if err != nil || !slices.Equal(run.Answer, want) || run.Rcode != "NOERROR" || run.Site != "www.example.org" || run.TTL != api.Seconds(5*time.Second) || run.Reason == "" {
			t.Errorf("%q: Expected %q, got %+v, %v", kind, want, run, err)
		}
		if negative := len(run.Authority) == 1 && strings.Contains(run.Authority[0], " IN SOA "); negative != (len(want) == 0) {
			t.Errorf("%q: Expected an SOA where there is no answer, got %q", kind, run.Authority)
		}
	}
	o.broken.Store(true)
	await(t, port, "a.example.net.")
	run, err := client.DryRun(ctx, api.DryRunRequest{Name: "www.example.org", Type: "AAAA"})
	if err != nil || len(run.Answer) != 1 || !strings.Contains(run.Answer[0], " IN CNAME a.example.net.") || run.CDN != "edge" {
		t.Errorf("Expected the CNAME, got %+v, %v", run, err)
	}
	var p *api.Problem
	if _, err := client.DryRun(ctx, api.DryRunRequest{Name: "other.example.org"}); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("Expected no such site, got %v", err)
	}
}

// TestTheConsoleOfACorefile asks without a token, before a reload and after it.
func TestTheConsoleOfACorefile(t *testing.T) {
	o, port, dir := newOrigin(t), freePort(t), t.TempDir()
	console := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	text := func(more string) string {
		return serverText(port, "cdnredirect {", "state "+filepath.Join(dir, "state"), "store sqlite "+filepath.Join(dir, "store"), "ns ns.example.org", siteText("a", o.port, ""), more, "}")
	}
	r := start(t, text("console "+console))
	ask := func() {
		t.Helper()
		resp, err := http.Get("http://" + console + "/v1/states")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("Expected 401, got %d", resp.StatusCode)
		}
	}
	ask()
	r.reload(t, text("console "+console+"\nserver two"))
	ask()
	r.reload(t, text(""))
	if resp, err := http.Get("http://" + console + "/v1/states"); err == nil {
		resp.Body.Close()
		t.Errorf("Expected nobody to answer any more, got %d", resp.StatusCode)
	}
}
