package corefile_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// blocksOf reads the cdn blocks of a directive.
func blocksOf(t *testing.T, parts ...string) (*corefile.Config, error) {
	t.Helper()
	d := caddyfile.NewDispenser("Corefile", strings.NewReader("cdnredirect {\n"+strings.Join(parts, "")+"}\n"))
	c := corefile.New(health.Check)
	if _, err := c.Add(&d, origins("example.org.")); err != nil {
		return nil, err
	}
	_, err := c.Complete()
	return c, err
}

// TestProvision shows what each property changes.
func TestProvision(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  site.Provision
	}{
		{[]string{"operated own", "deploy nginx /usr/bin/ssh node1 deploy"}, site.Provision{Deploy: &site.Deploy{Kind: site.DeployNginx, Command: []string{"/usr/bin/ssh", "node1", "deploy"}}}},
		{[]string{"operated own", "deploy varnish /usr/local/lib/x"}, site.Provision{Deploy: &site.Deploy{Kind: site.DeployVarnish, Command: []string{"/usr/local/lib/x"}}}},
		{[]string{"webhook https://cdn.example/sites"}, site.Provision{Webhook: &site.Webhook{URL: "https://cdn.example/sites"}}},
		{[]string{"webhook https://cdn.example/sites secret /etc/cdnredirect/secret"}, site.Provision{Webhook: &site.Webhook{URL: "https://cdn.example/sites", Secret: "file:/etc/cdnredirect/secret"}}},
		{[]string{"webhook https://cdn.example/sites secret env:SECRET"}, site.Provision{Webhook: &site.Webhook{URL: "https://cdn.example/sites", Secret: "env:SECRET"}}},
		{[]string{`manual "write {host} and {target} of {name} into a ticket"`}, site.Provision{Manual: "write {host} and {target} of {name} into a ticket"}},
	} {
		c, err := blocksOf(t, cdnBlock("big", test.lines...))
		if err != nil {
			t.Fatal(err)
		}
		block := c.Blocks()["big"]
		if !reflect.DeepEqual(block.Provision, test.want) || block.Watches() || c.CDNs() != nil {
			t.Errorf("%q: Expected %+v of a CDN that is not watched, got %+v, %v", test.lines, test.want, block.Provision, c.CDNs())
		}
		c, err = blocksOf(t, cdnBlock("big", append(test.lines, aProbe)...))
		if err != nil || len(c.CDNs()) != 1 || !reflect.DeepEqual(c.CDNs()[0].Provision, test.want) {
			t.Errorf("%q: Expected a CDN that is watched, too, got %v, %v", test.lines, c, err)
		}
	}
}

// TestProvisionMistakes has the exact text of each.
func TestProvisionMistakes(t *testing.T) {
	const at = "Corefile:3 - Error during parsing: "
	for line, want := range map[string]string{
		"deploy nginx":                             at + "Wrong argument count or unexpected line ending after 'nginx'",
		"deploy apache /bin/x":                     at + "unknown kind of node 'apache': nginx, varnish are known",
		"deploy nginx ssh":                         at + "'ssh' is not an absolute path",
		"deploy nginx /bin/x":                      at + "deploy configures nodes of your own: write 'operated own'",
		"webhook":                                  at + "Wrong argument count or unexpected line ending after 'webhook'",
		"webhook ftp://x.example":                  at + "'ftp://x.example' is not an http:// or https:// URL without user and fragment",
		"webhook https://u:hunter2@x.example":      at + "'https://...@x.example' is not an http:// or https:// URL without user and fragment",
		"webhook https://x.example secret hunter2": at + "the secret stands elsewhere: write the absolute path of a file, or env:NAME",
		"webhook https://x.example secret":         at + "Wrong argument count or unexpected line ending after 'secret'",
		"webhook https://x.example key a":          at + "unknown word 'key': secret is known",
		"manual":                                   at + "Wrong argument count or unexpected line ending after 'manual'",
		`manual ""`:                                at + "invalid text '': write at least one character",
		`manual "ask {origin}"`:                    at + "unknown placeholder in 'ask {origin}': {name}, {host} and {target} are known",
		"manual a\nmanual b":                       "Corefile:4 - Error during parsing: property 'manual' is already given on line 3",
		"manual a\nwebhook https://x.example":      "Corefile:4 - Error during parsing: 'manual' sets up the CDN's side of sites already",
	} {
		if _, err := blocksOf(t, cdnBlock("big", line)); err == nil || err.Error() != want {
			t.Errorf("%s: Expected\n%s\ngot\n%v", line, want, err)
		}
	}
}

