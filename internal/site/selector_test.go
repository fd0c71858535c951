package site_test

import (
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestSelector(t *testing.T) {
	labels := map[string]string{"code": "503", "device": "eth0", "path": `a"b\`, "name": "two words"}
	for text, want := range map[string]bool{
		`m`:                                  true,
		` m {} `:                             true,
		`ns:m_total{code="503"}`:             true,
		`m{code="50"}`:                       false,
		`m{code!="503"}`:                     false,
		`m{code!="200",}`:                    true,
		`m{code=~"5.."}`:                     true,
		`m{code=~"5."}`:                      false, // patterns are anchored
		`m{code=~"2..|50."}`:                 true,
		`m{code=~"x|03"}`:                    false, // on both sides, whatever the pattern
		`m{code!~"5.."}`:                     false,
		`m{device!~"lo|veth.*"}`:             true,
		`m{absent=""}`:                       true,
		`m{absent!=""}`:                      false,
		`m{absent=~".*"}`:                    true,
		`m{path="a\"b\\"}`:                   true,
		`m{path='a"b\\'}`:                    true,
		`m{name = "two words" , code="503"}`: true,
		`m{code="503",device="eth1"}`:        false,
		`m{name="two w\u006frds"}`:           true,
	} {
		s, err := site.ParseSelector(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.Matches(func(name string) string { return labels[name] }); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}

func TestSelectorMetric(t *testing.T) {
	s, err := site.ParseSelector(`node_network_transmit_bytes_total{device!="lo"}`)
	if err != nil || s.Metric != "node_network_transmit_bytes_total" || len(s.Matchers) != 1 || s.Matchers[0].Label != "device" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestSelectorRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                "no name of a metric",
		`{a="b"}`:         "no name of a metric",
		`9m`:              "no name of a metric",
		`m{`:              "not in braces",
		`m a="b"`:         "not in braces",
		`m{a="b"} by (c)`: "not in braces",
		`m{a="b"}}`:       "no comma behind label 'a'",
		`m{a="b" c="d"}`:  "no comma behind label 'a'",
		`m{,}`:            "no name of a label",
		`m{a:b="c"}`:      "none of =, !=, =~ and !~",
		`m{a}`:            "none of =, !=, =~ and !~",
		`m{a==“b”}`:       "not in quotes",
		`m{a=b}`:          "not in quotes",
		`m{a="b}`:         "do not end",
		`m{a="b'}`:        "do not end",
		`m{a="\q"}`:       "an escape that does not exist",
		`m{a=~"("}`:       "'(' is not a regular expression",
		`m{a=~")|(?:"}`:   "is not a regular expression",
		`rate(m[5m])`:     "not in braces",
	} {
		_, err := site.ParseSelector(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "'"+text+"'") {
			t.Errorf("%s: got %v, want %q and the text in it", text, err, want)
		}
	}
}

func TestMatchers(t *testing.T) {
	matchers, err := site.ParseMatchers(` instance="a:9100", device=~"eth.*" `)
	if err != nil || len(matchers) != 2 || !matchers[0].Matches("a:9100") || matchers[1].Matches("lo") {
		t.Errorf("got %+v, %v", matchers, err)
	}
	if none, err := site.ParseMatchers(""); err != nil || none != nil {
		t.Errorf("of nothing: got %+v, %v", none, err)
	}
	if _, err := site.ParseMatchers("device"); err == nil || !strings.Contains(err.Error(), "invalid labels 'device'") {
		t.Errorf("got %v", err)
	}
}

// FuzzSelector has what is accepted hold its promise: a metric's name, and
// matchers that can be asked anything.
func FuzzSelector(f *testing.F) {
	for _, text := range []string{
		`m`, `m{}`, `m{a="b",c!='d',e=~"f.*",g!~"h|i",}`, `m{a="\x41\101\u00e9\"`, `m{a=~")|(?:"}`, `m{a="}"}`,
	} {
		f.Add(text, "x")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		s, err := site.ParseSelector(text)
		if err != nil {
			return
		}
		if s.Metric == "" || !strings.Contains(text, s.Metric) {
			t.Errorf("%q: got metric %q", text, s.Metric)
		}
		for _, m := range s.Matchers {
			m.Matches(value)
			if m.Label == "" || !strings.Contains(text, m.Label) {
				t.Errorf("%q: got label %q", text, m.Label)
			}
		}
	})
}
