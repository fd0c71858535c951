package foreign_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

// hash draws a hash with so many keys.
func hash(t *rapid.T, most int, entry func(i int) string) string {
	var b strings.Builder
	for i := range rapid.IntRange(1, most).Draw(t, "length") {
		fmt.Fprintf(&b, " k%d => %s\n", i, entry(i))
	}
	return "{\n" + b.String() + "}"
}

func drawAddress(t *rapid.T) string {
	return fmt.Sprintf(rapid.SampledFrom([]string{"192.0.2.%d", "198.51.100.%d", "2001:db8::%x"}).Draw(t, "network"), rapid.IntRange(1, 30).Draw(t, "host"))
}

func drawWeighted(t *rapid.T, what string) string {
	return fmt.Sprintf("[ %s, %d ]", what, rapid.IntRange(1, 1000).Draw(t, "weight"))
}

// drawResource draws a resource of a plugin, as a hash.
func drawResource(t *rapid.T, plugin string) string {
	switch plugin {
	case "multifo":
		return hash(t, 5, func(int) string { return drawAddress(t) })
	case "simplefo":
		return fmt.Sprintf("{ primary => %s secondary => %s }", drawAddress(t), drawAddress(t))
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return hash(t, 4, func(i int) string { return drawWeighted(t, fmt.Sprintf("n%d.example.net.", i)) })
	case 1:
		return hash(t, 3, func(int) string { return hash(t, 3, func(int) string { return drawWeighted(t, drawAddress(t)) }) })
	}
	return hash(t, 4, func(int) string { return drawWeighted(t, drawAddress(t)) })
}

// drawDatacenter draws what stands in a dcmap.
func drawDatacenter(t *rapid.T) string {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return "%" + drawReference(t)
	case 1:
		return "!k" + fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "resource"))
	case 2:
		return drawAddress(t)
	case 3:
		return "cdn.example.net."
	case 4:
		return fmt.Sprintf("[ %s %s ]", drawAddress(t), drawAddress(t))
	}
	plugin := rapid.SampledFrom([]string{"multifo", "simplefo", "weighted"}).Draw(t, "plugin")
	return "{ plugin => " + plugin + strings.TrimPrefix(drawResource(t, plugin), "{")
}

func drawReference(t *rapid.T) string {
	return fmt.Sprintf("%s!k%d", rapid.SampledFrom([]string{"multifo", "simplefo", "weighted", "metafo"}).Draw(t, "plugin"), rapid.IntRange(0, 3).Draw(t, "resource"))
}

func drawMetafo(t *rapid.T) string {
	return hash(t, 4, func(int) string {
		n := rapid.IntRange(1, 4).Draw(t, "datacenters")
		var names, dcs string
		for i := range n {
			names += fmt.Sprintf(" d%d", i)
			dcs += fmt.Sprintf(" d%d => %s\n", i, drawDatacenter(t))
		}
		return "{ datacenters => [" + names + " ] dcmap => {" + dcs + "} }"
	})
}

// TestGdnsdIsTaken has any configuration made of what gdnsd knows come out as one
// that a server takes, whatever of it is lost.
func TestGdnsdIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		b.WriteString("service_types => { web => { plugin => http_status vhost => www.example.net } mail => { plugin => tcp_connect port => 25 } x => { plugin => extmon } }\nplugins => {\n")
		params := rapid.SampledFrom([]string{"service_types => web", "service_types => [ web mail ]", "service_types => x", "multi => true service_types => web", ""})
		for _, plugin := range []string{"multifo", "simplefo", "weighted"} {
			fmt.Fprintf(&b, "%s => { %s\n%s\n", plugin, params.Draw(t, "params"), strings.TrimPrefix(hash(t, 4, func(int) string { return drawResource(t, plugin) }), "{"))
		}
		fmt.Fprintf(&b, "metafo => { service_types => web resources => %s }\n}\n", drawMetafo(t))
		var zone strings.Builder
		for i := range rapid.IntRange(1, 8).Draw(t, "records") {
			ttl := rapid.SampledFrom([]string{"60", "0", "300/30", "200000", "1/1"}).Draw(t, "ttl")
			name := rapid.SampledFrom([]string{"n%d", "*.n%d", "n%d.sub", "@"}).Draw(t, "name")
			name = strings.ReplaceAll(name, "%d", fmt.Sprint(i))
			fmt.Fprintf(&zone, "%s %s %s %s\n", name, ttl, rapid.SampledFrom([]string{"DYNA", "DYNC"}).Draw(t, "type"), drawReference(t))
			if rapid.Bool().Draw(t, "other data") {
				fmt.Fprintf(&zone, "%s TXT x\n", name)
			}
		}
		o := foreign.Options{
			Probe: rapid.SampledFrom([]string{"", "icmp {origin}"}).Draw(t, "probe"),
			CDN:   rapid.SampledFrom([]string{"", "big www.big.example"}).Draw(t, "cdn"),
		}
		r, err := foreign.Gdnsd(texts{"config": b.String(), "example.org": zone.String()}, "config", []string{"example.org"}, o)
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		checkObjects(t, r)
		if _, err := load(r, "example.org"); err != nil {
			t.Fatalf("Expected a server to take it, got %v\n%s\n%s", err, r.Text(), b.String())
		}
	})
}
