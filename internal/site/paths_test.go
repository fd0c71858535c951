package site_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// shared is an origin of several sites, with a feed of each of its addresses
// and one of the whole.
func shared() site.Origin {
	return site.Origin{
		Name: "fra", Addresses: addresses("192.0.2.10", "2001:db8::10"),
		Feeds: []site.Source{
			reads("prometheus", "http://{origin}:9100/metrics", site.Load),
			reads("file", "file:///run/fra.prom", site.Requests),
		},
	}
}

func reads(kind, url string, signal site.Signal) site.Source {
	return site.Source{Kind: kind, URL: url, Every: 20 * time.Second, Timeout: 2 * time.Second, Ask: site.Ask{Signal: signal, Query: "g"}}
}

// seen is what a path is to whoever tests the order of them.
type seen struct {
	url, host string
	origin    int
	address   string
	public    bool
}

func seenOf(paths []site.Path) []seen {
	var all []seen
	for _, p := range paths {
		s := seen{p.Target.URL, p.Target.Host, p.Origin, "", p.Target.Public}
		if p.Address.IsValid() {
			s.address = p.Address.String()
		}
		all = append(all, s)
	}
	return all
}

// Probe by probe and feed by feed, each to every address of every origin; what
// names no address speaks for all origins, or for the one whose feed it is.
func TestPathsOfSeveralOrigins(t *testing.T) {
	s := valid()
	s.Origins = []site.Origin{shared(), {Name: "ams", Addresses: addresses("203.0.113.10"), ThirdParty: true, Feeds: []site.Source{reads("json", "https://api.example.net", site.Load)}}}
	s.Probes = append(s.Probes, site.Source{Kind: "tcp", URL: "tcp://gate.example.net:25", Every: time.Minute, Timeout: time.Second})
	s.Feeds = []site.Source{reads("snmp", "snmp://{origin}", site.UsedBandwidth), reads("promql", "http://prom.example.net:9090", site.Requests)}
	want := []seen{
		{"http://192.0.2.10:80/", "own.example.net", 0, "192.0.2.10", false},
		{"http://[2001:db8::10]:80/", "own.example.net", 0, "2001:db8::10", false},
		{"http://203.0.113.10:80/", "own.example.net", 1, "203.0.113.10", true},
		{"tcp://gate.example.net:25", "", site.EveryOrigin, "", false},
		{"snmp://192.0.2.10:161", "", 0, "192.0.2.10", false},
		{"snmp://[2001:db8::10]:161", "", 0, "2001:db8::10", false},
		{"snmp://203.0.113.10:161", "", 1, "203.0.113.10", true},
		{"http://prom.example.net:9090/", "", site.EveryOrigin, "", false},
		{"http://192.0.2.10:9100/metrics", "", 0, "192.0.2.10", false},
		{"http://[2001:db8::10]:9100/metrics", "", 0, "2001:db8::10", false},
		{"file:///run/fra.prom", "", 0, "", false},
		{"https://api.example.net:443/", "", 1, "", true},
	}
	if got := seenOf(s.Paths()); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

// The addresses of the next plugin are not known here.
func TestPathsOfNext(t *testing.T) {
	s := valid()
	s.Origins = []site.Origin{{Next: true}}
	if got := s.Paths(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// Sites that share an origin put one question to each of its feeds, and probes
// that differ in nothing but the name of the web server.
func TestTargetsOfASharedOrigin(t *testing.T) {
	a, b := valid(), valid()
	for _, s := range []*site.Site{a, b} {
		s.Origins = []site.Origin{shared()}
	}
	b.Names, b.Hosts = []string{"shop.example.org."}, []string{"shop.example.net"}
	b.Origins[0].Weight = 3
	first, second := a.Paths(), b.Paths()
	for i, p := range first {
		other := second[i].Target
		if p.Target.IsFeed() != (p.Target == other) {
			t.Errorf("%s: equal %t", p.Target.URL, p.Target == other)
		}
		other.Host = p.Target.Host
		if p.Target != other {
			t.Errorf("%s: more than the host differs", p.Target.URL)
		}
	}
}

// An origin of somebody else is asked another way than an own one.
func TestTargetsOfAThirdPartyDiffer(t *testing.T) {
	a, b := valid(), valid()
	b.Origins[0].ThirdParty = true
	if a.Paths()[0].Target == b.Paths()[0].Target {
		t.Error("an own target is that of a third party")
	}
}

// asking returns valid with one source of a kind, at that URL.
func asking(kind, url string) *site.Site {
	s := valid()
	src := s.Probes[0]
	src.Kind, src.URL = kind, url
	switch {
	case kind == "download":
		src.Ask.Size = site.DefaultDownload
		s.Thresholds = []site.Threshold{{Signal: site.AvailableBandwidth, Limit: 1, Recover: 1}}
	case src.IsFeed():
		src.Ask = site.Ask{Signal: site.ResponseTime}
		s.Probes, s.Feeds = nil, []site.Source{src}
		return s
	}
	s.Probes = []site.Source{src}
	return s
}

// Equal targets are written alike, whatever the kind.
func TestCanonicalURLs(t *testing.T) {
	for _, tc := range []struct{ kind, in, want string }{
		{"http", "HTTP://Status.Example.NET", "http://status.example.net:80/"},
		{"http", "https://status.example.net", "https://status.example.net:443/"},
		{"http", "https://status.example.net:80/A%20b?C=d", "https://status.example.net:80/A%20b?C=d"},
		{"http", "http://[2001:DB8::1]/", "http://[2001:db8::1]:80/"},
		{"download", "http://status.example.net?a", "http://status.example.net:80/?a"},
		{"tls", "tls://Status.example.net", "tls://status.example.net:443"},
		{"tls", "tls://{origin}:8443", "tls://192.0.2.1:8443"},
		{"tcp", "tcp://Gate.example.net:25", "tcp://gate.example.net:25"},
		{"dns", "dns://{origin}", "dns://192.0.2.1:53"},
		{"dns", "dns://{origin}:53", "dns://192.0.2.1:53"},
		{"grpc", "grpc://{origin}:50051", "grpc://192.0.2.1:50051"},
		{"icmp", "icmp://{origin}", "icmp://192.0.2.1"},
		{"icmp", "icmp://Gate.example.net", "icmp://gate.example.net"},
		{"icmp", "icmp://[2001:DB8::1]", "icmp://[2001:db8::1]"},
		{"prometheus", "http://{origin}:9100/metrics", "http://192.0.2.1:9100/metrics"},
		{"promql", "http://Prom.example.net", "http://prom.example.net:80/"},
		{"json", "HTTPS://api.example.net/A", "https://api.example.net:443/A"},
		{"snmp", "snmp://{origin}", "snmp://192.0.2.1:161"},
		{"snmp", "snmp://[2001:DB8::1]:1161", "snmp://[2001:db8::1]:1161"},
		{"file", "file:///Run/a%20b.prom", "file:///Run/a%20b.prom"},
	} {
		s := asking(tc.kind, tc.in)
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", tc.in, err)
		}
		if got := s.Paths()[0].Target.URL; got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestURLErrors(t *testing.T) {
	for _, tc := range []struct{ kind, in, want string }{
		{"http", "tcp://{origin}:80", "'tcp://{origin}:80' is not an http:// or https:// URL"},
		{"download", "/1m", "'/1m' is not an http:// or https:// URL"},
		{"tcp", "http://{origin}:80", "'http://{origin}:80' is not a host and port"},
		{"tcp", "tcp://{origin}", "'{origin}' has no port: write HOST:PORT"},
		{"tls", "tls://:443", "':443' is not a host and port: it has no host"},
		{"dns", "dns://{origin}:70000", "port '70000' in '{origin}:70000' is not from 1 to 65535"},
		{"grpc", "grpc://a@{origin}:50051", "'a@{origin}:50051' is not a host and port without user and fragment"},
		{"icmp", "icmp://{origin}:7", "'{origin}:7' is not a host: ICMP has no ports"},
		{"icmp", "icmp://", "'' is not a host: it has no host"},
		{"snmp", "snmp://{origin}/a", "'{origin}/a' is not a host and port"},
		{"file", "file://run/a", "'run/a' is not the absolute path of a file"},
		{"file", "file:///run/{origin}", "'/run/{origin}' is not the absolute path of a file"},
		{"file", "file:///run/%2e%2e%2fetc/a", "'/run/%2e%2e%2fetc/a' is not the absolute path of a file"},
		{"file", "/run/a", "'/run/a' is not the absolute path of a file"},
	} {
		wantError(t, asking(tc.kind, tc.in).Validate(), tc.want)
	}
}

// A query may hold a secret; the rest is for people to see.
func TestShown(t *testing.T) {
	for url, want := range map[string]string{
		"https://api.example.net:443/a%2Fb?key=secret": "https://api.example.net:443/a%2Fb",
		"http://[2001:db8::1]:80/":                     "http://[2001:db8::1]:80/",
		"tcp://192.0.2.1:25":                           "tcp://192.0.2.1:25",
		"icmp://192.0.2.1":                             "icmp://192.0.2.1",
		"file:///run/a%20b.prom":                       "file:///run/a%20b.prom",
		"http://user:secret@192.0.2.1/":                "http://192.0.2.1/",
		"http://192.0.2.1/#secret":                     "http://192.0.2.1/",
		"http://{origin}/?key=secret":                  "smoke",
	} {
		if got := (site.Target{Kind: "smoke", URL: url}).Shown(); got != want {
			t.Errorf("%s: got %s", url, got)
		}
	}
}

// Paths have names of their own, which tell no secret.
func TestPathNames(t *testing.T) {
	s := valid()
	s.Origins[0].Addresses = addresses("192.0.2.1", "2001:db8::1")
	s.Probes[0].URL = "http://{origin}/?token=secret"
	s.Probes = append(s.Probes, s.Probes[0], site.Source{Kind: "tcp", URL: "tcp://mail.example.org:25", Every: 20 * time.Second, Timeout: time.Second})
	s.Feeds = []site.Source{{Kind: "map", URL: "http://cdn.example.net/", Every: time.Minute, Ask: site.Ask{Map: "bunny"}}} // an hour behind: no path
	s.Origins = append(s.Origins, site.Origin{Name: "fra", Addresses: addresses("192.0.2.9"), Feeds: []site.Source{{Kind: "json", URL: "http://{origin}/", Every: 5 * time.Second, Ask: site.Ask{Delay: time.Minute}}}})
	want := []string{
		"http 192.0.2.1", "http 2001:db8::1", "fra http 192.0.2.9", "http 192.0.2.1 #2", "http 2001:db8::1 #2", "fra http 192.0.2.9 #2", "tcp", "fra json 192.0.2.9",
	}
	if got := s.PathNames(); !slices.Equal(got, want) || len(s.Paths()) != len(want) {
		t.Errorf("got %q for %d paths, want %q", got, len(s.Paths()), want)
	}
	if got := s.Attention(); got != 30*time.Second {
		t.Errorf("got %s, want three periods of the first probe", got)
	}
	s.Origins[1].Feeds[0].Ask.Delay = time.Second
	if got := s.Attention(); got != 16*time.Second {
		t.Errorf("got %s, want three periods of the feed and its delay", got)
	}
}

func TestMayShare(t *testing.T) {
	s := valid()
	for want, answers := range map[bool][]site.Answer{
		false: {{Form: site.FormSwitch}},
		true:  {{Form: site.FormSwitch, Keyed: true}, {Form: site.FormCNAME, Host: "o.example.org."}, {Form: site.FormAddress}},
	} {
		for _, s.Answer = range answers {
			if s.MayShare() != want {
				t.Errorf("%+v: got %t", s.Answer, !want)
			}
		}
	}
	s.Answer, s.Redirect = site.Answer{Form: site.FormSwitch}, &site.Redirect{Own: addresses("192.0.2.80")}
	if !s.MayShare() {
		t.Error("DNS always leads to the redirector: Expected a share allowed")
	}
}
