package foreign_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

// web is a service type that is taken as it is.
const web = "service_types => { web => { plugin => tcp_connect port => 80 down_thresh => 3 ok_thresh => 1 up_thresh => 2 } }\n"

// www leads to a resource.
func www(resource string) string { return "www 60 DYNA " + resource + "\n" }

// gdnsdCases are a configuration and a zone, and what comes of them.
var gdnsdCases = []struct {
	name, config, zone string
	options            foreign.Options
	want               string
}{
	{name: "nothing"},
	{name: "multifo", config: web + `plugins => { multifo => { up_thresh => 0.01 service_types => [ web ] r => { a => 192.0.2.1, b => 192.0.2.2 } } }`, zone: www("multifo!r"),
		want: `
class r {
    origin 192.0.2.1 192.0.2.2
    usual
}
site www.example.org class r usual
`},
	{name: "multifo of an array", config: web + `plugins => { multifo => { service_types => web r => [ 192.0.2.1 192.0.2.2 ] } }`, zone: www("multifo!r"),
		want: `
class r {
    origin 192.0.2.1 192.0.2.2
    usual
}
site www.example.org class r usual
`},
	{name: "multifo of one", config: web + `plugins => { multifo => { service_types => web r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "multifo of two families", config: web + `plugins => { multifo => { service_types => web r => { addrs_v4 => 192.0.2.1 addrs_v6 => [ 2001:db8::1 ] } } }`, zone: www("multifo!r"),
		want: `
# config:2: gdnsd treats IPv4 and IPv6 apart; here an origin has the addresses of both, those that are down leave, and it is out when all are
class r {
    origin 192.0.2.1 2001:db8::1
    usual
}
site www.example.org class r usual
`},
	{name: "multifo with an up_thresh that differs", config: web + `plugins => { multifo => { service_types => web r => { a => 192.0.2.1 b => 192.0.2.2 c => 192.0.2.3 } } }`, zone: www("multifo!r"),
		want: `
# config:2: up_thresh 0.5: with less than 2 of 3 addresses up, gdnsd takes the resource for down and answers as if all were up; cdnredirect answers with what is up, and takes it for down when nothing is
class r {
    origin 192.0.2.1 192.0.2.2 192.0.2.3
    usual
}
site www.example.org class r usual
`},
	{name: "multifo with its own up_thresh", config: web + `plugins => { multifo => { service_types => web
 r => { up_thresh => 1
 a => 192.0.2.1 b => 192.0.2.2 } } }`, zone: www("multifo!r"),
		want: `
# config:3: up_thresh 1: with less than 2 of 2 addresses up, gdnsd takes the resource for down and answers as if all were up; cdnredirect answers with what is up, and takes it for down when nothing is
class r {
    origin 192.0.2.1 192.0.2.2
    usual
}
site www.example.org class r usual
`},
	{name: "multifo with a wrong up_thresh", config: web + `plugins => { multifo => { service_types => web r => { up_thresh => 0 a => 192.0.2.1 } } }`, zone: www("multifo!r"),
		want: `
# config:2: up_thresh '0' is not a number above 0 and at most 1
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "multifo with ignore_health", config: web + `plugins => { multifo => { service_types => web r => { ignore_health => TRUE a => 192.0.2.1 } } }`, zone: www("multifo!r"),
		want: `
# config:2: ignore_health: cdnredirect leaves out addresses that are down
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "multifo with ignore_health that is off", config: web + `plugins => { multifo => { service_types => web r => { ignore_health => false a => 192.0.2.1 } } }`, zone: www("multifo!r"),
		want: `
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "multifo without an address", config: web + `plugins => { multifo => { service_types => web r => { up_thresh => 1 } } }`, zone: www("multifo!r"),
		want: `
# config:2: multifo!r has no address
# zones/example.org:1: multifo!r was not taken, see config:2
`},
	{name: "multifo with no address", config: web + `plugins => { multifo => { service_types => web r => { a => 0.0.0.0 } } }`, zone: www("multifo!r"),
		want: `
# config:2: '0.0.0.0' is not an address that visitors can reach
# zones/example.org:1: multifo!r was not taken, see config:2
`},
	{name: "multifo with an address twice", config: web + `plugins => { multifo => { service_types => web r => { a => 192.0.2.1 b => 192.0.2.1 } } }`, zone: www("multifo!r"),
		want: `
# config:2: address '192.0.2.1' is repeated
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "multifo of mixed levels", config: web + `plugins => { multifo => { service_types => web r => { a => 192.0.2.1 addrs_v6 => 2001:db8::1 } } }`, zone: www("multifo!r"),
		want: `
# config:2: 'a' stands beside addrs_v4 or addrs_v6
# zones/example.org:1: multifo!r was not taken, see config:2
`},
	{name: "simplefo", config: web + `plugins => { simplefo => { service_types => web r => { primary => 192.0.2.1 secondary => 192.0.2.2 } } }`, zone: www("simplefo!r"),
		want: `
origin r-primary { address 192.0.2.1 }
origin r-secondary { address 192.0.2.2 }
class r {
    origin r-primary
    origin r-secondary priority 1
    usual
}
site www.example.org class r usual
`},
	{name: "simplefo of two families", config: web + `plugins => { simplefo => { service_types => web r => { addrs_v4 => { primary => 192.0.2.1 secondary => 192.0.2.2 } addrs_v6 => { primary => 2001:db8::1 secondary => 2001:db8::2 } } } }`, zone: www("simplefo!r"),
		want: `
# config:2: gdnsd treats IPv4 and IPv6 apart; here an origin has the addresses of both, those that are down leave, and it is out when all are
origin r-primary { address 192.0.2.1 2001:db8::1 }
origin r-secondary { address 192.0.2.2 2001:db8::2 }
class r {
    origin r-primary
    origin r-secondary priority 1
    usual
}
site www.example.org class r usual
`},
	{name: "simplefo of one", config: web + `plugins => { simplefo => { service_types => web r => { primary => 192.0.2.1 } } }`, zone: www("simplefo!r"),
		want: `
# config:2: simplefo!r has no secondary
# zones/example.org:1: simplefo!r was not taken, see config:2
`},
	{name: "simplefo of three", config: web + `plugins => { simplefo => { service_types => web r => { primary => 192.0.2.1 secondary => 192.0.2.2 third => 192.0.2.3 } } }`, zone: www("simplefo!r"),
		want: `
# config:2: 'third' is neither primary nor secondary
origin r-primary { address 192.0.2.1 }
origin r-secondary { address 192.0.2.2 }
class r {
    origin r-primary
    origin r-secondary priority 1
    usual
}
site www.example.org class r usual
`},
	{name: "simplefo without braces", config: web + `plugins => { simplefo => { r => 192.0.2.1 } }`, zone: www("simplefo!r"),
		want: `
# config:2: simplefo!r has no braces
# zones/example.org:1: simplefo!r was not taken, see config:2
`},
	{name: "weighted", config: web + `plugins => { weighted => { up_thresh => 0.01 service_types => web r => { lb1 = [ 192.0.2.1, 3 ] lb2 = [ 192.0.2.2, 0x1 ] } } }`, zone: www("weighted!r"),
		want: `
origin r-lb1 { address 192.0.2.1 }
origin r-lb2 { address 192.0.2.2 }
class r {
    origin r-lb1 weight 3
    origin r-lb2 weight 1
    usual
}
site www.example.org class r usual
`},
	{name: "weighted with an up_thresh that differs", config: web + `plugins => { weighted => { service_types => web r => { lb1 = [ 192.0.2.1, 3 ] lb2 = [ 192.0.2.2, 1 ] } } }`, zone: www("weighted!r"),
		want: `
# config:2: up_thresh 0.5: with less than 2 of 4 shares of the weight up, gdnsd takes the resource for down and answers as if all were up; cdnredirect answers with what is up, and takes it for down when nothing is
origin r-lb1 { address 192.0.2.1 }
origin r-lb2 { address 192.0.2.2 }
class r {
    origin r-lb1 weight 3
    origin r-lb2 weight 1
    usual
}
site www.example.org class r usual
`},
	{name: "weighted of two families", config: web + `plugins => { weighted => { up_thresh => 0.01 service_types => web r => { addrs_v4 => { a = [ 192.0.2.1, 3 ] b = [ 192.0.2.2, 1 ] } addrs_v6 => { b = [ 2001:db8::2, 1 ] a = [ 2001:db8::1, 3 ] } } } }`, zone: www("weighted!r"),
		want: `
# config:2: gdnsd treats IPv4 and IPv6 apart; here an origin has the addresses of both, those that are down leave, and it is out when all are
origin r-a { address 192.0.2.1 2001:db8::1 }
origin r-b { address 192.0.2.2 2001:db8::2 }
class r {
    origin r-a weight 3
    origin r-b weight 1
    usual
}
site www.example.org class r usual
`},
	{name: "weighted of two families that differ", config: web + `plugins => { weighted => { up_thresh => 0.01 service_types => web r => { addrs_v4 => { a = [ 192.0.2.1, 3 ] } addrs_v6 => { a = [ 2001:db8::2, 1 ] } } } }`, zone: www("weighted!r"),
		want: `
# config:2: addrs_v4 and addrs_v6 have other names or weights: an origin has the addresses of both families
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted multi with equal weights", config: web + `plugins => { weighted => { up_thresh => 0.01 service_types => web multi => true r => { a = [ 192.0.2.1, 3 ] b = [ 192.0.2.2, 3 ] } } }`, zone: www("weighted!r"),
		want: `
class r {
    origin 192.0.2.1 192.0.2.2
    usual
}
site www.example.org class r usual
`},
	{name: "weighted multi", config: web + `plugins => { weighted => { up_thresh => 0.01 service_types => web multi => true r => { a = [ 192.0.2.1, 3 ] b = [ 192.0.2.2, 1 ] } } }`, zone: www("weighted!r"),
		want: `
# config:2: multi: weighted!r answers with several addresses at a time, some of them at random
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted multi that is no boolean", config: web + `plugins => { weighted => { service_types => web multi => yes r => { a = [ 192.0.2.1, 3 ] } } }`, zone: www("weighted!r"),
		want: `
# config:2: multi 'yes' is neither true nor false
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "weighted groups", config: web + `plugins => { weighted => { up_thresh => 0.01 service_types => web r => { g1 => { a = [ 192.0.2.1, 2 ] b = [ 192.0.2.2, 2 ] } g2 => { c = [ 192.0.2.3, 1 ] } } } }`, zone: www("weighted!r"),
		want: `
# config:2: with addresses of 'g1' down, gdnsd gives it fewer clients, cdnredirect as many as before until all are
origin r-g1 { address 192.0.2.1 192.0.2.2 }
origin r-g2 { address 192.0.2.3 }
class r {
    origin r-g1 weight 4
    origin r-g2 weight 1
    usual
}
site www.example.org class r usual
`},
	{name: "weighted groups of other weights", config: web + `plugins => { weighted => { up_thresh => 0.01 service_types => web r => { g1 => { a = [ 192.0.2.1, 2 ] b = [ 192.0.2.2, 1 ] } } } }`, zone: www("weighted!r"),
		want: `
# config:2: weight 1: gdnsd answers with this address of 'g1' more rarely than with others, cdnredirect always
# config:2: with addresses of 'g1' down, gdnsd gives it fewer clients, cdnredirect as many as before until all are
class r {
    origin 192.0.2.1 192.0.2.2
    usual
}
site www.example.org class r usual
`},
	{name: "weighted groups with multi", config: web + `plugins => { weighted => { service_types => web multi => true r => { g1 => { a = [ 192.0.2.1, 2 ] } } } }`, zone: www("weighted!r"),
		want: `
# config:2: multi: weighted!r answers with one address of each group
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted empty group", config: web + `plugins => { weighted => { service_types => web r => { g1 => { } } } }`, zone: www("weighted!r"),
		want: `
# config:2: group 'g1' has no address
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted group in a group", config: web + `plugins => { weighted => { service_types => web r => { g1 => { g2 => { a = [ 192.0.2.1, 2 ] } } } } }`, zone: www("weighted!r"),
		want: `
# config:2: 'g2' is a group in a group
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted group of names", config: web + `plugins => { weighted => { service_types => web r => { g1 => { a = [ a.example.net., 2 ] } } } }`, zone: www("weighted!r"),
		want: `
# config:2: 'a' is a name in a group of addresses
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted without a weight", config: web + `plugins => { weighted => { service_types => web r => { a = [ 192.0.2.1 ] } } }`, zone: www("weighted!r"),
		want: `
# config:2: 'a' is not of the form [ ADDRESS, WEIGHT ]
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted with a weight of 0", config: web + `plugins => { weighted => { service_types => web r => { a = [ 192.0.2.1, 0 ] } } }`, zone: www("weighted!r"),
		want: `
# config:2: weight '0' is not from 1 to 1048575
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted of nothing", config: web + `plugins => { weighted => { service_types => web r => { multi => false } } }`, zone: www("weighted!r"),
		want: `
# config:2: weighted!r has no address
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted of addresses and names", config: web + `plugins => { weighted => { service_types => web r => { a = [ 192.0.2.1, 1 ] b = [ b.example.net., 1 ] } } }`, zone: www("weighted!r"),
		want: `
# config:2: weighted!r has addresses and names
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "weighted names", config: web + `plugins => { weighted => { r => { a = [ a.example.net., 1 ] b = [ b.example.net., 2 ] } } }`, zone: "www 60 DYNC weighted!r\n",
		want: `
# config:2: weighted!r has CNAMEs alone: a site needs an origin with addresses
# zones/example.org:1: weighted!r was not taken, see config:2
`},
	{name: "static", config: `plugins => { static => { r => 192.0.2.1 } }`, zone: www("static!r"), options: foreign.Options{Probe: "icmp {origin}", CDN: "big www.big.example"},
		want: `
class r {
    origin 192.0.2.1
    probe icmp {origin}
    threshold error_ratio 100%
    damping off
    cdn big www.big.example
}
site www.example.org class r usual
`},
	{name: "static name", config: `plugins => { static => { r => a.example.net. } }`, zone: "www 60 DYNC static!r\n",
		want: `
# config:1: static!r has CNAMEs alone: a site needs an origin with addresses
# zones/example.org:1: static!r was not taken, see config:1
`},
	{name: "static nonsense", config: `plugins => { static => { r => example } }`, zone: www("static!r"),
		want: `
# config:1: 'example' is not an address that visitors can reach
# zones/example.org:1: static!r was not taken, see config:1
`},
	{name: "metafo", config: web + `plugins => {
 metafo => { service_types => web, resources => {
  r => { datacenters => [ a b c d e f ]
   dcmap => {
    c => !m
    d => { plugin => simplefo primary => 192.0.2.4 secondary => 192.0.2.5 }
    a => 192.0.2.1
    b => [ 192.0.2.2 192.0.2.3 ]
    e => %weighted!w
    f => { x => 192.0.2.9 }
 } } } }
 multifo => { service_types => web m => { x => 2001:db8::1 } }
 weighted => { up_thresh => 0.1 service_types => web w => { p = [ 192.0.2.6, 1 ] q = [ 192.0.2.7, 2 ] } }
}`, zone: www("metafo!r") + "d 60 DYNA metafo!r/d\nm 60 DYNA multifo!m\n",
		want: `
origin r-a { address 192.0.2.1 }
origin r-b { address 192.0.2.2 192.0.2.3 }
origin m { address 2001:db8::1 }
origin r-d-primary { address 192.0.2.4 }
origin r-d-secondary { address 192.0.2.5 }
origin w-p { address 192.0.2.6 }
origin w-q { address 192.0.2.7 }
origin r-f { address 192.0.2.9 }
class r {
    origin r-a
    origin r-b priority 1
    origin m priority 2
    origin r-d-primary priority 3
    origin r-d-secondary priority 4
    origin w-p priority 5 weight 1
    origin w-q priority 5 weight 2
    origin r-f priority 6
    usual
}
site www.example.org class r usual
class r-d {
    origin r-d-primary
    origin r-d-secondary priority 1
    usual
}
site d.example.org class r-d usual
class m {
    origin 2001:db8::1
    usual
}
site m.example.org class m usual
`},
	{name: "metafo with names", config: web + `plugins => { metafo => { resources => {
 r => { datacenters => [ a b c ] dcmap => { a => { service_types => web x => 192.0.2.1 } b => %weighted!w c => last.example.net. } } } }
 weighted => { w => { p = [ p.example.net., 1 ] q = [ q.example.net., 2 ] } } }`, zone: "www 60 DYNC metafo!r\n",
		want: `
class r {
    origin 192.0.2.1
    probe tcp {origin}:80 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 20s
    damping off
    cdn p p.example.net weight 1
    cdn q q.example.net weight 2
    cdn c last.example.net priority 1
    ready none
}
site www.example.org class r usual
`},
	{name: "metafo with a name before addresses", config: web + `plugins => { metafo => { resources => {
 r => { datacenters => [ a b ] dcmap => { a => first.example.net.
 b => { service_types => web x => 192.0.2.1 } } } } } }`, zone: "www 60 DYNC metafo!r\n",
		want: `
# config:4: a datacenter with addresses comes behind a CNAME: a site goes to CDNs when all of its origins are out
# zones/example.org:1: metafo!r was not taken, see config:3
`},
	{name: "metafo with a checked name", config: web + `plugins => { metafo => { service_types => web resources => {
 r => { datacenters => [ a b ] dcmap => { a => 192.0.2.1
 b => b.example.net. } } } } }`, zone: "www 60 DYNC metafo!r\n",
		want: "# config:4: service_types 'web': what is checked of a CDN is said by `ready`\nclass r {\n    origin 192.0.2.1\n    probe tcp {origin}:80 every 10s timeout 5s\n    threshold error_ratio 100%\n    failback_delay 20s\n    damping off\n    cdn b b.example.net\n    ready none\n}\nsite www.example.org class r usual\n"},
	{name: "metafo of metafo", config: web + `plugins => { metafo => { service_types => web resources => {
 r => { datacenters => a dcmap => { a => %metafo!s } }
 s => { datacenters => a dcmap => { a => 192.0.2.1 } } } } }`, zone: www("metafo!r"),
		want: `
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "metafo of itself", config: web + `plugins => { metafo => { resources => {
 r => { datacenters => a dcmap => { a => %metafo!s } }
 s => { datacenters => a dcmap => { a => %metafo!r } } } } }`, zone: www("metafo!r"),
		want: `
# config:4: metafo!r leads back to itself
# config:3: metafo!s was not taken, see config:4
# zones/example.org:1: metafo!r was not taken, see config:3
`},
	{name: "metafo without resources", config: `plugins => { metafo => { } }`, zone: www("metafo!r"),
		want: `
# zones/example.org:1: metafo!r is not defined
`},
	{name: "metafo without braces", config: `plugins => { metafo => { resources => { r => 192.0.2.1 } } }`, zone: www("metafo!r"),
		want: `
# config:1: metafo!r has no braces
# zones/example.org:1: metafo!r was not taken, see config:1
`},
	{name: "metafo without dcmap", config: `plugins => { metafo => { resources => { r => { datacenters => a } } } }`, zone: www("metafo!r"),
		want: `
# config:1: metafo!r needs datacenters and dcmap
# zones/example.org:1: metafo!r was not taken, see config:1
`},
	{name: "metafo with a stranger", config: web + `plugins => { metafo => { resources => { r => { service_types => web skip_first => true datacenters => a dcmap => { a => 192.0.2.1 } } } } }`, zone: www("metafo!r"),
		want: `
# config:2: 'skip_first' is not known in a resource of metafo
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "metafo without a datacenter", config: `plugins => { metafo => { resources => { r => { datacenters => a dcmap => { b => 192.0.2.1 } } } } }`, zone: www("metafo!r"),
		want: `
# config:1: datacenter 'a' is not in dcmap
# zones/example.org:1: metafo!r was not taken, see config:1
`},
	{name: "metafo of an unknown datacenter", config: `plugins => { metafo => { resources => { r => { datacenters => a dcmap => { a => 192.0.2.1 } } } } }`, zone: www("metafo!r/b"),
		want: `
# config:1: metafo!r has no datacenter 'b'
# zones/example.org:1: metafo!r/b was not taken, see config:1
`},
	{name: "metafo of another plugin", config: `plugins => { metafo => { resources => { r => { datacenters => a dcmap => { a => { plugin => geoip } } } } } }`, zone: www("metafo!r"),
		want: `
# config:1: datacenter 'a' is of plugin 'geoip', which is not taken
# zones/example.org:1: metafo!r was not taken, see config:1
`},
	{name: "metafo of an unknown resource", config: `plugins => { metafo => { resources => { r => { datacenters => a dcmap => { a => %multifo!s } } } } }`, zone: www("metafo!r"),
		want: `
# config:1: multifo!s is not a resource that is taken
# zones/example.org:1: metafo!r was not taken, see config:1
`},
	{name: "metafo of a resource that is not taken", config: `plugins => { multifo => { s => { a => nowhere } }
 metafo => { resources => { r => { datacenters => a dcmap => { a => %multifo!s } } } } }`, zone: www("metafo!r"),
		want: `
# config:1: 'nowhere' is not an address that visitors can reach
# config:2: multifo!s was not taken, see config:1
# zones/example.org:1: metafo!r was not taken, see config:2
`},
	{name: "metafo of nonsense", config: `plugins => { metafo => { resources => { r => { datacenters => a dcmap => { a => example } } } } }`, zone: www("metafo!r"),
		want: `
# config:1: 'example' is neither an address nor a name that ends in a dot
# zones/example.org:1: metafo!r was not taken, see config:1
`},
	{name: "datacenters that are not checked", config: web + `plugins => { metafo => { resources => { r => { datacenters => [ a b ] dcmap => { a => { service_types => web x => 192.0.2.1 }
 b => 192.0.2.2 } } } } }`, zone: www("metafo!r"),
		want: `
# config:3: these addresses are probed for 'web', too: all addresses of a site have the same probes
origin r-a { address 192.0.2.1 }
origin r-b { address 192.0.2.2 }
class r {
    origin r-a
    origin r-b priority 1
    usual
}
site www.example.org class r usual
`},
	{name: "datacenters that are checked otherwise", config: `service_types => { web => { plugin => tcp_connect port => 80 } mail => { plugin => tcp_connect port => 25 } }
plugins => { metafo => { resources => { r => { datacenters => [ a b ] dcmap => { a => { service_types => web x => 192.0.2.1 }
 b => { service_types => [ mail web ] x => 192.0.2.2 } } } } } }`, zone: www("metafo!r"),
		want: `
# config:3: service_types 'web' and 'mail', 'web': all addresses of a site have the same probes
# zones/example.org:1: metafo!r was not taken, see config:2
`},
	{name: "nothing checked", config: `plugins => { multifo => { r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: nothing is checked of the addresses of 'r', and a site needs a probe: say which with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "an empty list of checks", config: `plugins => { multifo => { r => { service_types => [ ] a => 192.0.2.1 } } }`, zone: www("multifo!r"), options: foreign.Options{Probe: `tcp {origin}:25 expect "220 "`},
		want: `
class r {
    origin 192.0.2.1
    probe tcp {origin}:25 expect "220 "
    threshold error_ratio 100%
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
`},
	{name: "http_status", config: `service_types => { http => { plugin => http_status port => 8080 url_path => "/a?b" vhost => WWW.example.net ok_codes => [ 200 204 ] interval => 8 timeout => 3 down_thresh => 3 ok_thresh => 1 } }
plugins => { multifo => { service_types => http r => 192.0.2.1 } }`, zone: www("multifo!r") + "*.wild 60 DYNA multifo!r\n",
		want: `
class r {
    host www.example.net
    origin 192.0.2.1
    probe http http://{origin}:8080/a?b status 200,204 every 8s timeout 3s
    threshold error_ratio 100%
    failback_delay 160s
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
site *.wild.example.org class r usual
`},
	{name: "two kinds", config: `service_types => { http => { plugin => http_status down_thresh => 3 interval => 60 } tcp => { plugin => tcp_connect port => 22 down_thresh => 3 } }
plugins => { multifo => { service_types => [ http up tcp ] r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
class r {
    origin 192.0.2.1
    probe http http://{origin}:80/ status 200 every 60s timeout 30s
    probe tcp {origin}:22 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 1200s
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
`},
	{name: "two of a kind", config: `service_types => { ssh => { plugin => tcp_connect port => 22 down_thresh => 3 }
 smtp => { plugin => tcp_connect port => 25 down_thresh => 3 } }
plugins => { multifo => { service_types => [ ssh smtp ] r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: service type 'ssh': a site has one probe tcp
class r {
    origin 192.0.2.1
    probe tcp {origin}:25 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 200s
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
`},
	{name: "thresholds", config: `service_types => { tcp => { plugin => tcp_connect port => 22
 down_thresh => 5
 ok_thresh => 2
 up_thresh => 4 } }
plugins => { multifo => { service_types => tcp up_thresh => 0.1 r => [ 192.0.2.1, 192.0.2.2 ] s => [ 192.0.2.3, 192.0.2.4 ] } }`, zone: www("multifo!r") + "s 60 DYNA multifo!s\n",
		want: `
# config:2: down_thresh 5: cdnredirect takes an address for down after 3 failed probes in a row
# config:3: ok_thresh 2: with cdnredirect one good probe ends a row of failed ones
# config:4: up_thresh 4: so it is for an origin as a whole; one of several addresses comes back after 2 good probes in a row
class r {
    origin 192.0.2.1 192.0.2.2
    probe tcp {origin}:22 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 40s
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
class s {
    origin 192.0.2.3 192.0.2.4
    probe tcp {origin}:22 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 40s
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site s.example.org class s usual
`},
	{name: "a long way back", config: `service_types => { tcp => { plugin => tcp_connect port => 22 down_thresh => 3 interval => 3600 timeout => 300 up_thresh => 60000 } }
plugins => { multifo => { service_types => tcp r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:2: up_thresh and interval make 60000h0m0s, and failback_delay is at most 8760h0m0s
class r {
    origin 192.0.2.1
    probe tcp {origin}:22 every 3600s timeout 300s
    threshold error_ratio 100%
    failback_delay 31536000s
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
`},
	{name: "extmon", config: `service_types => { x => { plugin => extmon cmd => [ "/bin/true" ] } }
plugins => { extmon => { helper_path => "/x" } multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:2: the settings of plugin 'extmon' are of the server, and no part of a site
# config:1: service type 'x' runs a command
# config:2: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:2
`},
	{name: "extmon with a probe", config: `service_types => { x => { plugin => extmon cmd => [ "/bin/true" ] } }
plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"), options: foreign.Options{Probe: "icmp {origin}"},
		want: `
# config:1: service type 'x' runs a command
class r {
    origin 192.0.2.1
    probe icmp {origin}
    threshold error_ratio 100%
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
`},
	{name: "extfile", config: `service_types => { x => { plugin => extfile file => x } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: service type 'x' reads a file of its own form
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "another plugin", config: `service_types => { x => { plugin => own } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: service type 'x' is of plugin 'own', which is not taken
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "down", config: `plugins => { multifo => { service_types => down r => 192.0.2.1 } }`, zone: www("multifo!r"), options: foreign.Options{Probe: "icmp {origin}"},
		want: `
# config:1: service type 'down' takes its addresses for down always
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "an unknown service type", config: `plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: service type 'x' is not defined
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a service type without braces", config: `service_types => { x => y } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: service type 'x' has no braces
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "no port", config: `service_types => { x => { plugin => tcp_connect } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: port is missing
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a wrong port", config: `service_types => { x => { plugin => http_status port => 65535 } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: port '65535' is not from 1 to 65534
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a wrong path", config: `service_types => { x => { plugin => http_status url_path => "/{x}" } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: url_path '/{x}' cannot be the path of a probe
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a path with a fragment", config: `service_types => { x => { plugin => http_status url_path => "/a#b" } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: url_path '/a#b' cannot be the path of a probe
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a path that cannot be written", config: `service_types => { x => { plugin => http_status url_path => "/\\\"" } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: url_path: 'http://{origin}:80/\"' cannot be written in a Corefile
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a wrong vhost", config: `service_types => { x => { plugin => http_status vhost => "www:80" } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: vhost 'www:80' is not a host name without a port
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a wrong code", config: `service_types => { x => { plugin => http_status ok_codes => [ 999 ] } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: ok_codes: '999' is no status that a probe knows, from 100 to 599
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "no code", config: `service_types => { x => { plugin => http_status ok_codes => [ ] } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: ok_codes has no code
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a wrong timeout", config: `service_types => { x => { plugin => http_status timeout => 10 } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: timeout 10 is not below the interval 10
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a wrong interval", config: `service_types => { x => { plugin => http_status interval => ten } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: interval 'ten' is not from 1 to 3600
# config:1: 'r' was not taken for its service types: say what is probed with --probe
# zones/example.org:1: multifo!r was not taken, see config:1
`},
	{name: "a stranger in a service type", config: `service_types => { x => { plugin => tcp_connect port => 1 down_thresh => 3 tls => yes } } plugins => { multifo => { service_types => x r => 192.0.2.1 } }`, zone: www("multifo!r"),
		want: `
# config:1: 'tls' is not known in a service type of tcp_connect
class r {
    origin 192.0.2.1
    probe tcp {origin}:1 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 200s
    damping off
    cdn later later.invalid
    ready none
    divert none
}
site www.example.org class r usual
`},
	{name: "the rest of the configuration", config: web + `options => { listen => any zones_default_ttl => 1h min_ttl => 30 max_ttl => 600 }
other => { }
plugins => { geoip => { } reflect => { } null => { } multifo => 1 own => { } http_status => { } weighted => { service_types => web r => { a = [ 192.0.2.1, 1 ] } } }`, zone: "a DYNA weighted!r\nb 10 DYNA weighted!r\n",
		want: `
# config:2: option 'listen' is of the server, and no part of a site
# config:2: option 'zones_default_ttl' is no number of seconds
# config:3: 'other' is not known
# config:4: geoip chooses by where clients are: a site treats all networks alike
# config:4: reflect answers with the client's own address
# config:4: null answers with no address of a server
# config:4: plugin 'multifo' has no braces
# config:4: plugin 'own' is not known
# config:4: the settings of plugin 'http_status' are of the server, and no part of a site
class r {
    origin 192.0.2.1
    usual
}
site a.example.org class r {
    ttl 600s min 600s
}
site b.example.org class r {
    ttl 30s min 30s
}
`},
	{name: "no hashes", config: `options => 1 service_types => [ ] plugins => x`,
		want: `
# config:1: 'options' has no braces
# config:1: 'service_types' has no braces
# config:1: 'plugins' has no braces
`},
	{name: "resources that nothing leads to", config: `plugins => { multifo => { up_thresh => 1 r => 192.0.2.1 } metafo => { resources => { r => { } } } static => { r => x } }`,
		want: `
# config:1: no DYNA or DYNC record leads to multifo!r
# config:1: no DYNA or DYNC record leads to metafo!r
# config:1: no DYNA or DYNC record leads to static!r
`},
	{name: "records", config: web + `plugins => { multifo => { service_types => web r => 192.0.2.1 } }`, zone: `$TTL 1h ; default
@ SOA ns1 hostmaster (
  1 2 3 4 5 )
@ NS ns1.example.org.
@ 10m IN DYNA multifo!r
$ORIGIN sub
  IN 2h/1h DYNA multifo!r ; the owner of before
a DYNA multifo!r
b.@Z 1/1 DYNC multifo!r
c.@F 60 DYNA multifo!r
c.@F TXT "a;b" "c ) d"
@ 200000 DYNA multifo!r
$origin @Z
d 60 dyna multifo!r
  TYPE65 \# 3 000100
*.e 60/90 DYNA multifo!r
f\.g 60 DYNA multifo!r
`,
		want: "# zones/example.org:7: 'example.org' is a site already\n# zones/example.org:12: the TTL 200000 is above 86400, the highest that is possible\n# zones/example.org:14: the HTTPS record (TYPE65) of 'd.example.org' is hidden: write it as `https`\n# zones/example.org:17: 'f\\.g.example.org' is not a name that a web server has: give its service type a vhost\n# zones/example.org: other records stay in the zone: NS 1, SOA 1, TXT 1, TYPE65 1\nclass r {\n    origin 192.0.2.1\n    usual\n}\nsite example.org class r {\n    ttl 600s min 300s\n    answer address\n}\nsite a.sub.example.org class r {\n    ttl 3600s min 1800s\n}\nsite b.example.org class r {\n    ttl 5s min 5s\n}\nsite c.example.org class r {\n    ttl 60s min 30s\n    answer address\n}\nsite sub.example.org class r {\n    ttl 86400s min 86400s\n}\nsite d.example.org class r {\n    ttl 60s min 30s\n    answer address\n}\nsite *.e.example.org class r {\n    host e.example.org\n    ttl 60s min 60s\n}\n"},
	{name: "records that are not taken", config: `plugins => { geoip => { } }`, zone: "a 60 DYNA geoip!r\nb 60 DYNA multifo!r\nc 60 DYNA multifo\n$ADDR_LIMIT_V4 3\n",
		want: `
# config:1: geoip chooses by where clients are: a site treats all networks alike
# zones/example.org:4: '$ADDR_LIMIT_V4 3' is not known
# zones/example.org:1: geoip!r: plugin 'geoip' is not taken
# zones/example.org:2: multifo!r is not defined
# zones/example.org:3: multifo is not defined
`},
	{name: "a name twice", config: web + `plugins => { multifo => { service_types => web r => 192.0.2.1 } }`, zone: www("multifo!r") + www("multifo!r"),
		want: `
# zones/example.org:2: 'www.example.org' is a site already
class r {
    origin 192.0.2.1
    usual
}
site www.example.org class r usual
`},
	{name: "names of blocks", config: web + `plugins => { multifo => { service_types => web next => 192.0.2.1 "8 a" => 192.0.2.2 r => 192.0.2.3 }
 simplefo => { service_types => web r => { primary => 192.0.2.1 secondary => 192.0.2.2 } "r/" => { primary => 192.0.2.1 secondary => 192.0.2.3 } } }`, zone: "a 60 DYNA multifo!next\nb 60 DYNA multifo!8\\ a\nc 60 DYNA multifo!r\nd 60 DYNA simplefo!r\ne 60 DYNA simplefo!r/\n",
		want: `
# zones/example.org:2: multifo!8\ a is not defined
# config:2: no DYNA or DYNC record leads to multifo!8 a
class x-next {
    origin 192.0.2.1
    usual
}
site a.example.org class x-next usual
class r {
    origin 192.0.2.3
    usual
}
site c.example.org class r usual
origin r-primary { address 192.0.2.1 }
origin r-secondary { address 192.0.2.2 }
class r-2 {
    origin r-primary
    origin r-secondary priority 1
    usual
}
site d.example.org class r-2 usual
origin r--primary { address 192.0.2.1 }
origin r--secondary { address 192.0.2.3 }
class r-3 {
    origin r--primary
    origin r--secondary priority 1
    usual
}
site e.example.org class r-3 usual
`},
}

// TestGdnsd compares what is written, and has a server take it.
func TestGdnsd(t *testing.T) {
	for _, tc := range gdnsdCases {
		t.Run(tc.name, func(t *testing.T) {
			r, err := foreign.Gdnsd(texts{"config": tc.config, "zones/example.org": tc.zone}, "config", []string{"zones/example.org"}, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, brief(r.Text()), tc.want)
			checkObjects(t, r)
			if _, err := load(r, "example.org"); err != nil {
				t.Errorf("Expected a server to take it, got %v", err)
			}
		})
	}
}
