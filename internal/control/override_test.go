package control_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// forced returns an override of everything for an hour from begin on, but for the
// changes.
func forced(action site.OverrideAction, changes ...func(*site.Override)) site.Override {
	o := site.Override{ID: "1", Scope: site.ScopeAll, Action: action, Owner: "alice", Reason: "a test", Since: begin, Until: begin.Add(time.Hour)}
	for _, change := range changes {
		change(&o)
	}
	return o
}

func toCDN(name string) func(*site.Override) { return func(o *site.Override) { o.CDN = name } }

func toShare(share float64) func(*site.Override) { return func(o *site.Override) { o.Share = share } }

func lasts(from, to time.Duration) func(*site.Override) {
	return func(o *site.Override) { o.Since, o.Until = begin.Add(from), begin.Add(to) }
}

// scoped sets whom the override is for.
func scoped(scope site.OverrideScope, name string) func(*site.Override) {
	return func(o *site.Override) { o.Scope, o.Name = scope, name }
}

func numbered(id string) func(*site.Override) { return func(o *site.Override) { o.ID = id } }

func local(o *site.Override) { o.Local = true }

// ruled is a history under overrides.
type ruled struct {
	*history
	overrides []site.Override
	err       error // why the reigning one does not touch the site
}

// rule begins the history of s under overrides.
func rule(s *site.Site, overrides ...site.Override) *ruled {
	r := &ruled{history: &history{site: s, now: begin, sources: sourcesOf(s)}, overrides: overrides}
	r.then = r.overrule
	r.decide(control.None)
	return r
}

func (r *ruled) overrule(in control.Input) {
	r.state, r.err = control.Overrule(r.site, r.state, control.Reigning(r.site, r.overrides, in.Now), in)
}

// set makes these the overrides, from now on.
func (r *ruled) set(overrides ...site.Override) {
	r.overrides = overrides
	r.decide(control.None)
}

// answered shows what visitors get: share and CDNs, or the origin's addresses.
func answered(d site.Decision) string {
	if d.Share == 0 {
		return "origin " + answer(d)
	}
	text := fmt.Sprintf("%g %%", d.Share*100)
	for _, c := range d.CDNs {
		text += " " + c.Name
	}
	return text
}

func TestReigning(t *testing.T) {
	s := newSite(t, 1, func(s *site.Site) {
		s.Class, s.Names = "web", []string{"www.example.org.", "shop.example.org."}
		s.Origins[0].Name = "fra"
	})
	of := func(id string, scope site.OverrideScope, name string, changes ...func(*site.Override)) site.Override {
		return forced(site.OverrideOrigin, append([]func(*site.Override){numbered(id), scoped(scope, name)}, changes...)...)
	}
	to := func(cdn string) func(*site.Override) {
		return func(o *site.Override) { o.Action, o.CDN = site.OverrideCDN, cdn }
	}
	share := func(share float64) func(*site.Override) {
		return func(o *site.Override) { o.Action, o.Share = site.OverrideShare, share }
	}
	later, over := lasts(time.Minute, time.Hour), lasts(-time.Hour, 0)
	all, cdn, origin := of("all", site.ScopeAll, ""), of("cdn", site.ScopeCDN, "edge"), of("origin", site.ScopeOrigin, "fra")
	class, name := of("class", site.ScopeClass, "web"), of("site", site.ScopeSite, "shop.example.org")
	for _, tt := range []struct {
		name      string
		want      string
		overrides []site.Override
	}{
		{"none", "", nil},
		{"for others", "", []site.Override{of("1", site.ScopeSite, "other.example.org"), of("2", site.ScopeClass, "shop"), of("3", site.ScopeOrigin, "ams"), of("4", site.ScopeCDN, "big")}},
		{"over", "", []site.Override{of("1", site.ScopeSite, "www.example.org", over)}},
		{"a site before a class", "site", []site.Override{all, cdn, origin, class, name}},
		{"a class before an origin", "class", []site.Override{all, cdn, origin, class}},
		{"an origin before a CDN", "origin", []site.Override{all, cdn, origin}},
		{"a CDN before all", "cdn", []site.Override{all, cdn}},
		{"the narrowest is over", "all", []site.Override{all, of("1", site.ScopeSite, "www.example.org", over)}},
		{"the later one", "2", []site.Override{all, of("2", site.ScopeAll, "", later)}},
		{"a narrower one before a later one", "site", []site.Override{of("2", site.ScopeAll, "", later), name}},
		{"a local one before a narrower one", "2", []site.Override{name, of("2", site.ScopeAll, "", local)}},
		{"the narrower of two local ones", "3", []site.Override{of("2", site.ScopeAll, "", local, later), of("3", site.ScopeClass, "web", local)}},
		{"at one moment, the higher ID", "b", []site.Override{of("a", site.ScopeAll, ""), of("b", site.ScopeAll, "")}},
		{"one that can touch it before a local one that cannot", "all", []site.Override{all, of("1", site.ScopeSite, "www.example.org", local, to("big"))}},
		{"and before a narrower one that cannot", "class", []site.Override{class, of("1", site.ScopeSite, "www.example.org", share(0.25))}},
		{"a share of all", "1", []site.Override{class, of("1", site.ScopeSite, "www.example.org", share(1))}},
		{"if none can, the first of them", "1", []site.Override{of("1", site.ScopeSite, "www.example.org", to("big")), of("2", site.ScopeAll, "", to("huge"))}},
		{"set by a clock that is ahead", "1", []site.Override{of("1", site.ScopeAll, "", later)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				got := ""
				if o := control.Reigning(s, tt.overrides, begin); o != nil {
					got = o.ID
				}
				if got != tt.want {
					t.Errorf("got '%s', want '%s'", got, tt.want)
				}
				slices.Reverse(tt.overrides)
			}
		})
	}
}

