package control

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Saved is what is kept of a site's state over a restart, and what one server tells
// another: everything by name, since a site may be configured anew meanwhile.
type Saved struct {
	Site     string               `json:"site"`
	At       time.Time            `json:"at"` // when it was the latest
	Decision *SavedDecision       `json:"decision,omitempty"`
	Forced   *SavedDecision       `json:"forced,omitempty"` // what is answered instead
	Frozen   *SavedDecision       `json:"frozen,omitempty"` // what was answered when a freeze began
	Origins  []SavedOrigin        `json:"origins,omitempty"`
	Paths    map[string]SavedPath `json:"paths,omitempty"` // see site.Site.PathNames; those that were heard
}

// SavedDecision is a site.Decision.
type SavedDecision struct {
	Epoch     uint64        `json:"epoch"`
	Side      site.Side     `json:"side"`
	Share     float64       `json:"share"`
	CDNs      []SavedCDN    `json:"cdns,omitempty"`
	Origins   []SavedServed `json:"origins,omitempty"`
	Addresses []netip.Addr  `json:"addresses,omitempty"` // without Origins, which have them
	TTL       Span          `json:"ttl"`
	Since     time.Time     `json:"since,omitzero"`
	Reason    SavedReason   `json:"reason"`
}

// SavedCDN is a CDN of a decision.
type SavedCDN struct {
	Name   string `json:"name"`
	Weight int    `json:"weight,omitempty"`
}

// SavedServed is a site.Served.
type SavedServed struct {
	Name      string       `json:"name"`
	Weight    int          `json:"weight,omitempty"`
	Addresses []netip.Addr `json:"addresses"`
}

// SavedReason is a site.Reason.
type SavedReason struct {
	Cause    site.Cause     `json:"cause"`
	Origin   string         `json:"origin,omitempty"`
	Node     bool           `json:"node,omitempty"`
	Signal   site.Signal    `json:"signal,omitempty"`
	Value    float64        `json:"value,omitempty"`
	Limit    float64        `json:"limit,omitempty"`
	V        float64        `json:"v,omitempty"`
	Age      Span           `json:"age,omitzero"`
	Detail   string         `json:"detail,omitempty"`
	Hides    string         `json:"hides,omitempty"`
	Override *site.Override `json:"override,omitempty"`
}

// SavedOrigin is a Standing with its counts.
type SavedOrigin struct {
	Name      string       `json:"name,omitempty"`
	Told      bool         `json:"told,omitempty"` // its reason is the site's
	Side      site.Side    `json:"side"`
	Since     time.Time    `json:"since,omitzero"`
	Reason    *SavedReason `json:"reason,omitempty"` // none: that of the decision
	Calm      time.Time    `json:"calm,omitzero"`
	Used      float64      `json:"used,omitempty"`
	Penalty   float64      `json:"penalty,omitempty"`
	PenaltyAt time.Time    `json:"penalty_at,omitzero"`
	Counted   bool         `json:"counted,omitempty"`
	Held      time.Time    `json:"held,omitzero"`
	Counts    []SavedCount `json:"counts,omitempty"`
}

// SavedCount is a Count.
type SavedCount struct {
	Signal site.Signal `json:"signal"`
	Own    bool        `json:"own,omitempty"` // the threshold is the origin's, not the site's
	Over   int32       `json:"over,omitempty"`
	Hard   int32       `json:"hard,omitempty"`
	Heard  bool        `json:"heard,omitempty"`
	Silent time.Time   `json:"silent,omitzero"`
}

// SavedPath is a Path.
type SavedPath struct {
	Health string `json:"health"` // up, unknown or down
	Once   bool   `json:"once,omitempty"`
	Fails  int32  `json:"fails,omitempty"`
	Goods  int32  `json:"goods,omitempty"` // while it is not up
}

// Span is a time span, written as 1m30s.
type Span time.Duration

// IsZero reports whether it is none.
func (s Span) IsZero() bool { return s == 0 }

// MarshalText writes it.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads it.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("reading a time span: %w", err)
	}
	*s = Span(d)
	return nil
}

// healths are the words for the healths of a path.
var healths = map[Health]string{HealthUp: "up", HealthUnknown: "unknown", HealthDown: "down"}

// healthOf returns the health of a word, 0 if there is none.
func healthOf(word string) Health {
	for health, w := range healths {
		if w == word {
			return health
		}
	}
	return 0
}

// Save returns what is to be kept of the state of s.
func Save(s *site.Site, st State) Saved {
	return Saved{
		Site: s.Name(), At: wall(st.At),
		Decision: saveDecision(st.Last), Forced: saveDecision(st.Forced), Frozen: saveDecision(st.Frozen),
		Origins: saveOrigins(s, st), Paths: savePaths(s, st),
	}
}

