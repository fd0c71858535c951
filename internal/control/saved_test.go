package control_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// written returns what is saved as it is read back.
func written(t fataler, saved control.Saved) control.Saved {
	t.Helper()
	text, err := json.Marshal(saved)
	if err != nil {
		t.Fatalf("Writing %+v: %v", saved, err)
	}
	var read control.Saved
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatalf("Reading %s: %v", text, err)
	}
	return read
}

// restart has the history go on after the process was away for a time, under
// another configuration maybe: nothing is left but what was saved.
func (h *history) restart(t fataler, away time.Duration, s *site.Site) {
	t.Helper()
	saved := written(t, control.Save(h.site, h.state))
	h.now = h.now.Add(away)
	h.site, h.sources = s, sourcesOf(s)
	h.restore(t, saved)
	h.decide(control.None)
}

func (h *history) restore(t fataler, saved control.Saved) {
	t.Helper()
	state, err := control.Restore(h.site, saved, h.now)
	if err != nil {
		t.Fatalf("%v", err)
	}
	h.state = state
}

func TestSavedIsSmallAndReadable(t *testing.T) {
	h := observe(newSite(t, 2, func(s *site.Site) { s.Probes[0].URL = "http://{origin}/?token=secret" }))
	h.play("1/x", side)
	got, err := json.Marshal(control.Save(h.site, h.state))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"site":"www.example.org.","at":"2030-01-01T00:00:10Z",` +
		`"decision":{"epoch":2,"side":"cdn","share":1,"cdns":[{"name":"edge"}],"addresses":["192.0.2.1"],"ttl":"30s","since":"2030-01-01T00:00:10Z",` +
		`"reason":{"cause":"threshold","signal":"response_time","value":1,"limit":1,"v":1}},` +
		`"origins":[{"told":true,"side":"cdn","since":"2030-01-01T00:00:10Z","counts":[{"signal":"response_time","heard":true}]}],` +
		`"paths":{"http 192.0.2.1":{"health":"up","once":true},"http 192.0.2.2":{"health":"down","once":true,"fails":1}}}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// Nothing known is nothing saved.
func TestSaveOfNothing(t *testing.T) {
	s := newSite(t, 1)
	st, err := control.Restore(s, written(t, control.Save(s, control.State{})), begin)
	if err != nil || text(st) != text(control.State{}) {
		t.Errorf("got %+v, %v", st, err)
	}
}

// after plays a script after a restart that took so long, and shows the answers.
func after(t *testing.T, s *site.Site, before string, away time.Duration, script string) (*history, string) {
	t.Helper()
	h := observe(s)
	h.play(before, side)
	h.restart(t, away, s)
	return h, h.play(script, answer)
}

func TestRestart(t *testing.T) {
	one, two := newSite(t, 1, lastOnly), newSite(t, 2, lastOnly)
	const moment, longer = time.Second, time.Hour
	for _, tt := range []struct {
		name          string
		site          *site.Site
		before        string
		away          time.Duration
		script, shown string
	}{
		{"at the origin, all is well", one, "0.5*3", moment, "0.5*3", "1*3"},
		{"at the origin, a first failure is one failure", one, "0.5*3", moment, "x*3", "1 edge*2"}, // v is hard, twice
		{"the same after a longer time", one, "0.5*3", longer, "x*3", "1 edge*2"},
		{"at the origin, a first slow probe is one slow probe", one, "0.5*3", moment, "1*3", "1*2 edge"},
		{"a count goes on", one, "0.5 1*2", moment, "1", "edge"},
		{"one of failures does", one, "0.5 x", moment, "x", "edge"},
		{"at the CDN, one good probe is not enough", one, "1", moment, "0.5*13", "edge*12 1"},
		{"the failback delay goes on", one, "1 0.5*7", moment, "0.5*7", "edge*5 1*2"},
		{"silence has broken it", one, "1 0.5*7", longer, "0.5*14", "edge*12 1*2"},
		{"what was slow is slow", one, "1 0.5*7", moment, "1 0.5*13", "edge*13 1"},
		{"a failback delay that is over waits for a good probe", one, "1 0.5*12", 25 * time.Second, "- 0.5", "edge 1"},
		{"and for one that is not slow", one, "1 0.5*12", 25 * time.Second, "- 1 0.5*13", "edge*14 1"},
		{"an address stays down", two, "0.5/x*2", moment, "0.5/-*2 0.5/0.5*2", "1*3 12"},
		{"also while nothing is heard", two, "0.5/x*2", moment, "-*2", "1*2"},
		{"and after a longer time", two, "0.5/x*2", longer, "0.5*3", "1 12*2"},
		{"an address may go", two, "0.5 0.5/x*2", moment, "0.5/x*2", "1*2"},
		{"a site that was not known", one, "-", moment, "1 0.5", "edge*2"},
		{"an origin that was down", newSite(t, 2), "x", moment, "x 0.5/x*15", "edge*14 1*2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, got := after(t, tt.site, tt.before, tt.away, tt.script)
			if want := compress(expand(tt.shown)); got != want {
				t.Errorf("\nheard %s\n  got %s\n want %s: %+v", tt.script, got, want, h.state)
			}
		})
	}
}

