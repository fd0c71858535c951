package site

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// WatchedCDN is a CDN of which more is known than where it is: the sites that
// send their visitors there need not know what.
type WatchedCDN struct {
	Name       string
	Place      string  // where it was defined, as file:line
	ThirdParty bool    // it is operated by somebody else
	Capacity   float64 // bit/s that it may be sent; 0: no bound is known
	Soft       float64 // bit/s from which on it gets no further sites while another CDN takes them
	Zone       string  // canonical; we answer for the names below it; empty: its DNS is not ours

	Provision Provision // who sets its side of sites up

	// Watch is the CDN as a site sees its origins: these are the CDN's nodes, or
	// the CDN as a whole, and when all of them are out the CDN is.
	Watch *Site
}

// Nodes reports whether the nodes of the CDN are known.
func (c *WatchedCDN) Nodes() bool { return c.Watch.Origins[0].Name != "" }

// IsNode reports whether a node of the CDN is known to be at an address.
func (c *WatchedCDN) IsNode(addr netip.Addr) bool {
	return c.Nodes() && slices.ContainsFunc(c.Watch.Origins, func(o Origin) bool { return slices.Contains(o.Addresses, addr) })
}

// AsksInPublic reports whether a site asks the CDN at an address on the public Internet
// only. It does if the CDN is somebody else's, or not known (nil); and if the site is a
// customer's, whose target may lead anywhere, unless it leads to a node.
func (c *WatchedCDN) AsksInPublic(s *Site, addr netip.Addr) bool {
	return c == nil || c.ThirdParty || s.Customer != "" && !c.IsNode(addr)
}

// Watches reports whether it is observed: a block may say only who sets up sites there.
func (c *WatchedCDN) Watches() bool {
	sources := len(c.Watch.Probes) + len(c.Watch.Feeds) + len(c.Watch.Thresholds)
	return !c.Provision.On() || sources > 0 || c.Nodes() || c.Zone != "" || c.Capacity > 0
}

// Times and counts of a CDN that is out. Other people's visitors depend on it,
// so it is left later than an address and taken back later.
const (
	cdnFails, cdnGoods = 5, 3

	// FirstEjection is for how long a CDN is out the first time, and LastEjection
	// the longest.
	FirstEjection = 30 * time.Second
	LastEjection  = 5 * time.Minute
)

// NewWatchedCDN returns a CDN of that name with all defaults.
func NewWatchedCDN(name string) *WatchedCDN {
	watch := New(name)
	watch.Hosts = []string{""} // those of its URLs
	watch.Origins = []Origin{{Addresses: []netip.Addr{{}}}}
	watch.Fails, watch.Goods = cdnFails, cdnGoods
	watch.FailbackDelay = FirstEjection
	watch.Damping.Off = true // ejections grow instead
	return &WatchedCDN{Name: name, ThirdParty: true, Watch: watch}
}

// DefaultSoft is the part of a capacity from which on a CDN gets no further
// sites, unless it is named.
const DefaultSoft = 0.8

// Finish completes a CDN of which everything is said: a capacity is a limit of what
// is used, whatever the operator has set besides, and of its probes not more than
// half may fail unless the operator says how many.
func (c *WatchedCDN) Finish() {
	w := c.Watch
	w.Public = c.ThirdParty
	if c.Nodes() {
		w.Fails, w.Goods = New("").Fails, New("").Goods // a node is an address, and others are there
	} else {
		w.Origins[0].Capacity = c.Capacity
	}
	if c.Zone != "" {
		w.Names = []string{"*." + c.Zone}
	}
	if c.Advertises() && !w.limits(Load) {
		w.Thresholds = append(w.Thresholds, Threshold{Signal: Load, Limit: 1, Recover: DefaultSoft})
	}
	c.Soft = cmp.Or(c.Soft, DefaultSoft*c.Capacity)
	for i := range w.Origins {
		c.limit(&w.Origins[i])
	}
	if !w.limits(ErrorRatio) && slices.ContainsFunc(w.Probes, func(p Source) bool { return p.supplies(ErrorRatio, 0) }) {
		w.Thresholds = append(w.Thresholds, w.halfFail())
	}
}

