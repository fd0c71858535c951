package corefile_test

import (
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
)

// braceErrors are the rules of braces and lines.
var braceErrors = []struct{ name, in, want string }{
	{"nothing", "", "Corefile:0 - Error during parsing: Unexpected EOF"},
	{"brace on its own line", "cdnredirect\n{\n}", "Corefile:2 - Error during parsing: unexpected '{': it must end the line whose block it opens"},
	{"brace alone", "{ }", "Corefile:1 - Error during parsing: unexpected '{': it must end the line whose block it opens"},
	{"two braces", "cdnredirect { {", "Corefile:1 - Error during parsing: unexpected '{': it must end the line whose block it opens"},
	{"directive not closed", "cdnredirect {\n ns ns1.example.net\n", "Corefile:1 - Error during parsing: the block that 'cdnredirect' opens here is not closed: '}' is missing"},
	{"site not closed", "cdnredirect {\n site www.example.org {\n enter 2\n", "Corefile:2 - Error during parsing: the block that 'site www.example.org' opens here is not closed: '}' is missing"},
	{"one brace for two", "cdnredirect {\n site www.example.org {\n enter 2\n}\n", "Corefile:1 - Error during parsing: the block that 'cdnredirect' opens here is not closed: '}' is missing"},
	{"only an opening brace", "cdnredirect {", "Corefile:1 - Error during parsing: the block that 'cdnredirect' opens here is not closed: '}' is missing"},
	{"stray brace", "cdnredirect {\n}\n}", "Corefile:3 - Error during parsing: unexpected '}': no block is open"},
	{"stray brace on the line", "cdnredirect { } }", "Corefile:1 - Error during parsing: unexpected '}': no block is open"},
	{"leading brace", "}", "Corefile:1 - Error during parsing: unexpected '}': no block is open"},
	{"words behind a block", "cdnredirect {\n class web {\n } site\n}", "Corefile:3 - Error during parsing: unexpected 'site' behind '}': begin a new line"},
	{"block of a property", "cdnredirect {\n site www.example.org {\n origin fra {\n }\n }\n}", "Corefile:3 - Error during parsing: unexpected '{' after 'origin fra': a property has no block; is a '}' missing above?"},
	{"block of a class's property", "cdnredirect {\n class web {\n ttl {\n }\n }\n}", "Corefile:3 - Error during parsing: unexpected '{' after 'ttl': a property has no block; is a '}' missing above?"},
	{"brace forgotten above", "cdnredirect {\n class web {\n ttl 5s\n site www.example.org {\n }\n}", "Corefile:4 - Error during parsing: unexpected '{' after 'site www.example.org': a property has no block; is a '}' missing above?"},
	{"block of ns", "cdnredirect {\n ns ns1.example.net {\n }\n}", "Corefile:2 - Error during parsing: unexpected '{' after 'ns ns1.example.net': a property has no block"},
	{"two directives", "cdnredirect {\n}\ncdnredirect {\n}\n", "Corefile:3 - Error during parsing: this plugin can only be used once per Server Block"},
	{"line break in quotes", "cdnredirect {\n ns \"ns1\n.example.net\" ns2.example.net {\n }\n}", "Corefile:2 - Error during parsing: unexpected '{' after 'ns ns1\n.example.net ns2.example.net': a property has no block"},
}

func TestBraceErrors(t *testing.T) {
	for _, tc := range braceErrors {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := load(tc.in)
			wantError(t, err, tc.want)
		})
	}
}

// goodBlocks are ways to lay out the same site.
var goodBlocks = []struct{ name, in string }{
	{"line by line", siteWith()},
	{"opening brace before a word", "cdnredirect { site www.example.org { origin 192.0.2.1\n" + strings.Join(needed[1:], "\n") + "\n} }"},
	{"closing braces at the end", "cdnredirect {\nsite www.example.org {\n" + strings.Join(needed, "\n") + " } }"},
	{"comments", "cdnredirect { # one\n# two\nsite www.example.org { # three\n" + strings.Join(needed, " # four\n") + "\n}\n}"},
	{"quotes", "cdnredirect {\n\"site\" \"www.example.org\" {\n" + strings.Join(needed[1:], "\n") + "\n origin \"192.0.2.1\"\n}\n}"},
	{"windows", strings.ReplaceAll(siteWith(), "\n", "\r\n")},
	{"class on one line", "cdnredirect {\n class web { origin 192.0.2.1 }\n site www.example.org class web {\n" + strings.Join(needed[1:], "\n") + "\n}\n}"},
}

func TestLayout(t *testing.T) {
	for _, tc := range goodBlocks {
		t.Run(tc.name, func(t *testing.T) {
			_, sites, err := load(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if len(sites) != 1 || sites[0].Name() != "www.example.org." {
				t.Fatalf("got %d sites", len(sites))
			}
		})
	}
}

// A tree as deep as its input must not cost the stack.
func TestDeepBraces(t *testing.T) {
	d := caddyfile.NewDispenser("Corefile", strings.NewReader(strings.Repeat("a {\n", 100_000)))
	_, err := corefile.New(health.Check).Add(&d, origins("example.org."))
	wantError(t, err, "Corefile:3 - Error during parsing: unexpected '{' after 'a': a property has no block; is a '}' missing above?")
}

func TestEmptyBlocks(t *testing.T) {
	for _, in := range []string{"cdnredirect", "cdnredirect example.org", "cdnredirect { }", "cdnredirect {\n}\n", "cdnredirect {\n class web {\n }\n}"} {
		block, sites, err := load(in)
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if len(sites) != 0 || len(block.Zones) != 1 || block.NS != nil {
			t.Errorf("%q: got %v and %d sites", in, block, len(sites))
		}
	}
}