// What was decided stands after a restart, with its age, until the rule for missing
// data has it otherwise.
func TestRestartWithoutData(t *testing.T) {
	for _, tt := range []struct {
		rule   site.NoDataAction
		before string // on both addresses
		away   time.Duration
		turn   time.Duration // after the restart: three periods, and the time of the rule; 0: none
	}{
		{site.NoDataOrigin, "1", time.Second, 330 * time.Second},
		{site.NoDataOrigin, "1", time.Hour, 330 * time.Second},
		{site.NoDataCDN, "0.5", time.Second, 330 * time.Second},
		{site.NoDataStay, "1", time.Second, 0},
		{site.NoDataOrigin, "1 -*10", time.Second, 300*time.Second - 71*time.Second}, // it had been silent since the 40th
		{site.NoDataOrigin, "1 -*10", time.Hour, 30 * time.Second},                   // and is listened for
		{site.NoDataCDN, "0.5 -*10", time.Hour, 30 * time.Second},
		{site.NoDataCDN, "0.5/-", time.Second, 300 * time.Second}, // nothing was known
	} {
		t.Run(fmt.Sprintf("%s %s %s", tt.rule, tt.before, tt.away), func(t *testing.T) {
			h := observe(newSite(t, 2, noData(tt.rule, 5*time.Minute)))
			h.play(tt.before, side)
			was := h.last()
			h.restart(t, tt.away, h.site)
			start := h.now
			for h.now.Sub(start) < 20*time.Minute && h.last().Side == was.Side {
				if d := h.last(); !d.Since.Equal(was.Since) || d.Reason != was.Reason || answer(d) != answer(was) || len(h.turns) > 2 {
					t.Fatalf("%s after the restart: got %+v, want %+v", h.now.Sub(start), d, was)
				}
				h.wait(time.Second)
			}
			if turn := h.now.Sub(start); h.last().Side != was.Side && turn != tt.turn || h.last().Side == was.Side && tt.turn != 0 {
				t.Errorf("turned to %s after %s, want after %s", h.last().Side, turn, tt.turn)
			}
			if !h.state.Restored.IsZero() {
				t.Errorf("still within the time after a restart: %+v", h.state)
			}
			if tt.turn != 0 && h.last().Reason.Cause != site.CauseNoData {
				t.Errorf("the reason is %s", h.last().Reason)
			}
		})
	}
}

// feeds has the site judged by what an exporter says of its load, too.
func feeds(rule site.NoData) func(*site.Site) {
	return func(s *site.Site) {
		s.Feeds = []site.Source{exporter("http://stats.example.net/", time.Minute)}
		s.Thresholds = append(s.Thresholds, loads(rule))
	}
}

// A feed that had been silent before a restart is given its three periods, whatever
// is heard besides.
func TestRestartWithASilentFeed(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, feeds(site.NoData{Action: site.NoDataCDN, After: 10 * time.Minute})))
	h.add(1, site.Sample{At: h.now, Signal: site.Load, Value: 1})
	h.play("0.5/-*60", side)
	h.restart(t, time.Hour, h.site)
	start := h.now
	for h.wait(3 * time.Second); h.last().Side == site.SideOrigin && h.now.Sub(start) < time.Hour; h.wait(10 * time.Second) {
		h.hear(0, "0.5")
	}
	if turned := h.last().Since.Sub(start); turned != 3*time.Minute || h.last().Reason.Cause != site.CauseNoData {
		t.Errorf("turned after %s: %s", turned, h.last().Reason)
	}
}

// One that counts for nothing any more does not begin to after a restart.
func TestRestartWithAnExcusedFeed(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, feeds(site.NoData{Action: site.NoDataOrigin, After: time.Minute})))
	h.add(1, site.Sample{At: h.now, Signal: site.Load, Value: 1})
	h.play("1/-*40 0.5/-*7", side)
	h.restart(t, 0, h.site)
	if got := h.play("0.5/-*7", side); got != "C*5 o*2" {
		t.Errorf("got %s, want C*5 o*2", got)
	}
}

