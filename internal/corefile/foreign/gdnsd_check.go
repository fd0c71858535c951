package foreign

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// check is a service type, in our words.
type check struct {
	place
	kind  string // of the probe; empty: it cannot be taken
	probe string // the words behind the kind
	host  string // that is asked for; empty: whichever the site has

	interval, up int
	upAt         place // where up_thresh stands, if it does
}

// The numbers of checks after which gdnsd's opinion of an address changes, and ours.
const (
	gdnsdUp, gdnsdDown = 20, 10
	ourUp, ourDown     = 2, 3
)

// checkOf reads a service type, once.
func (g *gdnsd) checkOf(at place, name string) *check {
	if known := g.checks[name]; known != nil {
		return known
	}
	c := &check{place: at}
	g.checks[name] = c
	p, found := g.services[name]
	switch {
	case name == "down":
		g.lost(at, "service type 'down' takes its addresses for down always")
	case !found:
		g.lost(at, "service type '%s' is not defined", name)
	case p.value.kind != isHash:
		g.lost(p.place, "service type '%s' has no braces", name)
	default:
		c.place = p.place
		g.service(c, name, p.value)
	}
	return c
}

// service reads the plugin's part of a service type, and the times.
func (g *gdnsd) service(c *check, name string, v value) {
	plugin, _ := v.get("plugin")
	rest := entries(v, "interval", "timeout", "down_thresh", "ok_thresh")
	var own []string
	ok := false
	switch plugin.text {
	case "tcp_connect":
		own = []string{"port"}
		ok = g.tcpConnect(c, v)
	case "http_status":
		own = []string{"port", "url_path", "vhost", "ok_codes"}
		ok = g.httpStatus(c, v)
	case "extmon":
		g.lost(c.place, "service type '%s' runs a command", name)
	case "extfile":
		g.lost(c.place, "service type '%s' reads a file of its own form", name)
	default:
		g.lost(c.place, "service type '%s' is of plugin '%s', which is not taken", name, plugin.text)
	}
	if !ok || !g.times(c, v) {
		c.kind = ""
		return
	}
	for _, p := range rest {
		if !slices.Contains(own, p.key) {
			g.lost(p.place, "'%s' is not known in a service type of %s", p.key, plugin.text)
		}
	}
	g.thresholds(c, name, v)
}

// tcpConnect makes a probe of a connection.
func (g *gdnsd) tcpConnect(c *check, v value) bool {
	port, ok := g.number(c.place, v, "port", 0, 65534)
	c.kind, c.probe = "tcp", fmt.Sprintf("{origin}:%d", port)
	return ok
}

// httpStatus makes a probe of a request.
func (g *gdnsd) httpStatus(c *check, v value) bool {
	port, ok := g.number(c.place, v, "port", 80, 65534)
	if !ok {
		return false
	}
	path := "/"
	if p, found := v.get("url_path"); found {
		path = p.text
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "{}# ") {
		g.lost(c.place, "url_path '%s' cannot be the path of a probe", path)
		return false
	}
	url, err := word(fmt.Sprintf("http://{origin}:%d%s", port, path))
	if err != nil {
		g.lost(c.place, "url_path: %v", err)
		return false
	}
	codes, ok := g.codes(v)
	c.kind, c.probe = "http", url+" status "+codes
	return ok && g.vhost(c, v)
}

// codes reads which answers are good.
func (g *gdnsd) codes(v value) (string, bool) {
	list, found := v.get("ok_codes")
	if !found {
		return "200", true
	}
	var codes []string
	for _, item := range list.items() {
		n, ok := natural(item, 599)
		if !ok || n < 100 {
			g.lost(item.place, "ok_codes: '%s' is no status that a probe knows, from 100 to 599", item.text)
			return "", false
		}
		codes = append(codes, strconv.Itoa(n))
	}
	if len(codes) == 0 {
		g.lost(list.place, "ok_codes has no code")
	}
	return strings.Join(codes, ","), len(codes) > 0
}

// vhost reads the host that is asked for.
func (g *gdnsd) vhost(c *check, v value) bool {
	host, found := v.get("vhost")
	if !found {
		return true
	}
	var err error
	if c.host, err = site.CanonicalHost(host.text); err != nil {
		g.lost(host.place, "vhost '%s' is not a host name without a port", host.text)
	}
	return err == nil
}

// number reads a number that an option has. Without one it is usual; 0: it must be
// given.
func (g *gdnsd) number(at place, v value, key string, usual, most int) (int, bool) {
	given, found := v.get(key)
	if !found {
		if usual == 0 {
			g.lost(at, "%s is missing", key)
		}
		return usual, usual != 0
	}
	n, ok := natural(given, most)
	if !ok {
		g.lost(given.place, "%s '%s' is not from 1 to %d", key, given.text, most)
	}
	return n, ok
}

// times reads how often is asked, and how long is waited.
func (g *gdnsd) times(c *check, v value) bool {
	var ok bool
	if c.interval, ok = g.number(c.place, v, "interval", 10, 3600); !ok {
		return false
	}
	timeout, ok := g.number(c.place, v, "timeout", max(1, c.interval/2), 300)
	if ok && timeout >= c.interval {
		g.lost(c.place, "timeout %d is not below the interval %d", timeout, c.interval)
		ok = false
	}
	c.probe += fmt.Sprintf(" every %ds timeout %ds", c.interval, timeout)
	return ok
}

// thresholds reads after how many checks an address changes its state. Ours cannot
// be set, but for the return of an origin, which takes failback_delay.
func (g *gdnsd) thresholds(c *check, name string, v value) {
	down, _ := g.number(c.place, v, "down_thresh", gdnsdDown, 65535)
	ok, _ := g.number(c.place, v, "ok_thresh", gdnsdDown, 65535)
	c.up, _ = g.number(c.place, v, "up_thresh", gdnsdUp, 65535)
	if at, found := v.get("up_thresh"); found {
		c.upAt = at.place
	}
	if at, found := v.get("down_thresh"); found && down != ourDown {
		g.lost(at.place, "down_thresh %d: cdnredirect takes an address for down after %d failed probes in a row", down, ourDown)
	} else if !found {
		g.stays(c.place, "service type '%s' has no down_thresh: gdnsd takes an address for down after %d failed checks, cdnredirect after %d in a row", name, gdnsdDown, ourDown)
	}
	if at, found := v.get("ok_thresh"); found && ok != 1 {
		g.lost(at.place, "ok_thresh %d: with cdnredirect one good probe ends a row of failed ones", ok)
	}
}
