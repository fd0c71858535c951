package document_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
)

func ptr[T any](v T) *T { return &v }

// TestFaultsNameTheFieldAndTheValue is of single lines.
func TestFaultsNameTheFieldAndTheValue(t *testing.T) {
	for _, c := range []struct {
		properties document.Properties
		want       string
	}{
		{document.Properties{}, ""},
		{document.Properties{Thresholds: []document.Threshold{{Signal: "response_time", Limit: "300ms", Recover: "240"}}},
			"thresholds[0].recover: invalid duration '240': write a unit, such as 300ms or 10s"},
		{document.Properties{Thresholds: []document.Threshold{{Signal: "response_time", Limit: "300", Recover: "240", Window: "x"}}},
			"thresholds[0].limit: invalid duration '300': write a unit, such as 300ms or 10s\nthresholds[0].recover: invalid duration '240': write a unit, such as 300ms or 10s\nthresholds[0].window: invalid duration 'x': write a unit, such as 300ms or 10s"},
		{document.Properties{Thresholds: []document.Threshold{{Signal: "response_time", Limit: "300ms", Recover: "400ms"}}},
			"thresholds[0].recover: recover 400ms is not above zero and at most the limit 300ms"},
		{document.Properties{Thresholds: []document.Threshold{{Signal: "speed", Limit: "300"}}},
			"thresholds[0].signal: unknown signal 'speed': response_time, error_ratio, available_bandwidth, used_bandwidth, load, connections, requests, hit_ratio are known"},
		{document.Properties{Thresholds: []document.Threshold{{Signal: "load"}}}, "thresholds[0].limit: it is missing: write such as '300ms'"},
		{document.Properties{Hosts: []string{"a", "-ö", "b", "a"}},
			"hosts[1]: name '-ö' is not ASCII: write its A-labels (RFC 5891)\nhosts[0]: 'a' is repeated in 'host'"},
		{document.Properties{Enter: ptr(0), CDNs: []document.CDNUse{{Name: "edge", Target: "edge.example.net", Priority: ptr(0), Weight: ptr(-1)}}},
			"cdns[0].priority: invalid number '0': it must be at least 1\ncdns[0].weight: invalid number '-1': it must be at least 1"},
		{document.Properties{CDNs: []document.CDNUse{{Target: "edge.example.net"}, {Name: "edge"}}},
			"cdns[0].name: it is missing: write such as 'edge'\ncdns[1].target: it is missing: write such as '{name}.edge.example.net'"},
		{document.Properties{Probes: []document.Probe{{Kind: "tcp", Target: "{origin}:80", HTTPOptions: document.HTTPOptions{Body: "x"}}, {Kind: "dns", Target: "{origin}"}, {Kind: "icmp", Target: "{origin}", Name: "a"}}},
			"probes[0].body: unknown word 'body': every, timeout, send, expect are known\nprobes[1].name: it is missing: write such as 'www.example.org'\nprobes[2].name: unexpected 'a': it is of dns only"},
		{document.Properties{Probes: []document.Probe{{Kind: "http", Target: "http://{origin}/"}, {Kind: "http", Target: "http://{origin}/2"}}},
			"probes[1]: 'probe http' is already given in probes[0]"},
		{document.Properties{Divert: &document.Divert{Mode: "all", Share: "30%"}}, "divert.share: unexpected '30%': it is of fixed only"},
		{document.Properties{Divert: &document.Divert{Mode: "fixed"}}, "divert.share: it is missing: write such as '30%'"},
		{document.Properties{Damping: &document.Damping{}}, "damping: Wrong argument count or unexpected line ending after 'damping'"},
		{document.Properties{Damping: &document.Damping{Suppress: ptr(2.0), Max: "-1s"}}, "damping.max: invalid duration '-1s': it must be above zero"},
		{document.Properties{Origins: []document.OriginUse{{}}}, "origins[0]: Wrong argument count or unexpected line ending after 'origin'"},
		{document.Properties{Origins: []document.OriginUse{{Address: []string{"192.0.2.1"}, Priority: ptr(1)}}}, "origins[0].priority: 'priority' is not an IPv4 or IPv6 address"},
		{document.Properties{TTL: &document.TTL{Full: "30", Min: "5"}}, "ttl.full: invalid duration '30': write a unit, such as 300ms or 10s\nttl.min: invalid duration '5': write a unit, such as 300ms or 10s"},
		{document.Properties{Redirect: &document.Redirect{Host: "o.example.net", Status: ptr(301), DNS: &document.RedirectDNS{Answer: "own"}}}, "redirect.dns.address: it is missing: write such as '192.0.2.80'"},
		{document.Properties{NoData: &document.NoData{Action: "cdn", After: "1"}}, "no_data.after: invalid duration '1': write a unit, such as 300ms or 10s"},
		{document.Properties{Thresholds: []document.Threshold{{Signal: "load", Limit: "1", NoData: &document.NoData{Action: "x", After: "1s"}}}},
			"thresholds[0].no_data.action: unknown action 'x': origin, cdn, stay are known"},
		{document.Properties{Feeds: []document.Feed{{Kind: "prometheus", Source: "http://x/", Query: "a{"}}}, "feeds[0].signal: it is missing: write such as 'used_bandwidth'\nfeeds[0].query: invalid selector"},
		{document.Properties{Feeds: []document.Feed{{Kind: "map", Signal: "load", Map: "x", Source: "http://x/"}}}, "feeds[0].signal: unexpected 'load': it is of prometheus, promql, json, snmp, file, redirector, push only\nfeeds[0].map: unknown map 'x'"},
		{document.Properties{Ready: &document.Ready{Level: "resolve", Target: "https://{target}/"}}, "ready.target: unknown word"},
		{document.Properties{Warmup: []string{"{", "{$HOME}", "\x00", `\"#`}},
			"warmup[0]: '{' cannot stand in a Corefile: a brace by itself, {$NAME}, {%NAME%}, and a backslash before a quotation mark\n" +
				"warmup[1]: '{$HOME}' cannot stand in a Corefile: a brace by itself, {$NAME}, {%NAME%}, and a backslash before a quotation mark\n" +
				"warmup[2]: it has a character that is NUL, or is not UTF-8\n" +
				`warmup[3]: '\"#' cannot stand in a Corefile: a brace by itself, {$NAME}, {%NAME%}, and a backslash before a quotation mark`},
		{document.Properties{Warmup: []string{strings.Repeat("x", corefile.MaxObject)}}, "a document of 65561 bytes, as a text, is longer than 65536"},
	} {
		doc := &document.Class{Common: document.Common{Kind: "class"}, Head: document.Head{Name: "web"}, Properties: c.properties}
		if got := document.Check(doc).Error(); got != c.want && !(c.want != "" && strings.HasPrefix(got, c.want) && strings.Count(got, "\n") == strings.Count(c.want, "\n")) {
			t.Errorf("%.1000s\nExpected\n%s\ngot\n%s", document.Text(doc), c.want, got)
		}
	}
}