// Advertises reports whether the CDN says itself how full it is (RFC 9808): its
// load is DefaultSoft at its soft limits, and 1 at its hard ones.
func (c *WatchedCDN) Advertises() bool {
	return slices.ContainsFunc(c.Watch.Feeds, func(f Source) bool { return f.Kind == "fci" && !f.late() })
}

// limit makes a capacity a limit of what is used, and a node's weight.
func (c *WatchedCDN) limit(o *Origin) {
	w := c.Watch
	if c.Nodes() {
		o.Node, o.Weight = true, NodeWeight(o.Capacity, o.Capacity)
	}
	if o.Capacity > 0 && w.Supplied(UsedBandwidth) {
		o.Thresholds = []Threshold{{Signal: UsedBandwidth, Limit: o.Capacity, Recover: cmp.Or(c.Soft, DefaultSoft*o.Capacity)}}
	}
}

// NodeWeight is a node's part of the clients: what is free of its capacity, in
// tenths of that, so that it changes rarely.
func NodeWeight(capacity, free float64) int {
	if capacity == 0 {
		return 1
	}
	tenths := max(1, min(math.Ceil(10*free/capacity), 10))
	return max(1, int(capacity/1e6*tenths/10))
}

// limits reports whether a threshold of the site itself is of a signal.
func (s *Site) limits(signal Signal) bool {
	return slices.ContainsFunc(s.Thresholds, func(t Threshold) bool { return t.Signal == signal })
}

// halfFail is reached when half of the probes of a minute, and of 20 at least,
// have failed.
func (s *Site) halfFail() Threshold {
	t := Threshold{Signal: ErrorRatio, Limit: 0.5, Recover: 0.5, Window: time.Minute}
	for _, p := range s.Probes {
		t.Window = min(max(t.Window, 20*p.Every), maxWindow)
	}
	return t
}

// Validate checks the finished CDN by itself; every error is a *PropertyError.
func (c *WatchedCDN) Validate() error {
	switch {
	case c.Capacity < 0 || c.Soft < 0:
		return wrong("capacity", "capacity %s or soft %s is negative", FormatRate(c.Capacity), FormatRate(c.Soft))
	case c.Soft > c.Capacity:
		return wrong("capacity", "soft %s is above the capacity %s", FormatRate(c.Soft), FormatRate(c.Capacity))
	case c.Capacity > 0 && c.Nodes():
		return wrong("capacity", "the capacity of cdn '%s' is the sum of those of its nodes: give it to them", c.Name)
	case c.Nodes() && c.Advertises():
		return wrong("feed fci", "an advertisement is of a CDN as a whole, and cdn '%s' has nodes", c.Name)
	case c.ThirdParty && (c.Nodes() || c.Zone != ""):
		return wrong("node", "cdn '%s' has nodes or a DNS of ours: write 'operated own'", c.Name)
	case c.Zone == "" && c.Watch.TTL != New("").TTL:
		return wrong("ttl", "ttl is of the answers below a dns zone, and cdn '%s' has none", c.Name)
	case c.Zone != "" && !c.Nodes():
		return wrong("dns", "cdn '%s' has no node: nothing can be answered below '%s'", c.Name, c.Zone)
	case c.Capacity > 0 && !c.Watch.Supplied(UsedBandwidth) && c.Watch.tooLate(UsedBandwidth, Origin{}) != nil:
		return &PropertyError{"capacity", c.Watch.tooLate(UsedBandwidth, Origin{})}
	case c.Capacity > 0 && !c.Watch.Supplied(UsedBandwidth):
		return wrong("capacity", "nothing says how much of the capacity is used: it takes a feed of %s", UsedBandwidth)
	}
	if err := cmp.Or(c.checkNodes(), c.checkServices(), c.Watch.checkTTL()); err != nil {
		return err
	}
	if err := c.Provision.validate(c.ThirdParty); err != nil {
		return err
	}
	if !c.Watches() {
		return nil
	}
	if len(c.Watch.Thresholds)+len(c.Watch.Origins[0].Thresholds) == 0 {
		return wrong("", "cdn '%s' has nothing to be judged by: it takes a probe, or a feed and a threshold", c.Name)
	}
	if err := c.Watch.checkSources(); err != nil {
		return err
	}
	for _, o := range c.Watch.Origins {
		for _, t := range c.Watch.Thresholds {
			if t.Signal == UsedBandwidth && o.Capacity > 0 && t.Limit > o.Capacity {
				return &PropertyError{t.key(), fmt.Errorf("limit %s is above the capacity %s, at which the CDN is out", FormatRate(t.Limit), FormatRate(o.Capacity))}
			}
		}
		for _, t := range slices.Concat(c.Watch.Thresholds, o.Thresholds) {
			if err := cmp.Or(t.Validate(), c.Watch.checkSupply(t, o)); err != nil {
				return &PropertyError{t.key(), err}
			}
		}
	}
	return nil
}

