package corefile_test

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

const noAnchor = "is not the address of an anchor: write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"

// download is a site whose probe costs 1 MiB times 8 a period.
func download(name, options string) string {
	return "site " + name + " {\norigin 192.0.2.1\ncdn edge edge.example.net\nthreshold available_bandwidth 100Mbit\nprobe download http://{origin}/ " + options + "\n}"
}

// processErrors are the rules of what is said once for all server blocks.
var processErrors = []fileError{
	{"resolver twice", example("resolver 192.0.2.53", "resolver 192.0.2.54"), "4 - Error during parsing: resolver is already given at Corefile:3"},
	{"seed in two blocks", example("seed a") + example("seed b"), "8 - Error during parsing: seed is already given at Corefile:3"},
	{"resolver without an address", example("resolver"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'resolver'"},
	{"resolver by name", example("resolver ns.example.net"), "3 - Error during parsing: 'ns.example.net' is not the address of a DNS server: write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"},
	{"resolver with a port of 0", example("resolver 192.0.2.53:0"), "3 - Error during parsing: '192.0.2.53:0' is not the address of a DNS server: write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"},
	{"ecs of no network", example("ecs 192.0.2.0/33"), "3 - Error during parsing: '192.0.2.0/33' is not a network: write 192.0.2.0/24, 2001:db8::/32 or an address"},
	{"ecs with bits behind", example("ecs 192.0.2.1/24"), "3 - Error during parsing: '192.0.2.1/24' has bits behind its length: write 192.0.2.0/24"},
	{"empty seed", example(`seed ""`), "3 - Error during parsing: invalid seed '': write a word that all servers have"},
	{"two seeds", example("seed a b"), "3 - Error during parsing: Wrong argument count or unexpected line ending after 'b'"},
	{"seed with a block", example("seed a {", "}"), "3 - Error during parsing: unexpected '{' after 'seed a': a property has no block"},

	{"allow without a network", example("allow"), "3 - Error during parsing: " + wrongArgs + "'allow'"},
	{"allow of a name", example("allow localhost"), "3 - Error during parsing: 'localhost' is not a network: write 192.0.2.0/24, 2001:db8::/32 or an address"},
	{"allow with bits behind", example("allow 2001:db8::1/64"), "3 - Error during parsing: '2001:db8::1/64' has bits behind its length: write 2001:db8::/64"},
	{"allow repeated", example("allow 192.0.2.1 192.0.2.1/32"), "3 - Error during parsing: '192.0.2.1/32' is repeated in 'allow'"},
	{"allow in two blocks", example("allow 192.0.2.1") + example("allow 192.0.2.2"), "8 - Error during parsing: allow is already given at Corefile:3"},

	{"download without a rate", example("download"), "3 - Error during parsing: " + wrongArgs + "'download'"},
	{"download without a unit", example("download 100"), "3 - Error during parsing: invalid bit rate '100': " + noRate},
	{"download of two rates", example("download 1Mbit 2Mbit"), "3 - Error during parsing: " + wrongArgs + "'2Mbit'"},
	{"downloads that cost too much", example(download("a.example.org", "size 64MiB every 10s"), "download 50Mbit"), "3 - Error during parsing: with those of 'a.example.org.' all downloads cost 53.69Mbit (targets: 1), more than 50Mbit: make them smaller or less often, or allow more with 'download RATE'"},
	{"downloads that cost too much together", example(download("a.example.org", "size 64MiB every 10s"), download("b.example.org", "size 64MiB every 11s")), "9 - Error during parsing: with those of 'b.example.org.' all downloads cost 102.5Mbit (targets: 2), more than 100Mbit: make them smaller or less often, or allow more with 'download RATE'"},
	{"downloads that are not allowed", example(download("a.example.org", ""), "download 0bit"), "3 - Error during parsing: with those of 'a.example.org.' all downloads cost 139.8kbit (targets: 1), more than 0bit: make them smaller or less often, or allow more with 'download RATE'"},

	{"guard alone", example("guard"), "3 - Error during parsing: " + wrongArgs + "'guard'"},
	{"guard without an anchor", example("guard 30% in 1m anchor"), "3 - Error during parsing: " + wrongArgs + "'anchor'"},
	{"guard without a unit", example("guard 30 in 1m anchor 192.0.2.1"), "3 - Error during parsing: invalid share '30': " + noShare},
	{"guard of nothing", example("guard 0% in 1m anchor 192.0.2.1"), "3 - Error during parsing: share 0% is not above 0% and at most 100%"},
	{"guard of too much", example("guard 101% in 1m anchor 192.0.2.1"), "3 - Error during parsing: share 101% is not above 0% and at most 100%"},
	{"guard in no time", example("guard 30% in 0s anchor 192.0.2.1"), "3 - Error during parsing: invalid duration '0s': it must be above zero"},
	{"guard in too short a time", example("guard 30% in 999ms anchor 192.0.2.1"), "3 - Error during parsing: time 999ms is not from 1s to 1h"},
	{"guard in too long a time", example("guard 30% in 61m anchor 192.0.2.1"), "3 - Error during parsing: time 1h1m0s is not from 1s to 1h"},
	{"guard with other words", example("guard 30% within 1m anchors 192.0.2.1"), "3 - Error during parsing: unexpected 'within': write guard 30% in 1m anchor ADDRESS"},
	{"guard with another last word", example("guard 30% in 1m anchors 192.0.2.1"), "3 - Error during parsing: unexpected 'anchors': write guard 30% in 1m anchor ADDRESS"},
	{"guard with the anchor's name", example("guard 30% in 1m anchor ns.example.net"), "3 - Error during parsing: 'ns.example.net' " + noAnchor},
	{"guard with an anchor without a port", example("guard 30% in 1m anchor 192.0.2.1:0"), "3 - Error during parsing: '192.0.2.1:0' " + noAnchor},
	{"guard with an anchor twice", example("guard 30% in 1m anchor 192.0.2.1 192.0.2.1:53"), "3 - Error during parsing: '192.0.2.1:53' is repeated in 'guard'"},
	{"guard twice", example("guard 30% in 1m anchor 192.0.2.1", "guard 30% in 1m anchor 192.0.2.1"), "4 - Error during parsing: guard is already given at Corefile:3"},

	{"socket without a path", example("socket"), "3 - Error during parsing: " + wrongArgs + "'socket'"},
	{"relative socket", example("socket run/control.sock"), "3 - Error during parsing: 'run/control.sock' is not an absolute path"},
	{"empty socket", example(`socket ""`), "3 - Error during parsing: '' is not an absolute path"},
	{"two sockets", example("socket /run/a /run/b"), "3 - Error during parsing: " + wrongArgs + "'/run/b'"},
	{"socket with a block", example("socket /run/a {", "}"), "3 - Error during parsing: unexpected '{' after 'socket /run/a': a property has no block"},
}

// said is what the lines say of the process.
func said(t *testing.T, lines ...string) *corefile.Process {
	t.Helper()
	d := caddyfile.NewDispenser("Corefile", strings.NewReader("cdnredirect {\n"+strings.Join(lines, "\n")+"\n}"))
	c := corefile.New(health.Check)
	if _, err := c.Add(&d, origins("example.org.")); err != nil {
		t.Fatal(err)
	}
	return c.Process()
}

// TestProcess has every line change its own value and nothing else.
func TestProcess(t *testing.T) {
	servers := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53"), netip.MustParseAddrPort("[2001:db8::53]:5353")}
	prefixes := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}
	for line, change := range map[string]func(*corefile.Process){
		"# nothing": func(*corefile.Process) {},
		"resolver 192.0.2.53 [2001:db8::53]:5353": func(p *corefile.Process) { p.Resolvers = servers },
		"seed s3cret":                      func(p *corefile.Process) { p.Seed = "s3cret" },
		"ecs 192.0.2.0/24 2001:db8::1":     func(p *corefile.Process) { p.ECS = prefixes },
		"allow 192.0.2.0/24 2001:db8::1":   func(p *corefile.Process) { p.Allow = prefixes },
		"download 20Mbit":                  func(p *corefile.Process) { p.Download = 2e7 },
		"download 0bit":                    func(p *corefile.Process) { p.Download = 0 },
		"socket /run/../run//control.sock": func(p *corefile.Process) { p.Socket = "/run/control.sock" },
		"state /var/../state":              func(p *corefile.Process) { p.State = "/state" },
		"server ns1.example_net-a":         func(p *corefile.Process) { p.Server = "ns1.example_net-a" },
		"journal keep 24h":                 func(p *corefile.Process) { p.Journal.Keep = 24 * time.Hour },
		"journal rows 5":                   func(p *corefile.Process) { p.Journal.Rows = 5 },
		"journal":                          func(*corefile.Process) {},
		aStore + "\nseed a": func(p *corefile.Process) {
			p.Store = corefile.Store{Driver: "sqlite", Source: "/var/lib/cdnredirect/store.db", Place: "Corefile:2"}
			p.Seed = "a"
		},
		"guard 12.5% in 90s anchor 192.0.2.53 [2001:db8::53]:5353": func(p *corefile.Process) {
			p.Guard = site.Guard{Share: 0.125, Within: 90 * time.Second, Anchors: servers}
		},
	} {
		got := said(t, line)
		want := *said(t)
		if want.Download != 1e8 || want.Guard.On() || want.Journal != (corefile.Journal{Keep: 2160 * time.Hour, Rows: 1e6}) {
			t.Fatalf("defaults: %+v", want)
		}
		change(&want)
		if g, w := exported(got), exported(&want); !reflect.DeepEqual(g, w) {
			t.Errorf("%s:\n got %+v\nwant %+v", line, g, w)
		}
	}
}

// exported are the values that others read.
func exported(p *corefile.Process) []any {
	return []any{p.Resolvers, p.Seed, p.ECS, p.Allow, p.Download, p.Guard, p.Socket, p.Redirectors, p.Store, p.State, p.Server, p.Journal}
}

// One target counts once, at its shortest period.
func TestSharedDownloads(t *testing.T) {
	web := func(name, every string) string {
		return strings.Replace(download(name, "timeout 5s every "+every), "{", "{\nhost own.example.net", 1)
	}
	_, sites, err := loadAll(t, "Corefile", example("download 850kbit", web("a.example.org", "40s"), web("b.example.org", "10s"), web("c.example.org", "20s")))
	if err != nil {
		t.Fatal(err)
	}
	if cost, targets := site.Downloads(sites); cost != 1<<20*8/10.0 || targets != 1 {
		t.Errorf("got %g in %d", cost, targets)
	}
}
