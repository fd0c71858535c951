package corefile_test

import (
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
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
	all := []string{"cdnredirect {\n" + parent + "\n site www.example.org class web\n}", together}
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

// together is a directive with all that sites and the process may have at once.
const together = `cdnredirect {
    ns ns1.example.net ns2.example.net
    resolver 192.0.2.53 [2001:db8::53]:5353
    ecs 192.0.2.53 2001:db8:53::/48
    seed correct-horse
    class late {
        origin next
        cdn big {label}.big.example.net priority 1 weight 3
        cdn small {label}.small.example.net priority 1 weight 1
        cdn last {label}.last.example.net priority 2
        probe http http://{origin}/
        threshold response_time 300ms
        divert fixed 30%
    }
    site www.example.org class late {
        answer cname {label}.origin.example.org
        https alpn=h2,h3 port=8443
        hides MX TXT TYPE65280
    }
    site example.org class late {
        answer address alias
    }
    site shop.example.org class late {
        answer switch keyed
        hides CAA
    }
    site *.wild.example.org class late {
        host shop.example.org
        answer address
        cdn last last.example.net priority 2
        cdn big big.example.net priority 1 weight 2
        cdn small small.example.net priority 1 weight 1
    }
}`

// TestTogether has the seed of all properties be valid.
func TestTogether(t *testing.T) {
	_, sites, err := load(together)
	if err != nil || len(sites) != 4 {
		t.Errorf("Expected four sites, got %d, %v", len(sites), err)
	}
}

// checkLoad adds each text as a server block.
func checkLoad(t *testing.T, blocks ...string) {
	c := corefile.New(health.Check)
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
		if s.Place == "" || len(s.Paths()) == 0 && !s.Origins[0].Next {
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
