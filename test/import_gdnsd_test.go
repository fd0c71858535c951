//go:build linux

package test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// gdnsdConfig has a resource of each kind that can be imported as it is.
const gdnsdConfig = `options => {
    listen => 127.0.0.1:$port
    run_dir => $dir/run
    state_dir => $dir/state
}
service_types => {
    web => { plugin => http_status, port => $origin, interval => 2, timeout => 1, down_thresh => 3, ok_thresh => 1, up_thresh => 2 }
}
plugins => {
    multifo => {
        service_types => web, up_thresh => 0.01 # one is enough
        duo => { a => 127.0.0.1, b => 127.0.0.2 }
        all => [ 127.0.0.1, 127.0.0.2, 127.0.0.3, 127.0.0.4 ]
    }
    simplefo => {
        service_types => web
        pair => { primary => 127.0.0.1, secondary => 127.0.0.2 }
    }
    weighted => {
        service_types => web, up_thresh => 0.01
        lots => { a = [ 127.0.0.1, 3 ], b = [ 127.0.0.2, 1 ] }
        every => { multi => true, a = [ 127.0.0.3, 5 ], b = [ 127.0.0.4, 5 ] }
        cdns => { service_types => up, x = [ x.cdn.example.net., 1 ], y = [ y.cdn.example.net., 3 ] }
    }
    metafo => {
        resources => {
            near => {
                service_types => web
                datacenters => [ one, two, three ]
                dcmap => {
                    one => 127.0.0.1
                    two => { lb1 => 127.0.0.2, lb2 => 127.0.0.3 }
                    three => { plugin => simplefo, primary => 127.0.0.4, secondary => 127.0.0.1 }
                }
            }
            far => {
                datacenters => [ one, two, cdn ]
                dcmap => { one => !duo, two => %weighted!every, cdn => far.cdn.example.net. }
            }
            shared => {
                datacenters => [ one, two, cdn ]
                dcmap => { one => { service_types => web, a => 127.0.0.4 }, two => %weighted!lots, cdn => %weighted!cdns }
            }
        }
    }
}
`

// gdnsdPlain is what the zone has beside dynamic records.
const gdnsdPlain = `$TTL 86400
@      SOA  ns1 hostmaster ( 1 7200 30M ; in parentheses
                              3D 900 )
@      NS   ns1
@      NS   ns2
ns1    A    192.0.2.1
ns2    A    192.0.2.2
mail   A    192.0.2.25
mailed MX   10 mail
mailed TXT  "mailed"
`

const gdnsdDynamic = `multifo  300/30 DYNA multifo!all
simplefo 300 IN DYNA simplefo!pair
near     60 DYNA metafo!near
second   60 DYNA metafo!near/two
far      60 DYNC metafo!far
weighted 30 DYNA weighted!lots
every    30 DYNA weighted!every
shared   30 DYNC metafo!shared
mailed   30 DYNA multifo!duo
*.wild   30 DYNA multifo!duo
@        30 DYNA multifo!duo
`

// sameNames are answered alike by both servers in every state; those of
// weightedNames by one of several, which are the same, and by weight.
var (
	sameNames     = []string{"multifo", "simplefo", "near", "second", "far", "every", "mailed", "a.wild", "@"}
	weightedNames = []string{"weighted", "shared"}
)

// gdnsd is a running gdnsd.
type gdnsd struct {
	*process
	dir  string // of its configuration, and of its state
	addr string
}

// startGdnsd starts one that probes a web server.
func startGdnsd(t *testing.T, web *origin) *gdnsd {
	t.Helper()
	need(t, "gdnsd", "gdnsd")
	for range 5 {
		g := tryGdnsd(t, web)
		awaitTrue(t, "gdnsd to start or to give up", func() bool { return g.over() || g.output.count("DNS listeners started") > 0 })
		if !g.over() {
			return g
		}
		if !strings.Contains(g.output.String(), "Address already in use") {
			t.Fatalf("Expected gdnsd to start, got:\n%s", g.output.String())
		}
	}
	t.Fatal("Expected free ports in five attempts")
	return nil
}