// wall returns a moment as any clock has it.
func wall(t time.Time) time.Time { return t.Round(0).UTC() }

// finite returns a value that can be written: what was too large stays large.
func finite(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(v, math.MaxFloat64)
}

func saveDecision(d *site.Decision) *SavedDecision {
	if d == nil {
		return nil
	}
	saved := &SavedDecision{
		Epoch: d.Epoch, Side: d.Side, Share: d.Share, TTL: Span(d.TTL), Since: wall(d.Since), Reason: saveReason(d.Reason),
	}
	for _, c := range d.CDNs {
		saved.CDNs = append(saved.CDNs, SavedCDN{c.Name, c.Weight})
	}
	for _, o := range d.Origins {
		saved.Origins = append(saved.Origins, SavedServed(o))
	}
	if d.Origins == nil {
		saved.Addresses = d.Addresses
	}
	return saved
}

func saveReason(r site.Reason) SavedReason {
	return SavedReason{
		Cause: r.Cause, Origin: r.Origin, Node: r.Node, Signal: r.Signal, Value: finite(r.Value), Limit: finite(r.Limit), V: finite(r.V),
		Age: Span(r.Age), Detail: r.Detail, Hides: r.Hides, Override: r.Override,
	}
}

func saveOrigins(s *site.Site, st State) []SavedOrigin {
	var saved []SavedOrigin
	for i, o := range st.Origins {
		told := i == st.Told
		origin := SavedOrigin{
			Name: s.Origins[i].Name, Told: told, Side: o.Side, Since: wall(o.Since), Calm: wall(o.Calm), Used: finite(o.Used),
			Penalty: min(o.Penalty, maxPenalty), PenaltyAt: wall(o.PenaltyAt), Counted: o.Counted, Held: wall(o.Held), Counts: saveCounts(s, st, i),
		}
		if o.Reason != nil && !(told && *o.Reason == st.Decision().Reason) {
			reason := saveReason(*o.Reason)
			origin.Reason = &reason
		}
		saved = append(saved, origin)
	}
	return saved
}

// saveCounts leaves out those of which nothing is known.
func saveCounts(s *site.Site, st State, origin int) []SavedCount {
	var saved []SavedCount
	first := firstCount(s, origin)
	for k := range thresholds(s, origin) {
		if c := st.Counts[first+k]; c != (Count{}) {
			saved = append(saved, SavedCount{threshold(s, origin, k).Signal, k >= len(s.Thresholds), c.Over, c.Hard, c.Heard, wall(c.Silent)})
		}
	}
	return saved
}

// savePaths leaves out those that were never heard.
func savePaths(s *site.Site, st State) map[string]SavedPath {
	saved := make(map[string]SavedPath)
	for i, name := range s.PathNames() {
		if i >= len(st.Paths) || st.Paths[i].Seen == 0 {
			continue
		}
		p := st.Paths[i]
		if p.Health == HealthUp {
			p.Goods = 0 // they count for nothing
		}
		saved[name] = SavedPath{Health: healths[p.Health], Once: p.Seen == 1, Fails: p.Fails, Goods: p.Goods}
	}
	return saved
}

// Restore returns the state of s that was saved: what the site no longer has is left
// out, and what is new is unknown. The last decision stands, with its age, as
// long as the rules for missing data have it. The error says what is not possible
// in what was saved; the site starts unknown then.
func Restore(s *site.Site, saved Saved, now time.Time) (State, error) {
	if err := saved.Validate(); err != nil {
		return State{}, fmt.Errorf("restoring the state of site '%s': %w", s.Name(), err)
	}
	if !slices.ContainsFunc(s.Origins, func(o site.Origin) bool { return len(o.Addresses) > 0 }) {
		return State{}, fmt.Errorf("restoring the state of site '%s': its origin has no address so far", s.Name())
	}
	if saved.Decision == nil {
		return State{}, nil
	}
	r := restoring{s: s, saved: saved, now: now}
	return r.state(), nil
}

// restoring is one call of Restore.
type restoring struct {
	s     *site.Site
	saved Saved
	now   time.Time
}

// time returns a moment that was saved. One that is yet to come, by a clock that was
// set back since, is now: nothing may wait for it.
func (r *restoring) time(t time.Time) time.Time {
	if t.After(r.now) {
		return r.now
	}
	return t
}

