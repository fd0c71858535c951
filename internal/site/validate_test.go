package site_test

import (
	"errors"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func addresses(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// valid returns a site that passes.
func valid() *site.Site {
	s := site.New("www.example.org.")
	s.Zone, s.Place, s.Hosts = "example.org.", "Corefile:1", []string{"own.example.net"}
	s.Origins = []site.Origin{{Addresses: addresses("192.0.2.1")}}
	s.CDNs = []site.CDN{{Name: "edge", Target: "edge.example.net."}}
	s.Probes = []site.Source{{
		Kind: "http", URL: "http://{origin}/", Every: 10 * time.Second, Timeout: 5 * time.Second,
		Ask: site.Ask{Status: site.DefaultStatus()},
	}}
	s.Thresholds = []site.Threshold{{Signal: site.ResponseTime, Limit: 0.3, Recover: 0.24}}
	return s
}

func url(text string) func(*site.Site) { return func(s *site.Site) { s.Probes[0].URL = text } }

func origin(texts ...string) func(*site.Site) {
	return func(s *site.Site) { s.Origins[0].Addresses = addresses(texts...) }
}

// named has a site with origins of these names.
func named(names ...string) func(*site.Site) {
	return func(s *site.Site) {
		s.Origins = nil
		for _, name := range names {
			s.Origins = append(s.Origins, site.Origin{Name: name, Addresses: addresses("192.0.2.1")})
		}
	}
}

// of has a site with one origin of that name.
func of(name string, change func(*site.Origin)) func(*site.Site) {
	return func(s *site.Site) {
		named(name)(s)
		change(&s.Origins[0])
	}
}

func names(texts ...string) func(*site.Site) { return func(s *site.Site) { s.Names = texts } }

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*site.Site)
	}{
		{"as it is", func(*site.Site) {}},
		{"several names", names("www.example.org.", "a.b.example.org.")},
		{"name in the root zone", func(s *site.Site) { s.Zone, s.Names = ".", []string{"org."} }},
		{"star below", names("a.*.example.org.")},
		{"IPv6", origin("2001:db8::1", "192.0.2.1")},
		{"private address", origin("10.0.0.1", "127.0.0.1", "fd00::1")},
		{"no placeholder in the URL", url("https://status.example.org:8443/a?b=c")},
		{"IPv6 in the URL", url("http://[2001:db8::1]:80/")},
		{"limits of a probe", func(s *site.Site) {
			s.Probes[0].Every, s.Probes[0].Timeout = time.Second, time.Second-1
		}},
		{"recover at the limit", func(s *site.Site) { s.Thresholds[0].Recover = 0.3 }},
		{"window of a period", func(s *site.Site) { s.Thresholds[0].Window = 10 * time.Second }},
		{"window of an hour", func(s *site.Site) { s.Thresholds[0].Window = time.Hour }},
		{"ttl 0", func(s *site.Site) { s.TTL = site.TTL{} }},
		{"ttl of a day", func(s *site.Site) { s.TTL = site.NewTTL(site.MaxTTL) }},
		{"no delay", func(s *site.Site) { s.FailbackDelay, s.Enter = 0, 1 }},
		{"damping off", func(s *site.Site) { s.Damping = site.Damping{Off: true} }},
		{"no_data at once", func(s *site.Site) { s.NoData.After = 0 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := valid()
			tc.change(s)
			if err := s.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValidateErrors(t *testing.T) {
	for _, tc := range []struct {
		change         func(*site.Site)
		property, want string
	}{
		{names(), "", "a site has no name"},
		{func(s *site.Site) {
			s.Origins = []site.Origin{{Next: true}}
			s.Probes = []site.Source{{Kind: "download", URL: "http://{origin}/1m", Every: time.Minute, Timeout: time.Second, Ask: site.Ask{Status: site.DefaultStatus(), Size: 1 << 20}}}
		}, "probe download", "what downloads from {origin} cost is not known with 'origin next': name a host"},
		{func(s *site.Site) {
			s.Origins[0].Addresses, s.Origins[0].Capacity = addresses("192.0.2.1", "192.0.2.2"), 1e9
			s.Feeds = []site.Source{{Kind: "snmp", URL: "snmp://{origin}", Every: time.Minute, Timeout: time.Second, Ask: site.Ask{Signal: site.UsedBandwidth, Query: "1"}}}
			s.Thresholds = []site.Threshold{{Signal: site.AvailableBandwidth, Limit: 1e8, Recover: 2e8}}
		}, "threshold available_bandwidth", "the capacity 1Gbit is that of the origin as a whole, and the feed of 'snmp://{origin}' speaks for one address: read what all use together, or make each address an origin"},
		{names("WWW.example.org."), "", "site name 'WWW.example.org.' is not a name in canonical form"},
		{names("."), "", "site name '.' is not a name in canonical form"},
		{func(s *site.Site) { s.Hosts = nil }, "host", "site 'www.example.org.' has no host"},
		{func(s *site.Site) { s.Hosts = []string{"a b"} }, "host", "'a b' is not a host name: name the web server's own with 'host NAME'"},
		{func(s *site.Site) { s.CDNs[0].Target = "" }, "cdn edge", "target '' of cdn 'edge' is not a name in canonical form"},
		{func(s *site.Site) { s.CDNs[0].Target = "." }, "cdn edge", "target '.' of cdn 'edge' is not a name in canonical form"},
		{func(s *site.Site) { s.CDNs = append(s.CDNs, s.CDNs[0]) }, "cdn", "cdn 'edge' has no name of its own"},
		{url("https://WWW.example.org/"), "probe http", "the host in 'https://WWW.example.org/' is a name of the site, which leads where the decision says: write {origin}"},
		{func(s *site.Site) { s.Probes[0].Kind = "smoke" }, "probe", "probe 'smoke' is of no known kind"},
		{func(s *site.Site) { s.Probes[0].Ask.Status = site.StatusSet{} }, "probe http", "no status is good for the probe of 'http://{origin}/'"},
		{url("http://x{origin}/"), "probe http", "'http://x{origin}/' is not an http:// or https:// URL: invalid IP-literal"},
		{func(s *site.Site) { s.Thresholds[0].Signal = "smoke" }, "threshold smoke", "signal 'smoke' is not known"},
		{func(s *site.Site) { s.Thresholds[0].Statistic = "p42" }, "threshold response_time", "statistic 'p42' is not known"},
		{func(s *site.Site) { s.Thresholds[0].Limit = math.NaN() }, "threshold response_time", "limit -2562047h47m16.854775808s of response_time is not above zero"},
		{func(s *site.Site) { s.Divert.Mode = "some" }, "divert", "divert 'some' is neither all nor fixed nor none"},
		{func(s *site.Site) { s.NoData.Action = "wait" }, "no_data", "no_data 'wait' is neither origin nor cdn nor stay"},
		{func(s *site.Site) { s.Damping.HalfLife = -1 }, "damping", "half_life -1ns or max 0s is negative"},
		{func(s *site.Site) { s.Damping.Reuse = math.NaN() }, "damping", "reuse NaN is not above zero and below suppress 2.5"},
		{func(s *site.Site) { s.Names, s.CDNs[0].Target = []string{"*.example.org."}, "a.b.example.org." }, "cdn edge", "target 'a.b.example.org.' of cdn 'edge' leads back to the site"},
		{func(s *site.Site) { s.CDNs[0].Target = "*.cdn.example.net." }, "cdn edge", "target '*.cdn.example.net.' of cdn 'edge' is a wildcard: {name} and {label} of a wildcard site are no names"},
		{names("example.org."), "", "site name 'example.org.' is the apex of its zone, where a CNAME cannot stand (RFC 1034, section 3.6.2): write 'answer address'"},
		{names("www.example.net."), "", "site name 'www.example.net.' is outside the zone 'example.org.'"},
		{names("wwwexample.org."), "", "site name 'wwwexample.org.' is outside the zone 'example.org.'"},
		{names("a.example.org.", "org."), "", "site name 'org.' is outside the zone 'example.org.'"},
		{names("a.example.org.", "b.example.org.", "a.example.org."), "", "site name 'a.example.org.' is repeated"},

		{origin(), "origin", "site 'www.example.org.' has no origin"},
		{origin("0.0.0.0"), "origin", "'0.0.0.0' is not an address that visitors can reach"},
		{origin("192.0.2.1", "::"), "origin", "'::' is not an address that visitors can reach"},
		{origin("224.0.0.1"), "origin", "'224.0.0.1' is not an address that visitors can reach"},
		{origin("ff02::1"), "origin", "'ff02::1' is not an address that visitors can reach"},
		{origin("::ffff:192.0.2.1"), "origin", "'::ffff:192.0.2.1' is not an address that visitors can reach"},
		{origin("fe80::1%eth0"), "origin", "'fe80::1%eth0' is not an address that visitors can reach"},
		{func(s *site.Site) { s.Origins[0].Addresses = []netip.Addr{{}} }, "origin", "'invalid IP' is not an address that visitors can reach"},
		{origin("192.0.2.1", "192.0.2.2", "192.0.2.1"), "origin", "address '192.0.2.1' is repeated"},

		{named("fra", "fra"), "origin", "origin 'fra' is repeated: a site has addresses of its own, or origins that each have a name"},
		{named("fra", ""), "origin", "site 'www.example.org.' has addresses of its own beside origins with a name: give them an 'origin NAME' block, too"},
		{named("", "fra"), "origin", "site 'www.example.org.' has addresses of its own beside origins with a name: give them an 'origin NAME' block, too"},
		{func(s *site.Site) { s.Origins = nil }, "origin", "site 'www.example.org.' has no origin"},
		{of("fra", func(o *site.Origin) { o.Addresses = nil }), "origin fra", "origin 'fra' has no address"},
		{of("fra", func(o *site.Origin) { o.Addresses = addresses("0.0.0.0") }), "address", "'0.0.0.0' is not an address that visitors can reach"},
		{of("fra", func(o *site.Origin) { o.Capacity = -1e6 }), "capacity", "capacity -1Mbit of origin 'fra' is negative"},
		{of("fra", func(o *site.Origin) { o.Weight = -1 }), "origin", "weight -1 of origin 'fra' is negative"},
		{of("fra", func(o *site.Origin) { o.Feeds = []site.Source{reads("json", "http://www.example.org/", site.Load)} }), "origin fra", "origin 'fra', feed load: the host in 'http://www.example.org/' is a name of the site, which leads where the decision says: write {origin}"},
		{of("fra", func(o *site.Origin) { o.Feeds = []site.Source{reads("json", "ftp://{origin}/", site.Load)} }), "origin fra", "origin 'fra', feed load: 'ftp://{origin}/' is not an http:// or https:// URL"},
		{of("fra", func(o *site.Origin) { o.Thresholds = []site.Threshold{{Signal: site.Load, Limit: 5, Recover: 4}} }), "origin fra", "origin 'fra', threshold load: no probe or feed supplies load"},
		{of("fra", func(o *site.Origin) { o.Thresholds = []site.Threshold{{Signal: site.Load, Limit: 5, Recover: 6}} }), "threshold load", "recover 6 is not above zero and at most the limit 5"},
		{func(s *site.Site) {
			named("fra", "ams")(s)
			s.Thresholds, s.Origins[0].Thresholds = nil, s.Thresholds
		}, "threshold", "site 'www.example.org.' has no threshold for origin 'ams'"},
		{func(s *site.Site) {
			named("fra", "ams")(s)
			s.Origins[0].Feeds = []site.Source{reads("json", "http://{origin}/", site.Load)}
			s.Thresholds = []site.Threshold{{Signal: site.Load, Limit: 5, Recover: 4}}
		}, "threshold load", "origin 'ams': no probe or feed supplies load"},

		{func(s *site.Site) { s.Probes[0].Kind = "json" }, "probe", "probe 'json' is of no known kind"},
		{func(s *site.Site) { s.Feeds = s.Probes }, "feed", "feed 'http' is of no known kind"},
		{func(s *site.Site) { s.Feeds = []site.Source{reads("json", "http://{origin}/", "smoke")} }, "feed smoke", "signal 'smoke' is not known"},
		{func(s *site.Site) {
			s.Feeds = []site.Source{reads("map", "http://{origin}/", "")}
			s.Feeds[0].Ask.Map = "apache"
		}, "feed map apache", "map 'apache' is not known"},
		{func(s *site.Site) { s.Probes[0].Ask.Days = -1 }, "probe http", "days -1 is not from 0 to 3650"},

		{func(s *site.Site) { s.CDNs = nil }, "cdn", "site 'www.example.org.' has no cdn"},
		{func(s *site.Site) { s.CDNs[0].Target = "www.example.org." }, "cdn edge", "target 'www.example.org.' of cdn 'edge' leads back to the site"},
		{func(s *site.Site) {
			s.Names = append(s.Names, "shop.example.org.")
			s.CDNs = append(s.CDNs, site.CDN{Name: "big", Target: "shop.example.org."})
		}, "cdn big", "target 'shop.example.org.' of cdn 'big' leads back to the site"},

		{func(s *site.Site) { s.Probes = nil }, "probe", "site 'www.example.org.' has no probe and no feed"},
		{url(""), "probe http", "'' is not an http:// or https:// URL"},
		{url("/path"), "probe http", "'/path' is not an http:// or https:// URL"},
		{url("ftp://{origin}/"), "probe http", "'ftp://{origin}/' is not an http:// or https:// URL"},
		{url("http:///path"), "probe http", "'http:///path' is not an http:// or https:// URL: it has no host"},
		{url("http://:80/"), "probe http", "'http://:80/' is not an http:// or https:// URL: it has no host"},
		{url("http://a:b@{origin}/"), "probe http", "'http://a:b@{origin}/' is not an http:// or https:// URL without user and fragment"},
		{url("http://{origin}/#top"), "probe http", "'http://{origin}/#top' is not an http:// or https:// URL without user and fragment"},
		{url("http://{origin}:0/"), "probe http", "port '0' in 'http://{origin}:0/' is not from 1 to 65535"},
		{url("http://{origin}:65536/"), "probe http", "port '65536' in 'http://{origin}:65536/' is not from 1 to 65535"},
		{url("http://{origin}/%zz"), "probe http", `'http://{origin}/%zz' is not an http:// or https:// URL: invalid URL escape "%zz"`},
		{func(s *site.Site) { s.Probes[0].Every = time.Second - 1 }, "probe http", "period 999.999999ms is shorter than 1s"},
		{func(s *site.Site) { s.Probes[0].Timeout = 0 }, "probe http", "timeout 0s is not below the period 10s"},
		{func(s *site.Site) { s.Probes[0].Timeout = 10 * time.Second }, "probe http", "timeout 10s is not below the period 10s"},

		{func(s *site.Site) { s.Thresholds = nil }, "threshold", "site 'www.example.org.' has no threshold"},
		{func(s *site.Site) { s.Thresholds[0].Limit = 0 }, "threshold response_time", "limit 0s of response_time is not above zero"},
		{func(s *site.Site) { s.Thresholds[0].Limit = -0.1 }, "threshold response_time", "limit -100ms of response_time is not above zero"},
		{func(s *site.Site) { s.Thresholds[0].Recover = 0 }, "threshold response_time", "recover 0s is not above zero and at most the limit 300ms"},
		{func(s *site.Site) { s.Thresholds[0].Recover = 0.4 }, "threshold response_time", "recover 400ms is not above zero and at most the limit 300ms"},
		{func(s *site.Site) { s.Thresholds[0].Limit = 5 }, "threshold response_time", "limit 5s is not below the timeout 5s of the probe that measures it"},
		{func(s *site.Site) { s.Thresholds[0].Window = 10*time.Second - 1 }, "threshold response_time", "window 9.999999999s is not between the period 10s of the probe and 1h0m0s"},
		{func(s *site.Site) { s.Thresholds[0].Window = -1 }, "threshold response_time", "window -1ns is not between the period 10s of the probe and 1h0m0s"},
		{func(s *site.Site) { s.Thresholds[0].Window = time.Hour + 1 }, "threshold response_time", "window 1h0m0.000000001s is not between the period 10s of the probe and 1h0m0s"},

		{func(s *site.Site) { s.TTL.Full = site.MaxTTL + time.Second }, "ttl", "ttl 24h0m1s is not a number of whole seconds from 0s to 24h0m0s"},
		{func(s *site.Site) { s.TTL.Diverted = -time.Second }, "ttl", "ttl -1s is not a number of whole seconds from 0s to 24h0m0s"},
		{func(s *site.Site) { s.TTL.Min = time.Millisecond }, "ttl", "ttl 1ms is not a number of whole seconds from 0s to 24h0m0s"},
		{func(s *site.Site) { s.TTL.Full = 14 * time.Second }, "ttl", "min 15s is above the ttl it stands in for"},
		{func(s *site.Site) { s.TTL.Diverted = 14 * time.Second }, "ttl", "min 15s is above the ttl it stands in for"},

		{func(s *site.Site) { s.Enter = 0 }, "enter", "enter 0 is not at least 1"},
		{func(s *site.Site) { s.FailbackDelay = -1 }, "failback_delay", "failback_delay -1ns is not from 0s to 8760h0m0s"},
		{func(s *site.Site) { s.FailbackDelay = 366 * 24 * time.Hour }, "failback_delay", "failback_delay 8784h0m0s is not from 0s to 8760h0m0s"},
		{func(s *site.Site) { s.NoData.After = -1 }, "no_data", "after -1ns is negative"},
		{func(s *site.Site) { s.Damping.Reuse = 0 }, "damping", "reuse 0 is not above zero and below suppress 2.5"},
		{func(s *site.Site) { s.Damping.Reuse = 2.5 }, "damping", "reuse 2.5 is not above zero and below suppress 2.5"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			s := valid()
			tc.change(s)
			err := s.Validate()
			wantError(t, err, tc.want)
			var property *site.PropertyError
			if !errors.As(err, &property) || property.Property != tc.property {
				t.Errorf("got %#v, want property %q", err, tc.property)
			}
			if errors.Unwrap(err) == nil {
				t.Error("nothing inside")
			}
		})
	}
}

// set returns valid sites, each of one name with the targets behind it.
func set(lines ...[]string) []*site.Site {
	var sites []*site.Site
	for i, line := range lines {
		s := valid()
		s.Names, s.Place, s.CDNs = line[:1], "Corefile:"+string(rune('1'+i)), nil
		for _, target := range line[1:] {
			s.CDNs = append(s.CDNs, site.CDN{Name: "to-" + target, Target: target})
		}
		sites = append(sites, s)
	}
	return sites
}

func TestRule16LoopsOfTargetsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		sites      []*site.Site
	}{
		{"nothing", "", nil},
		{"a chain", "", set([]string{"a.", "b."}, []string{"b.", "c."}, []string{"c.", "x."})},
		{"two ways to one", "", set([]string{"a.", "b.", "c."}, []string{"b.", "d."}, []string{"c.", "d."}, []string{"d.", "x."})},
		{"one name twice", "Corefile:2: site name 'a.' is already defined at Corefile:1", set([]string{"a.", "x."}, []string{"a.", "x."})},
		{"itself", "Corefile:1: target 'a.' of cdn 'to-a.' leads back to the site 'a.'", set([]string{"a.", "a."})},
		{"two", "Corefile:2: target 'a.' of cdn 'to-a.' leads back to the site 'a.'", set([]string{"a.", "b."}, []string{"b.", "a."})},
		{"three", "Corefile:3: target 'a.' of cdn 'to-a.' leads back to the site 'a.'", set([]string{"a.", "b."}, []string{"b.", "c."}, []string{"c.", "a."})},
		{"over the second target", "Corefile:2: target 'a.' of cdn 'to-a.' leads back to the site 'a.'", set([]string{"a.", "x.", "b."}, []string{"b.", "x.", "a."})},
		{"over a wildcard", "Corefile:2: target 'a.' of cdn 'to-a.' leads back to the site 'a.'", set([]string{"a.", "x.y.w."}, []string{"*.w.", "a."})},
		{"behind the first site", "Corefile:3: target 'b.' of cdn 'to-b.' leads back to the site 'b.'", set([]string{"a.", "b."}, []string{"b.", "c."}, []string{"c.", "b."})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := site.ValidateSet(tc.sites)
			if tc.want != "" {
				wantError(t, err, tc.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// Any name of a site closes a loop, not only its first.
func TestRule16LoopOverASecondName(t *testing.T) {
	sites := set([]string{"a.", "b."}, []string{"b.", "a2."})
	sites[0].Names = []string{"a.", "a2."}
	wantError(t, site.ValidateSet(sites), "Corefile:2: target 'a2.' of cdn 'to-a2.' leads back to the site 'a.'")

	sites = set([]string{"a.", "x."}, []string{"b.", "x."})
	sites[0].Names, sites[1].Names = []string{"a.", "c."}, []string{"b.", "c."}
	wantError(t, site.ValidateSet(sites), "Corefile:2: site name 'c.' is already defined at Corefile:1")
}

func TestParseAddress(t *testing.T) {
	for _, text := range []string{"192.0.2.1", "2001:db8::1"} {
		if addr, err := site.ParseAddress(text); err != nil || addr.String() != text {
			t.Errorf("got %s, %v", addr, err)
		}
	}
	for _, text := range []string{"", "a", "192.0.2", "192.0.2.1:80", "192.0.2.0/24", "[2001:db8::1]", "fe80::1%eth0", "192.0.2.01"} {
		_, err := site.ParseAddress(text)
		wantError(t, err, "'"+text+"' is not an IPv4 or IPv6 address")
	}
}

// An origin is good or not whichever sites use it.
func TestValidateOrigin(t *testing.T) {
	o := shared()
	o.Capacity = 1e9
	o.Thresholds = []site.Threshold{{Signal: site.AvailableBandwidth, Limit: 5e8, Recover: 1e9}}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*site.Origin){
		"origin 'fra' has no address":                                                          func(o *site.Origin) { o.Addresses = nil },
		"address '192.0.2.10' is repeated":                                                     func(o *site.Origin) { o.Addresses = addresses("192.0.2.10", "192.0.2.10") },
		"period 0s is shorter than 1s":                                                         func(o *site.Origin) { o.Feeds[1].Every = 0 },
		"limit 0bit of available_bandwidth is not above zero":                                  func(o *site.Origin) { o.Thresholds[0].Limit = 0 },
		"recover 1Gbit is above the capacity 900Mbit of the origin: it would never be reached": func(o *site.Origin) { o.Capacity = 9e8 },
	} {
		bad := shared()
		bad.Capacity, bad.Thresholds = 1e9, []site.Threshold{o.Thresholds[0]}
		change(&bad)
		wantError(t, bad.Validate(), want)
	}
}
