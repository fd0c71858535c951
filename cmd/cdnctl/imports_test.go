package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoCoreDNSInside keeps the program small: what it needs of the server it asks.
func TestNoCoreDNSInside(t *testing.T) {
	packages, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("listing what the program is made of: %v", err)
	}
	if !strings.Contains(string(packages), "github.com/spf13/cobra\n") {
		t.Fatalf("Expected a list of packages, got %s", packages)
	}
	for name := range strings.Lines(string(packages)) {
		if strings.HasPrefix(name, "github.com/coredns/coredns") {
			t.Errorf("Expected nothing of CoreDNS, got %s", name)
		}
	}
}
