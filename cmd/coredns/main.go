// Command coredns is CoreDNS with cdnredirect: the plugins of an authoritative
// server, or, with the build tag full, all that CoreDNS brings.
package main

import (
	"log"

	"github.com/cdnredirect/cdnredirect"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
)

func main() {
	if err := dnsserver.SetDirectives(directives()); err != nil {
		log.Fatalf("setting the plugin chain: %v", err)
	}
	caddy.AppVersion += " cdnredirect-" + cdnredirect.Version // shown by -version and at the start
	coremain.Run()
}
