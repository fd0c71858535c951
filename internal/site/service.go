package site

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// serviceMark stands in a feed of a CDN for each of its services in turn, as a URL
// has it once it is written in one form.
const serviceMark, escapedMark = "{service}", "%7Bservice%7D"

// maxServices is how many services a CDN may have: each is read in turn.
const maxServices = 100

var serviceID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ParseService reads what a CDN calls a site's part of it. It can stand in a path,
// a query and a string as it is.
func ParseService(word string) (string, error) {
	if !serviceID.MatchString(word) {
		return "", fmt.Errorf("'%s' is not a service: begin with a letter or a digit, go on with letters, digits, -, _ and ., at most 64", word)
	}
	return word, nil
}

// WriteURL writes a URL as the Corefile has it.
func WriteURL(u *url.URL) string { return strings.ReplaceAll(u.String(), escapedMark, serviceMark) }

// WithService puts a service into a text in place of its mark.
func WithService(text, id string) string {
	return strings.NewReplacer(serviceMark, id, escapedMark, id).Replace(text)
}

// strayMark reports whether {service} stands where nothing is put in its place.
func (a Ask) strayMark(kind string) bool {
	texts := []string{a.Headers, a.Labels, a.Over, a.Community}
	if kind != "promql" {
		texts = append(texts, a.Query)
	}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, serviceMark) })
}

// OfServices reports whether a feed reads each service of a CDN.
func (s Source) OfServices() bool {
	return s.IsFeed() && (IsAPI(s.Ask.Map) || strings.Contains(s.URL, serviceMark) || s.Kind == "promql" && strings.Contains(s.Ask.Query, serviceMark))
}

// checkServices refuses feeds of services where there are none, or whose counters
// only a server that keeps them can add up.
func (c *WatchedCDN) checkServices() error {
	for _, f := range c.Watch.Feeds {
		switch {
		case !f.OfServices():
		case c.Nodes():
			return wrong(f.Key(), "services are of a CDN as a whole, and cdn '%s' has nodes", c.Name)
		case !IsAPI(f.Ask.Map) && !slices.Contains([]string{"json", "promql", "fci"}, f.Kind):
			return wrong(f.Key(), "feed %s cannot have {service}: have its counters added up by a Prometheus server, and write 'feed SIGNAL promql'", f.Kind)
		}
	}
	return nil
}

func (s *Site) checkServices() error { return refuseServices(s.Feeds) }

// refuseServices refuses feeds of services that are not in the block of a CDN.
func refuseServices(feeds []Source) error {
	for _, f := range feeds {
		if f.OfServices() {
			return wrong(f.Key(), "%s reads the services of a CDN: write it in a cdn block", f.Key())
		}
	}
	return nil
}

// Latest is how far behind statistics may be that decide anything.
const Latest = 2 * time.Minute

// maxDelay is how far behind statistics may be at all.
const maxDelay = 24 * time.Hour

// Behind is how far behind the answers are.
func (a Ask) Behind() time.Duration { return cmp.Or(a.Delay, mapDelays[a.Map]) }

// late reports whether a source is too far behind for anything to be decided by it.
func (s Source) late() bool { return s.Ask.Behind() > Latest }

// tooLate says of the first source that would supply a signal if it were not too
// far behind that it is; nil: there is none.
func (s *Site) tooLate(signal Signal, o Origin) error {
	for _, src := range slices.Concat(s.Feeds, o.Feeds) {
		if src.late() && src.gives(signal, o.Capacity) {
			return fmt.Errorf("%s is %s behind: what is more than %s behind decides nothing, so %s needs another source", src.Key(), src.Ask.Behind(), Latest, signal)
		}
	}
	return nil
}

