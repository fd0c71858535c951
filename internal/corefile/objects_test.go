package corefile_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestObjects has each object keep its own lines as they were written.
func TestObjects(t *testing.T) {
	const text = "\ufeff# of nobody\n\n  class web { # of the class\n\tttl 30s # said\n\n    # inside\n    }   # behind\norigin fra { address 192.0.2.1 }\r\ncdn big {\n}\n" +
		"site WWW.Example.org. shop.example.org class web\nsite \"a\nb.example.org\" class web {\n https \"alpn=h2\n\"\n}\n# the end"
	objects, err := corefile.Objects("file", text)
	want := []site.Object{
		{Kind: "class", Name: "web", Text: "  class web { # of the class\n\tttl 30s # said\n\n    # inside\n    }   # behind"},
		{Kind: "origin", Name: "fra", Text: "origin fra { address 192.0.2.1 }\r"},
		{Kind: "cdn", Name: "big", Text: "cdn big {\n}"},
		{Kind: "site", Name: "www.example.org", Text: "site WWW.Example.org. shop.example.org class web"},
		{Kind: "site", Name: `a\010b.example.org`, Text: "site \"a\nb.example.org\" class web {\n https \"alpn=h2\n\"\n}"},
	}
	if err != nil || !reflect.DeepEqual(objects, want) {
		t.Errorf("got %v\n%+v\nwant\n%+v", err, objects, want)
	}
	for _, text := range []string{"", "\n", "# nothing", " \n\t"} {
		if objects, err := corefile.Objects("file", text); err != nil || len(objects) != 0 {
			t.Errorf("%q: Expected nothing, got %v, %v", text, objects, err)
		}
	}
}

