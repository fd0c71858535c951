//go:build linux

package test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/test/pg"
)

// wired is a fleet of which each server has a network of its own, with a wire to the
// store and one to the origin, which have networks of their own as well.
type wired struct {
	*fleet
	networks      []namespace // of the servers
	store, origin namespace
	door, web     *agent // at the far ends of the wires
	doors         []string
}

// Names of the interfaces of a server. Those at the far ends have the server's.
const (
	toStore  = "store"
	toOrigin = "origin"
)

// atWire is the answer with the origin that all of them have a wire to.
const atWire = "A " + webServer

func startWired(t *testing.T) *wired {
	t.Helper()
	f := &wired{fleet: new(fleet), store: newNamespace(t), origin: newNamespace(t, webServer)}
	db := pg.Start(t)
	var err error
	if f.dsn, err = db.Database(); err != nil {
		t.Fatal(err)
	}
	f.door, f.web = startAgent(t, f.store), startAgent(t, f.origin)
	f.web.serveOrigin(t, webServer, "80")
	for range 3 {
		f.join(t, db)
	}
	f.publish(t, f.servers[0], strings.ReplaceAll(fmt.Sprintf(fleetSite, "80"), "127.0.0.1", webServer))
	f.await(t, patience, atWire)
	return f
}

// join starts another server. At the far end of its wire there is a way to the unix
// socket of PostgreSQL, which is in no network.
func (f *wired) join(t *testing.T, db *pg.Server) {
	t.Helper()
	n, ns := len(f.networks), newNamespace(t)
	ns.connect(t, toStore, host("198.51.100", 4*n+1), f.store, serverNamed(n), host("198.51.100", 4*n+2))
	ns.connect(t, toOrigin, host("203.0.113", 4*n+1), f.origin, serverNamed(n), host("203.0.113", 4*n+2))
	ns.ip(t, "route", "add", webServer, "via", host("203.0.113", 4*n+2))
	_, port, _ := net.SplitHostPort(db.Address())
	door := net.JoinHostPort(host("198.51.100", 4*n+2), port)
	f.door.leads(t, door, filepath.Join(db.Socket(), ".s.PGSQL."+port), 0)
	sp := spec{corefile: fleetBlock, vars: withSocket(t, map[string]string{
		"name": serverNamed(n), "state": filepath.Join(folder(t), "state"), "dsn": over(f.dsn, db.Address(), door),
	})}
	sp.command = func(binary string, args ...string) *exec.Cmd { return ns.command(binary, args...) }
	s := sp.start(t)
	s.near = startAgent(t, ns)
	f.networks, f.doors, f.specs, f.servers = append(f.networks, ns), append(f.doors, door), append(f.specs, sp), append(f.servers, s)
}

func serverNamed(n int) string { return fmt.Sprintf("s%d", n+1) }

func host(network string, number int) string { return fmt.Sprintf("%s.%d", network, number) }

// away has everything take longer between a server and the store.
func (f *wired) away(t *testing.T, server int, delay time.Duration) {
	t.Helper()
	f.door.leads(t, f.doors[server], "", delay)
}

// link has a wire work, or not, at one of its ends.
func (ns namespace) link(t *testing.T, device string, works bool) {
	t.Helper()
	ns.ip(t, "link", "set", device, map[bool]string{true: "up", false: "down"}[works])
}

// sees has a server see the origin, or not: there is nobody at the far end of its wire.
func (f *wired) sees(t *testing.T, server int, works bool) {
	t.Helper()
	f.origin.link(t, serverNamed(server), works)
}

// TestFleetOnWiresOfItsOwn has one set-up for all of its parts: each takes its time, and
// what one leaves behind is what the next one begins with.
func TestFleetOnWiresOfItsOwn(t *testing.T) {
	t.Parallel()
	f := startWired(t)
	for _, part := range []struct {
		name string
		run  func(*wired, *testing.T)
	}{
		{"one that follows is far from the store", (*wired).follow},
		{"the one that decides is, and sees the origin down, then another one does", (*wired).vote},
		{"the wire to the store is cut", (*wired).cutsOff},
		{"the one that decides is killed", (*wired).loses},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(f, t) }) {
			return
		}
	}
}