// The first decision after a restart is the one before, to its epoch.
func TestRestartKeepsTheEpoch(t *testing.T) {
	for _, before := range []string{"0.5*3", "0.5 1*5", "1 0.5*3", "0.5/x", "x", "-"} {
		h := observe(newSite(t, 2, lastOnly))
		h.play(before, side)
		was := h.last()
		h.restart(t, time.Second, h.site)
		if d := h.last(); d.Epoch != was.Epoch || content(d) != content(was) || d.Reason != was.Reason {
			t.Errorf("%s:\n got %+v\nwant %+v", before, d, was)
		}
	}
}

// A clock that was set back does not have anybody wait for the time that it showed
// before.
func TestRestartWithAClockThatWasSetBack(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.Suppress, d.Reuse, d.Max = 1, 0.5, 5*time.Minute })))
	h.play("0.5 1*3 0.5", side) // at the CDN, and held there by damping
	h.restart(t, -24*time.Hour, h.site)
	if d := h.last(); d.Since.After(h.now) || d.Share != 1 {
		t.Fatalf("got %+v", d)
	}
	if got := h.play("0.5*40", side); got != "C*29 o*11" {
		t.Errorf("got %s, want C*29 o*11: held for five minutes from now on", got)
	}
}

// Damping goes on: a site that flapped before the restart is held after it.
func TestRestartKeepsDamping(t *testing.T) {
	flapped := func() *history {
		h := observe(newSite(t, 1, lastOnly))
		h.play("0.5 "+flap+" "+flap+" 1*3", side)
		return h
	}
	undisturbed, restarted := flapped(), flapped()
	restarted.restart(t, 0, restarted.site)
	const script = "0.5*200"
	if got, want := restarted.play(script, side), undisturbed.play(script, side); got != want || !strings.Contains(want, "o") {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What the site no longer has is left out, and what is new is unknown.
func TestRestartUnderAnotherConfiguration(t *testing.T) {
	shared := func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertFixed, Share: 0.5} }
	for _, tt := range []struct {
		name     string
		old, now *site.Site
		before   string
		want     string // right away
		then     string
		shown    string
	}{
		{"an address more", newSite(t, 0, origins(1, 2)), newSite(t, 0, origins(3, 2, 1)), "0.5/x", "origin 31", "0.5/0.5/0.5*2", "31 321"},
		{"the one that is up is gone", newSite(t, 0, origins(1, 2)), newSite(t, 0, origins(2)), "0.5/x", "100 % edge", "x", "edge"},
		{"all are new", newSite(t, 0, origins(1)), newSite(t, 0, origins(4, 5)), "0.5", "origin 45", "0.5/x", "4"},
		{"the CDN is gone", newSite(t, 1, twoCDNs), newSite(t, 1, func(s *site.Site) { s.CDNs[0].Name = "other" }), "1", "100 % other", "0.5", "other"},
		{"the CDN has another target", newSite(t, 1), newSite(t, 1, func(s *site.Site) { s.CDNs[0].Target = "other.example.net." }), "1", "100 % edge", "0.5", "edge"},
		{"no share any more", newSite(t, 1, keyed, shared), newSite(t, 1), "1", "100 % edge", "0.5", "edge"},
		{"a share from now on", newSite(t, 1), newSite(t, 1, keyed, shared), "1", "50 % edge", "0.5", "edge"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(tt.old)
			h.play(tt.before, side)
			h.restart(t, time.Second, tt.now)
			if got := answered(h.last()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := h.play(tt.then, answer); got != tt.shown {
				t.Errorf("then got %s, want %s", got, tt.shown)
			}
		})
	}
}

// What is restored can be answered as it is, without a decision.
func TestRestoredCanBeAnswered(t *testing.T) {
	old := newSite(t, 2, keyed, func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertFixed, Share: 0.5} })
	h := observe(old)
	h.play("1", side)
	saved := written(t, control.Save(old, h.state))
	for want, s := range map[string]*site.Site{
		"50 % edge": old,
		"origin 12": newSite(t, 2, func(s *site.Site) { s.CDNs[0].Name = "other" }),
		"origin 34": newSite(t, 0, origins(3, 4)),
		"origin 1":  newSite(t, 1),
	} {
		st, err := control.Restore(s, saved, h.now)
		if err != nil || answered(*st.Answer()) != want || st.Answer().Epoch != h.last().Epoch || len(st.Answer().Addresses) == 0 || !st.Due.Equal(h.now) {
			t.Errorf("got %+v, %v, want %s", st.Answer(), err, want)
		}
	}
	unlocated := newSite(t, 1)
	unlocated.Origins = []site.Origin{{Next: true}}
	const want = "restoring the state of site 'www.example.org.': its origin has no address so far"
	if _, err := control.Restore(unlocated, saved, h.now); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// An override that is still in force changes nothing at a restart, and one that froze
