package corefile_test

import (
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
)

// FuzzAdd adds any text twice: once as it is, once after a block that it may
// clash with. Whatever comes of it is an error with a place, or valid.
func FuzzAdd(f *testing.F) {
	for _, in := range seeds() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		checkLoad(t, in)
		checkLoad(t, "cdnredirect {\n"+full+"\n site www.example.org class late\n}", in)
	})
}

// seeds are the inputs of all tables.
func seeds() []string {
	all := []string{"cdnredirect {\n" + parent + "\n site www.example.org class web\n}"}
	for _, tc := range braceErrors {
		all = append(all, tc.in)
	}
	for _, tc := range goodBlocks {
		all = append(all, tc.in)
	}
	for _, tc := range propertyErrors {
		all = append(all, siteWith(tc.line), classWith(tc.line))
	}
	for _, tc := range effects {
		all = append(all, siteWith(tc.line))
	}
	for _, line := range defaults {
		all = append(all, siteWith(line))
	}
	for _, tc := range corefileErrors {
		_, directive, _ := strings.Cut(tc.in, "{")
		all = append(all, directive[:strings.LastIndex(directive, "}")])
	}
	return all
}

// checkLoad adds each text as a server block.
func checkLoad(t *testing.T, blocks ...string) {
	c := corefile.New()
	for _, in := range blocks {
		d := caddyfile.NewDispenser("Corefile", strings.NewReader(in))
		block, err := c.Add(&d, origins("example.org."))
		if err != nil {
			checkError(t, err)
			return
		}
		if len(block.Zones) == 0 {
			t.Fatal("a block without zones")
		}
	}
	sites, err := c.Complete()
	if err != nil {
		checkError(t, err)
		return
	}
	for _, s := range sites {
		if err := s.Validate(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		if s.Place == "" || len(s.Paths()) == 0 && !s.Origin.Next {
			t.Fatalf("got %+v", s)
		}
	}
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if !strings.HasPrefix(err.Error(), "Corefile:") || !strings.Contains(err.Error(), " - Error during parsing: ") {
		t.Fatalf("an error without place: %v", err)
	}
}
