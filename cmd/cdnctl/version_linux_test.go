package main

import (
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestTheVersionIsThatOfTheServer, which 'cdnctl servers' shows.
func TestTheVersionIsThatOfTheServer(t *testing.T) {
	code, out, complaint := plain(t, "version")
	if want := "cdnctl " + site.Version + " (go"; code != 0 || complaint != "" || !strings.HasPrefix(out, want) {
		t.Errorf("Expected %q first, got %d, %q, %q", want, code, out, complaint)
	}
}