// the site keeps what it froze.
func TestRestartUnderAnOverride(t *testing.T) {
	for _, o := range []site.Override{forced(site.OverrideOrigin), forced(site.OverrideCDN, toCDN("edge")), forced(site.OverrideFreeze)} {
		t.Run(string(o.Action), func(t *testing.T) {
			r := rule(newSite(t, 1, lastOnly))
			r.play("1 0.5", side)
			r.set(o)
			r.play("0.5*14", side) // back, if it were not for the override
			was, measured := *r.state.Answer(), r.last()
			text, err := json.Marshal(r.overrides)
			if err != nil {
				t.Fatal(err)
			}
			r.overrides = nil
			if err := json.Unmarshal(text, &r.overrides); err != nil {
				t.Fatal(err)
			}
			r.restart(t, time.Second, r.site)
			r.play("0.5", side)
			if d := *r.state.Answer(); d.Epoch != was.Epoch || content(d) != content(was) || content(r.last()) != content(measured) {
				t.Errorf("\n got %+v\nwant %+v", d, was)
			}
			r.set()
			if d := *r.state.Answer(); d.Epoch <= was.Epoch || content(d) != content(measured) {
				t.Errorf("afterwards\n got %+v\nwant %+v", d, measured)
			}
		})
	}
}

// The override was lifted while the server was away: epochs go on all the same.
func TestRestartAfterAnOverride(t *testing.T) {
	r := rule(newSite(t, 1), forced(site.OverrideCDN, toCDN("edge")))
	r.play("0.5", side)
	was := r.state.Answer().Epoch
	r.overrides = nil
	r.restart(t, time.Second, r.site)
	if d := *r.state.Answer(); answered(d) != "origin 1" || d.Epoch <= was {
		t.Errorf("got %+v after epoch %d", d, was)
	}
	r = rule(newSite(t, 1), forced(site.OverrideCDN, toCDN("edge")))
	r.play("0.5", side)
	was = r.state.Answer().Epoch
	r.overrides = nil
	r.restart(t, time.Second, newSite(t, 1, func(s *site.Site) { s.CDNs[0].Name = "other" })) // it could not be answered
	if d := *r.state.Answer(); answered(d) != "origin 1" || d.Epoch <= was {
		t.Errorf("got %+v after epoch %d", d, was)
	}
}

