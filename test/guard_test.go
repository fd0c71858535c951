//go:build linux

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The host behind the router, the router's address on that side, and the network
// that the router leads to (RFC 5737).
const (
	routerOutside = "198.51.100.1"
	hostOutside   = "198.51.100.2"
	outside       = "203.0.113.0/24"
)

// guarded is how many sites have their origins in that network, each at an
// address of its own; and there are two anchors.
const (
	guarded = 12
	anchors = "203.0.113.251 203.0.113.252"
)

func addressOf(site int) string { return fmt.Sprintf("203.0.113.%d", site+1) }
func nameOf(site int) string    { return fmt.Sprintf("s%d.example.org.", site) }

// routed is a link with a router in the middle, which has a host behind it.
type routed struct {
	*link
	router namespace
}

func newRouted(t *testing.T) *routed {
	t.Helper()
	r := &routed{link: &link{near: newNamespace(t)}, router: newNamespace(t)}
	addresses := strings.Fields(anchors)
	for i := range guarded {
		addresses = append(addresses, addressOf(i))
	}
	r.far = newNamespace(t, addresses...)
	r.near.connect(t, uplink, nearHost, r.router, "inside", farHost)
	r.router.connect(t, "outside", routerOutside, r.far, uplink, hostOutside)
	r.router.forward(t)
	r.far.ip(t, "route", "add", "default", "via", routerOutside)
	r.join(t)
	r.us, r.them = startAgent(t, r.near), startAgent(t, r.far)
	for _, address := range addresses[2:] {
		r.them.serveOrigin(t, address, "80")
	}
	return r
}

// forward makes the namespace a router.
func (ns namespace) forward(t *testing.T) {
	t.Helper()
	if text, err := ns.command("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward").CombinedOutput(); err != nil {
		missing(t, "forwarding packets is not allowed here: %s", text)
	}
}

// serveGuarded starts our server with the sites.
func (r *routed) serveGuarded(t *testing.T, process ...string) {
	t.Helper()
	var sites [][]string
	for i := range guarded {
		sites = append(sites, []string{nameOf(i), "origin " + addressOf(i)})
	}
	r.serve(t, block(metrics, siteBlock(process, sites...)))
	await(t, patience, "0 diverted", r.diverted)
}

// diverted says how many sites are. The others are to be at their origins.
func (r *routed) diverted() string {
	n := 0
	for i := range guarded {
		switch got := r.answers(nameOf(i)); got {
		case atCDN:
			n++
		case "A " + addressOf(i):
		default:
			return nameOf(i) + ": " + got
		}
	}
	return fmt.Sprint(n, " diverted")
}

// remain wants nobody to be diverted for a while.
func (r *routed) remain(t *testing.T, while time.Duration) {
	t.Helper()
	for began := time.Now(); time.Since(began) < while; time.Sleep(poll) {
		if got := r.diverted(); got != "0 diverted" {
			t.Fatalf("Expected nobody to be diverted, got %s after %s", got, time.Since(began))
		}
	}
}

// What the log says.
const (
	isBlind   = "the monitor is cut off, all sites stay where they are"
	seesAgain = "the monitor is no longer cut off"
)

// expectBlind waits until the server says that it is blind, or is not.
func (r *routed) expectBlind(t *testing.T, blind int, said string) {
	t.Helper()
	awaitTrue(t, said, func() bool { return r.ours.output.count(said) == 1 })
	page := "http://" + r.ours.address("metrics") + "/metrics"
	r.us.awaitPage(t, page, fmt.Sprintf("\ncoredns_cdnredirect_blind %d\n", blind))
}

// cuts are the ways to lose the network behind the router: our own interface is
// down, or the router says that there is no way, or packets vanish there.
var cuts = map[string]func(*routed, *testing.T){
	"unplugged":   func(r *routed, t *testing.T) { r.near.ip(t, "link", "set", uplink, "down") },
	"unreachable": func(r *routed, t *testing.T) { r.router.ip(t, "link", "set", "outside", "down") },
	"silent":      func(r *routed, t *testing.T) { r.router.ip(t, "route", "replace", "blackhole", outside) },
}

// join lays the way, or ends a cut.
func (r *routed) join(t *testing.T) {
	t.Helper()
	r.near.ip(t, "link", "set", uplink, "up")
	r.near.ip(t, "route", "replace", "default", "via", farHost)
	r.router.ip(t, "link", "set", "outside", "up")
	r.router.ip(t, "route", "replace", outside, "via", hostOutside)
}

// TestGuardKeepsSitesWhenTheMonitorIsCutOff cuts the way to all origins and to
// the anchors: nobody is diverted, for longer than the guard's time, nor when the
// way is back. When the origins die, and the anchors do not, all are.
func TestGuardKeepsSitesWhenTheMonitorIsCutOff(t *testing.T) {
	t.Parallel()
	const within = 5 * time.Second
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRouted(t)
			r.serveGuarded(t, "guard 30% in "+within.String()+" anchor "+anchors)
			cut(r, t)
			r.remain(t, promisedDown+within)
			r.expectBlind(t, 1, isBlind)

			r.join(t)
			r.expectBlind(t, 0, seesAgain)
			r.remain(t, promisedDown+within)

			r.them.kill() // at the anchors nobody listens, before and after
			t.Logf("all diverted after %s", await(t, promisedDown, fmt.Sprint(guarded, " diverted"), r.diverted))
		})
	}
}

// TestGuardStaysBlindAcrossAReload reloads while the monitor is cut off.
func TestGuardStaysBlindAcrossAReload(t *testing.T) {
	t.Parallel()
	r := newRouted(t)
	r.serveGuarded(t, "guard 30% in 5s anchor "+anchors)
	cuts["silent"](r, t)
	r.expectBlind(t, 1, isBlind)

	r.ours.reload(t)
	r.remain(t, promisedDown)
	r.expectBlind(t, 1, isBlind)
	r.join(t)
	r.expectBlind(t, 0, seesAgain)
	r.remain(t, promisedDown)
}

// TestGuardStartsCutOff starts the server while the monitor is cut off.
func TestGuardStartsCutOff(t *testing.T) {
	t.Parallel()
	r := newRouted(t)
	cuts["silent"](r, t)
	r.serveGuarded(t, "guard 30% in 5s anchor "+anchors)
	r.expectBlind(t, 1, isBlind)
	r.remain(t, promisedDown)
	r.join(t)
	r.expectBlind(t, 0, seesAgain)
	r.remain(t, promisedDown)
}

// TestWithoutAGuardACutDiverts is why there is one.
func TestWithoutAGuardACutDiverts(t *testing.T) {
	t.Parallel()
	r := newRouted(t)
	r.serveGuarded(t)
	cuts["silent"](r, t)
	await(t, promisedDown, fmt.Sprint(guarded, " diverted"), r.diverted)
}
