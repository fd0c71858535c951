// Command server is the CoreDNS that bench/run measures: cdnredirect, and
// beside it what it is measured against, at the same position of one chain.
package main

import (
	"log"

	_ "github.com/cdnredirect/cdnredirect"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/pprof"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	if err := dnsserver.SetDirectives([]string{"bind", "pprof", "prometheus", "null", "template", "cdnredirect", "file"}); err != nil {
		log.Fatalf("setting the plugin chain: %v", err)
	}
	coremain.Run()
}
