package corefile_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// block is an origin block with an address, unless the lines give one.
func block(name string, lines ...string) string {
	if !strings.HasPrefix(lines[0], "address") {
		lines = append(lines, "address 192.0.2.10")
	}
	return "origin " + name + " {\n" + strings.Join(lines, "\n") + "\n}"
}

// originEffects has what the lines of a block make of an origin.
var originEffects = []struct {
	lines  string
	change func(*site.Origin)
}{
	{"", func(*site.Origin) {}},
	{"address 192.0.2.11 2001:db8::11", func(o *site.Origin) { o.Addresses = addresses("192.0.2.11", "2001:db8::11") }},
	{"capacity 10Gbit", func(o *site.Origin) { o.Capacity = 1e10 }},
	{"operated own", func(*site.Origin) {}},
	{"operated third-party", func(o *site.Origin) { o.ThirdParty = true }},
	{"feed map node_exporter http://{origin}:9100/metrics every 5s", func(o *site.Origin) {
		o.Feeds = []site.Source{source("map", "http://{origin}:9100/metrics", func(src *site.Source) {
			src.Ask.Map, src.Every, src.Timeout = "node_exporter", 5*time.Second, 5*time.Second/2
		})}
	}},
	{"feed load file /run/load g\nfeed requests file /run/requests g\nthreshold load 5 window 20s no_data cdn", func(o *site.Origin) {
		of := func(signal site.Signal) site.Source {
			return source("file", "file:///run/"+string(signal), func(src *site.Source) { src.Ask.Signal, src.Ask.Query = signal, "g" })
		}
		o.Feeds = []site.Source{of(site.Load), of(site.Requests)}
		o.Thresholds = []site.Threshold{{Signal: site.Load, Limit: 5, Recover: 4, Window: 20 * time.Second, NoData: site.NoData{Action: site.NoDataCDN, After: 10 * time.Minute}}}
	}},
	{"threshold available_bandwidth 1Gbit recover 2Gbit\ncapacity 2Gbit\nfeed used_bandwidth snmp {origin} ifindex 3 community env:C", func(o *site.Origin) {
		o.Capacity = 2e9
		o.Feeds = []site.Source{source("snmp", "snmp://{origin}", func(src *site.Source) {
			src.Ask = site.Ask{Signal: site.UsedBandwidth, Query: "3", Community: "env:C"}
		})}
		o.Thresholds = []site.Threshold{{Signal: site.AvailableBandwidth, Limit: 1e9, Recover: 2e9}}
	}},
}

