package site_test

import (
	"reflect"
	"testing"
	"unique"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestExpand(t *testing.T) {
	s := site.New("www.example.org.", "shop.example.org.")
	s.Hosts = []string{"own.example.net", "other.example.net"}
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"cdn.example.net", "cdn.example.net"},
		{"{name}", "www.example.org"},
		{"{label}.{host}.{name}.", "www.own.example.net.www.example.org."},
		{"http://{origin}/{label}{label}", "http://{origin}/wwwwww"},
		{"{origin}{origin}", "{origin}{origin}"},
		{"a}b", "a}b"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			got, err := s.Expand(tc.in)
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
	for _, in := range []string{"{", "{name", "{}", "{Name}", "{ name}", "{node}.example", "{{name}}", "{name}{"} {
		t.Run("refused "+in, func(t *testing.T) {
			_, err := s.Expand(in)
			wantError(t, err, "unknown placeholder in '"+in+"': {origin}, {name}, {label} and {host} are known")
		})
	}
}

func TestExpandLabels(t *testing.T) {
	for name, want := range map[string]string{"org.": "org", `a\.b.example.org.`: `a\.b`} {
		s := site.New(name)
		s.Hosts = []string{"own.example.net"}
		if got, err := s.Expand("{label}"); err != nil || got != want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// What a placeholder brings in is not read again.
func TestExpandOnce(t *testing.T) {
	s := site.New("{host}.example.org.")
	s.Hosts = []string{"own.example.net"}
	if got, err := s.Expand("{label}"); err != nil || got != "{host}" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPaths(t *testing.T) {
	s := valid()
	s.Origins = []site.Origin{{Addresses: addresses("192.0.2.1", "2001:db8::1")}}
	first, second := s.Probes[0], s.Probes[0]
	first.URL, first.Ask.SkipVerify = "https://{origin}:8443/{origin}", true
	second.URL, second.Every = "http://whole.example.org/", 2*first.Every
	s.Probes = []site.Source{first, second}

	target := func(p site.Source, url string) site.Target {
		return site.Target{
			Kind: "http", URL: url, Host: "own.example.net",
			Timeout: p.Timeout, Ask: unique.Make(p.Ask),
		}
	}
	want := []site.Path{
		{Target: target(first, "https://192.0.2.1:8443/192.0.2.1"), Address: s.Origins[0].Addresses[0], Every: first.Every},
		{Target: target(first, "https://[2001:db8::1]:8443/[2001:db8::1]"), Address: s.Origins[0].Addresses[1], Every: first.Every},
		{Target: target(second, "http://whole.example.org:80/"), Line: 1, Origin: site.EveryOrigin, Every: second.Every},
	}
	if got := s.Paths(); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// Targets are compared to find probes that several sites share.
func TestTargetsAreComparable(t *testing.T) {
	a, b := valid().Paths()[0].Target, valid().Paths()[0].Target
	if a != b {
		t.Error("equal targets differ")
	}
	other := a.Ask.Value()
	other.Status, _ = site.ParseStatus("200")
	b.Ask = unique.Make(other)
	if a == b {
		t.Error("the status does not count")
	}
}

func TestServes(t *testing.T) {
	s := site.New("www.example.org.", "shop.example.org.")
	for name, want := range map[string]bool{"www.example.org.": true, "shop.example.org.": true, "example.org.": false, "": false} {
		if s.Serves(name) != want {
			t.Errorf("%s: got %t", name, !want)
		}
	}
}

// Equal probes are found by their targets, so one probe has one way to be written.
func TestPathsWriteEqualURLsAlike(t *testing.T) {
	for _, text := range []string{"http://Example.NET", "HTTP://example.net:80/", "http://example.net/"} {
		s := valid()
		s.Probes[0].URL = text
		if got := s.Paths()[0].Target.URL; got != "http://example.net:80/" {
			t.Errorf("%s: got %s", text, got)
		}
	}
}