// servicesOf returns the services that the lines of sites name for a CDN, sorted,
// each once.
func servicesOf(cdn string, sites []*Site) []string {
	var ids []string
	for _, s := range sites {
		for _, c := range s.CDNs {
			if c.Name == cdn && c.Service != "" {
				ids = append(ids, c.Service)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// SetServices tells the CDN's feeds the services that the sites have of it. Every
// error is a *PlaceError.
func (c *WatchedCDN) SetServices(sites []*Site) error {
	ids := servicesOf(c.Name, sites)
	if err := c.CheckServices(len(ids)); err != nil {
		return &PlaceError{c.Place, err}
	}
	for i := range c.Watch.Feeds {
		f := &c.Watch.Feeds[i]
		if !f.OfServices() {
			continue
		}
		if len(ids) == 0 {
			return &PlaceError{c.Place, fmt.Errorf("%s of cdn '%s' reads services, and no site's line names one: write 'cdn %s TARGET service ID'", f.Key(), c.Name, c.Name)}
		}
		for _, s := range sites {
			if err := c.checkLines(*f, s); err != nil {
				return err
			}
		}
		f.Ask.Services = strings.Join(ids, " ")
	}
	return nil
}

// CheckServices refuses more services than can be read in turn.
func (c *WatchedCDN) CheckServices(n int) error {
	if n > maxServices {
		return fmt.Errorf("cdn '%s' has %d services on the sites' lines: more than %d take too long to read", c.Name, n, maxServices)
	}
	return nil
}

// ReadsServices reports whether any feed of the CDN reads each of its services.
func (c *WatchedCDN) ReadsServices() bool {
	return slices.ContainsFunc(c.Watch.Feeds, Source.OfServices)
}

// WithServices returns the CDN with feeds that read these services.
func (c *WatchedCDN) WithServices(ids []string) *WatchedCDN {
	other, watch, policy := *c, *c.Watch, *c.Watch.Policy
	watch.Policy, other.Watch = &policy, &watch
	watch.Feeds = slices.Clone(watch.Feeds)
	for i := range watch.Feeds {
		if f := &watch.Feeds[i]; f.OfServices() {
			f.Ask.Services = strings.Join(ids, " ")
		}
	}
	return &other
}

// checkLines refuses lines of a site that a feed of services could not add up: a
// sum without them would be too small.
func (c *WatchedCDN) checkLines(f Source, s *Site) error {
	for _, line := range s.CDNs {
		switch {
		case line.Name != c.Name:
		case line.Service == "":
			return &PlaceError{s.Place, fmt.Errorf("cdn '%s' of the site has no service, and %s reads services: write 'cdn %[1]s TARGET service ID', and the same ID on the lines of sites that share one", c.Name, f.Key())}
		case f.Ask.Map == "bunny" && strings.Trim(line.Service, "0123456789") != "":
			return &PlaceError{s.Place, fmt.Errorf("service '%s' of cdn '%s' is not the number of a pull zone, which %s asks for", line.Service, c.Name, f.Key())}
		}
	}
	return nil
}

// ValidateServices refuses a service that no feed reads. Every error is a
// *PlaceError.
func ValidateServices(cdns []*WatchedCDN, sites []*Site) error {
	known := make(map[string]*WatchedCDN)
	for _, c := range cdns {
		known[c.Name] = c
	}
	for _, s := range sites {
		if err := s.checkRead(known); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) checkRead(cdns map[string]*WatchedCDN) error {
	for _, c := range s.CDNs {
		if cdn := cdns[c.Name]; c.Service != "" && (cdn == nil || !cdn.ReadsServices()) {
			return &PlaceError{s.Place, fmt.Errorf("service '%s' of cdn '%s' is read by nothing: its block needs a feed with {service}, or a map of its API", c.Service, c.Name)}
		}
	}
	return nil
}

// CheckWatched checks the lines of a site against the watched CDNs that they may
// name, as ValidateWatched, SetServices and ValidateServices check those of many.
// Every error is a *PlaceError.
func (s *Site) CheckWatched(cdns map[string]*WatchedCDN) error {
	for _, line := range s.CDNs {
		c := cdns[line.Name]
		if c == nil {
			continue
		}
		if err := cmp.Or(c.checkTarget(s), c.checkOrigins(s)); err != nil {
			return err
		}
		for _, f := range c.Watch.Feeds {
			if !f.OfServices() {
				continue
			}
			if err := c.checkLines(f, s); err != nil {
				return err
			}
		}
	}
	return s.checkRead(cdns)
}
