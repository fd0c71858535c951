package site

import (
	"net/url"
	"slices"
	"strings"
)

func (s *Site) checkSources() error {
	for _, p := range s.Probes {
		if err := s.checkSource("probe", p); err != nil {
			return err
		}
		if p.Kind == "download" && p.perAddress() && len(s.Origins) > 0 && s.Origins[0].Next {
			return wrong(p.Key(), "what downloads from {origin} cost is not known with 'origin next': name a host")
		}
	}
	for _, f := range s.Feeds {
		if err := s.checkSource("feed", f); err != nil {
			return err
		}
	}
	sources := len(s.Probes) + len(s.Feeds)
	for _, o := range s.Origins {
		sources += len(o.Feeds)
		if err := s.checkFeedsOf(o); err != nil {
			return err
		}
	}
	if sources == 0 {
		return wrong("probe", "site '%s' has no probe and no feed", s.Name())
	}
	return nil
}

// Supplied reports whether a probe or feed of the site itself supplies a signal.
func (s *Site) Supplied(signal Signal) bool {
	supplies := func(src Source) bool { return src.supplies(signal, 0) }
	return slices.ContainsFunc(s.Probes, supplies) || slices.ContainsFunc(s.Feeds, supplies)
}

// Key is how the line of a source begins, which tells it from others.
func (s Source) Key() string {
	switch {
	case !s.IsFeed():
		return "probe " + s.Kind
	case s.Kind == "map":
		return "feed map " + s.Ask.Map
	case s.Kind == "fci":
		return "feed fci"
	}
	return "feed " + string(s.Ask.Signal)
}

func (s *Site) checkSource(property string, p Source) error {
	if err := checkSource(property, p); err != nil {
		return err
	}
	if s.asksItself(p.URL) {
		return wrong(p.Key(), "the host in '%s' is a name of the site, which leads where the decision says: write {origin}", kinds[p.Kind].written(p.URL))
	}
	return nil
}

// checkSource checks a probe or feed by itself.
func checkSource(property string, p Source) error {
	k, known := kinds[p.Kind]
	key := p.Key()
	if !known || k.feed != (property == "feed") {
		return wrong(property, "%s '%s' is of no known kind", property, p.Kind)
	}
	if err := k.checkURL(p.URL); err != nil {
		return &PropertyError{key, err}
	}
	switch {
	case (p.Kind == "http" || p.Kind == "download") && p.Ask.Status == StatusSet{}:
		return wrong(key, "no status is good for the probe of '%s'", p.URL)
	case p.Every < MinEvery:
		return wrong(key, "period %s is shorter than %s", p.Every, MinEvery)
	case p.Timeout <= 0 || p.Timeout >= p.Every:
		return wrong(key, "timeout %s is not below the period %s", p.Timeout, p.Every)
	case (p.Ask.SkipVerify || p.Ask.Days > 0) && !p.secured():
		return wrong(key, "tls_verify and days say something of TLS, which is not spoken here")
	}
	return p.Ask.check(key, p.Kind)
}

// secured reports whether TLS is spoken.
func (s Source) secured() bool {
	return s.Kind == "tls" || s.Kind == "grpc" && s.Ask.TLS || strings.HasPrefix(strings.ToLower(s.URL), "https:")
}

// asksItself reports whether a URL's host is one of the site's names: its probe
// would follow our own answers, and find a sick origin well at the CDN.
func (s *Site) asksItself(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false // it holds {origin}
	}
	name, err := CanonicalName(u.Hostname())
	return err == nil && s.Serves(name)
}

// word is what the Corefile calls the source.
func (s Source) word() string {
	if s.IsFeed() {
		return "feed"
	}
	return "probe"
}