// A CDN that was ready before the restart is until the first check, or until there was
// time for one. Another one is not.
func TestRestartBeforeTheFirstCheck(t *testing.T) {
	h := observe(newSite(t, 1, twoCDNs, lastOnly))
	h.play("1", side)
	h.restart(t, 0, h.site)
	untried := func(now time.Time) control.Candidate { return control.Good().Through(control.Gate{}, now) }
	at := func(after time.Duration, cdns ...control.Candidate) string {
		now := h.now.Add(after)
		_, d := control.Decide(h.site, h.state, control.Input{Now: now, Sources: h.sources, New: control.None, CDNs: cdns})
		return answered(*d)
	}
	closed := control.Good().Through(control.Gate{Checked: h.now}, h.now)
	unknown := control.Candidate{Unknown: true, Room: 1, Part: 1}
	dangling := control.Candidate{Out: true, Lost: true}.Through(control.Gate{}, h.now)
	for _, tt := range []struct {
		name, want, got string
	}{
		{"nobody was checked", "100 % edge", at(0, untried(h.now), untried(h.now))},
		{"the other one was", "100 % edge", at(time.Second, untried(h.now), control.Good())},
		{"it was", "100 % edge", at(time.Second, control.Good(), untried(h.now))},
		{"it is not ready", "origin 1", at(time.Second, closed, untried(h.now))},
		{"it is not, and the other one is", "100 % big", at(time.Second, closed, control.Good())},
		{"nothing is known of the CDN", "100 % edge", at(time.Second, unknown, control.Good())},
		{"nothing is, and nobody gets in", "100 % big", at(time.Second, control.Candidate{Unknown: true, Out: true}, control.Good())},
		{"it leads nowhere", "100 % big", at(time.Second, dangling, control.Good())},
		{"nobody was checked for too long", "origin 1", at(30*time.Second, untried(h.now), untried(h.now))},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

// oddities are what no state can have been.
func TestRestoreRefuses(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly))
	h.play("1", side)
	override := forced(site.OverrideOrigin)
	for want, change := range map[string]func(*control.Saved){
		"decision: epoch 0 is not from 1 to 4611686018427387904":                                func(s *control.Saved) { s.Decision.Epoch = 0 },
		"decision: epoch 18446744073709551615 is not from 1 to 4611686018427387904":             func(s *control.Saved) { s.Decision.Epoch = math.MaxUint64 },
		"decision: side 'left' is not known":                                                    func(s *control.Saved) { s.Decision.Side = "left" },
		"decision: share NaN is not from 0 to 1":                                                func(s *control.Saved) { s.Decision.Share = math.NaN() },
		"decision: share 1.5 is not from 0 to 1":                                                func(s *control.Saved) { s.Decision.Share = 1.5 },
		"decision: share 1 at the side 'origin' goes to no CDN":                                 func(s *control.Saved) { s.Decision.Side = site.SideOrigin },
		"decision: share 1 at the side 'cdn' goes to no CDN":                                    func(s *control.Saved) { s.Decision.CDNs = nil },
		"decision: ttl -1s is not a number of whole seconds from 0s to 24h0m0s":                 func(s *control.Saved) { s.Decision.TTL = control.Span(-time.Second) },
		"decision: ttl 1ms is not a number of whole seconds from 0s to 24h0m0s":                 func(s *control.Saved) { s.Decision.TTL = control.Span(time.Millisecond) },
		"decision: cdn 'edge' with weight -1 is repeated, or takes no part":                     func(s *control.Saved) { s.Decision.CDNs[0].Weight = -1 },
		"decision: cdn 'edge' with weight 0 is repeated, or takes no part":                      func(s *control.Saved) { s.Decision.CDNs = append(s.Decision.CDNs, s.Decision.CDNs[0]) },
		"decision: origin 'fra' with weight -1 is repeated, or takes no part":                   func(s *control.Saved) { s.Decision.Origins = []control.SavedServed{{Name: "fra", Weight: -1}} },
		"decision: cause 'luck' is not known":                                                   func(s *control.Saved) { s.Decision.Reason.Cause = "luck" },
		"decision: signal 'smell' is not known":                                                 func(s *control.Saved) { s.Decision.Reason.Signal = "smell" },
		"decision: value NaN, limit 1 and v 1 are not all numbers from 0 on":                    func(s *control.Saved) { s.Decision.Reason.Value = math.NaN() },
		"decision: value 1, limit -1 and v 1 are not all numbers from 0 on":                     func(s *control.Saved) { s.Decision.Reason.Limit = -1 },
		"decision: value 1, limit 1 and v +Inf are not all numbers from 0 on":                   func(s *control.Saved) { s.Decision.Reason.V = math.Inf(1) },
		"decision: age -1ns is negative":                                                        func(s *control.Saved) { s.Decision.Reason.Age = -1 },
		"decision: cause 'override' and an override do not go together":                         func(s *control.Saved) { s.Decision.Reason.Cause = site.CauseOverride },
		"decision: cause 'threshold' and an override do not go together":                        func(s *control.Saved) { s.Decision.Reason.Override = &override },
		"forced: no override says so":                                                           func(s *control.Saved) { s.Forced = s.Decision },
		"forced: override '1': scope 'zone' is not known: site, class, origin, cdn and all are": func(s *control.Saved) { s.Forced = forcedBy(s.Decision, "zone") },
		"frozen: side 'left' is not known":                                                      func(s *control.Saved) { frozen := *s.Decision; frozen.Side = "left"; s.Frozen = &frozen },
		"something is forced, and there is no decision":                                         func(s *control.Saved) { s.Decision, s.Frozen = nil, s.Decision },
		"origin '': side 'left' is not known":                                                   func(s *control.Saved) { s.Origins[0].Side = "left" },
		"origin '': penalty -1 is not from 0 to 1e+06":                                          func(s *control.Saved) { s.Origins[0].Penalty = -1 },
		"origin '': penalty NaN is not from 0 to 1e+06":                                         func(s *control.Saved) { s.Origins[0].Penalty = math.NaN() },
		"origin '': penalty 1e+300 is not from 0 to 1e+06":                                      func(s *control.Saved) { s.Origins[0].Penalty = 1e300 },
		"origin '': used -1 is not a number from 0 on":                                          func(s *control.Saved) { s.Origins[0].Used = -1 },
		"origin '': its side 'cdn' has no beginning":                                            func(s *control.Saved) { s.Origins[0].Since = time.Time{} },
		"origin '': its return is blocked since 2030-01-01T00:00:00Z by no penalty":             func(s *control.Saved) { s.Origins[0].Held = begin },
		"origin '': counts -1 and 0 of response_time are not from 0 to 1e+09":                   func(s *control.Saved) { s.Origins[0].Counts[0].Over = -1 },
		"origin '': counts 0 and 2147483647 of response_time are not from 0 to 1e+09":           func(s *control.Saved) { s.Origins[0].Counts[0].Hard = math.MaxInt32 },
		"origin '': cause 'luck' is not known":                                                  func(s *control.Saved) { s.Origins[0].Reason = &control.SavedReason{Cause: "luck"} },
		"origin '': there is no reason for its side 'cdn'":                                      func(s *control.Saved) { s.Origins[0].Told = false },
		"origin '' is repeated":                                                                 func(s *control.Saved) { s.Origins = append(s.Origins, control.SavedOrigin{}) },
		"2 origins tell why the visitors moved":                                                 func(s *control.Saved) { s.Origins = append(s.Origins, control.SavedOrigin{Name: "b", Told: true}) },
		"path 'http 192.0.2.1': health 'ill', 0 failed and 0 good ones in a row":                func(s *control.Saved) { s.Paths["http 192.0.2.1"] = control.SavedPath{Health: "ill"} },
		"path 'http 192.0.2.1': health 'up', -1 failed and 0 good ones in a row":                func(s *control.Saved) { s.Paths["http 192.0.2.1"] = control.SavedPath{Health: "up", Fails: -1} },
		"path 'http 192.0.2.1': health 'up', 0 failed and 2147483647 good ones in a row": func(s *control.Saved) {
			s.Paths["http 192.0.2.1"] = control.SavedPath{Health: "up", Goods: math.MaxInt32}
		},
	} {
		t.Run(want, func(t *testing.T) {
			saved := written(t, control.Save(h.site, h.state))
			change(&saved)
			st, err := control.Restore(h.site, saved, h.now)
			if want := "restoring the state of site 'www.example.org.': " + want; err == nil || err.Error() != want {
				t.Errorf("got %v\nwant %s", err, want)
			}
			if text(st) != text(control.State{}) {
				t.Errorf("got %+v, want a site of which nothing is known", st)
			}
		})
	}
}

