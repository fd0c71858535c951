package steer

import (
	"context"
	"net/netip"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/view"
	"github.com/miekg/dns"
)

// Name of the plugin, as the Corefile and the chain know it.
const Name = "cdnredirect"

// Handler is one cdnredirect block in the chain of its server block.
type Handler struct {
	Next plugin.Handler

	zones   plugin.Zones
	metrics *Metrics
	ready   func() bool

	// Set by Use before the sockets open, read-only from then on.
	table  *route.Table
	ecs    []netip.Prefix
	apex   map[string]apex // by zone; only zones with ns
	behind bool            // a plugin behind us may answer
}

// Config is what a handler reads.
type Config struct {
	Table *route.Table
	NS    map[string][]string // name servers of those zones that name any
	ECS   []netip.Prefix      // of resolvers whose client subnet is believed
}

// New returns the handler of a block that serves zones, which are canonical.
// ready tells whether the first round of probes is in. Until Use the handler
// passes everything on.
func New(zones []string, m *Metrics, ready func() bool) *Handler {
	return &Handler{zones: zones, metrics: m, ready: ready, table: route.NewTable()}
}

// Use gives the handler what it reads.
func (h *Handler) Use(c Config) {
	h.table, h.ecs = c.Table, c.ECS
	h.apex = make(map[string]apex)
	for _, zone := range h.zones {
		if names := c.NS[zone]; len(names) > 0 {
			h.apex[zone] = newApex(zone, names)
		}
	}
	h.behind = h.Behind()
}

// Behind reports whether there is a plugin behind us that may answer. The chain
// is complete once all plugins are set up.
func (h *Handler) Behind() bool { return mayAnswer(h.Next) }

// mayAnswer reports whether there is a plugin in the chain from next on that may
// answer. The one that view puts there never does.
func mayAnswer(next plugin.Handler) bool {
	for {
		v, ok := next.(*view.View)
		if !ok {
			return next != nil
		}
		next = v.Next
	}
}

// Name implements plugin.Handler.
func (h *Handler) Name() string { return Name }

// Ready implements ready.Readiness for the whole process: CoreDNS keeps one
// answer per plugin name, whichever block comes last.
func (h *Handler) Ready() bool { return h.ready() }

// CacheBypassZones implements cache.ZoneBypasser: a cached answer would outlive
// its decision.
func (h *Handler) CacheBypassZones() []string { return h.zones }

// ServeDNS implements plugin.Handler.
func (h *Handler) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	name := strings.ToLower(r.Question[0].Name)
	if r.Opcode != dns.OpcodeQuery {
		return h.operate(ctx, w, r, name)
	}
	entry := h.lookup(name)
	if entry == nil {
		return h.pass(ctx, w, r, name)
	}
	answers := entry.Answers()
	if answers == nil || !answers.Owns(r.Question[0].Qtype) {
		return h.passType(ctx, w, r, name, entry)
	}
	if h.refuses(r) {
		return dns.RcodeRefused, nil
	}
	var c client
	if err := c.find(h, entry, answers, w, r); err != nil {
		h.metrics.malformed.Inc()
		return dns.RcodeFormatError, nil
	}
	records := c.records(answers)
	if h.follows(records, r.Question[0].Qtype) {
		return h.writeChain(ctx, w, r, &c, records)
	}
	return h.write(w, r, entry.Zone, records, &c)
}

// lookup returns the entry of a name that this block serves, or nil.
func (h *Handler) lookup(name string) *route.Entry {
	if entry := h.table.Lookup(name); entry != nil && h.serves(entry, name) {
		return entry
	}
	return nil
}

// empty returns, for an empty non-terminal that this block serves, an entry
// below it; otherwise nil.
func (h *Handler) empty(name string) *route.Entry {
	if entry := h.table.Empty(name); entry != nil && h.serves(entry, name) {
		return entry
	}
	return nil
}

// serves reports whether a name of the entry is this block's: the zone that it
// lies in here must be the entry's, or one above. In a zone below that begins
// between the two the entry has no say.
func (h *Handler) serves(entry *route.Entry, name string) bool {
	if len(h.zones) == 1 && h.zones[0] == entry.Zone.Name {
		return true
	}
	zone := h.zones.Matches(name)
	return zone != "" && dns.IsSubDomain(zone, entry.Zone.Name)
}

// pass hands on what is not ours. With nothing behind us the apex of a zone
// with ns is ours too, and everything else is refused, never denied.
func (h *Handler) pass(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string) (int, error) {
	empty := h.empty(name)
	switch {
	case h.behind && empty != nil:
		return h.passEmpty(ctx, w, r, empty)
	case h.behind:
		return h.passAlias(ctx, w, r, name)
	}
	if h.refuses(r) {
		return dns.RcodeRefused, nil
	}
	if a, ok := h.apex[name]; ok {
		return h.writeApex(w, r, a)
	}
	if empty != nil {
		return h.writeNoData(w, r, empty)
	}
	h.metrics.refused.Inc()
	return dns.RcodeRefused, nil
}

// refuses reports whether a question is none for data, and counts it. The
// server writes the answer: REFUSED is one of the codes that say nothing was
// written.
func (h *Handler) refuses(r *dns.Msg) bool {
	q := r.Question[0]
	if q.Qclass == dns.ClassINET && !site.IsMeta(q.Qtype) {
		return false
	}
	h.metrics.refused.Inc()
	return true
}