func (r *restoring) state() State {
	st := State{At: r.time(r.saved.At), Restored: r.now, Due: r.now, Told: None, Paths: r.paths()}
	st.Last = r.decision(r.saved.Decision, r.anywhere())
	st.Side, st.Near = st.Last.Side, st.Last.Side == site.SideCDN
	if !answerable(r.s, st.Last) {
		st.Last.Share, st.Last.CDNs = 0, nil
	}
	for i := range r.s.Origins {
		standing, counts := r.origin(i, &st)
		st.Origins = append(st.Origins, standing)
		st.Counts = append(st.Counts, counts...)
	}
	if r.saved.Frozen != nil {
		st.Frozen = r.decision(r.saved.Frozen, st.Last)
	}
	if r.saved.Forced != nil {
		st.Forced = r.decision(r.saved.Forced, st.Last)
		if !answerable(r.s, st.Forced) {
			st = st.released()
		}
	}
	return st
}

// answerable reports whether a decision is one that the site can answer.
func answerable(s *site.Site, d *site.Decision) bool {
	return d.Share == 0 || len(d.CDNs) > 0 && (d.Share == 1 || s.MayShare())
}

// anywhere is a decision that names the first origin with an address.
func (r *restoring) anywhere() *site.Decision {
	i := slices.IndexFunc(r.s.Origins, func(o site.Origin) bool { return len(o.Addresses) > 0 })
	o := r.s.Origins[i]
	d := &site.Decision{Addresses: o.Addresses}
	if o.Name != "" {
		d.Origins = []site.Served{{Name: o.Name, Addresses: o.Addresses}}
	}
	return d
}

func (r *restoring) decision(saved *SavedDecision, instead *site.Decision) *site.Decision {
	d := site.Decision{
		Epoch: saved.Epoch, Side: saved.Side, Share: saved.Share, Addresses: saved.Addresses,
		TTL: time.Duration(saved.TTL), Since: r.time(saved.Since), Reason: saved.Reason.reason(),
	}
	for _, c := range saved.CDNs {
		d.CDNs = append(d.CDNs, site.CDN{Name: c.Name, Weight: c.Weight})
	}
	for _, o := range saved.Origins {
		d.Origins = append(d.Origins, site.Served(o))
	}
	d = refit(r.s, d, instead)
	return &d
}

func (r SavedReason) reason() site.Reason {
	return site.Reason{
		Cause: r.Cause, Origin: r.Origin, Node: r.Node, Signal: r.Signal, Value: r.Value, Limit: r.Limit, V: r.V,
		Age: time.Duration(r.Age), Detail: r.Detail, Hides: r.Hides, Override: r.Override,
	}
}

// origin returns what was saved of one of the site's origins.
func (r *restoring) origin(i int, st *State) (Standing, []Count) {
	counts := make([]Count, thresholds(r.s, i))
	j := slices.IndexFunc(r.saved.Origins, func(o SavedOrigin) bool { return o.Name == r.s.Origins[i].Name })
	if j < 0 {
		return Standing{}, counts
	}
	o := r.saved.Origins[j]
	standing := Standing{
		Side: o.Side, Since: r.time(o.Since), Calm: r.calm(o.Calm), Used: o.Used,
		Penalty: o.Penalty, PenaltyAt: r.time(o.PenaltyAt), Counted: o.Counted, Held: r.time(o.Held),
	}
	switch {
	case o.Reason != nil:
		reason := o.Reason.reason()
		standing.Reason = &reason
	case o.Side != site.SideUnknown:
		standing.Reason = &st.Last.Reason
	}
	if o.Told {
		st.Told = i
	}
	for k := range counts {
		counts[k] = r.count(o, threshold(r.s, i, k).Signal, k >= len(r.s.Thresholds))
	}
	return standing, counts
}

// calm returns since when all is calm. Silence breaks that, that of a server which
// was not there as well.
func (r *restoring) calm(since time.Time) time.Time {
	if since.IsZero() || r.now.Sub(r.saved.At) > r.s.Attention() {
		return time.Time{}
	}
	return r.time(since)
}

func (r *restoring) count(o SavedOrigin, signal site.Signal, own bool) Count {
	for _, c := range o.Counts {
		if c.Signal == signal && c.Own == own {
			return Count{Over: c.Over, Hard: c.Hard, Heard: c.Heard, Silent: r.time(c.Silent)}
		}
	}
	return Count{}
}

func (r *restoring) paths() []Path {
	names := r.s.PathNames()
	paths := make([]Path, len(names))
	for i, name := range names {
		saved, known := r.saved.Paths[name]
		if !known {
			paths[i] = Path{Health: HealthUnknown}
			continue
		}
		paths[i] = Path{Health: healthOf(saved.Health), Seen: 2, Fails: saved.Fails, Goods: saved.Goods}
		if saved.Once {
			paths[i].Seen = 1
		}
	}
	return paths
}
