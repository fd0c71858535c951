package site

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// WatchedCDN is a CDN of which more is known than where it is: the sites that
// send their visitors there need not know what.
type WatchedCDN struct {
	Name       string
	Place      string  // where it was defined, as file:line
	ThirdParty bool    // it is operated by somebody else
	Capacity   float64 // bit/s that it may be sent; 0: no bound is known
	Soft       float64 // bit/s from which on it gets no further sites while another CDN takes them

	// Watch is the CDN as a site sees an origin: its only origin is the CDN as a
	// whole, and what leads away from that puts the CDN out.
	Watch *Site
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
	watch.Hosts = []string{name} // of those that its URLs do not name
	watch.Origins = []Origin{{Addresses: []netip.Addr{{}}}}
	watch.Fails, watch.Goods = cdnFails, cdnGoods
	watch.FailbackDelay = FirstEjection
	watch.Damping.Off = true // ejections grow instead
	return &WatchedCDN{Name: name, ThirdParty: true, Watch: watch}
}

// DefaultSoft is the part of a capacity from which on a CDN gets no further
// sites, unless it is named.
const DefaultSoft = 0.8

// Full is the threshold from which on the CDN gets no further sites.
func (c *WatchedCDN) Full() Threshold {
	return Threshold{Signal: UsedBandwidth, Limit: c.Soft, Recover: c.Soft}
}

// Finish completes a CDN of which everything is said, with the limits that the
// operator has not set: a capacity is one of what is used, and of its probes not
// more than half may fail.
func (c *WatchedCDN) Finish() {
	w := c.Watch
	w.Public = c.ThirdParty
	w.Origins[0].Capacity = c.Capacity
	if c.Capacity > 0 {
		c.Soft = cmp.Or(c.Soft, DefaultSoft*c.Capacity)
		if !w.limits(UsedBandwidth) && !w.limits(AvailableBandwidth) {
			w.Thresholds = append(w.Thresholds, Threshold{Signal: UsedBandwidth, Limit: c.Capacity, Recover: c.Soft})
		}
	}
	if !w.limits(ErrorRatio) && slices.ContainsFunc(w.Probes, func(p Source) bool { return p.supplies(ErrorRatio, 0) }) {
		w.Thresholds = append(w.Thresholds, w.halfFail())
	}
}

// limits reports whether a threshold of the site itself is of a signal.
func (s *Site) limits(signal Signal) bool {
	return slices.ContainsFunc(s.Thresholds, func(t Threshold) bool { return t.Signal == signal })
}

// halfFail is reached when half of the probes of a minute, or of three periods,
// have failed.
func (s *Site) halfFail() Threshold {
	t := Threshold{Signal: ErrorRatio, Limit: 0.5, Recover: 0.25, Window: time.Minute}
	if slices.ContainsFunc(s.Probes, func(p Source) bool { return p.Every > time.Minute }) {
		t.Window = 0
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
	case c.Capacity > 0 && !c.Watch.Supplied(UsedBandwidth):
		return wrong("capacity", "nothing says how much of the capacity is used: it takes a feed of %s", UsedBandwidth)
	}
	if len(c.Watch.Thresholds) == 0 {
		return wrong("", "cdn '%s' has nothing to be judged by: it takes a probe, or a feed and a threshold", c.Name)
	}
	if err := c.Watch.checkSources(); err != nil {
		return err
	}
	for _, t := range c.Watch.Thresholds {
		if err := cmp.Or(t.Validate(), c.Watch.checkSupply(t, c.Watch.Origins[0])); err != nil {
			return &PropertyError{t.key(), err}
		}
	}
	return nil
}

// ValidateWatched refuses CDNs whose probes or feeds ask a site's name, which
// leads where the decision says. Every error is a *PlaceError.
func ValidateWatched(cdns []*WatchedCDN, sites []*Site) error {
	owner := owners(sites)
	for _, c := range cdns {
		for _, src := range slices.Concat(c.Watch.Probes, c.Watch.Feeds) {
			u, err := url.Parse(src.URL)
			if err != nil {
				continue // Validate has refused it
			}
			if name, err := CanonicalName(u.Hostname()); err == nil && ownerOf(name, owner) != nil {
				return &PlaceError{c.Place, fmt.Errorf("%s of cdn '%s' asks '%s', a name of the site '%s', which leads where the decision says",
					src.Key(), c.Name, u.Hostname(), ownerOf(name, owner).Name())}
			}
		}
	}
	return nil
}