// objectErrors are the rules of a text of objects.
var objectErrors = []struct{ name, in, want string }{
	{"another block", "seed a", "1 - Error during parsing: unknown block 'seed': class, origin, cdn, site are known"},
	{"directive", "cdnredirect {\n}", "1 - Error during parsing: unknown block 'cdnredirect': class, origin, cdn, site are known"},
	{"property", "class web {\n}\nttl 5s", "3 - Error during parsing: unknown block 'ttl': class, origin, cdn, site are known"},
	{"import", "\nimport sites.conf", "2 - Error during parsing: import is of a Corefile only: write the lines themselves"},
	{"import in a block", "site a.example.org {\n ttl 5s\n import common\n}", "3 - Error during parsing: import is of a Corefile only: write the lines themselves"},
	{"environment variable", "class web {\n origin {$ORIGIN}\n}", "2 - Error during parsing: '{$ORIGIN}' is replaced in a Corefile only: write what it stands for, or env:NAME where a secret may stand"},
	{"environment variable of Windows", "class web {\n host a.{%HOST%}.b\n}", "2 - Error during parsing: '{%HOST%}' is replaced in a Corefile only: write what it stands for, or env:NAME where a secret may stand"},
	{"environment variable in a name", "site {$NAME}", "1 - Error during parsing: '{$NAME}' is replaced in a Corefile only: write what it stands for, or env:NAME where a secret may stand"},
	{"twice", "class web {\n}\norigin web {\n}\nclass web {\n}", "5 - Error during parsing: class 'web' is already defined on line 1"},
	{"site twice", "site a.example.org\nsite A.example.org. b.example.org", "2 - Error during parsing: site 'a.example.org' is already defined on line 1"},
	{"on one line", "class web {\n} origin fra {\n}", "2 - Error during parsing: unexpected 'origin' behind '}': begin a new line"},
	{"on one line without braces", "site a.example.org class web { } site b.example.org", "1 - Error during parsing: unexpected 'site' behind '}': begin a new line"},
	{"no name", "class {\n}", "1 - Error during parsing: Wrong argument count or unexpected line ending after 'class'"},
	{"two names", "origin fra ams {\n}", "1 - Error during parsing: Wrong argument count or unexpected line ending after 'ams'"},
	{"empty name", "cdn \"\" {\n}", "1 - Error during parsing: invalid name '' of a cdn: write a word"},
	{"no block", "class web", "1 - Error during parsing: '{' is missing at the end of the line 'class web'"},
	{"site without a name", "site class web", "1 - Error during parsing: Wrong argument count or unexpected line ending after 'site'"},
	{"site of no name", "site a..b", "1 - Error during parsing: 'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"not closed", "class web {\n ttl 5s\n", "1 - Error during parsing: the block that 'class web' opens here is not closed: '}' is missing"},
	{"stray brace", "class web {\n}\n}\n", "3 - Error during parsing: unexpected '}': no block is open"},
	{"brace forgotten", "class web {\n ttl 5s\nclass b {\n}\n", "3 - Error during parsing: unexpected '{' after 'class b': a property has no block; is a '}' missing above?"},
	{"quotation mark", "class web {\n}\nsite a.example.org class \"web\n", "3 - Error during parsing: a quotation mark is not closed"},
	{"quotation mark in a block", "class web {\n host \"a\n}\n", "1 - Error during parsing: the block that 'class web' opens here is not closed: '}' is missing"},
	{"quotation mark alone", "\n\"", "2 - Error during parsing: a quotation mark is not closed"},
	{"NUL", "class web {\n}\n#\x00", "3 - Error during parsing: a character is NUL, or is not UTF-8"},
	{"not UTF-8", "# \ufffd\nclass web {\n host \xff\n}", "3 - Error during parsing: a character is NUL, or is not UTF-8"},
	{"too long", "\nclass web {\n #" + strings.Repeat("a", 64<<10) + "\n}", "2 - Error during parsing: a block of 65552 bytes is longer than 65536"},
}

func TestObjectErrors(t *testing.T) {
	for _, tc := range objectErrors {
		t.Run(tc.name, func(t *testing.T) {
			_, err := corefile.Objects("file", tc.in)
			wantError(t, err, "file:"+tc.want)
		})
	}
	if _, err := corefile.Objects("file", "class web {\n#"+strings.Repeat("a", 64<<10-len("class web {\n#\n}"))+"\n}"); err != nil {
		t.Errorf("Expected the longest block to be taken: %v", err)
	}
}

// TestAdopted has sites of a Corefile read back to themselves, wherever they were
// written.
func TestAdopted(t *testing.T) {
	t.Setenv("CDNREDIRECT_TEST_ORIGIN", "192.0.2.77")
	folder := t.TempDir()
	write(t, folder, "sites.conf", "site a.example.org b.example.org {\n import lines.conf\n threshold response_time 1s\n}\n")
	write(t, folder, "lines.conf", "origin {$CDNREDIRECT_TEST_ORIGIN}\ncdn edge \"{label}.example.net\"\nprobe http http://{origin}/ header X \"a \\\"b\\\" #c\" match \"a b\\d\"\n")
	c := configOf(t, folder+"/Corefile", "example.org {\n cdnredirect {\n import sites.conf\n"+full+"\n site www.example.org class web {\n }\n site WWW2.example.org class web\n }\n}\n"+
		"example.net {\n cdnredirect {\n site w.sub.example.net class web\n }\n}\nsub.example.net {\n cdnredirect\n}\n")
	for name, text := range map[string]string{
		"a.example.org":     "site a.example.org b.example.org {\n    origin 192.0.2.77\n    cdn edge {label}.example.net\n    probe http http://{origin}/ header X \"a \\\"b\\\" #c\" match \"a b\\d\"\n    threshold response_time 1s\n}",
		"www.example.org.":  "site www.example.org class web {\n}",
		"www2.example.org":  "site WWW2.example.org class web",
		"w.sub.example.net": "site w.sub.example.net class web",
	} {
		o, ok := c.Object(name)
		if want := (site.Object{Kind: "site", Name: strings.TrimSuffix(name, "."), Text: text, Adopted: true}); !ok || o != want {
			t.Errorf("%s: got %v\n%+v\nwant\n%+v", name, ok, o, want)
		}
		overlay := c.Overlay()
		before := siteOf(overlay, o.Name)
		if change := overlay.Apply([]site.Object{o}); len(change.Put) != 1 || len(change.Refused) > 0 {
			t.Fatalf("%s: Expected it to be taken, got %+v", name, change)
		}
		after := *siteOf(overlay, o.Name)
		if after.Place = before.Place; !reflect.DeepEqual(&after, before) {
			t.Errorf("%s: Expected the same site, got\n%+v\nwant\n%+v", name, after, *before)
		}
	}
	if _, ok := c.Object("b.example.org"); ok {
		t.Error("Expected a site by its first name only")
	}
}

// Some words come from the environment that no text can hold.
func TestWhatCannotBeAdopted(t *testing.T) {
	for _, word := range []string{`a \"`, `a\"b `, "{%HOME%}", "a \xff", `a b\`} {
		t.Setenv("CDNREDIRECT_TEST_WORD", word)
		c := configOf(t, "Corefile", "example.org {\n cdnredirect {\n"+full+"\n site a.example.org class web {\n probe http http://{origin}/ header X {$CDNREDIRECT_TEST_WORD}\n }\n }\n}")
		if o, ok := c.Object("a.example.org"); ok {
			t.Errorf("%q: Expected no object, got %+v", word, o)
		}
	}
}

// siteOf is the site in force of a name; nil: there is none.
func siteOf(o *corefile.Overlay, name string) *site.Site {
	for _, s := range o.Sites() {
		if s.Name() == name+"." {
			return s
		}
	}
	return nil
}
