package site_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// forced returns a valid override but for the changes.
func forced(changes ...func(*site.Override)) *site.Override {
	o := &site.Override{
		ID: "7", Scope: site.ScopeSite, Name: "www.example.org", Action: site.OverrideOrigin,
		Owner: "alice", Reason: "maintenance at fra", Since: noon.Add(-time.Hour), Until: noon,
	}
	for _, change := range changes {
		change(o)
	}
	return o
}

func TestOverrideIsValid(t *testing.T) {
	for name, change := range map[string]func(*site.Override){
		"as it is":             func(*site.Override) {},
		"a wildcard":           func(o *site.Override) { o.Name = "*.example.org" },
		"a class":              func(o *site.Override) { o.Scope, o.Name = site.ScopeClass, "web" },
		"all":                  func(o *site.Override) { o.Scope, o.Name = site.ScopeAll, "" },
		"a cdn":                func(o *site.Override) { o.Action, o.CDN = site.OverrideCDN, "edge" },
		"nobody":               func(o *site.Override) { o.Action = site.OverrideShare },
		"everybody":            func(o *site.Override) { o.Action, o.Share = site.OverrideShare, 1 },
		"a year":               func(o *site.Override) { o.Since = o.Until.Add(-8760 * time.Hour) },
		"no ID yet":            func(o *site.Override) { o.ID = "" },
		"as long as it may be": func(o *site.Override) { o.Reason = strings.Repeat("ä", 500) },
	} {
		if err := forced(change).Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOverrideIsRefused(t *testing.T) {
	for want, change := range map[string]func(*site.Override){
		"scope 'zone' is not known: site, class, origin, cdn and all are":                      func(o *site.Override) { o.Scope = "zone" },
		"scope '' is not known: site, class, origin, cdn and all are":                          func(o *site.Override) { o.Scope = "" },
		"name 'www.example.org' has no meaning with the scope all":                             func(o *site.Override) { o.Scope = site.ScopeAll },
		"an override of the scope site needs a name":                                           func(o *site.Override) { o.Name = "" },
		"an override of the scope origin needs a name":                                         func(o *site.Override) { o.Scope, o.Name = site.ScopeOrigin, "" },
		"name 'www.example.org.' is not that of a site in canonical form, without a final dot": func(o *site.Override) { o.Name += "." },
		"name 'WWW.example.org' is not that of a site in canonical form, without a final dot":  func(o *site.Override) { o.Name = "WWW.example.org" },
		`class "a\nb" holds control characters, or is not UTF-8`:                               func(o *site.Override) { o.Scope, o.Name = site.ScopeClass, "a\nb" },
		"action 'stop' is not known: origin, cdn, share and freeze are":                        func(o *site.Override) { o.Action = "stop" },
		"action 'cdn' needs the name of a CDN":                                                 func(o *site.Override) { o.Action = site.OverrideCDN },
		"cdn 'edge' has no meaning with the action 'origin'":                                   func(o *site.Override) { o.CDN = "edge" },
		"share 101% is not from 0% to 100%":                                                    func(o *site.Override) { o.Action, o.Share = site.OverrideShare, 1.01 },
		"share -1% is not from 0% to 100%":                                                     func(o *site.Override) { o.Action, o.Share = site.OverrideShare, -0.01 },
		"share NaN% is not from 0% to 100%":                                                    func(o *site.Override) { o.Action, o.Share = site.OverrideShare, math.NaN() },
		"share 50% has no meaning with the action 'freeze'":                                    func(o *site.Override) { o.Action, o.Share = site.OverrideFreeze, 0.5 },
		"owner '' is empty":   func(o *site.Override) { o.Owner = "" },
		"reason ' ' is empty": func(o *site.Override) { o.Reason = " " },
		`reason "a\x1b[2J" holds control characters, or is not UTF-8`:                          func(o *site.Override) { o.Reason = "a\x1b[2J" },
		`reason "\xff" holds control characters, or is not UTF-8`:                              func(o *site.Override) { o.Reason = "\xff" },
		`reason "` + strings.Repeat("x", 40) + `"... has 501 characters: at most 500 are kept`: func(o *site.Override) { o.Reason = strings.Repeat("x", 501) },
		`owner "` + strings.Repeat("x", 40) + `"... has 101 characters: at most 100 are kept`:  func(o *site.Override) { o.Owner = strings.Repeat("x", 101) },
		"an override needs the time since when it is in force":                                 func(o *site.Override) { o.Since = time.Time{} },
		"until 2026-11-28T12:00:00Z is not after since 2026-11-28T12:00:00Z":                   func(o *site.Override) { o.Since = o.Until },
		"from 2026-11-28T12:00:00Z to 2027-11-28T12:00:01Z is longer than 8760h":               func(o *site.Override) { o.Since, o.Until = noon, noon.Add(8760*time.Hour+time.Second) },
		`id "a\tb" holds control characters, or is not UTF-8`:                                  func(o *site.Override) { o.ID = "a\tb" },
		`cdn "a\tb" holds control characters, or is not UTF-8`:                                 func(o *site.Override) { o.Action, o.CDN = site.OverrideCDN, "a\tb" },
		"until 0001-01-01T00:00:00Z is not after since 2026-11-28T11:00:00Z":                   func(o *site.Override) { o.Until = time.Time{} },
	} {
		t.Run(want, func(t *testing.T) { wantError(t, forced(change).Validate(), want) })
	}
}

func TestOverrideSaysWhoseItIs(t *testing.T) {
	for want, o := range map[string]*site.Override{
		"override: origin by alice until 2026-11-28T12:00:00Z: maintenance at fra":                     forced(),
		"override: cdn edge by alice until 2026-11-28T12:00:00Z: maintenance at fra":                   forced(func(o *site.Override) { o.Action, o.CDN = site.OverrideCDN, "edge" }),
		"override: share 12.5% by alice until 2026-11-28T12:00:00Z: maintenance at fra":                forced(func(o *site.Override) { o.Action, o.Share = site.OverrideShare, 0.125 }),
		"override on this server only: freeze by alice until 2026-11-28T12:00:00Z: maintenance at fra": forced(func(o *site.Override) { o.Action, o.Local = site.OverrideFreeze, true }),
		"override: origin by alice until 2026-11-28T12:00:00Z: maintenance at fra and the zone is UTC+1": forced(func(o *site.Override) {
			o.Until, o.Reason = o.Until.In(time.FixedZone("", 3600)), o.Reason+" and the zone is UTC+1"
		}),
	} {
		if got := (site.Reason{Cause: site.CauseOverride, Override: o}).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestOverrideCovers(t *testing.T) {
	s := valid()
	s.Names, s.Class = []string{"www.example.org.", "*.wild.example.org."}, "web"
	s.Origins = append(s.Origins, site.Origin{Name: "fra"})
	for _, tc := range []struct {
		scope site.OverrideScope
		name  string
		want  bool
	}{
		{site.ScopeSite, "www.example.org", true},
		{site.ScopeSite, "*.wild.example.org", true},
		{site.ScopeSite, "a.wild.example.org", false}, // that is no site
		{site.ScopeSite, "web", false},
		{site.ScopeClass, "web", true},
		{site.ScopeClass, "shop", false},
		{site.ScopeOrigin, "fra", true},
		{site.ScopeOrigin, "edge", false},
		{site.ScopeOrigin, "", false}, // the origin without a name
		{site.ScopeCDN, "edge", true},
		{site.ScopeCDN, "fra", false},
		{site.ScopeAll, "", true},
		{"zone", "www.example.org", false},
	} {
		o := site.Override{Scope: tc.scope, Name: tc.name}
		if got := o.Covers(s); got != tc.want {
			t.Errorf("%s '%s': got %t", tc.scope, tc.name, got)
		}
	}
	s.Class = ""
	if (&site.Override{Scope: site.ScopeClass}).Covers(s) {
		t.Error("a site without a class is of none")
	}
}

func TestOverrideIsTheSameWhereverItWasRead(t *testing.T) {
	a, b := forced(), forced(func(o *site.Override) {
		o.Since, o.Until = o.Since.In(time.FixedZone("", 3600)), o.Until.In(time.FixedZone("", 3600))
	})
	var none *site.Override
	if !a.Same(b) || !none.Same(nil) {
		t.Error("Expected them the same")
	}
	b.Until = b.Until.Add(1)
	if a.Same(b) || a.Same(nil) || none.Same(a) || a.Same(forced(func(o *site.Override) { o.Reason = "other" })) {
		t.Error("Expected them different")
	}
}

func TestOverrideIsOverAtItsEnd(t *testing.T) {
	o := forced()
	if o.Over(noon.Add(-1)) || !o.Over(noon) || !o.Over(noon.Add(1)) || o.Over(noon.Add(-2*time.Hour)) {
		t.Error("Expected it over from its end on, and not before")
	}
}
