package corefile_test

import (
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
)

// TestCheckSaysAllThatIsWrong where a Config says the first thing; that this is among
// them, every other test with an error sees to.
func TestCheckSaysAllThatIsWrong(t *testing.T) {
	one := `cdnredirect {
    ns ns1.example.net
    nonsense
    class web {
        ttl 5
        enter x
        ttl 10s
        probe http http://{origin}/
        threshold response_time 300ms
    }
    class good {
        probe http http://{origin}/
        threshold response_time 300ms
        cdn edge edge.example.net
    }
    origin fra {
        address x
    }
    site a.example.org class web {
        origin fra
    }
    site b.example.org class good {
        origin fra
        divert all 30%
        warmup
    }
    site c.example.org class good {
        origin fra
    }
    site d.example.org class good {
        origin 192.0.2.1
        threshold response_time 8s
    }
    socket relative
}`
	two := `cdnredirect {
    site e.example.org class none {
        origin 192.0.2.1
    }
    site f.example.org class good {
        origin ams
    }
    site g.example.net class good {
        origin 192.0.2.1
    }
}`
	want := `one:3 - unknown property 'nonsense'
one:5 - invalid duration '5'
one:6 - invalid number 'x'
one:7 - property 'ttl' is already given on line 5
one:17 - 'x' is not an IPv4 or IPv6 address
one:24 - Wrong argument count or unexpected line ending after '30%'
one:25 - Wrong argument count or unexpected line ending after 'warmup'
one:34 - 'relative'
two:8 - site name 'g.example.net.' is outside every served zone
one:32 - limit 8s is not below the timeout
two:2 - unknown class 'none'
two:6 - unknown origin 'ams'`
	_, faults := corefile.Check(health.Check, directiveOf("one", one), directiveOf("two", two))
	lines := strings.Split(want, "\n")
	for i, fault := range faults {
		place, message, _ := strings.Cut(fault.Error(), " - Error during parsing: ")
		if i >= len(lines) {
			t.Errorf("Expected nothing more, got %v", fault)
			continue
		}
		if wantPlace, begin, _ := strings.Cut(lines[i], " - "); place != wantPlace || !strings.Contains(message, begin) {
			t.Errorf("Expected %s, got %v", lines[i], fault)
		}
	}
	if len(faults) < len(lines) {
		t.Errorf("Expected also\n%s", strings.Join(lines[len(faults):], "\n"))
	}
}

func directiveOf(name, text string) corefile.Source {
	d := caddyfile.NewDispenser(name, strings.NewReader(text))
	return corefile.Source{Directive: &d, Zones: origins("example.org.")}
}

func TestCheckReturnsAConfigThatIsComplete(t *testing.T) {
	c, faults := corefile.Check(health.Check, directiveOf("one", siteWith()))
	if faults != nil || len(c.Overlay().Sites()) != 1 {
		t.Errorf("Expected a site, got %v", faults)
	}
	_, faults = corefile.Check(health.Check, directiveOf("one", siteWith()), directiveOf("two", siteWith()))
	if len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), "two:2 - ") {
		t.Errorf("Expected that the site is there already, got %v", faults)
	}
	_, faults = corefile.Check(health.Check, directiveOf("one", "cdnredirect {"), directiveOf("two", "cdnredirect {\nx\n}"))
	if len(faults) != 2 {
		t.Errorf("Expected a fault of each, got %v", faults)
	}
}
