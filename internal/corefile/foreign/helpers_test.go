package foreign_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"
	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// texts are files in memory, by path.
type texts map[string]string

// Read implements foreign.Files.
func (f texts) Read(name string) (string, error) {
	text, found := f[name]
	if !found {
		return "", fmt.Errorf("there is no such file")
	}
	return text, nil
}

// Match implements foreign.Files.
func (f texts) Match(name string) (found []string, err error) {
	for file := range f {
		if ok, _ := path.Match(name, file); ok || path.Dir(file) == name {
			found = append(found, file)
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		err = fmt.Errorf("there is no such file")
	}
	return found, err
}

// fataler is a test of Go or of rapid.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkObjects fails unless corefile reads the text of a result as its objects.
func checkObjects(t fataler, r foreign.Result) {
	t.Helper()
	objects, err := corefile.Objects("imported", r.Text())
	if err != nil {
		t.Fatalf("Expected text that can be read, got %v\n%s", err, r.Text())
	}
	if !slices.EqualFunc(objects, r.Objects, func(a, b site.Object) bool { return a == b }) {
		t.Fatalf("Expected these objects:\n%+v\ngot:\n%+v", r.Objects, objects)
	}
}

// load reads a result as a server of these zones would.
func load(r foreign.Result, zones ...string) ([]*site.Site, error) {
	d := caddyfile.NewDispenser("Corefile", strings.NewReader("cdnredirect "+strings.Join(zones, " ")+" {\n"+r.Text()+"}"))
	c := corefile.New(health.Check)
	if _, err := c.Add(&d, func(args []string) []string {
		for i := range args {
			args[i] = dns.CanonicalName(args[i])
		}
		return args
	}); err != nil {
		return nil, err
	}
	return c.Complete()
}

// expect compares a text with the one that is wanted, which may begin on a new line.
func expect(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("Expected:\n%s\ngot:\n%s", want, got)
	}
}

// usual are the last lines of most classes.
const usual = `    threshold error_ratio 100%
    failback_delay 20s
    damping off
    cdn later later.invalid
    ready none
    divert none
`

var addressBlock = regexp.MustCompile(`\{\n    (address [^\n]*)\n\}\n`)

// brief shortens what most texts have.
func brief(text string) string {
	text = strings.ReplaceAll(text, "    probe tcp {origin}:80 every 10s timeout 5s\n"+usual, "    usual\n")
	text = strings.ReplaceAll(text, usual, "    usual rest\n")
	text = strings.ReplaceAll(text, "    probe tcp {origin}:80 every 10s timeout 5s\n"+strings.Replace(usual, "20s", "0s", 1)+"    ttl 30s\n", "    as usual\n")
	text = strings.ReplaceAll(text, strings.Replace(usual, "20s", "0s", 1)+"    ttl 30s\n", "    as usual rest\n")
	text = strings.ReplaceAll(text, " {\n    ttl 60s min 30s\n}\n", " usual\n")
	text = addressBlock.ReplaceAllString(text, "{ $1 }\n")
	return strings.ReplaceAll(text, "\n\n", "\n")
}