// families says of which families an origin has addresses.
func families(o Origin) (has struct{ v4, v6 bool }) {
	for _, addr := range o.Addresses {
		has.v4, has.v6 = has.v4 || addr.Is4(), has.v6 || addr.Is6()
	}
	return has
}

func (c *WatchedCDN) checkNodes() error {
	if !c.Nodes() {
		return nil
	}
	for i, o := range c.Watch.Origins {
		key := "node " + o.Name
		if err := o.checkAddresses(key); err != nil {
			return err
		}
		for _, other := range c.Watch.Origins[:i] {
			switch {
			case other.Name == o.Name:
				return wrong(key, "node '%s' is repeated", o.Name)
			case (other.Capacity > 0) != (o.Capacity > 0):
				return wrong(key, "node '%s' and node '%s': give a capacity to both or to neither", o.Name, other.Name)
			case families(other) != families(o):
				return wrong(key, "node '%s' and node '%s': give both an IPv4 address, an IPv6 address, or one of each: a client is sent to one node for every type", o.Name, other.Name)
			case slices.ContainsFunc(o.Addresses, func(a netip.Addr) bool { return slices.Contains(other.Addresses, a) }):
				return wrong(key, "node '%s' has an address of node '%s'", o.Name, other.Name)
			}
		}
	}
	return nil
}

// ValidateWatched refuses CDNs whose probes or feeds ask a site's name, which
// leads where the decision says, and targets that the DNS of a CDN does not
// answer. Every error is a *PlaceError.
func ValidateWatched(cdns []*WatchedCDN, sites []*Site, servers []Server, zones []string) error {
	owner := owners(sites)
	for _, c := range cdns {
		if err := cmp.Or(c.CheckZone(servers, zones), c.checkTargets(cdns, sites)); err != nil {
			return err
		}
		for _, s := range sites {
			if err := c.checkOrigins(s); err != nil {
				return err
			}
		}
		for _, src := range slices.Concat(c.Watch.Probes, c.Watch.Feeds) {
			u, err := url.Parse(src.URL)
			if err != nil {
				continue // Validate has refused it
			}
			if name, err := CanonicalName(u.Hostname()); err == nil && owner.of(name) != nil {
				return c.asksSite(src, owner.of(name))
			}
		}
	}
	return nil
}

// asksSite is the error of a source that asks a site's name.
func (c *WatchedCDN) asksSite(src Source, s *Site) *PlaceError {
	host := ""
	if u, err := url.Parse(src.URL); err == nil {
		host = u.Hostname()
	}
	return &PlaceError{c.Place, fmt.Errorf("%s of cdn '%s' at %s asks '%s', a name of the site '%s' at %s, which leads where the decision says",
		src.Key(), c.Name, c.Place, host, s.Name(), s.Place)}
}

