package site

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// PropertyError says which property of a site is wrong.
type PropertyError struct {
	Property string // as the Corefile calls it; empty: the site as a whole
	Err      error
}

func (e *PropertyError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *PropertyError) Unwrap() error { return e.Err }

func wrong(property, format string, args ...any) error {
	return &PropertyError{property, fmt.Errorf(format, args...)}
}

// Validate checks one site by itself; every error is a *PropertyError.
func (s *Site) Validate() error {
	checks := []func() error{
		s.checkNames, s.checkHosts, s.checkOrigins, s.checkCDNs, s.checkSources, s.checkThresholds, s.checkTTL, s.checkTimes,
		s.checkDivert, s.checkAnswer,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) checkNames() error {
	if len(s.Names) == 0 {
		return wrong("", "a site has no name")
	}
	for i, name := range s.Names {
		switch {
		case !isName(name):
			return wrong("", "site name '%s' is not a name in canonical form", name)
		case name == s.Zone && s.Answer.Form != FormAddress:
			return wrong("", "site name '%s' is the apex of its zone, where a CNAME cannot stand (RFC 1034, section 3.6.2): write 'answer address'", name)
		case !dns.IsSubDomain(s.Zone, name):
			return wrong("", "site name '%s' is outside the zone '%s'", name, s.Zone)
		case slices.Contains(s.Names[:i], name):
			return wrong("", "site name '%s' is repeated", name)
		}
	}
	return nil
}

// isName reports whether name is canonical and below the root.
func isName(name string) bool {
	canonical, err := CanonicalName(name)
	return err == nil && canonical == name && name != "."
}

// isAddress reports whether a name is an IPv4 address that was written for one.
func isAddress(name string) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(name, "."))
	return err == nil
}

// checkHosts refuses names that no web server can know, which a DNS name may
// well be.
func (s *Site) checkHosts() error {
	if len(s.Hosts) == 0 {
		return wrong("host", "site '%s' has no host", s.Name())
	}
	for _, host := range s.Hosts {
		if canonical, err := CanonicalHost(host); err != nil || canonical != host {
			return wrong("host", "'%s' is not a host name: name the web server's own with 'host NAME'", host)
		}
	}
	return nil
}

func (s *Site) checkOrigins() error {
	if len(s.Origins) == 0 {
		return wrong("origin", "site '%s' has no origin", s.Name())
	}
	for i, o := range s.Origins {
		same := func(other Origin) bool { return other.Name == o.Name }
		if slices.ContainsFunc(s.Origins[:i], same) {
			return wrong("origin", "origin '%s' is repeated: a site has addresses of its own, or origins that each have a name", o.Name)
		}
		if o.Name == "" && o.empty() {
			return wrong("origin", "site '%s' has no origin", s.Name())
		}
		if o.Name == "" && len(s.Origins) > 1 {
			return wrong("origin", "site '%s' has addresses of its own beside origins with a name: give them an 'origin NAME' block, too", s.Name())
		}
		if err := o.check(); err != nil {
			return err
		}
	}
	return checkWeights("origin", s.Origins, func(o Origin) (string, int, int) { return o.Name, o.Priority, o.Weight })
}

// Validate checks a named origin by itself, whichever sites use it; every error
// is a *PropertyError.
func (o Origin) Validate() error {
	if err := o.check(); err != nil {
		return err
	}
	for _, f := range o.Feeds {
		if err := checkSource("feed", f); err != nil {
			return err
		}
	}
	for _, t := range o.Thresholds {
		if err := cmp.Or(t.Validate(), o.checkReach(t)); err != nil {
			return &PropertyError{t.key(), err}
		}
	}
	return nil
}

// empty reports whether the origin is nowhere.
func (o Origin) empty() bool { return len(o.Addresses) == 0 && !o.Next }

// key is what tells the line that names the origin from others.
func (o Origin) key() string { return strings.TrimSuffix("origin "+o.Name, " ") }

// check checks the origin's addresses, which one with a name has in its block.
func (o Origin) check() error {
	if o.empty() {
		return wrong(o.key(), "origin '%s' has no address", o.Name)
	}
	if o.Capacity < 0 {
		return wrong("capacity", "capacity %s of origin '%s' is negative", FormatRate(o.Capacity), o.Name)
	}
	if o.Name == "" {
		return o.checkAddresses("origin")
	}
	return o.checkAddresses("address")
}

