package site_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"pgregory.net/rapid"
)

// The number in a test's name is that of a rule of DNS that a site must hold;
// the RFC is named beside it.

// refused has each change of a valid site refused with its text.
func refused(t *testing.T, changes map[string]func(*site.Site)) {
	t.Helper()
	for want, change := range changes {
		t.Run(want, func(t *testing.T) {
			s := valid()
			change(s)
			wantError(t, s.Validate(), want)
		})
	}
}

func form(a site.Answer) func(*site.Site) { return func(s *site.Site) { s.Answer = a } }

func target(name string) func(*site.Site) { return func(s *site.Site) { s.CDNs[0].Target = name } }

// TestRule07NoCNAMEAtAnApex (RFC 1034, section 3.6.2; RFC 1912, section 2.4):
// SOA and NS stand there.
func TestRule07NoCNAMEAtAnApex(t *testing.T) {
	const want = "site name 'example.org.' is the apex of its zone, where a CNAME cannot stand (RFC 1034, section 3.6.2): write 'answer address'"
	for _, a := range []site.Answer{{Form: site.FormSwitch}, {Form: site.FormCNAME, Host: "o.example.org."}, {Form: site.FormAddress}} {
		s := valid()
		s.Names, s.Answer = []string{"www.example.org.", "example.org."}, a
		if err := s.Validate(); a.Form == site.FormAddress {
			if err != nil {
				t.Errorf("%s: expected it accepted, got %v", a.Form, err)
			}
		} else {
			wantError(t, err, want)
		}
	}
}

// TestRule08AliasModeHasATarget of its own (RFC 9460, sections 2.4.2 and
// 2.5.1): "." would say that there is no service.
func TestRule08AliasModeHasATarget(t *testing.T) {
	alias := func(name string) func(*site.Site) {
		return func(s *site.Site) {
			s.Answer = site.Answer{Form: site.FormAddress, AliasMode: true}
			s.CDNs[0].Target = name
		}
	}
	refused(t, map[string]func(*site.Site){
		"target '.' of cdn 'edge' is not a name in canonical form":       alias("."),
		"target 'www.example.org.' of cdn 'edge' leads back to the site": alias("www.example.org."),
	})
}

// TestRule18TTLsOfASiteAreTTLs has everything refused that is not a number of
// seconds from none to a day (RFC 2181, section 8).
func TestRule18TTLsOfASiteAreTTLs(t *testing.T) {
	edges := []time.Duration{-1, 1, -time.Second, (1<<31 - 1) * time.Second, (1 << 31) * time.Second, (1<<32 - 1) * time.Second, math.MinInt64, math.MaxInt64, site.MaxTTL, site.MaxTTL + 1, site.MaxTTL + time.Second, 0}
	any := rapid.OneOf(rapid.SampledFrom(edges), rapid.Map(rapid.Int64Range(-10, 100_000), func(n int64) time.Duration { return time.Duration(n) * time.Second }))
	rapid.Check(t, func(r *rapid.T) {
		s := valid()
		s.TTL = site.TTL{Full: any.Draw(r, "full"), Diverted: any.Draw(r, "diverted"), Min: any.Draw(r, "min")}
		good := func(d time.Duration) bool { return d >= 0 && d <= 24*time.Hour && d%time.Second == 0 }
		want := good(s.TTL.Full) && good(s.TTL.Diverted) && good(s.TTL.Min) && s.TTL.Min <= min(s.TTL.Full, s.TTL.Diverted)
		if err := s.Validate(); (err == nil) != want {
			r.Fatalf("Expected %+v accepted: %t, got %v", s.TTL, want, err)
		}
	})
}

// TestRule30NamesAreOf255OctetsAtMost, and labels of 63 (RFC 1035, section
// 2.3.4), also where placeholders made them.
func TestRule30NamesAreOf255OctetsAtMost(t *testing.T) {
	label := strings.Repeat("l", 63)
	of := func(octets int) string { // on the wire
		return strings.Repeat(label+".", 3) + strings.Repeat("l", octets-3*64-1-len("example.org.")-1) + ".example.org."
	}
	for _, change := range []func(*site.Site){
		names(of(255)), target(of(255)), form(site.Answer{Form: site.FormCNAME, Host: of(255)}),
	} {
		s := valid()
		change(s)
		if err := s.Validate(); err != nil {
			t.Errorf("Expected 255 octets accepted, got %v", err)
		}
	}
	refused(t, map[string]func(*site.Site){
		"site name '" + of(256) + "' is not a name in canonical form":                        names(of(256)),
		"site name 'l" + label + ".example.org.' is not a name in canonical form":            names("l" + label + ".example.org."),
		"target '" + of(256) + "' of cdn 'edge' is not a name in canonical form":             target(of(256)),
		"target 'l" + label + ".example.net.' of cdn 'edge' is not a name in canonical form": target("l" + label + ".example.net."),
		"'" + of(256) + "' is not a name that the origin can have":                           form(site.Answer{Form: site.FormCNAME, Host: of(256)}),
	})
	long := valid()
	long.Names = []string{strings.Repeat("l", 63) + ".example.org."}
	if made, err := long.Expand("{name}.{name}.{name}.{name}.example.net"); err != nil {
		t.Error(err)
	} else if _, err := site.CanonicalName(made); err == nil {
		t.Errorf("Expected a made name of %d octets refused", len(made))
	}
}

// TestRule33NameServersAreNotSteered (RFC 2181, section 10.3; RFC 1123, section
// 6.1.3.4).
func TestRule33NameServersAreNotSteered(t *testing.T) {
	sites := set([]string{"www.example.org.", "x."}, []string{"*.wild.example.org.", "x."}, []string{"fixed.example.org.", "x."})
	sites[2].Answer.Form = site.FormAddress
	steered := func(name, site, place string) string {
		return "Corefile:9: name server '" + name + "' is a name of the site '" + site + "' at " + place + ": it needs one that is not steered (RFC 2181, section 10.3)"
	}
	for name, want := range map[string]string{
		"ns1.example.net.":        "",
		"wild.example.org.":       "",
		"www.example.org.":        steered("www.example.org.", "www.example.org.", "Corefile:1"),
		"ns1.wild.example.org.":   steered("ns1.wild.example.org.", "*.wild.example.org.", "Corefile:2"),
		"a.ns1.wild.example.org.": steered("a.ns1.wild.example.org.", "*.wild.example.org.", "Corefile:2"),
		"fixed.example.org.":      steered("fixed.example.org.", "fixed.example.org.", "Corefile:3"),
	} {
		err := site.ValidateServers([]site.Server{{"ns0.example.net.", "Corefile:8"}, {name, "Corefile:9"}}, sites)
		if want != "" {
			wantError(t, err, want)
		} else if err != nil {
			t.Errorf("%s: expected it accepted, got %v", name, err)
		}
	}
}