// TestCommandsAreNotTheStores: a webhook and people may be named there.
func TestCommandsAreNotTheStores(t *testing.T) {
	_, err := corefile.Objects("draft", cdnBlock("edge", "operated own", "deploy nginx /bin/x"))
	if want := "draft:3 - Error during parsing: deploy is of a Corefile only: commands are for whoever owns the machine to name"; err == nil || err.Error() != want {
		t.Errorf("Expected\n%s\ngot\n%v", want, err)
	}
	c, err := blocksOf(t)
	if err != nil {
		t.Fatal(err)
	}
	o := c.Overlay()
	object := func(name string, revision int64, lines ...string) site.Object {
		return site.Object{Kind: site.ObjectCDN, Name: name, Revision: revision, Text: cdnBlock(name, lines...)}
	}
	refused := o.Apply([]site.Object{object("edge", 1, "operated own", "deploy nginx /bin/x")}).Refused
	if len(refused) != 1 || !strings.Contains(refused[0].Err.Error(), "deploy is of a Corefile only") {
		t.Errorf("Expected a command to be refused, got %v", refused)
	}
	change := o.Apply([]site.Object{object("big", 2, "webhook https://x.example"), object("hand", 2, "manual x")})
	if len(change.Refused) != 0 || o.Blocks()["big"].Provision.Webhook == nil || o.Blocks()["hand"].Provision.Manual != "x" || len(o.CDNs()) != 0 {
		t.Errorf("Expected two CDNs that are not watched, got %+v, %v", change, o.Blocks())
	}
	if change = o.Apply([]site.Object{object("hand", 3, "manual x", "operated own")}); !change.CDNs {
		t.Error("Expected it to be noticed who operates a CDN that is not watched")
	}
	if change = o.Apply([]site.Object{{Kind: site.ObjectCDN, Name: "hand", Revision: 4}}); !change.CDNs || o.Blocks()["hand"] != nil {
		t.Error("Expected it to be gone")
	}
}

// TestBuild makes a site of what is in force, and changes nothing.
func TestBuild(t *testing.T) {
	c, err := blocksOf(t, "class web {\nprobe http http://{origin}/\nthreshold response_time 300ms\ncdn edge {label}.edge.example.net\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	o := c.Overlay()
	s, err := o.Build(site.Object{Kind: site.ObjectSite, Name: "www.example.org", Text: "site www.example.org class web {\norigin 192.0.2.1\n}"})
	if err != nil || s.CDNs[0].Target != "www.edge.example.net." || len(o.Sites()) != 0 {
		t.Errorf("Expected a site that is not in force, got %v, %v", s, err)
	}
	_, err = o.Build(site.Object{Kind: site.ObjectSite, Name: "www.example.org", Text: "site www.example.org class none {\n}"})
	if err == nil || !strings.Contains(err.Error(), "store/site/www.example.org@0:1 - Error during parsing: unknown class 'none'") {
		t.Errorf("Expected the class to be missed, got %v", err)
	}
}

// TestAnOriginAtANode is refused where the nodes are configured for the site: such a node
// would ask itself.
func TestAnOriginAtANode(t *testing.T) {
	edge := cdnBlock("edge", "operated own", "deploy nginx /bin/x", "node a 192.0.2.7", "node b 192.0.2.1", aNodeProbe)
	const why = "the address '192.0.2.1' of an origin is that of node 'b' of cdn 'edge' at Corefile:2, which would ask itself for the site"
	of := "site www.example.org {\n" + strings.Join(needed, "\n") + "\n}\n"
	_, _, err := readCDNs(edge, of)
	wantError(t, err, "Corefile:9"+parsing+why)
	if _, _, err := readCDNs(edge, strings.ReplaceAll(of, "cdn edge", "cdn other")); err != nil {
		t.Errorf("Expected a site without that CDN to be taken, got %v", err)
	}
	if _, _, err := readCDNs(strings.ReplaceAll(edge, "deploy nginx /bin/x", ""), of); err != nil {
		t.Errorf("Expected nodes that nobody configures to be taken, got %v", err)
	}

	f := follow(t, "cdnredirect {\n"+edge+"}\n")
	f.bad([]string{"site/www.example.org@1: store/site/www.example.org@1:1" + parsing + why}, strings.TrimSpace(of))
	f.good(strings.Replace(strings.TrimSpace(of), "192.0.2.1", "192.0.2.10", 1))
}
