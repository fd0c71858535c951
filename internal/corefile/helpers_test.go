package corefile_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"
	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// origins does what CoreDNS's OriginsFromArgsOrServerBlock does: it drops what
// is no name, and takes the server block's keys where there are no words.
func origins(keys ...string) func([]string) []string {
	return func(args []string) []string {
		if len(args) == 0 {
			args = keys
		}
		var zones []string
		for _, arg := range args {
			if _, ok := dns.IsDomainName(arg); ok {
				zones = append(zones, strings.ToLower(dns.Fqdn(arg)))
			}
		}
		return zones
	}
}

// load reads one directive, in a server block for example.org.
func load(text string) (*corefile.Block, []*site.Site, error) {
	d := caddyfile.NewDispenser("Corefile", strings.NewReader(text))
	c := corefile.New(health.Check)
	block, err := c.Add(&d, origins("example.org."))
	if err != nil {
		return nil, nil, asChecked(text, err)
	}
	sites, err := c.Complete()
	return block, sites, asChecked(text, err)
}

// asChecked returns the error that stops a Config, if Check has it, too.
func asChecked(text string, err error) error {
	d := caddyfile.NewDispenser("Corefile", strings.NewReader(text))
	_, faults := corefile.Check(health.Check, corefile.Source{Directive: &d, Zones: origins("example.org.")})
	same := func(fault error) bool { return err != nil && fault.Error() == err.Error() }
	if (err == nil) != (faults == nil) || err != nil && !slices.ContainsFunc(faults, same) {
		return fmt.Errorf("Check does not say '%w', but %w", err, errors.Join(faults...))
	}
	return err
}

// loadAll reads a whole Corefile.
func loadAll(t *testing.T, name, text string) ([]*corefile.Block, []*site.Site, error) {
	t.Helper()
	c, blocks, err := readAll(t, name, text)
	if err != nil {
		return nil, nil, err
	}
	sites, err := c.Complete()
	return blocks, sites, err
}

// configOf reads a whole Corefile that is good.
func configOf(t *testing.T, name, text string) *corefile.Config {
	t.Helper()
	c, _, err := readAll(t, name, text)
	if err == nil {
		_, err = c.Complete()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readAll reads the blocks of a Corefile.
func readAll(t *testing.T, name, text string) (*corefile.Config, []*corefile.Block, error) {
	t.Helper()
	serverBlocks, err := caddyfile.Parse(name, strings.NewReader(text), nil)
	if err != nil {
		t.Fatalf("caddy does not accept it: %v", err)
	}
	c := corefile.New(health.Check)
	var blocks []*corefile.Block
	for _, sb := range serverBlocks {
		d := caddyfile.NewDispenserTokens(name, sb.Tokens["cdnredirect"])
		block, err := c.Add(&d, origins(sb.Keys...))
		if err != nil {
			return nil, nil, err
		}
		blocks = append(blocks, block)
	}
	return c, blocks, nil
}

// needed are the properties that a site cannot do without.
var needed = []string{
	"origin 192.0.2.1",
	"cdn edge edge.example.net",
	"probe http http://{origin}/",
	"threshold response_time 300ms",
}

// siteWith returns a directive whose lines from the third on are the given
// ones, in a site that has all it needs.
func siteWith(lines ...string) string {
	return "cdnredirect {\n site www.example.org {\n" + strings.Join(completed(lines), "\n") + "\n }\n}\n"
}

// classWith is the same for a class, which no site uses.
func classWith(lines ...string) string {
	return "cdnredirect {\n class web {\n" + strings.Join(lines, "\n") + "\n }\n}\n"
}

// completed adds the needed properties that lines do not give.
func completed(lines []string) []string {
	all := strings.Split(strings.Join(lines, "\n"), "\n")
	for _, line := range needed {
		property, _, _ := strings.Cut(line, " ")
		given := func(l string) bool { return l == property || strings.HasPrefix(l, property+" ") }
		if !slices.ContainsFunc(all, given) {
			lines = append(lines, line)
		}
	}
	return lines
}

// wantError compares a whole error text.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want %s", want)
	}
	if err.Error() != want {
		t.Fatalf("\n got %s\nwant %s", err, want)
	}
}

// objectsOf returns what is in force, in order.
func objectsOf(o *corefile.Overlay) []site.Object {
	return slices.SortedFunc(slices.Values(o.Objects()), func(a, b site.Object) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}