// forcedBy returns a decision as an override of that scope would force it.
func forcedBy(d *control.SavedDecision, scope site.OverrideScope) *control.SavedDecision {
	o, f := forced(site.OverrideOrigin), *d
	o.Scope = scope
	f.Reason = control.SavedReason{Cause: site.CauseOverride, Override: &o}
	return &f
}

// Odd, but possible.
func TestRestoreOfOddStates(t *testing.T) {
	future := begin.Add(24 * time.Hour)
	for name, change := range map[string]func(*control.Saved){
		"an origin that the site does not have": func(s *control.Saved) { s.Origins = append(s.Origins, control.SavedOrigin{Name: "other"}) },
		"no origin that the site has":           func(s *control.Saved) { s.Origins[0].Name = "other" },
		"no origin at all":                      func(s *control.Saved) { s.Origins = nil },
		"no path":                               func(s *control.Saved) { s.Paths = nil },
		"a path that the site does not have":    func(s *control.Saved) { s.Paths["smtp"] = control.SavedPath{Health: "down"} },
		"a signal that the site does not have":  func(s *control.Saved) { s.Origins[0].Counts[0].Signal = "smell" },
		"no counts":                             func(s *control.Saved) { s.Origins[0].Counts = nil },
		"addresses that the site does not have": func(s *control.Saved) { s.Decision.Addresses = nil },
		"all that is to come": func(s *control.Saved) {
			o := &s.Origins[0]
			s.At, o.Since, o.Calm, s.Decision.Since = future, future, future, future
		},
		"silence to come":                       func(s *control.Saved) { s.Origins[0].Counts[0].Silent = future },
		"a hold to come":                        func(s *control.Saved) { o := &s.Origins[0]; o.Penalty, o.PenaltyAt, o.Held = 3, future, future },
		"a penalty without a time":              func(s *control.Saved) { s.Origins[0].Penalty = 3 },
		"since the beginning of time":           func(s *control.Saved) { s.Origins[0].Since = time.Time{}.Add(1); s.At = time.Time{}.Add(1) },
		"a site that was not known, at the CDN": func(s *control.Saved) { s.Origins[0].Side = site.SideUnknown },
		"the decision of another side":          func(s *control.Saved) { d := s.Decision; d.Side, d.Share, d.CDNs = site.SideOrigin, 0, nil },
		"the largest epoch":                     func(s *control.Saved) { s.Decision.Epoch = 1 << 62 },
		"everything has failed for 1e9 times":   func(s *control.Saved) { s.Paths["http 192.0.2.1"] = control.SavedPath{Health: "down", Fails: 1e9} },
	} {
		t.Run(name, func(t *testing.T) {
			h := observe(newSite(t, 1, lastOnly))
			h.play("1", side)
			saved := written(t, control.Save(h.site, h.state))
			change(&saved)
			h.sources = sourcesOf(h.site)
			h.restore(t, saved)
			h.decide(control.None)
			if got := h.play("0.5*200", answer); !strings.HasSuffix(got, " 1") && !strings.Contains(got, " 1*") && !strings.HasPrefix(got, "1*") {
				t.Errorf("well for 2000 s: got %s, want the origin in the end", got)
			}
		})
	}
}

