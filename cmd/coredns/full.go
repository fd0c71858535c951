//go:build full

package main

import (
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/core/plugin" // every plugin of CoreDNS
)

// directives returns CoreDNS's own chain, with ours behind transfer.
func directives() []string {
	behind := slices.Index(dnsserver.Directives, "transfer") + 1
	return slices.Insert(slices.Clone(dnsserver.Directives), behind, "cdnredirect")
}