func keyed(s *site.Site) { s.Answer.Keyed = true }

// Two CDNs share the clients of a priority, and a third one comes behind them.
func threeCDNs(s *site.Site) {
	s.CDNs = []site.CDN{
		{Name: "last", Target: "last.example.net.", Priority: 2},
		{Name: "edge", Target: "edge.example.net.", Priority: 1, Weight: 3},
		{Name: "big", Target: "big.example.net.", Priority: 1, Weight: 1},
	}
}

func TestOverrule(t *testing.T) {
	const good, bad = "0.5", "1"
	for _, tt := range []struct {
		name      string
		site      *site.Site
		override  site.Override
		heard     string
		want, err string
		change    func(*ruled)
	}{
		{name: "at the CDN, to the origin", override: forced(site.OverrideOrigin), heard: bad, want: "origin 1"},
		{name: "to the origin, which is down", override: forced(site.OverrideOrigin), heard: "x", want: "origin 1"},
		{name: "to the origin, of which one address is down", site: newSite(t, 2), override: forced(site.OverrideOrigin), heard: "0.5 x/0.5*3", want: "origin 2"},
		{name: "to the origin, as a share", override: forced(site.OverrideShare), heard: bad, want: "origin 1"},
		{name: "to a CDN", override: forced(site.OverrideCDN, toCDN("edge")), heard: good, want: "100 % edge"},
		{name: "to a CDN that is not preferred", site: newSite(t, 1, threeCDNs), override: forced(site.OverrideCDN, toCDN("last")), heard: bad, want: "100 % last"},
		{name: "to a CDN that is out", override: forced(site.OverrideCDN, toCDN("edge")), heard: good, want: "100 % edge", change: func(r *ruled) { r.ready = []bool{false} }},
		{name: "to a CDN that leads nowhere", override: forced(site.OverrideCDN, toCDN("edge")), heard: good, want: "origin 1",
			err: "site 'www.example.org.': the target of cdn 'edge' leads nowhere, or back to the site", change: func(r *ruled) { r.lost = []bool{true} }},
		{name: "to a CDN that the site does not have", override: forced(site.OverrideCDN, toCDN("big")), heard: bad, want: "100 % edge",
			err: "site 'www.example.org.': it has no cdn 'big'"},
		{name: "to a CDN, data would be hidden", override: forced(site.OverrideCDN, toCDN("edge")), heard: bad, want: "origin 1",
			err: "site 'www.example.org.': its CNAME would hide MX TXT of the next plugin: 'hides MX TXT' accepts that", change: func(r *ruled) { r.hides = "MX TXT" }},
		{name: "to a CDN, of a site that only shows", site: newSite(t, 1, divertNone), override: forced(site.OverrideCDN, toCDN("edge")), heard: good, want: "100 % edge"},
		{name: "everybody", override: forced(site.OverrideShare, toShare(1)), heard: good, want: "100 % edge"},
		{name: "everybody, by weight", site: newSite(t, 1, threeCDNs), override: forced(site.OverrideShare, toShare(1)), heard: good, want: "100 % edge big"},
		{name: "everybody, one is out", site: newSite(t, 1, threeCDNs), override: forced(site.OverrideShare, toShare(1)), heard: good, want: "100 % big", change: func(r *ruled) { r.ready = []bool{true, false, true} }},
		{name: "everybody, all are out", site: newSite(t, 1, threeCDNs), override: forced(site.OverrideShare, toShare(1)), heard: good, want: "100 % edge big", change: func(r *ruled) { r.ready = []bool{false, false, false} }},
		{name: "everybody, one is out and the others lead nowhere", site: newSite(t, 1, threeCDNs), override: forced(site.OverrideShare, toShare(1)), heard: good, want: "100 % edge",
			change: func(r *ruled) { r.ready, r.lost = []bool{false, false, false}, []bool{true, false, true} }},
		{name: "everybody, all lead nowhere", override: forced(site.OverrideShare, toShare(1)), heard: bad, want: "origin 1",
			err: "site 'www.example.org.': it has no CDN left whose target leads anywhere", change: func(r *ruled) { r.lost = []bool{true} }},
		{name: "half of a plain switch", override: forced(site.OverrideShare, toShare(0.5)), heard: bad, want: "100 % edge",
			err: "site 'www.example.org.': a share of 50 % of its clients needs 'answer cname HOST', 'answer address' or 'answer switch keyed'"},
		{name: "half of a keyed switch", site: newSite(t, 1, keyed), override: forced(site.OverrideShare, toShare(0.5)), heard: bad, want: "50 % edge"},
		{name: "half of a cname", site: newSite(t, 1, func(s *site.Site) { s.Answer = site.Answer{Form: site.FormCNAME, Host: "o.example.org."} }),
			override: forced(site.OverrideShare, toShare(0.5)), heard: good, want: "50 % edge"},
		{name: "no share at all", site: newSite(t, 1, keyed), override: forced(site.OverrideShare, toShare(1.5)), heard: good, want: "origin 1",
			err: "site 'www.example.org.': share 1.5 is not from 0 to 1"},
		{name: "an action that is not known", override: forced("stop"), heard: bad, want: "100 % edge", err: "site 'www.example.org.': action 'stop' is not known"},
		{name: "over", override: forced(site.OverrideOrigin, lasts(-time.Hour, 0)), heard: bad, want: "100 % edge"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.site == nil {
				tt.site = newSite(t, 1)
			}
			r := rule(tt.site, tt.override)
			if tt.change != nil {
				tt.change(r)
			}
			r.play(tt.heard, side)
			if got := answered(*r.state.Answer()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := fmt.Sprint(r.err); got != tt.err && !(r.err == nil && tt.err == "") {
				t.Errorf("got error %s, want %s", got, tt.err)
			}
			if d := r.state.Answer(); (d.Reason.Override != nil) != (r.state.Forced != nil) || d.Epoch == 0 {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// What is forced says whose it is, and what was measured is to be seen beside it.
func TestOverruleLeavesWhatWasMeasured(t *testing.T) {
	r := rule(newSite(t, 1), forced(site.OverrideOrigin))
	r.play("1", side)
	forced, measured := *r.state.Answer(), r.last()
	if got, want := forced.Reason.String(), "override: origin by alice until 2030-01-01T01:00:00Z: a test"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if forced.Reason.Cause != site.CauseOverride || forced.Side != site.SideOrigin || !forced.Since.Equal(begin) {
		t.Errorf("got %+v", forced)
	}
	if answered(measured) != "100 % edge" || measured.Side != site.SideCDN || measured.Reason.Cause != site.CauseThreshold {
		t.Errorf("measured was %+v", measured)
	}
}

// Every answer that is new has an epoch above all before, whether it was measured or
// forced; one that is not new keeps its own.
func TestOverruleEpochs(t *testing.T) {
	r := rule(newSite(t, 1, lastOnly, failback(0)))
	var got []uint64
	note := func() { got = append(got, r.state.Answer().Epoch, r.last().Epoch) }
	note() // nothing is known
	r.play("0.5*2", side)
	note() // at the origin
	r.set(forced(site.OverrideCDN, toCDN("edge")))
	note() // forced
	r.play("0.5*2", side)
	note() // nothing new
	r.play("2*2", side)
	note() // what is measured changes, the answer does not; its TTL did in between
	r.set(forced(site.OverrideCDN, toCDN("edge"), func(o *site.Override) { o.Reason = "another" }))
	note() // said otherwise
	r.set()
	note() // what was measured stands again
	r.play("2", side)
	note() // nothing new
	r.play("0.5", side)
	note() // and goes on
	if want := []uint64{1, 1, 2, 2, 3, 2, 3, 2, 3, 5, 6, 5, 7, 7, 7, 7, 8, 8}; !slices.Equal(got, want) {
		t.Errorf("answered and measured\n got %d\nwant %d", got, want)
	}
}

func TestOverruleFreeze(t *testing.T) {
	for _, tt := range []struct {
		name          string
		site          *site.Site
		before, after string
		want          string
	}{
		{"at the origin", newSite(t, 1), "0.5", "2*9", "origin 1"},
		{"at the CDN", newSite(t, 1), "2", "0.5*30", "100 % edge"},
		{"at one address", newSite(t, 2), "0.5/x", "0.5*9", "origin 1"},
		{"at both addresses", newSite(t, 2), "0.5", "0.5/x*9", "origin 12"},
		{"a share", newSite(t, 1, keyed, func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertFixed, Share: 0.25} }), "2", "0.5*30", "25 % edge"},
		{"by weight", newSite(t, 1, threeCDNs), "2", "0.5*30", "100 % edge big"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rule(tt.site)
			r.play(tt.before, side)
			was := r.last()
			r.set(forced(site.OverrideFreeze))
			r.play(tt.after, side)
			d := *r.state.Answer()
			if got := answered(d); got != tt.want || r.err != nil {
				t.Errorf("got %s, %v, want %s", got, r.err, tt.want)
			}
			if d.Side != was.Side || !d.Since.Equal(was.Since) {
				t.Errorf("got %+v, want what was answered: %+v", d, was)
			}
			if answered(r.last()) == tt.want {
				t.Errorf("measured was %s, too: the test tells nothing", tt.want)
			}
		})
	}
}

// A freeze that begins later freezes what is answered then.
func TestOverruleFreezesAgain(t *testing.T) {
	r := rule(newSite(t, 1, lastOnly))
	r.play("2", side)
	for _, step := range []struct {
		name     string
		override []site.Override
		script   string
		want     string
	}{
		{"at the CDN", []site.Override{forced(site.OverrideFreeze)}, "0.5", "100 % edge"},
		{"by force at the origin", []site.Override{forced(site.OverrideOrigin)}, "0.5", "origin 1"},
		{"frozen there", []site.Override{forced(site.OverrideFreeze)}, "0.5", "origin 1"},
		{"as it is measured", nil, "0.5", "100 % edge"},
		{"frozen there", []site.Override{forced(site.OverrideFreeze)}, "0.5*12", "100 % edge"},
		{"as it is measured", nil, "0.5", "origin 1"},
		{"frozen there", []site.Override{forced(site.OverrideFreeze)}, "2*3", "origin 1"},
	} {
		r.set(step.override...)
		r.play(step.script, side)
		if got := answered(*r.state.Answer()); got != step.want {
			t.Errorf("%s: got %s, want %s", step.name, got, step.want)
		}
	}
}

// twoOrigins share the clients by weight.
func twoOrigins(s *site.Site) {
	s.Origins = []site.Origin{{Name: "a", Addresses: []netip.Addr{address(0)}, Weight: 1}, {Name: "b", Addresses: []netip.Addr{address(1)}, Weight: 2}}
}

// Of two origins one may be about to go, also while nobody is diverted by force; and
// what is frozen goes on with the one that is left.
func TestOverruleWithTwoOrigins(t *testing.T) {
	r := rule(newSite(t, 0, twoOrigins, lastOnly, ttls), forced(site.OverrideOrigin))
	show := func(site.Decision) string {
		return r.state.Answer().TTL.String() + " " + names(r.state.Answer().Origins)
	}
	if got, want := r.play("0.5 0.5/1.2*4", show), "1m0s [a b] 10s [a b]*2 1m0s [a]*2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.set()
	r.play("0.5*15", show)
	r.set(forced(site.OverrideFreeze))
	r.reload(newSite(t, 0, twoOrigins, lastOnly, func(s *site.Site) { s.Origins = s.Origins[1:] }))
	d := r.state.Answer()
	if want := (site.Served{Name: "b", Addresses: []netip.Addr{address(1)}}); len(d.Origins) != 1 || !reflect.DeepEqual(d.Origins[0], want) || answer(*d) != "2" {
		t.Errorf("got %+v, want %+v", d, want)
	}
}

// The first thing that is known of a site is frozen, not that nothing is.
func TestOverruleFreezesNothingUnknown(t *testing.T) {
	r := rule(newSite(t, 1), forced(site.OverrideFreeze))
	const want = "site 'www.example.org.': nothing is known of it so far that could be frozen"
	if r.err == nil || r.err.Error() != want || r.state.Forced != nil {
		t.Errorf("got %v, want %s", r.err, want)
	}
	r.play("2 0.5*30", side)
	if got := answered(*r.state.Answer()); got != "100 % edge" || r.err != nil {
		t.Errorf("got %s, %v", got, r.err)
	}
}

// What is frozen comes back once the site may answer it again, and what the site no
// longer has is left out.
func TestOverruleFreezeUnderChanges(t *testing.T) {
	r := rule(newSite(t, 2, threeCDNs))
	r.play("2", side)
	r.set(forced(site.OverrideFreeze))
	for _, step := range []struct {
		name   string
		change func()
		want   string
		err    string
	}{
		{"data would be hidden", func() { r.hides = "MX" }, "origin 12", "site 'www.example.org.': its CNAME would hide MX of the next plugin: 'hides MX' accepts that"},
		{"and is not any more", func() { r.hides = "" }, "100 % edge big", ""},
		{"one leads nowhere", func() { r.lost = []bool{false, true, false} }, "100 % big", ""},
		{"and does again", func() { r.lost = nil }, "100 % edge big", ""},
		{"one is gone", func() { r.reload(newSite(t, 2, twoCDNs)) }, "100 % edge big", ""},
		{"both are gone", func() {
			r.reload(newSite(t, 2, func(s *site.Site) { s.CDNs[0].Name = "other" }))
		}, "100 % other", "site 'www.example.org.': it has no CDN left whose target leads anywhere"},
		{"one is back, with another address of the origin", func() { r.reload(newSite(t, 0, origins(2, 3))) }, "100 % edge", ""},
	} {
		step.change()
		r.decide(control.None)
		if got := answered(*r.state.Answer()); got != step.want || fmt.Sprint(r.err) != step.err && (r.err != nil || step.err != "") {
			t.Errorf("%s: got %s, %v, want %s, %s", step.name, got, r.err, step.want, step.err)
		}
	}
	if got := answer(site.Decision{Addresses: r.state.Answer().Addresses}); got != "2" {
		t.Errorf("the addresses are %s, want those that are left: 2", got)
	}
}

// Short before an override ends its answer is not cached for long, and State.Due has
// it looked at in time.
func TestOverruleTTLAndEnd(t *testing.T) {
	r := rule(newSite(t, 1, ttls, lastOnly))
	r.play("0.5", side)
	r.set(forced(site.OverrideCDN, toCDN("edge"), lasts(0, 10*time.Minute)))
	type at struct {
		at  time.Duration
		ttl time.Duration
		cdn bool
	}
	var got []at
	for r.now.Sub(begin) < 11*time.Minute {
		d := r.state.Answer()
		if now := (at{r.now.Sub(begin), d.TTL, d.Share == 1}); len(got) == 0 || got[len(got)-1].ttl != now.ttl || got[len(got)-1].cdn != now.cdn {
			got = append(got, now)
		}
		r.wait(time.Second)
		if r.now.Sub(begin)%period == 0 {
			r.hear(0, "0.5")
		}
	}
	want := []at{
		{10 * time.Second, 40 * time.Second, true}, {10*time.Minute - 40*time.Second, 10 * time.Second, true}, {10 * time.Minute, time.Minute, false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}

// At the origin by force, an address that is about to go is not cached for long.
func TestOverruleTTLWhileAnAddressIsGoing(t *testing.T) {
	r := rule(newSite(t, 2, ttls, lastOnly), forced(site.OverrideOrigin))
	ttls := func(script string) string {
		return r.play(script, func(site.Decision) string { return r.state.Answer().TTL.String() })
	}
	if got := ttls("0.5 0.5/x*4"); got != "1m0s 10s*2 1m0s*2" {
		t.Errorf("got %s, want 1m0s 10s*2 1m0s*2", got)
	}
	r.set(forced(site.OverrideFreeze))
	if got := ttls("0.5*3"); got != "1m0s*3" {
		t.Errorf("frozen: got %s, want 1m0s*3", got)
	}
}

func TestExpiry(t *testing.T) {
	o := forced(site.OverrideOrigin)
	for _, tt := range []struct{ now, want time.Duration }{
		{0, time.Hour - time.Minute}, {time.Hour - time.Minute, time.Hour}, {time.Hour - 1, time.Hour}, {time.Hour, -1},
	} {
		got := control.Expiry(&o, time.Minute, begin.Add(tt.now))
		if want := begin.Add(tt.want); tt.want < 0 && !got.IsZero() || tt.want >= 0 && !got.Equal(want) {
			t.Errorf("at %s: got %s, want %s", tt.now, got, want)
		}
	}
}

// anyOverride draws one that may be valid or not, for the site or for another one.
func anyOverride(t *rapid.T, s *site.Site, now time.Time) site.Override {
	o := site.Override{
		ID:     rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "id"),
		Scope:  rapid.SampledFrom(site.OverrideScopes()).Draw(t, "scope"),
		Name:   rapid.SampledFrom([]string{"www.example.org", "other.example.org", "edge", "a", "web"}).Draw(t, "name"),
		Action: rapid.SampledFrom(append(site.OverrideActions(), "")).Draw(t, "action"),
		CDN:    rapid.SampledFrom([]string{"edge", "big", "other"}).Draw(t, "to CDN"),
		Share:  rapid.SampledFrom([]float64{0, 0.25, 1, 2}).Draw(t, "to share"),
		Owner:  "alice", Reason: "a test",
		Since: now, Until: now.Add(span(t, -60, 600, "for")),
		Local: rapid.Bool().Draw(t, "local"),
	}
	if rapid.IntRange(0, 3).Draw(t, "as it is") > 0 { // without what does not belong to it
		o.CDN, o.Share, o.Name = when(o.Action == site.OverrideCDN, o.CDN), when(o.Action == site.OverrideShare, o.Share), when(o.Scope != site.ScopeAll, o.Name)
	}
	return o
}

// when returns v if it is wanted, else nothing.
func when[T any](wanted bool, v T) (nothing T) {
	if wanted {
		return v
	}
	return nothing
}

// anyForm draws how the site answers: a share is given only where it may be.
func anyForm(t *rapid.T) func(*site.Site) {
	return func(s *site.Site) {
		s.Answer = rapid.SampledFrom([]site.Answer{
			{Form: site.FormSwitch}, {Form: site.FormSwitch}, {Form: site.FormSwitch, Keyed: true}, {Form: site.FormAddress},
		}).Draw(t, "form")
		if !s.MayShare() && s.Divert.Mode == site.DivertFixed {
			s.Divert.Mode = site.DivertAll
		}
		s.Class = "web"
	}
}

// wantRuled fails on an answer that the site must not give.
func wantRuled(t *rapid.T, r *ruled) {
	d := r.state.Answer()
	switch {
	case len(d.Addresses) == 0:
		t.Fatalf("no addresses: %+v", d)
	case d.Share > 0 && len(d.CDNs) == 0 || !(d.Share >= 0 && d.Share <= 1):
		t.Fatalf("nobody to go to: %+v", d)
	case d.Share > 0 && d.Share < 1 && !r.site.MayShare():
		t.Fatalf("a share of a plain switch: %+v", d)
	case d.Share > 0 && r.hides != "":
		t.Fatalf("hides %s: %+v", r.hides, d)
	case r.err != nil && r.state.Forced != nil:
		t.Fatalf("forced in spite of %v: %+v", r.err, d)
	}
	for _, c := range d.CDNs {
		i := slices.IndexFunc(r.site.CDNs, func(own site.CDN) bool { return own.Name == c.Name && own.Target == c.Target })
		if i < 0 || d.Share > 0 && i < len(r.lost) && r.lost[i] {
			t.Fatalf("sent to %+v: %+v", c, d)
		}
	}
}

// content writes a decision without its epoch.
func content(d site.Decision) string {
	d.Epoch, d.Reason.Age = 0, 0
	override := fmt.Sprint(d.Reason.Override)
	d.Reason.Override = nil
	return fmt.Sprintf("%+v %s", d, override)
}

// Any override on any decision: never a CDN that the site does not have, never an
// empty answer, never a share of a plain switch; a new epoch exactly when the answer
// is new; and what is measured goes on as if there were no override, and stands
// again afterwards.
func TestOverruleAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rule(anySite(t, anyForm(t)))
		measured, _ := control.Decide(r.site, control.State{}, r.input(control.None))
		r.then = func(in control.Input) {
			measured, _ = control.Decide(r.site, measured, in)
			r.overrule(in)
			wantRuled(t, r)
			if got, want := content(r.last()), content(measured.Decision()); got != want {
				t.Fatalf("measured with overrides\n got %s\nwant %s", got, want)
			}
			if r.state.Forced == nil && r.state.Answer() != r.state.Last {
				t.Fatalf("got %+v", r.state)
			}
			if control.Reigning(r.site, r.overrides, in.Now) == nil && r.state.Forced != nil {
				t.Fatalf("forced by nobody: %+v", r.state.Forced)
			}
		}
		for _, e := range anyEvents(r.site).Draw(t, "events") {
			before := *r.state.Answer()
			switch rapid.IntRange(0, 9).Draw(t, "what else") {
			case 0:
				r.overrides = append(slices.Clone(r.overrides), anyOverride(t, r.site, r.now))
			case 1:
				r.overrides = nil
			case 2:
				r.hides = rapid.SampledFrom([]string{"", "", "MX"}).Draw(t, "hides")
			case 3:
				r.lost = rapid.SliceOfN(rapid.Bool(), len(r.site.CDNs), len(r.site.CDNs)).Draw(t, "lost")
			}
			r.happen(e)
			if after := *r.state.Answer(); after.Epoch < before.Epoch || after.Epoch == before.Epoch && content(after) != content(before) {
				t.Fatalf("epochs of\n%+v\n%+v", before, after)
			}
		}
		r.overrides = nil
		r.decide(control.None)
		if got, want := content(*r.state.Answer()), content(measured.Decision()); got != want || r.err != nil {
			t.Fatalf("afterwards\n got %s\nwant %s, %v", got, want, r.err)
		}
	})
}

// Overrule changes nothing that its caller holds, and says nothing new the second
// time.
func TestOverruleIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t, anyForm(t)))
		for _, e := range anyEvents(h.site).Draw(t, "events")[:6] {
			h.happen(e)
			o := anyOverride(t, h.site, h.now)
			before := fmt.Sprintf("%+v %s %+v", *h.site, text(h.state), o)
			once, _ := control.Overrule(h.site, h.state, &o, h.input(control.None))
			if after := fmt.Sprintf("%+v %s %+v", *h.site, text(h.state), o); after != before {
				t.Fatalf("what the caller holds changed:\nbefore %s\n after %s", before, after)
			}
			twice, _ := control.Overrule(h.site, once, &o, h.input(control.None))
			if once.Forced != twice.Forced || once.Last != twice.Last {
				t.Fatalf("the second time: %+v, %+v", once.Answer(), twice.Answer())
			}
			h.state = once
		}
	})
}