// A restart in the middle of anything leaves no trace where the windows are still
// there, as they are on a server that takes over: samples that keep coming, failures,
// CDNs that come and go, overrides. What differs is left out here: sources that were
// silent at that moment are given time to speak.
func TestRestoreGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		undisturbed := rule(anySite(t, anyForm(t), func(s *site.Site) { s.NoData.After += time.Minute }))
		restored := rule(undisturbed.site)
		every := undisturbed.site.Probes[0].Every
		rounds := rapid.IntRange(2, 40).Draw(t, "rounds")
		middle := rapid.IntRange(0, rounds-1).Draw(t, "restart before")
		for round := range rounds {
			if round == middle {
				restored.restore(t, written(t, control.Save(restored.site, restored.state)))
				restored.decide(control.None)
				undisturbed.decide(control.None)
			}
			happened := anyRound(t, undisturbed)
			for _, h := range []*ruled{undisturbed, restored} {
				happened(h, every)
			}
			if got, want := content(restored.last()), content(undisturbed.last()); got != want || restored.last().Epoch != undisturbed.last().Epoch {
				t.Fatalf("round %d, restored before %d\n got %d %s\nwant %d %s", round, middle, restored.last().Epoch, got, undisturbed.last().Epoch, want)
			}
			if got, want := content(*restored.state.Answer()), content(*undisturbed.state.Answer()); got != want || restored.state.Answer().Epoch != undisturbed.state.Answer().Epoch {
				t.Fatalf("answer in round %d, restored before %d\n got %s\nwant %s", round, middle, got, want)
			}
		}
	})
}

// anyRound draws what is heard on all paths in a round, and what happens besides.
func anyRound(t *rapid.T, r *ruled) func(*ruled, time.Duration) {
	limit, failed := r.site.Thresholds[0].Limit, r.site.Probes[0].Timeout.Seconds()
	var samples []site.Sample
	for range r.sources {
		s := site.Sample{Signal: site.ResponseTime, Value: limit * rapid.SampledFrom([]float64{0.1, 0.1, 0.1, 0.9, 1, 1.2, 3}).Draw(t, "v")}
		if rapid.IntRange(0, 3).Draw(t, "failed") == 0 {
			s.Value, s.Failure = failed, site.FailureTimeout
		}
		samples = append(samples, s)
	}
	ready, overrides := r.ready, r.overrides
	switch rapid.IntRange(0, 9).Draw(t, "what else") {
	case 0:
		ready = rapid.SliceOfN(rapid.Bool(), len(r.site.CDNs), len(r.site.CDNs)).Draw(t, "ready")
	case 1:
		o := anyOverride(t, r.site, r.now)
		o.Until = r.now.Add(span(t, 1, 300, "for at least"))
		if o.Validate() == nil {
			overrides = []site.Override{o}
		}
	case 2:
		overrides = nil
	}
	return func(h *ruled, gap time.Duration) {
		h.wait(gap)
		h.ready, h.overrides = ready, overrides
		for path, s := range samples {
			s.At = h.now
			h.add(path, s)
		}
	}
}

