package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func TestWordsAreCompleted(t *testing.T) {
	for args, want := range map[string]string{
		"get ":                   "class origin cdn site",
		"get class ":             "web www.example.org", // what this store says of any kind
		"get site ":              "",
		"draft delete ":          "class origin cdn site",
		"get class web ":         "",
		"node drain ":            "edge",
		"node undrain edge ":     "fra1 ams1",
		"node undrain far ":      "",
		"states --output ":       "table json yaml",
		"history -o ":            "table json yaml",
		"get --output ":          "text table json yaml",
		"completion ":            "bash fish powershell zsh",
		"override list -o ":      "table json yaml",
		"apply --dry-run --out":  "--output",
		"draft d":                "delete drop",
		"draft delete origin x ": "",
	} {
		words := strings.Split(args, " ")
		_, out, _ := changing(t, new(store), append([]string{"__complete"}, words...)...)
		var got []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if !strings.HasPrefix(word, ":") {
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: Expected %q, got %q", args, want, got)
		}
	}
	s := &store{err: fmt.Errorf("doing: %w", api.ErrUnavailable)}
	if _, out, _ := changing(t, s, "__complete", "get", "class", ""); strings.TrimSpace(out) != ":4" {
		t.Errorf("Expected nothing without the store, got %q", out)
	}
}