func tryGdnsd(t *testing.T, web *origin) *gdnsd {
	t.Helper()
	dir, port := folder(t), freePort(t)
	for _, sub := range []string{"zones", "run", "state"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "config", strings.NewReplacer("$port", port, "$origin", web.port, "$dir", dir).Replace(gdnsdConfig))
	write(t, filepath.Join(dir, "zones"), "example.org", gdnsdPlain+gdnsdDynamic)
	cmd := exec.Command("gdnsd", "-c", dir, "start")
	cmd.Env = append(os.Environ(), "GDNSD_TESTSUITE_NODELAY=1") // a forced state counts at once
	return &gdnsd{process: launch(t, cmd), dir: dir, addr: "127.0.0.1:" + port}
}

// force has gdnsd take each of the addresses for up or down, whatever it finds.
func (g *gdnsd) force(t *testing.T, up func(address string) bool) {
	t.Helper()
	var text strings.Builder
	for _, address := range gdnsdAddresses {
		fmt.Fprintf(&text, "%s/web => %s\n", address, map[bool]string{true: "UP", false: "DOWN"}[up(address)])
	}
	const loaded = "admin_state: load complete"
	before := g.output.count(loaded)
	state := filepath.Join(g.dir, "state")
	if err := os.Rename(write(t, state, "new", text.String()), filepath.Join(state, "admin_state")); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, loaded, func() bool { return g.output.count(loaded) > before })
}

var gdnsdAddresses = []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}

// imported returns what cdnctl makes of gdnsd's configuration.
func (g *gdnsd) imported(t *testing.T) string {
	t.Helper()
	got := outcomeOf(t, exec.Command(theCtl.built(t), "import", "gdnsd", g.dir))
	if got.code != 0 {
		t.Fatalf("Expected all to be taken, got %+v", got)
	}
	return got.stdout
}

// behind is a server that has what lines say before the rest of gdnsd's zone.
func (g *gdnsd) behind(t *testing.T, lines string) spec {
	t.Helper()
	return spec{
		corefile: block("    cdnredirect {\n        ecs 127.0.0.1\n"+lines+"    }\n", "    file $zone\n"),
		vars:     map[string]string{"zone": write(t, g.dir, "db.example.org", gdnsdPlain)},
	}
}

// everyState sets each combination of addresses that are up.
func everyState(t *testing.T, web *origin, check func(state string, up func(string) bool)) {
	t.Helper()
	for mask := range 1 << len(gdnsdAddresses) {
		up := func(address string) bool { return mask&(1<<slices.Index(gdnsdAddresses, address)) != 0 }
		var alive []string
		for _, address := range gdnsdAddresses {
			web.kill(address)
			if up(address) {
				web.revive(t, address)
				alive = append(alive, address)
			}
		}
		check(fmt.Sprintf("up: %v", alive), up)
	}
}

// TestImportedAnswersAsGdnsd has gdnsd and a server with what was imported from it
// asked in each state of four addresses. gdnsd is told the state, the server finds
// it in its first round of probes.
func TestImportedAnswersAsGdnsd(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, gdnsdAddresses...)
	g := startGdnsd(t, web)
	sp := g.behind(t, g.imported(t))
	everyState(t, web, func(state string, up func(string) bool) {
		g.force(t, up)
		s := sp.start(t)
		for _, name := range sameNames {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT, dns.TypeNS} {
				if want, got := g.ask(name, qtype), ask(s, name, qtype); got != want {
					t.Errorf("%s: Expected %s of %s to be %q as of gdnsd, got %q", state, dns.Type(qtype), name, want, got)
				}
			}
		}
		for _, name := range weightedNames {
			compareShares(t, state, name, g.shares(t, name), s.shares(t, name))
		}
		s.kill()
	})
}