// checkAddresses checks those of the line with that property.
func (o Origin) checkAddresses(property string) error {
	for i, addr := range o.Addresses {
		switch {
		case !Reachable(addr):
			return wrong(property, "'%s' is not an address that visitors can reach", addr)
		case slices.Contains(o.Addresses[:i], addr):
			return wrong(property, "address '%s' is repeated", addr)
		}
	}
	return nil
}

// Reachable reports whether an address can be a server's.
func Reachable(addr netip.Addr) bool {
	return addr.IsValid() && addr.Zone() == "" && !addr.IsUnspecified() && !addr.IsMulticast() && !addr.Is4In6()
}

func (s *Site) checkCDNs() error {
	if len(s.CDNs) == 0 {
		return wrong("cdn", "site '%s' has no cdn", s.Name())
	}
	for i, c := range s.CDNs {
		same := func(other CDN) bool { return other.Name == c.Name }
		key := "cdn " + c.Name
		switch {
		case c.Name == "" || slices.ContainsFunc(s.CDNs[:i], same):
			return wrong("cdn", "cdn '%s' has no name of its own", c.Name)
		case !isName(c.Target):
			return wrong(key, "target '%s' of cdn '%s' is not a name in canonical form", c.Target, c.Name)
		case isAddress(c.Target):
			return wrong(key, "target '%s' of cdn '%s' is an address: a CNAME leads to a name", c.Target, c.Name)
		case slices.Contains(dns.SplitDomainName(c.Target), "*"):
			return wrong(key, "target '%s' of cdn '%s' is a wildcard: {name} and {label} of a wildcard site are no names", c.Target, c.Name)
		case s.Serves(c.Target):
			return wrong(key, "target '%s' of cdn '%s' leads back to the site", c.Target, c.Name)
		}
	}
	return checkWeights("cdn", s.CDNs, func(c CDN) (string, int, int) { return c.Name, c.Priority, c.Weight })
}

// checkWeights has all items of one priority carry a weight, or none.
func checkWeights[T any](property string, items []T, of func(T) (name string, priority, weight int)) error {
	for _, item := range items {
		name, priority, weight := of(item)
		if weight < 0 {
			return wrong(property, "weight %d of %s '%s' is negative", weight, property, name)
		}
		for _, other := range items {
			if o, p, w := of(other); p == priority && (w > 0) != (weight > 0) {
				return wrong(property, "%s '%s' and %s '%s' have the same priority: give a weight to both or to neither", property, name, property, o)
			}
		}
	}
	return nil
}

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

