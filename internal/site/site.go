package site

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Site is one or more DNS names that we answer, together with everything that
// decides how. Build it with New, then change what the operator asked for. A
// finished site is read-only: it may share lists with others.
type Site struct {
	Names []string // canonical, see CanonicalName; the first is the site's name; *.name is a wildcard (RFC 4592)
	Zone  string   // canonical; the zone that the names lie in
	Hosts []string // names that its web server knows; the first goes into probes
	Place string   // where it was defined, as file:line
	Class string   // whose properties it shares; empty: none

	Customer string // whose it is; empty: the provider's

	Origins []Origin // in order of preference; at least one
	CDNs    []CDN    // in order of preference

	Redirect *Redirect // over HTTP; nil: the redirector does not know the site

	*Policy
}

// Policy is how a site is observed, decides and answers. Most sites of a class
// have the same, and share it.
type Policy struct {
	Probes     []Source
	Feeds      []Source
	Thresholds []Threshold // of every origin

	Rules

	HTTPS  []dns.SVCBKeyValue // of the HTTPS record at the origin (RFC 9460); nil: there is none
	Public bool               // its own sources reach the public Internet only
	Hides  []uint16           // types of data behind us that the operator lets the site hide
}

// Rules are those properties that are one value each.
type Rules struct {
	Enter         int           // new samples in a row at or above the threshold that divert
	Fails, Goods  int32         // probes in a row after which an address is down, and up again
	FailbackDelay time.Duration // time at or under the recover level before the return
	Damping       Damping
	TTL           TTL
	Divert        Divert
	NoData        NoData
	Answer        Answer
	Ready         Ready
}

// Origin is where a site is served below the threshold. Those with a name may
// be shared by several sites.
type Origin struct {
	Name      string // empty: the site's own
	Addresses []netip.Addr
	Next      bool // the addresses are those that the next plugin has for the site's name

	Priority int // lower ones first
	Weight   int // its part of the clients among those of one priority; 0: order decides

	Node       bool        // of a CDN
	Drain      bool        // a node that gets no visitors while another is there
	ThirdParty bool        // it is operated by somebody else
	Capacity   float64     // bit/s; 0: unknown
	Feeds      []Source    // beside those of the site
	Thresholds []Threshold // beside those of the site
}

// CDN is where a site's visitors go at or above the threshold.
type CDN struct {
	Name     string
	Target   string // canonical name that the CNAME points to
	Priority int    // lower ones first
	Weight   int    // its part of the clients among those of one priority; 0: order decides
	Service  string // what the CDN calls the site's part of it; empty: nothing
	Watched  bool   // there is a WatchedCDN of this name
}

// Divert says which share of the clients a site diverts at or above its threshold.
type Divert struct {
	Mode  DivertMode
	Share float64 // 0 to 1; with DivertFixed only
}

// DivertMode is how the share is found.
type DivertMode string

// The modes.
const (
	DivertAll   DivertMode = "all"   // every client
	DivertFixed DivertMode = "fixed" // that share, and every client while the origin is down
	DivertNone  DivertMode = "none"  // nobody: decide and show, but answer with the origin
)

// Partial reports whether some clients may be diverted while others are not.
func (d Divert) Partial() bool { return d.Mode == DivertFixed && d.Share > 0 && d.Share < 1 }

// MayShare reports whether some clients may get a CDN while others get the origin.
func (s *Site) MayShare() bool {
	return s.Answer.Form != FormSwitch || s.Answer.Keyed || s.Own() != nil
}

// NoData says what to do when no threshold has fresh data.
type NoData struct {
	Action NoDataAction
	After  time.Duration // the last decision stays this long first
}

// NoDataAction is what happens once NoData.After is over.
type NoDataAction string

// The actions without data.
const (
	NoDataOrigin NoDataAction = "origin"
	NoDataCDN    NoDataAction = "cdn"
	NoDataStay   NoDataAction = "stay"
)

// New returns a site with the given canonical names and all defaults.
func New(names ...string) *Site {
	return &Site{Names: names, Policy: &Policy{Rules: Rules{
		Enter:         3,
		Fails:         3,
		Goods:         2,
		FailbackDelay: 120 * time.Second,
		Damping:       Damping{Suppress: 2.5, Reuse: 0.75},
		TTL:           NewTTL(30 * time.Second),
		Divert:        Divert{Mode: DivertAll},
		Answer:        Answer{Form: FormSwitch},
		NoData:        DefaultNoData(),
	}}}
}

// DefaultNoData is the rule for missing data where none is named.
func DefaultNoData() NoData { return NoData{Action: NoDataOrigin, After: 10 * time.Minute} }

// Name returns the site's name: the first of its names.
func (s *Site) Name() string { return s.Names[0] }

// ClientsDiffer reports whether clients may get different answers at one moment.
func (s *Site) ClientsDiffer() bool {
	return s.Divert.Partial() || slices.ContainsFunc(s.CDNs, s.sharesClients) || s.SharesOrigins()
}