// owner is a name of the zone.
func owner(name string) string {
	return strings.TrimPrefix(name+".example.org.", "@.")
}

func (g *gdnsd) ask(name string, qtype uint16) string {
	return client{"udp", g.addr}.ask(owner(name), qtype)
}

func ask(s *server, name string, qtype uint16) string { return s.udp().ask(owner(name), qtype) }

// How many questions, and how many clients, shares are measured with, and by how
// much two may differ: five standard deviations of the difference where it is
// largest, at a half.
const (
	weighings = 1000
	alike     = 5 * 0.5 * math.Sqrt2 / 31.6 // 5 x 0.5 x sqrt(2 / weighings)
)

// compareShares fails unless both servers give the same answers, each about as
// often.
func compareShares(t *testing.T, state, name string, want, got map[string]float64) {
	t.Helper()
	for answer := range want {
		if math.Abs(want[answer]-got[answer]) > alike || got[answer] == 0 {
			t.Errorf("%s: Expected %s to be %q for %.2f of the clients as for gdnsd, got %.2f", state, name, answer, want[answer], got[answer])
		}
	}
	for answer, part := range got {
		if want[answer] == 0 {
			t.Errorf("%s: Expected %s never to be %q as for gdnsd, got it for %.2f of the clients", state, name, answer, part)
		}
	}
}

// shares asks gdnsd many times, which chooses each time anew.
func (g *gdnsd) shares(t *testing.T, name string) map[string]float64 {
	t.Helper()
	return weigh(t, g.addr, func(int) *dns.Msg { return question(owner(name), typeA) })
}

// shares asks a server for many clients, for each of which it chooses once.
func (s *server) shares(t *testing.T, name string) map[string]float64 {
	t.Helper()
	return weigh(t, s.address("dns"), func(i int) *dns.Msg {
		q := question(owner(name), typeA)
		q.SetEdns0(1232, false)
		q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{10, byte(i >> 8), byte(i), 0}}}
		return q
	})
}

// weigh returns which part of many questions is answered how.
func weigh(t *testing.T, addr string, ask func(int) *dns.Msg) map[string]float64 {
	t.Helper()
	conn, err := dns.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := dns.Client{Timeout: 5 * time.Second}
	parts := make(map[string]float64)
	for i := range weighings {
		m, _, err := client.ExchangeWithConn(ask(i), conn)
		if err != nil {
			t.Fatal(err)
		}
		parts[summary(m)] += 1. / weighings
	}
	return parts
}

// TestImportedFollowsAsGdnsd publishes what was imported, and has both servers find
// out for themselves which addresses are up: their probes are the same.
func TestImportedFollowsAsGdnsd(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, gdnsdAddresses...)
	g := startGdnsd(t, web)
	sp := g.behind(t, "        socket $socket\n        state $state\n        store sqlite $store\n")
	withStore(t, sp.vars)
	s := sp.start(t)
	s.publish(t, g.imported(t))
	for _, step := range []struct {
		change func()
		far    string // what is answered there then
	}{
		{func() {}, "A 127.0.0.1, A 127.0.0.2"},
		{func() { web.kill("127.0.0.1") }, "A 127.0.0.2"},
		{func() { web.kill("127.0.0.2") }, "A 127.0.0.3, A 127.0.0.4"},
		{func() { web.kill("127.0.0.3"); web.kill("127.0.0.4") }, "CNAME far.cdn.example.net."},
		{func() { web.revive(t, "127.0.0.1"); web.revive(t, "127.0.0.3") }, "A 127.0.0.1"},
	} {
		step.change()
		await(t, patience, "", func() string {
			if got := g.ask("far", typeA); got != step.far {
				return fmt.Sprintf("gdnsd: %s instead of %s", got, step.far)
			}
			for _, name := range sameNames {
				if want, got := g.ask(name, typeA), ask(s, name, typeA); got != want {
					return fmt.Sprintf("%s: %s instead of %s as of gdnsd", name, got, want)
				}
			}
			return ""
		})
	}
}
