package main

import (
	"slices"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
)

// TestTheChainIsCoreDNSsWithOursBehindTransfer also finds a plugin that is in
// the chain but not in the program.
func TestTheChainIsCoreDNSsWithOursBehindTransfer(t *testing.T) {
	chain := directives()
	ours := slices.Index(chain, "cdnredirect")
	if ours < 1 || chain[ours-1] != "transfer" {
		t.Fatalf("Expected cdnredirect behind transfer, got %v", chain)
	}
	last := -1
	for _, name := range slices.Delete(slices.Clone(chain), ours, ours+1) {
		i := slices.Index(dnsserver.Directives, name)
		if i <= last {
			t.Errorf("Expected %q where CoreDNS has it", name)
		}
		last = i
	}
	for _, name := range chain {
		if _, err := caddy.DirectiveAction("dns", name); err != nil {
			t.Errorf("Expected the plugin %q in the program: %v", name, err)
		}
	}
}