// far is how long it takes from a server to the store, and as long back.
const far = 200 * time.Millisecond

// follow has the origin die and come back while one that follows is far from the store.
func (f *wired) follow(t *testing.T) {
	follower := (f.decider(t) + 1) % len(f.servers)
	f.away(t, follower, far)
	f.web.killOrigin(t, webServer)
	f.turn(t, promisedDown+2*time.Second, atCDN)
	f.web.serveOrigin(t, webServer, "80")
	f.turn(t, 2*promisedBack, atWire)
	f.away(t, follower, 0)
}

// vote has the one that decides be far, and begins with it: it is no better than the
// others.
func (f *wired) vote(t *testing.T) {
	first := f.decider(t)
	second := (first + 1) % len(f.servers)
	f.away(t, first, far)
	f.blind(t, first)
	f.sees(t, second, false)
	f.turn(t, promisedDown+2*time.Second, atCDN)
	f.sees(t, first, true)
	f.turn(t, 2*promisedBack, atWire)
	f.sees(t, second, true)
	f.away(t, first, 0)
}

// blind has a server see the origin down, and wants all to stay there.
func (f *wired) blind(t *testing.T, server int) {
	t.Helper()
	f.sees(t, server, false)
	failed := func() float64 { return f.servers[server].total(t, ownSeries+"probes_total", "result", "timeout") }
	for before := failed(); failed() < before+4; time.Sleep(poll) { // 3 would be enough if it were alone
		if got := f.answers(); got != atWire {
			t.Fatalf("Expected all to stay at the origin that others see, got %q", got)
		}
	}
}

// cutsOff cuts the one that decides off, and has the origin die meanwhile.
func (f *wired) cutsOff(t *testing.T) {
	cut := f.decider(t)
	f.networks[cut].link(t, toStore, false)
	awaitAlone(t, f.servers[cut])
	f.web.killOrigin(t, webServer)
	f.await(t, promisedDown+takeover, atCDN)
	f.networks[cut].link(t, toStore, true)
	f.awaitTogether(t)
	f.stayAt(t, atCDN)
	f.web.serveOrigin(t, webServer, "80")
	f.turn(t, 2*promisedBack, atWire)
}

// loses kills the one that decides. Of the two that are left both must see the origin
// down.
func (f *wired) loses(t *testing.T) {
	gone := f.decider(t)
	f.servers[gone].signal(t, syscall.SIGKILL)
	<-f.servers[gone].ended
	f.gone(gone)
	t.Logf("another one decides after %s", await(t, takeover, "decides", func() string { return f.decides(t) }))
	decider := f.decider(t)
	f.blind(t, decider)
	f.sees(t, 3-gone-decider, false)
	f.turn(t, promisedDown+2*time.Second, atCDN)
}

// ways are those of an agent, by where they begin.
type ways struct {
	mu   sync.Mutex
	open map[string]*way
}

// leads has a way of the agent lead from an address to another one, or to a unix socket,
// and everything take longer on it.
func (a *agent) leads(t *testing.T, from, to string, delay time.Duration) {
	t.Helper()
	q := url.Values{"from": {from}, "to": {to}, "delay": {delay.String()}}
	if err := a.call("/way?"+q.Encode(), nil, nil); err != nil {
		t.Fatal(err)
	}
}

// change is the agent's side of it.
func (ws *ways) change(r *http.Request) ([]byte, error) {
	delay, err := time.ParseDuration(r.FormValue("delay"))
	if err != nil {
		return nil, err
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	from := r.FormValue("from")
	if ws.open[from] == nil {
		if ws.open[from], err = openWay(from, r.FormValue("to")); err != nil {
			return nil, err
		}
	}
	ws.open[from].slow(delay)
	return nil, nil
}