func TestFaultsOfHeads(t *testing.T) {
	for _, c := range []struct {
		doc  document.Document
		want string
	}{
		{&document.Site{Common: document.Common{Kind: "site"}, SiteHead: document.SiteHead{Names: []string{"b..c"}}}, "name: it is missing: write such as 'www.example.org'\nnames[0]: 'b..c' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
		{&document.Origin{Common: document.Common{Kind: "x"}, Head: document.Head{Name: "1a"}}, "kind: unexpected kind 'x': the document is of the kind 'origin'\nname: '1a' is not a name of an origin: begin with a letter, go on with letters, digits, - and _"},
		{&document.CDN{Common: document.Common{Kind: "cdn"}, Head: document.Head{Name: "edge"}, Nodes: []document.Node{{Name: "a", Capacity: "x", Drain: true}}, CDNCapacity: document.CDNCapacity{Soft: "1"}},
			"nodes[0].address: it is missing: write such as '198.51.100.1'\nnodes[0].capacity: invalid bit rate 'x': write a unit, such as 200Mbit or 10Gbit\ncapacity: it is missing: write such as '20Gbit'\nsoft: invalid bit rate '1'"},
	} {
		if got := document.Check(c.doc).Error(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s\nExpected\n%s\ngot\n%s", document.Text(c.doc), c.want, got)
		}
	}
}

// TestFaultsKeepSecrets has what is wrong stand beside a secret.
func TestFaultsKeepSecrets(t *testing.T) {
	doc := &document.Class{Common: document.Common{Kind: "class"}, Head: document.Head{Name: "web"}, Properties: document.Properties{Probes: []document.Probe{
		{Kind: "http", Target: "http://bob:hunter2@{origin}/?key=hunter3", HTTPOptions: document.HTTPOptions{Headers: []document.Header{{Name: "Host", Value: "hunter4"}, {Name: "a b", Value: "hunter5"}}, Method: "x"}},
	}}}
	got := document.Check(doc).Error()
	if strings.Contains(got, "hunter") || strings.Count(got, "\n") != 2 || !strings.Contains(got, "probes[0].headers[1].name: 'a b' is not the name of a header") {
		t.Errorf("Expected three faults without secrets, got\n%s", got)
	}
}

// TestErrorsOfATextAreThoseOfFields has somebody else find what is wrong.
func TestErrorsOfATextAreThoseOfFields(t *testing.T) {
	doc := &document.Site{Common: document.Common{Kind: "site"}, SiteHead: document.SiteHead{Name: "WWW.example.org", Class: "web"}, Properties: document.Properties{
		Probes:     []document.Probe{{Kind: "tcp", Target: "{origin}:80", Send: "two\nlines"}},
		Thresholds: []document.Threshold{{Signal: "response_time", Limit: "5s"}},
	}}
	at := func(place, message string) error { return &corefile.Error{Place: place, Err: errors.New(message)} }
	got := document.Locate(doc, errors.Join(
		at("store/site/www.example.org@0:1", "unknown class 'web': define it"),
		at("store/site/www.example.org@7:4", "limit 5s is not below the timeout"),
		fmt.Errorf("checking: %w", at("store/site/www.example.org@7:2", "'{origin}:80' is bad")),
		at("store/class/web@3:2", "is bad"),
		errors.New("so"),
	)).Error()
	want := "class: unknown class 'web': define it\nthresholds[0]: limit 5s is not below the timeout\nprobes[0].target: '{origin}:80' is bad\nstore/class/web@3:2 - Error during parsing: is bad\nso"
	if got != want {
		t.Errorf("Expected\n%s\ngot\n%s\nof\n%s", want, got, document.Text(doc))
	}
}

func TestReadSaysAllThatIsWrongWithAText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "a text with 0 blocks is no document: it has one",
		"class a {\n}\nclass b {\n}":          "a text with 2 blocks is no document: it has one",
		"class a b {\n}":                      "text:1 - Error during parsing: Wrong argument count or unexpected line ending after 'b'",
		"class a {\n  ttl 5\n  foo\n  # x\n}": "text:2 - Error during parsing: invalid duration '5': write a unit, such as 300ms or 10s\ntext:3 - Error during parsing: unknown property 'foo'",
		"class a":                             "text:1 - Error during parsing: '{' is missing at the end of the line 'class a'",
		"class a {":                           "text:1 - Error during parsing: the block that 'class a' opens here is not closed: '}' is missing",
	} {
		if _, err := document.Read(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q\nExpected\n%s\ngot\n%v", text, want, err)
		}
	}
}
