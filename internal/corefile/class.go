package corefile

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// addClass keeps a class for the sites of all blocks.
func (c *Config) addClass(n node) error {
	if len(n.args()) != 1 {
		return n.wrap(n.argError())
	}
	name := n.args()[0]
	if err := checkWord("class", name); err != nil {
		return n.wrap(err)
	}
	if first, found := c.classes[name]; found {
		return n.definedAt(first)
	}
	if err := n.needBlock(); err != nil {
		return err
	}
	c.classes[name] = n
	return c.checkClass(n)
}

// checkLines checks the lines of a class or a site by themselves, and writes
// what they say into s.
func checkLines(s *site.Site, n node) error {
	given := seen{}
	for _, line := range n.children {
		if err := given.add(line.key(), line); err != nil {
			return err
		}
		if err := applyLine(s, line); err != nil {
			return err
		}
	}
	return nil
}

// checkClass checks a class as if a site used it that adds what is missing.
func (c *Config) checkClass(n node) error {
	d := &draft{site: example(), node: n, lines: n.children}
	if err := checkLines(d.site, n); err != nil {
		return err
	}
	asks := func() error {
		return cmp.Or(c.checkAsks(n, n.children, d.site.Probes, d.site.Feeds), c.checkReady(d))
	}
	for _, step := range []func() error{d.expand, d.expandReady, asks} {
		if err := step(); err != nil {
			return err
		}
	}
	fill(d.site)
	return d.validate()
}

// example returns a site that has names and nothing else. Its name is one that
// no target can have (RFC 2606, section 2).
func example() *site.Site {
	s := site.New("site.invalid.")
	s.Zone = "invalid."
	return s
}

// fill gives a site what it lacks, an answer that suits its share among that.
// A threshold that nothing here supplies cannot be judged, and is left out.
func fill(s *site.Site) {
	if len(s.Origins) == 0 {
		s.Origins = []site.Origin{{}}
	}
	for i, o := range s.Origins {
		if len(o.Addresses) == 0 && !o.Next {
			s.Origins[i].Addresses = []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1})}
		}
	}
	if s.Divert.Partial() && s.Answer.Form == site.FormSwitch {
		s.Answer.Keyed = true
	}
	fillRedirect(s)
	if len(s.CDNs) == 0 {
		s.CDNs = []site.CDN{{Name: "cdn", Target: "cdn.invalid."}}
	}
	s.Thresholds = slices.DeleteFunc(s.Thresholds, func(t site.Threshold) bool { return !s.Supplied(t.Signal) })
	if len(s.Thresholds) == 0 {
		s.Probes = append(s.Probes, site.Source{Kind: "http", URL: "http://{origin}/", Every: time.Minute, Timeout: time.Second, Ask: site.Ask{Status: site.DefaultStatus()}})
		s.Thresholds = []site.Threshold{{Signal: site.ResponseTime, Limit: 0.001, Recover: 0.001}}
	}
}
