//go:build linux

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Sites and server blocks of the tests with many of them.
const (
	manyBlocks    = 10
	sitesPerBlock = 10
	manyPeriod    = 6 * time.Second // long, for a hundred probes at once on a busy machine
)

// manySites returns a Corefile with sites in several server blocks, which have
// one class between them.
func manySites() string {
	var text strings.Builder
	for b := range manyBlocks {
		fmt.Fprintf(&text, "zone%d.example:$dns {\n    bind 127.0.0.1\n    errors\n    cdnredirect {\n", b)
		if b == manyBlocks/2 {
			text.WriteString(`        class many {
            origin 127.0.0.1
            cdn example {label}.cdn.example.net
            ready none
            probe http http://{origin}:$origin/{name} every 6s timeout 5s
            threshold response_time 4s
        }
`)
		}
		for s := range sitesPerBlock {
			fmt.Fprintf(&text, "        site site%d.zone%d.example class many\n", s, b)
		}
		text.WriteString("    }\n}\n")
	}
	return text.String()
}

func TestManySitesInManyServerBlocks(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: manySites(), vars: at(web)}.start(t)
	state := func(want func(label string) string) string {
		var wrong []string
		for b := range manyBlocks {
			for n := range sitesPerBlock {
				label := fmt.Sprintf("site%d", n)
				name := fmt.Sprintf("%s.zone%d.example.", label, b)
				if got := s.udp().ask(name, dns.TypeA); got != want(label) {
					wrong = append(wrong, name+" "+got)
				}
			}
		}
		return strings.Join(wrong, ", ")
	}
	origin := func(string) string { return atOrigin }
	cdn := func(label string) string { return "CNAME " + label + ".cdn.example.net." }

	if wrong := state(origin); wrong != "" {
		t.Errorf("Expected every first answer to be %q, got %s", atOrigin, wrong)
	}
	web.kill("127.0.0.1")
	await(t, 4*manyPeriod, "", func() string { return state(cdn) })
}