// CheckZone keeps out of the CDN's zone what is answered otherwise: the names of
// name servers, and zones that are served. Every error is a *PlaceError.
func (c *WatchedCDN) CheckZone(servers []Server, zones []string) error {
	for _, s := range servers {
		if c.Zone != "" && dns.IsSubDomain(c.Zone, s.Name) {
			return &PlaceError{s.Place, fmt.Errorf("name server '%s' is in the dns zone '%s' of cdn '%s', where every name has the addresses of nodes", s.Name, c.Zone, c.Name)}
		}
	}
	for _, zone := range zones {
		if c.Zone != "" && zone != c.Zone && dns.IsSubDomain(c.Zone, zone) {
			return &PlaceError{c.Place, fmt.Errorf("the served zone '%s' is in the dns zone '%s' of cdn '%s'", zone, c.Zone, c.Name)}
		}
	}
	return nil
}

// checkTargets has the targets of a CDN whose DNS is ours below its zone, where
// nothing else is.
func (c *WatchedCDN) checkTargets(cdns []*WatchedCDN, sites []*Site) error {
	if c.Zone == "" {
		return nil
	}
	for _, other := range cdns {
		if err := c.holds(other); other != c && err != nil {
			return err
		}
	}
	for _, s := range sites {
		if err := c.holdsName(s); err != nil {
			return err
		}
		if err := c.checkTarget(s); err != nil {
			return err
		}
	}
	return nil
}

// holds is the error of a CDN whose dns zone holds that of another.
func (c *WatchedCDN) holds(other *WatchedCDN) *PlaceError {
	if c.Zone == "" || other.Zone == "" || !dns.IsSubDomain(c.Zone, other.Zone) {
		return nil
	}
	return &PlaceError{c.Place, fmt.Errorf("dns zone '%s' of cdn '%s' at %s holds that of cdn '%s' at %s", c.Zone, c.Name, c.Place, other.Name, other.Place)}
}

// holdsName is the error of a site with a name in the CDN's dns zone.
func (c *WatchedCDN) holdsName(s *Site) *PlaceError {
	for _, name := range s.zoneNames() {
		if c.Zone != "" && dns.IsSubDomain(c.Zone, name) {
			return &PlaceError{s.Place, fmt.Errorf("the name '%s' of the site '%s' is in the dns zone '%s' of cdn '%s' at %s", name, s.Name(), c.Zone, c.Name, c.Place)}
		}
	}
	return nil
}

// checkTarget has the targets of a site below the CDN's dns zone.
func (c *WatchedCDN) checkTarget(s *Site) error {
	for _, line := range s.CDNs {
		if c.Zone != "" && line.Name == c.Name && (line.Target == c.Zone || !dns.IsSubDomain(c.Zone, line.Target)) {
			return &PlaceError{s.Place, fmt.Errorf("target '%s' of cdn '%s' is not below its dns zone '%s', which is at %s", line.Target, c.Name, c.Zone, c.Place)}
		}
	}
	return nil
}

// checkOrigins refuses an origin at a node that is to be configured for the site: it would
// ask itself.
func (c *WatchedCDN) checkOrigins(s *Site) error {
	if c.Provision.Deploy == nil || !c.Nodes() || !slices.ContainsFunc(s.CDNs, func(line CDN) bool { return line.Name == c.Name }) {
		return nil
	}
	for _, node := range c.Watch.Origins {
		for _, o := range s.Origins {
			for _, addr := range o.Addresses {
				if slices.Contains(node.Addresses, addr) {
					return &PlaceError{s.Place, fmt.Errorf("the address '%s' of an origin is that of node '%s' of cdn '%s' at %s, which would ask itself for the site", addr, node.Name, c.Name, c.Place)}
				}
			}
		}
	}
	return nil
}