// SharesOrigins reports whether several origins may share the clients.
func (s *Site) SharesOrigins() bool {
	return len(s.Origins) > 1 && slices.ContainsFunc(s.Origins, func(o Origin) bool { return o.Weight > 0 })
}

// sharesClients reports whether a CDN has another one beside it, or shares the
// clients with any other while it takes them back one by one.
func (s *Site) sharesClients(c CDN) bool {
	beside := func(o CDN) bool {
		return o.Name != c.Name && (c.Watched || s.Ready.Checked() || o.Priority == c.Priority && c.Weight > 0)
	}
	return slices.ContainsFunc(s.CDNs, beside)
}

// EveryOrigin is Path.Origin of a path that speaks for all origins of a site.
const EveryOrigin = -1

// Path is one way to observe a site's origins: a target, and what it speaks for.
type Path struct {
	Target  Target
	Line    int        // counts the site's probes and feeds: what belongs to one is measured together
	Origin  int        // index in Site.Origins, or EveryOrigin
	Address netip.Addr // the zero Addr: the origin as a whole
	Every   time.Duration
}

// Paths returns everything that is probed and read for the site and that it is
// judged by, in a stable order: probe by probe, feed by feed, address by address.
func (s *Site) Paths() []Path { return s.pathsOf(s.ways(false)) }

// Informs returns what is read only to be shown: feeds that are too far behind for
// anything to be decided by them.
func (s *Site) Informs() []Path { return s.pathsOf(s.ways(true)) }

func (s *Site) pathsOf(ways []way) []Path {
	paths := make([]Path, 0, len(ways))
	for _, w := range ways {
		path := s.path(*w.src, w.origin, w.addr)
		path.Line = w.line
		paths = append(paths, path)
	}
	return paths
}

// PathNames returns names for the paths, in their order: whose, how and where, which
// tells no secret. A number follows where that is not enough.
func (s *Site) PathNames() []string {
	ways := s.ways(false)
	names := make([]string, len(ways))
	for i, w := range ways {
		name := w.src.Kind
		if w.origin != EveryOrigin && s.Origins[w.origin].Name != "" {
			name = s.Origins[w.origin].Name + " " + name
		}
		if w.addr.IsValid() {
			name += " " + w.addr.String()
		}
		names[i] = name
		for n := 2; slices.Contains(names[:i], names[i]); n++ {
			names[i] = name + " #" + strconv.Itoa(n)
		}
	}
	return names
}

// Attention is for how long the site may hear nothing before one of its sources is
// stale.
func (s *Site) Attention() time.Duration {
	var shortest time.Duration
	for i, w := range s.ways(false) {
		if stale := StaleAfter(w.src.Every) + w.src.Ask.Behind(); i == 0 || stale < shortest {
			shortest = stale
		}
	}
	return shortest
}

// way is a path, short of its target.
type way struct {
	src    *Source
	line   int
	origin int
	addr   netip.Addr
}

// ways returns those of the sources that are too far behind to be judged by, or
// those of the others.
func (s *Site) ways(late bool) []way {
	var ways []way
	line := 0
	add := func(sources []Source, origin int) {
		for i := range sources {
			if src := &sources[i]; src.late() == late {
				ways = s.appendWays(ways, way{src: src, line: line, origin: origin})
				line++
			}
		}
	}
	add(s.Probes, EveryOrigin)
	add(s.Feeds, EveryOrigin)
	for i := range s.Origins {
		add(s.Origins[i].Feeds, i)
	}
	return ways
}

// appendWays appends those of a source of one origin, or of the site itself.
func (s *Site) appendWays(ways []way, w way) []way {
	if !w.src.perAddress() {
		return append(ways, w)
	}
	for i := range s.Origins {
		if w.origin != EveryOrigin && w.origin != i {
			continue
		}
		for _, addr := range s.Origins[i].Addresses {
			ways = append(ways, way{w.src, w.line, i, addr})
		}
	}
	return ways
}

func (s *Site) path(src Source, origin int, addr netip.Addr) Path {
	return Path{Target: src.target(addr, s.Hosts[0], s.public(origin)), Origin: origin, Address: addr, Every: src.Every}
}

// public reports whether a path must stay on the public Internet: that of an
// origin which is operated by somebody else, and all of a customer's site. What speaks
// for all origins of others is the operator's own choice.
func (s *Site) public(origin int) bool {
	return s.Public || s.Customer != "" || origin != EveryOrigin && s.Origins[origin].ThirdParty
}

// Serves reports whether name, which must be canonical, is one of the site's
// names or below one of its wildcards.
func (s *Site) Serves(name string) bool {
	return slices.ContainsFunc(s.Names, func(own string) bool {
		below, wild := strings.CutPrefix(own, "*.")
		return own == name || wild && name != below && dns.IsSubDomain(below, name)
	})
}