func TestOriginBlocks(t *testing.T) {
	for _, tc := range originEffects {
		t.Run(tc.lines, func(t *testing.T) {
			_, sites, err := loadAll(t, "Corefile", example(full, block("fra", tc.lines), "site www.example.org class web {", "origin fra", "}"))
			if err != nil {
				t.Fatal(err)
			}
			want := site.Origin{Name: "fra", Addresses: addresses("192.0.2.10")}
			tc.change(&want)
			if got := sites[0].Origins; !reflect.DeepEqual(got, []site.Origin{want}) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

// originLineErrors has every failure of a line in an origin block.
var originLineErrors = []lineError{
	{"foo bar", "unknown property 'foo': address, capacity, operated, feed, threshold are known"},
	{"probe http http://{origin}/", "unknown property 'probe': address, capacity, operated, feed, threshold are known"},
	{"priority 2", "unknown property 'priority': address, capacity, operated, feed, threshold are known"},
	{"address", wrongArgs + "'address'"},
	{"address fra.example.net", "'fra.example.net' is not an IPv4 or IPv6 address"},
	{"address next", "'next' is not an IPv4 or IPv6 address"},
	{"address 192.0.2.1 192.0.2.1", "'192.0.2.1' is repeated in 'address'"},
	{"address 192.0.2.1 0.0.0.0", "'0.0.0.0' is not an address that visitors can reach"},
	{"capacity", wrongArgs + "'capacity'"},
	{"capacity 1Gbit 2Gbit", wrongArgs + "'2Gbit'"},
	{"capacity 10", "invalid bit rate '10': " + noRate},
	{"capacity 0Gbit", "invalid capacity '0Gbit': it must be above zero"},
	{"capacity 1e300Gbit", "invalid bit rate '1e300Gbit': " + noRate},
	{"operated", wrongArgs + "'operated'"},
	{"operated somebody", "unknown operator 'somebody': own, third-party are known"},
	{"operated own third-party", wrongArgs + "'third-party'"},
	{"feed load push", wrongArgs + "'push'"},
	{"feed load push web1/two/three", "'web1/two/three' is not the name of a host that pushes: write one such as web1, or customer/web1"},
	{"feed load push web%201", "'web%201' is not the name of a host that pushes: invalid URL escape \"%20\""},
	{"feed load push push://web1", "'push://web1' is a URL: leave out 'push://'"},
	{"feed load carrier http://{origin}/ m", "unknown feed 'carrier': file, json, prometheus, promql, push, redirector, snmp are known"},
	{"feed load json http://{name}/ q", "unknown placeholder in 'http://{name}/': {origin} is known"},
	{"feed load json http://{origin}/{label} q", "unknown placeholder in 'http://{origin}/{label}': {origin} is known"},
	{"feed load file /run/{name} g", "unknown placeholder in '/run/{name}': {origin} is known"},
	{"feed load json ftp://{origin}/ q", "'ftp://{origin}/' is not an http:// or https:// URL"},
	{"feed load file /run/load g every 500ms", "period 500ms is shorter than 1s"},
	{"threshold response_time 300", "invalid duration '300': write a unit, such as 300ms or 10s"},
	{"threshold available_bandwidth 2Gbit recover 1Gbit", "recover 1Gbit is below the limit 2Gbit: the more there is of available_bandwidth, the better"},
	{"threshold available_bandwidth 1Gbit recover 3Gbit\ncapacity 2Gbit", "recover 3Gbit is above the capacity 2Gbit of the origin: it would never be reached"},
	{"threshold available_bandwidth 1800Mbit\ncapacity 2Gbit", "recover 2.25Gbit is above the capacity 2Gbit of the origin: it would never be reached"},
}

func TestOriginLineErrors(t *testing.T) {
	for _, tc := range originLineErrors {
		t.Run(tc.line, func(t *testing.T) {
			_, _, err := loadAll(t, "Corefile", example(block("fra", tc.line)))
			wantError(t, err, "Corefile:4 - Error during parsing: "+tc.want)
		})
	}
}

func TestRepeatedOriginLines(t *testing.T) {
	for _, line := range []string{"address 192.0.2.1", "capacity 1Gbit", "operated own", "feed load file /run/load g", "feed map nginx http://{origin}/", "threshold load 5"} {
		key, _, _ := strings.Cut(line, " ")
		if words := strings.Fields(line); key == "feed" || key == "threshold" {
			key = strings.Join(words[:2+strings.Count(words[1], "map")], " ")
		}
		_, _, err := loadAll(t, "Corefile", example(block("fra", line, "# nothing", line)))
		wantError(t, err, "Corefile:6 - Error during parsing: property '"+key+"' is already given on line 4")
	}
}

const define = "write its addresses, or define it with 'origin fra { ... }'"

// originErrors are the rules of origins with a name.
var originErrors = []fileError{
	{"origin without name", example("origin {", "}"), "3 - Error during parsing: " + wrongArgs + "'origin'"},
	{"origin with two names", example("origin fra ams {", "}"), "3 - Error during parsing: " + wrongArgs + "'ams'"},
	{"origin without block", example("origin fra"), "3 - Error during parsing: '{' is missing at the end of the line 'origin fra'"},
	{"origin that is an address", example("origin 192.0.2.1 {", "}"), "3 - Error during parsing: '192.0.2.1' is not a name of an origin: begin with a letter, go on with letters, digits, - and _"},
	{"origin with an empty name", example(`origin "" {`, "}"), "3 - Error during parsing: '' is not a name of an origin: begin with a letter, go on with letters, digits, - and _"},
	{"origin next", example("origin next {", "}"), "3 - Error during parsing: 'next' is not a name of an origin: it stands for the next plugin"},
	{"origin without address", example("origin fra {", "capacity 1Gbit", "}"), "3 - Error during parsing: origin 'fra' has no address"},
	{"block in a block", example("origin fra {", "address {", "}", "}"), "4 - Error during parsing: unexpected '{' after 'address': a property has no block; is a '}' missing above?"},
	{"origin twice", example(block("fra", ""), block("ams", ""), block("fra", "")), "11 - Error during parsing: origin 'fra' is already defined at Corefile:3"},
	{"origin twice in two blocks", example(block("fra", "")) + example(block("fra", "")), "11 - Error during parsing: origin 'fra' is already defined at Corefile:3"},

	{"unknown origin", example(full, block("ams", ""), "site www.example.org class web {", "origin ams", "origin fra", "}"), "15 - Error during parsing: unknown origin 'fra': " + define},
	{"unknown origin of a class", example("class web {", "origin fra", "}", "site www.example.org class web"), "4 - Error during parsing: unknown origin 'fra': " + define},
	{"origin of other letters", example(full, block("FRA", ""), "site www.example.org class web {", "origin fra", "}"), "14 - Error during parsing: unknown origin 'fra': " + define},
	{"origin twice in a site", example(full, "site www.example.org class web {", "origin fra", "origin ams", "origin fra weight 2", "}"), "12 - Error during parsing: property 'origin fra' is already given on line 10"},
	{"addresses beside a name", example(full, block("fra", ""), "site www.example.org class web {", "origin fra", "origin 192.0.2.1", "}"), "15 - Error during parsing: site 'www.example.org.' has addresses of its own beside origins with a name: give them an 'origin NAME' block, too"},
	{"a name beside next", example(full, block("fra", ""), "site www.example.org class web {", "origin next", "origin fra", "}"), "15 - Error during parsing: site 'www.example.org.' has addresses of its own beside origins with a name: give them an 'origin NAME' block, too"},
	{"weight for one of two", example(full, block("fra", ""), block("ams", ""), "site www.example.org class web {", "origin fra weight 2", "origin ams", "}"), "19 - Error during parsing: origin 'fra' and origin 'ams' have the same priority: give a weight to both or to neither"},
	{"word behind a name", example(full, "site www.example.org class web {", "origin fra 192.0.2.1", "}"), "10 - Error during parsing: unknown word '192.0.2.1': priority, weight are known"},
	{"weight of zero", example(full, "site www.example.org class web {", "origin fra weight 0", "}"), "10 - Error during parsing: invalid number '0': it must be at least 1"},
	{"priority twice", example(full, "site www.example.org class web {", "origin fra priority 1 priority 2", "}"), "10 - Error during parsing: 'priority' is repeated in 'origin'"},

	{"threshold of a block that nothing supplies", example(full, block("fra", "threshold load 5"), "site www.example.org class web {", "origin fra", "}"), "14 - Error during parsing: origin 'fra', threshold load: no probe or feed supplies load"},
	{"the same, used by a class", example("class web {", "origin fra", strings.Join(needed[1:], "\n"), "}", block("fra", "threshold load 5"), "site www.example.org class web"), "4 - Error during parsing: origin 'fra', threshold load: no probe or feed supplies load (site 'www.example.org' at Corefile:13)"},
	{"threshold that one of two origins does not supply", example(full, block("fra", "feed load file /run/load g"), block("ams", ""), "site www.example.org class web {", "threshold load 5", "origin fra", "origin ams", "}"), "18 - Error during parsing: origin 'ams': no probe or feed supplies load"},
	{"available bandwidth without a capacity", example(full, block("fra", "feed used_bandwidth file /run/b g"), "site www.example.org class web {", "threshold available_bandwidth 1Gbit", "origin fra", "}"), "14 - Error during parsing: origin 'fra': " + needsFeed},
	{"recover above the capacity", example(full, block("fra", "feed available_bandwidth file /run/b g", "capacity 2Gbit"), "site www.example.org class web {", "origin fra", "threshold available_bandwidth 1Gbit recover 3Gbit", "}"), "16 - Error during parsing: origin 'fra': recover 3Gbit is above the capacity 2Gbit of the origin: it would never be reached"},
	{"limit of a block at the probe's timeout", example(full, block("fra", "threshold response_time 5s"), "site www.example.org class web {", "origin fra", "}"), "14 - Error during parsing: origin 'fra', threshold response_time: limit 5s is not below the timeout 5s of the probe that measures it"},
	{"no threshold for one of two origins", example("site www.example.org {", "origin fra", "origin ams", needed[1], needed[2], "}", block("fra", "threshold response_time 1s"), block("ams", "")), "3 - Error during parsing: site 'www.example.org.' has no threshold for origin 'ams'"},
	{"feed that asks the site", example(full, block("fra", "feed load json http://www.example.org/ q"), "site www.example.org class web {", "origin fra", "}"), "14 - Error during parsing: origin 'fra', feed load: the host in 'http://www.example.org/' is a name of the site, which leads where the decision says: write {origin}"},
}

// use is a site with a threshold that only its origin supplies.
const use = `class bits {
        cdn edge {name}.edge.example.net
        probe http http://{origin}/
        threshold available_bandwidth 1Gbit
        origin fra
    }
    site www.example.org class bits`

// A class may count on what its sites' origins supply; a block may come late,
// even in another server block.
func TestOriginsComeLate(t *testing.T) {
	fra := block("fra", "feed used_bandwidth file /run/b g", "capacity 2Gbit")
	for name, in := range map[string]string{
		"before":              example(fra, use),
		"behind":              example(use, fra),
		"earlier block":       example(fra) + "example.net {\n cdnredirect {\n }\n}\n" + example(use),
		"later block":         example(use) + "example.net {\n cdnredirect {\n" + fra + "\n }\n}\n",
		"class in the middle": example(use[strings.Index(use, "site"):]) + example(use[:strings.Index(use, "site")]) + example(fra),
	} {
		_, sites, err := loadAll(t, "Corefile", in)
		if err != nil || sites[0].Origins[0].Capacity != 2e9 || len(sites[0].Origins[0].Feeds) != 1 {
			t.Errorf("%s: got %v, %v", name, sites, err)
		}
	}
}

// A site's origins replace all of its class's, whatever their names. Priority
// and weight are the site's, the rest is the block's.
func TestOriginsOfClassAndSite(t *testing.T) {
	named := func(name string, priority, weight int) site.Origin {
		return site.Origin{Name: name, Addresses: addresses("192.0.2.10"), Priority: priority, Weight: weight}
	}
	class := "class two {\norigin fra weight 1\n" + strings.Join(needed[1:], "\n") + "\norigin ams weight 2\n}"
	for lines, want := range map[string][]site.Origin{
		"":           {named("fra", 0, 1), named("ams", 0, 2)},
		"origin ams": {named("ams", 0, 0)},
		"origin sfo": {named("sfo", 0, 0)},
		"origin sfo priority 2 weight 3\norigin ams\norigin fra weight 4 priority 2": {named("sfo", 2, 3), named("ams", 0, 0), named("fra", 2, 4)},
		"origin 192.0.2.7": {{Addresses: addresses("192.0.2.7")}},
		"origin next":      {{Next: true}},
	} {
		_, sites, err := loadAll(t, "Corefile", example(class, block("fra", ""), block("ams", ""), block("sfo", ""),
			"site a.example.org class two {", lines, "}", "site b.example.org class two"))
		if err != nil {
			t.Fatalf("%s: %v", lines, err)
		}
		if got := sites[0].Origins; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", lines, got, want)
		}
		if got := sites[1].Origins; len(got) != 2 || got[0].Weight != 1 {
			t.Errorf("%s: the class has changed: %+v", lines, got)
		}
	}
}

// Sites that have an origin in common put the same questions to its feeds.
func TestSitesShareTheFeedsOfAnOrigin(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example(full, block("fra", "operated third-party", "feed load json http://{origin}:80 q"),
		"site a.example.org class web {", "origin fra", "}", "site b.example.com class web {", "origin fra weight 2", "}"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := sites[0].Paths(), sites[1].Paths()
	if len(a) != 2 || len(b) != 2 || a[1].Target != b[1].Target || !a[1].Target.Public {
		t.Errorf("the feeds differ:\n%+v\n%+v", a, b)
	}
	if b[0].Target.Host = a[0].Target.Host; a[0].Target != b[0].Target {
		t.Errorf("the probes differ in more than the host:\n%+v\n%+v", a, b)
	}
}
