package provision

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Check returns all that a site is and the plan of its customer, who has so many other
// sites, does not allow. Every error is a *site.PropertyError.
func Check(s *site.Site, g site.Guardrails, others int) []error {
	c := &checked{site: s, plan: g}
	c.number(others)
	c.ttl()
	c.atLeast("failback_delay", "failback_delay", s.FailbackDelay, g.MinFailbackDelay)
	c.share()
	c.sources()
	c.targets()
	c.servers()
	c.addresses()
	return c.breaches
}

// checked is a site whose breaches are collected.
type checked struct {
	site     *site.Site
	plan     site.Guardrails
	breaches []error
}

func (c *checked) breach(property, format string, args ...any) {
	c.breaches = append(c.breaches, &site.PropertyError{Property: property, Err: fmt.Errorf(format, args...)})
}

func (c *checked) atLeast(property, what string, value, least time.Duration) {
	if value < least {
		c.breach(property, "%s '%s' is below %s, the least of the plan", what, value, least)
	}
}

func (c *checked) number(others int) {
	if most := c.plan.MaxSites; most > 0 && others >= most {
		c.breach("", "site '%s' would be number %d, and the plan has %d", strings.TrimSuffix(c.site.Name(), "."), others+1, most)
	}
}

// ttl has the TTL that stands in for another one while the answer may change be as
// short as it is by default, and no shorter.
func (c *checked) ttl() {
	c.atLeast("ttl", "ttl", c.site.TTL.Full, c.plan.MinTTL)
	c.atLeast("ttl", "ttl diverted", c.site.TTL.Diverted, c.plan.MinTTL)
	if c.plan.MinTTL > 0 {
		c.atLeast("ttl", "ttl min", c.site.TTL.Min, site.NewTTL(c.plan.MinTTL).Min)
	}
}

func (c *checked) share() {
	share := 1.0
	switch c.site.Divert.Mode {
	case site.DivertNone:
		return
	case site.DivertFixed:
		share = c.site.Divert.Share
	}
	if most := c.plan.MaxShare; most != nil && share > *most {
		c.breach("divert", "divert '%s' is a share of %s, above %s, the largest of the plan", c.site.Divert.Mode, percent(share), percent(*most))
	}
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 6, 64) + "%" }

func (c *checked) sources() {
	for _, p := range c.site.Probes {
		if kinds := c.plan.ProbeKinds; len(kinds) > 0 && !slices.Contains(kinds, p.Kind) {
			c.breach(p.Key(), "probe kind '%s' is not in the plan, which has %s", p.Kind, strings.Join(kinds, ", "))
		}
	}
	for _, s := range slices.Concat(c.site.Probes, c.site.Feeds) {
		c.atLeast(s.Key(), "period of "+s.Key(), s.Every, c.plan.MinProbePeriod)
	}
	if c.site.Ready.Checked() {
		c.atLeast("ready", "period of ready", c.site.Ready.Check.Every, c.plan.MinProbePeriod)
	}
}

// servers keeps a customer out of what is on the servers, and of how others do: he reads
// no file there, sends nobody a secret that is kept there, and has only his own hosts push.
func (c *checked) servers() {
	for _, src := range slices.Concat(c.site.Probes, c.site.Feeds, []site.Source{c.site.Ready.Check}) {
		if src.Kind == "file" {
			c.breach(src.Key(), "feed file reads files of the servers, which are not the customer's")
		}
		if keepsSecret(src.Ask) {
			c.breach(src.Key(), "env:NAME and file:PATH are secrets of the servers, which are not the customer's")
		}
		if host := strings.TrimPrefix(src.URL, "push://"); src.Kind == "push" && !strings.HasPrefix(host, c.site.Customer+"/") {
			c.breach(src.Key(), "host '%s' is not the customer's: write '%s/%s'", host, c.site.Customer, path.Base(host))
		}
	}
}

// keepsSecret reports whether the value of a header, or a community, is kept elsewhere.
func keepsSecret(a site.Ask) bool {
	values := []string{a.Community}
	for line := range strings.Lines(a.Headers) {
		_, value, _ := strings.Cut(line, ":")
		values = append(values, value)
	}
	return slices.ContainsFunc(values, health.KeepsSecret)
}

// addresses keeps a customer's visitors, and those of a CDN that fetches for him, from
// what is on the servers' own networks.
func (c *checked) addresses() {
	for _, o := range c.site.Origins {
		for _, addr := range o.Addresses {
			if health.SetAside(addr) {
				c.breach("origin", "address %s is not on the public Internet", addr)
			}
		}
	}
}

func (c *checked) targets() {
	allowed := func(target string) bool {
		return slices.ContainsFunc(c.plan.Targets, func(t string) bool { return dns.IsSubDomain(dns.CanonicalName(t), target) })
	}
	for _, cdn := range c.site.CDNs {
		if len(c.plan.Targets) > 0 && !allowed(cdn.Target) {
			c.breach("cdn "+cdn.Name, "target '%s' of cdn '%s' is not in the plan, which has %s and what is below",
				strings.TrimSuffix(cdn.Target, "."), cdn.Name, strings.Join(c.plan.Targets, ", "))
		}
	}
}
