//go:build linux

package test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect"
)

func TestVersionShowsBothVersions(t *testing.T) {
	t.Parallel()
	text, err := exec.Command(binary(t), "-version").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	core := strings.TrimPrefix(goRun(t, repository(t), nil, "list", "-m", "-f", "{{.Version}}", "github.com/coredns/coredns"), "v")
	for _, version := range []string{"CoreDNS-" + core, "cdnredirect-" + cdnredirect.Version} {
		if !strings.Contains(string(text), version) {
			t.Errorf("Expected -version to show %s, got %q", version, text)
		}
	}
}

func TestPluginsAreListed(t *testing.T) {
	t.Parallel()
	text, err := exec.Command(binary(t), "-plugins").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(text)), "cdnredirect") {
		t.Errorf("Expected cdnredirect among the plugins, got %q", text)
	}
}