// checkFeedsOf checks the feeds of an origin for this site.
func (s *Site) checkFeedsOf(o Origin) error {
	for _, f := range o.Feeds {
		if err := s.checkSource("feed", f); err != nil {
			return wrong(o.key(), "origin '%s', %s: %w", o.Name, f.Key(), err)
		}
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

// maxWindow bounds what is kept of a source: an hour.
const maxWindow = time.Hour

// checkThresholds checks those of each origin against what can supply them.
func (s *Site) checkThresholds() error {
	for _, o := range s.Origins {
		if len(s.Thresholds)+len(o.Thresholds) == 0 {
			return wrong("threshold", "site '%s' has no threshold%s", s.Name(), o.named(" for origin '%s'"))
		}
		if err := s.checkThresholdsOf(o); err != nil {
			return err
		}
	}
	return nil
}

// checkThresholdsOf checks those of the site and those of the origin itself.
func (s *Site) checkThresholdsOf(o Origin) error {
	for i, t := range slices.Concat(s.Thresholds, o.Thresholds) {
		if err := t.Validate(); err != nil {
			return &PropertyError{t.key(), err}
		}
		err := s.checkSupply(t, o)
		if err != nil && i < len(s.Thresholds) {
			return wrong(t.key(), "%s%w", o.named("origin '%s': "), err)
		}
		if err != nil {
			return wrong(o.key(), "origin '%s', %s: %w", o.Name, t.key(), err)
		}
	}
	return nil
}

// key is how the line of a threshold begins.
func (t Threshold) key() string { return "threshold " + string(t.Signal) }

// named puts the origin's name into a text, or says nothing of one without.
func (o Origin) named(text string) string {
	if o.Name == "" {
		return ""
	}
	return fmt.Sprintf(text, o.Name)
}

// checkSupply checks a threshold against the sources that supply it.
func (s *Site) checkSupply(t Threshold, o Origin) error {
	supplied := false
	for _, src := range slices.Concat(s.Probes, s.Feeds, o.Feeds) {
		if !src.supplies(t.Signal, o.Capacity) {
			continue
		}
		supplied = true
		if t.Signal == AvailableBandwidth && !slices.Contains(src.Signals(), t.Signal) && src.perAddress() && len(o.Addresses) > 1 {
			return fmt.Errorf("the capacity %s is that of the origin as a whole, and the feed of '%s' speaks for one address: read what all use together, or make each address an origin", FormatRate(o.Capacity), src.URL)
		}
		if t.Signal == ResponseTime && !src.IsFeed() && t.Limit >= src.Timeout.Seconds() {
			return fmt.Errorf("limit %s is not below the timeout %s of the probe that measures it", t.Signal.Format(t.Limit), src.Timeout)
		}
		if t.Window != 0 && (t.Window < src.Every || t.Window > maxWindow) {
			return fmt.Errorf("window %s is not between the period %s of the %s and %s", t.Window, src.Every, src.word(), maxWindow)
		}
	}
	switch {
	case !supplied && t.Signal == AvailableBandwidth:
		return fmt.Errorf("no probe or feed supplies %s: it takes a feed of it, a probe download, or a feed of %s and an origin with a capacity", t.Signal, UsedBandwidth)
	case !supplied:
		return fmt.Errorf("no probe or feed supplies %s", t.Signal)
	}
	return o.checkReach(t)
}

// checkReach refuses a recover level that the origin cannot come to.
func (o Origin) checkReach(t Threshold) error {
	if t.Signal == AvailableBandwidth && o.Capacity > 0 && t.Recover > o.Capacity {
		return fmt.Errorf("recover %s is above the capacity %s of the origin: it would never be reached", FormatRate(t.Recover), FormatRate(o.Capacity))
	}
	return nil
}

// word is what the Corefile calls the source.
func (s Source) word() string {
	if s.IsFeed() {
		return "feed"
	}
	return "probe"
}

// Validate checks the threshold by itself. Its comparisons are such that NaN fails.
func (t Threshold) Validate() error {
	format := t.Signal.Format
	switch {
	case !slices.Contains(Signals(), t.Signal):
		return fmt.Errorf("signal '%s' is not known", t.Signal)
	case t.Statistic != StatisticAuto && !slices.Contains(Statistics(), t.Statistic):
		return fmt.Errorf("statistic '%s' is not known", t.Statistic)
	case !(t.Limit > 0) || math.IsInf(t.Limit, 1):
		return fmt.Errorf("limit %s of %s is not above zero", format(t.Limit), t.Signal)
	case t.Signal == ErrorRatio && t.Limit > 1:
		return fmt.Errorf("limit %s of %s is above 100%%", format(t.Limit), t.Signal)
	case t.Signal.LessIsWorse() && !(t.Recover >= t.Limit && !math.IsInf(t.Recover, 1)):
		return fmt.Errorf("recover %s is below the limit %s: the more there is of %s, the better", format(t.Recover), format(t.Limit), t.Signal)
	case !t.Signal.LessIsWorse() && !(t.Recover > 0 && t.Recover <= t.Limit):
		return fmt.Errorf("recover %s is not above zero and at most the limit %s", format(t.Recover), format(t.Limit))
	}
	return t.NoData.check(true)
}

// check checks the rule; one that may be left out has no action.
func (n NoData) check(optional bool) error {
	known := slices.Contains([]NoDataAction{NoDataOrigin, NoDataCDN, NoDataStay}, n.Action)
	switch {
	case !known && !(optional && n == NoData{}):
		return fmt.Errorf("no_data '%s' is neither origin nor cdn nor stay", n.Action)
	case n.After < 0:
		return fmt.Errorf("after %s is negative", n.After)
	}
	return nil
}

func (s *Site) checkTTL() error {
	for _, ttl := range []time.Duration{s.TTL.Full, s.TTL.Diverted, s.TTL.Min} {
		if ttl < 0 || ttl > MaxTTL || ttl%time.Second != 0 {
			return wrong("ttl", "ttl %s is not a number of whole seconds from 0s to %s", ttl, MaxTTL)
		}
	}
	if s.TTL.Min > s.TTL.Full || s.TTL.Min > s.TTL.Diverted {
		return wrong("ttl", "min %s is above the ttl it stands in for", s.TTL.Min)
	}
	return nil
}

// maxFailbackDelay is a year: damping multiplies it, and must not overflow.
const maxFailbackDelay = 365 * 24 * time.Hour

func (s *Site) checkTimes() error {
	d := s.Damping
	switch {
	case s.Enter < 1:
		return wrong("enter", "enter %d is not at least 1", s.Enter)
	case s.FailbackDelay < 0 || s.FailbackDelay > maxFailbackDelay:
		return wrong("failback_delay", "failback_delay %s is not from 0s to %s", s.FailbackDelay, maxFailbackDelay)
	case d.HalfLife < 0 || d.Max < 0:
		return wrong("damping", "half_life %s or max %s is negative", d.HalfLife, d.Max)
	case !d.Off && !(d.Reuse > 0 && d.Reuse < d.Suppress):
		return wrong("damping", "reuse %g is not above zero and below suppress %g", d.Reuse, d.Suppress)
	}
	if err := s.NoData.check(false); err != nil {
		return &PropertyError{"no_data", err}
	}
	return nil
}

// checkDivert refuses a share where resolvers would see addresses and a CNAME
// at one name: one that caches both follows one of them for every type.
func (s *Site) checkDivert() error {
	d := s.Divert
	switch {
	case !slices.Contains([]DivertMode{DivertAll, DivertFixed, DivertNone}, d.Mode):
		return wrong("divert", "divert '%s' is neither all nor fixed nor none", d.Mode)
	case d.Mode == DivertFixed && !(d.Share >= 0 && d.Share <= 1):
		return wrong("divert", "share %s is not from 0%% to 100%%", formatShare(d.Share))
	case d.Partial() && s.Answer.Form == FormSwitch && !s.Answer.Keyed:
		return wrong("divert", "a share of the clients needs 'answer cname HOST' or 'answer address': resolvers that several clients share would mix addresses and CNAME; 'answer switch keyed' accepts that")
	}
	return nil
}

func (s *Site) checkAnswer() error {
	switch a := s.Answer; {
	case !slices.Contains([]AnswerForm{FormSwitch, FormCNAME, FormAddress}, a.Form):
		return wrong("answer", "answer '%s' is neither switch nor cname nor address", a.Form)
	case a.Form == FormAddress && len(s.Hides) > 0:
		return wrong("hides", "hides has no meaning with 'answer address', which hides nothing")
	case a.Form == FormCNAME:
		return s.checkHost()
	}
	return nil
}

// checkHost checks the name of the origin.
func (s *Site) checkHost() error {
	switch host := s.Answer.Host; {
	case !isName(host) || slices.Contains(dns.SplitDomainName(host), "*") || isAddress(host):
		return wrong("answer", "'%s' is not a name that the origin can have", host)
	case slices.ContainsFunc(s.CDNs, func(c CDN) bool { return c.Target == host }):
		return wrong("answer", "'%s' is the target of a cdn, too: visitors would go there in either state", host)
	case s.Serves(host):
		return wrong("answer", "'%s' is a name of the site itself: the origin needs one of its own", host)
	case host == s.Zone:
		return wrong("answer", "'%s' is the apex of the zone: the origin needs a name below it", host)
	case s.Alias() == "" && s.HTTPS != nil:
		return wrong("https", "'%s' is outside the zone '%s': its HTTPS record is not ours to give", host, s.Zone)
	}
	return nil
}

// PlaceError says which site of a set is wrong.
type PlaceError struct {
	Place string // see Site.Place
	Err   error
}

func (e *PlaceError) Error() string { return e.Place + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *PlaceError) Unwrap() error { return e.Err }

// ValidateSet checks what no site can check by itself: that no name is
// defined twice, and that no chain of targets comes back to where it began.
// Every error is a *PlaceError.
func ValidateSet(sites []*Site) error {
	owner := make(map[string]*Site)
	for _, s := range sites {
		for _, name := range s.Names {
			if other := owner[name]; other != nil {
				return &PlaceError{s.Place, fmt.Errorf("site name '%s' is already defined at %s", name, other.Place)}
			}
			owner[name] = s
		}
	}
	for _, s := range sites {
		if err := checkLoop(s, owner); err != nil {
			return err
		}
	}
	return checkAliases(sites, owner)
}

// Server is the name of a name server, and where it was given.
type Server struct{ Name, Place string }

// ValidateServers refuses name servers that are steered: the name of one must
// never be a CNAME (RFC 2181, section 10.3), and nobody finds a zone whose
// servers' addresses lie with a CDN. Every error is a *PlaceError.
func ValidateServers(servers []Server, sites []*Site) error {
	owner := make(map[string]*Site)
	for _, s := range sites {
		for _, name := range s.Names {
			owner[name] = s
		}
	}
	for _, server := range servers {
		if s := ownerOf(server.Name, owner); s != nil {
			return &PlaceError{server.Place, fmt.Errorf("name server '%s' is a name of the site '%s' at %s: it needs one that is not steered (RFC 2181, section 10.3)", server.Name, s.Name(), s.Place)}
		}
	}
	return nil
}

// checkAliases has every name of an origin stand for one site's addresses.
func checkAliases(sites []*Site, owner map[string]*Site) error {
	first := make(map[string]*Site)
	for _, s := range sites {
		alias := s.Alias()
		if alias == "" {
			continue
		}
		if other := cmp.Or(owner[alias], first[alias]); other != nil {
			return &PlaceError{s.Place, fmt.Errorf("'%s' of 'answer cname' is already taken by the site '%s' at %s", alias, other.Name(), other.Place)}
		}
		first[alias] = s
	}
	return nil
}

// ownerOf returns the site that answers for a name, or nil: the one that has
// it, or that of the wildcard nearest above.
func ownerOf(name string, owner map[string]*Site) *Site {
	if s := owner[name]; s != nil {
		return s
	}
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		if s := owner["*."+name[i:]]; s != nil {
			return s
		}
	}
	return nil
}

// link is where a CNAME of a site may point to.
type link struct{ property, target string }

func (s *Site) links() []link {
	var links []link
	for _, c := range s.CDNs {
		links = append(links, link{"cdn '" + c.Name + "'", c.Target})
	}
	if s.Answer.Form == FormCNAME && s.Alias() == "" {
		links = append(links, link{"'answer cname'", s.Answer.Host})
	}
	return links
}

// MaxChain is how many CNAMEs one answer may hold, and how many may lead to the
// addresses of a name that is looked up.
const MaxChain = 8

// checkLoop walks from site to site over all their targets.
func checkLoop(start *Site, owner map[string]*Site) error {
	seen := map[*Site]bool{}
	depth := map[*Site]int{start: 1} // CNAMEs up to that of the site
	next := []*Site{start}
	for len(next) > 0 {
		s := next[0]
		next = next[1:]
		if depth[s] > MaxChain {
			return &PlaceError{start.Place, fmt.Errorf("the targets of site '%s' lead over more than %d sites, up to '%s'", start.Name(), MaxChain, s.Name())}
		}
		for _, l := range s.links() {
			t := ownerOf(l.target, owner)
			if t == start {
				return &PlaceError{s.Place, fmt.Errorf("target '%s' of %s leads back to the site '%s'", l.target, l.property, start.Name())}
			}
			if t != nil && !seen[t] {
				seen[t], depth[t] = true, depth[s]+1
				next = append(next, t)
			}
		}
	}
	return nil
}

// ParseAddress reads an address of an origin; it must be written plainly.
func ParseAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("'%s' is not an IPv4 or IPv6 address", text)
	}
	return addr, nil
}