// A restart that loses the windows leaves no trace either where one sample is all that
// is looked at, but for what was due before the next one came: that waits for it.
func TestRestartGoesOn(t *testing.T) {
	values := rapid.SliceOfN(rapid.SampledFrom([]string{"0.5", "0.5", "0.5", "0.9", "1", "1.2", "3", "x"}), 1, 60)
	rapid.Check(t, func(t *rapid.T) {
		s := newSite(t, 1, lastOnly, func(s *site.Site) { anyDamping(t, s) }, func(s *site.Site) {
			s.Enter = rapid.IntRange(1, 5).Draw(t, "enter")
			s.FailbackDelay = time.Duration(rapid.IntRange(0, 10).Draw(t, "failback_delay")) * period
		})
		undisturbed, restarted := observe(s), observe(s)
		before, after := values.Draw(t, "before"), values.Draw(t, "after")
		for _, word := range before {
			undisturbed.play(word, side)
			restarted.play(word, side)
		}
		if ahead := *undisturbed; turns(&ahead, period) {
			return
		}
		restarted.restart(t, 0, s)
		for i, word := range after {
			got, want := restarted.play(word, side), undisturbed.play(word, side)
			if got != want || restarted.last().Epoch != undisturbed.last().Epoch && i > 0 {
				t.Fatalf("%v, a restart, %v: got %s, want %s\n%+v\n%+v", before, after[:i+1], got, want, restarted.state, undisturbed.state)
			}
		}
	})
}

// turns reports whether time alone leads to another side.
func turns(h *history, within time.Duration) bool {
	before := h.last().Side
	h.wait(within)
	return h.last().Side != before
}

// What was saved is accepted, whatever happened.
func TestSavedIsAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(manySite(t))
		for _, st := range anyStretches(h.site).Draw(t, "stretches") {
			h.live(st, h.wait)
			saved := control.Save(h.site, h.state)
			state, err := control.Restore(h.site, written(t, saved), h.now)
			if err != nil {
				t.Fatal(err)
			}
			again := control.Save(h.site, state)
			a, b := asJSON(t, saved), asJSON(t, again)
			if a != b {
				t.Fatalf("saved again\n got %s\nwant %s", b, a)
			}
		}
	})
}

func asJSON(t fataler, saved control.Saved) string {
	text, err := json.Marshal(saved)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(text)
}

// FuzzRestore has anything that can be read as a state be refused, or lead to an
// answer.
func FuzzRestore(f *testing.F) {
	one := newSite(f, 2, secondProbe)
	many := newSite(f, 1, keyed, threeCDNs, func(s *site.Site) {
		s.Origins = []site.Origin{{Name: "a", Addresses: s.Origins[0].Addresses, Weight: 1}, {Name: "b", Addresses: one.Origins[0].Addresses, Weight: 2}}
		s.Feeds = []site.Source{exporter("http://stats.example.net/", time.Minute)}
		s.Thresholds = append(s.Thresholds, loads(site.NoData{}))
	})
	for _, s := range []*site.Site{one, many} {
		for _, script := range []string{"-", "0.5*3", "1 0.5", "0.5/x", "x*3", "0.5 3*2 0.5*13 3*2"} {
			r := rule(s, forced(site.OverrideFreeze))
			r.play(script, side)
			f.Add([]byte(asJSON(f, control.Save(s, r.state))))
		}
	}
	f.Add([]byte(`{"decision":{"epoch":1,"side":"cdn","share":0.5,"cdns":[{"name":"edge","weight":1}],"ttl":"30s","reason":{"cause":"start"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var saved control.Saved
		if json.Unmarshal(text, &saved) != nil {
			return
		}
		for _, s := range []*site.Site{one, many} {
			r := &ruled{history: &history{site: s, now: begin, sources: sourcesOf(s)}}
			r.then = r.overrule
			r.state, _ = control.Restore(s, saved, begin)
			if d := r.state.Answer(); d != nil {
				wantAnswerable(t, s, *d)
			}
			r.decide(control.None)
			wantAnswerable(t, s, *r.state.Answer())
			r.overrides = []site.Override{forced(site.OverrideFreeze)}
			r.play("0.5 x -*10 1", func(site.Decision) string { wantAnswerable(t, s, *r.state.Answer()); return "" })
			r.overrides = nil
			r.play("0.5*13", func(site.Decision) string { wantAnswerable(t, s, *r.state.Answer()); return "" })
		}
	})
}

// wantAnswerable fails on a decision that cannot be answered.
func wantAnswerable(t *testing.T, s *site.Site, d site.Decision) {
	t.Helper()
	if !isAnswerable(s, d) {
		t.Errorf("Nobody can be answered with %+v", d)
	}
}

func isAnswerable(s *site.Site, d site.Decision) bool {
	known := func(c site.CDN) bool {
		return slices.ContainsFunc(s.CDNs, func(own site.CDN) bool { return own.Target == c.Target })
	}
	for _, c := range d.CDNs {
		if !known(c) {
			return false
		}
	}
	partly := d.Share > 0 && d.Share < 1
	return len(d.Addresses) > 0 && (d.Share == 0 || len(d.CDNs) > 0) && d.Share >= 0 && d.Share <= 1 && (!partly || s.MayShare()) && d.TTL >= 0
}
