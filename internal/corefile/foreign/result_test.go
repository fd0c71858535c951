package foreign_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

// wrongWords are no ends of a line, and what is said of them.
var wrongWords = []struct{ words, want string }{
	{"tcp", "write two words at least"},
	{" ", "write two words at least"},
	{"tcp {origin}:80\nsite a", "that is not one line of text"},
	{"tcp \xff", "that is not one line of text"},
	{"tcp {$HOST}", "environment variables are replaced in a Corefile only"},
	{"tcp {%HOST%}", "environment variables are replaced in a Corefile only"},
	{`tcp "a`, "a quotation mark is not closed"},
	{`tcp "a\"`, "a quotation mark is not closed"},
	{"tcp {", "unexpected '{'"},
	{`tcp "}"`, `unexpected '"}"'`},
	{"tcp a # b", "unexpected '#'"},
}

func TestOptions(t *testing.T) {
	for _, tc := range wrongWords {
		for name, o := range map[string]foreign.Options{"cdn": {CDN: tc.words}, "probe": {Probe: tc.words}} {
			want := fmt.Sprintf("--%s '%s': %s", name, tc.words, tc.want)
			if _, err := foreign.Gdnsd(texts{"config": ""}, "config", nil, o); err == nil || err.Error() != want {
				t.Errorf("Expected %q, got %q", want, err)
			}
		}
	}
	for _, words := range []string{"tcp {origin}:80", ` tcp  {origin}:25 expect "220 " `, `a "b\"c" d#e`} {
		if _, err := foreign.Gdnsd(texts{"config": ""}, "config", nil, foreign.Options{Probe: words}); err != nil {
			t.Errorf("Expected %q to be words, got %v", words, err)
		}
	}
}

// TestComplete tells what was lost from what is as good where it is.
func TestComplete(t *testing.T) {
	for text, want := range map[string]bool{"": true, "options => { listen => any }": true, "other => { }": false} {
		r, err := foreign.Gdnsd(texts{"config": text}, "config", nil, foreign.Options{})
		if err != nil || r.Complete() != want {
			t.Errorf("%q: Expected complete %t, got %t, %v", text, want, r.Complete(), err)
		}
	}
}

// TestNotesStayOnTheirLine has what they quote not end a comment.
func TestNotesStayOnTheirLine(t *testing.T) {
	r, err := foreign.Gdnsd(texts{"config": "\"a\nsite b\xff\x00\" = { }"}, "config", nil, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r.Text(), "# config:1: 'a?site b??' is not known\n")
	checkObjects(t, r)
}

// TestLongBlocks notes a block that no store would take.
func TestLongBlocks(t *testing.T) {
	var list strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&list, " 192.0.%d.%d", i/250, i%250+1)
	}
	r, err := foreign.Gdnsd(texts{"config": web + "plugins => { multifo => { up_thresh => 0.0001 service_types => web r => [" + list.String() + " ] } }", "example.org": www("multifo!r")}, "config", []string{"example.org"}, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	far := "plugins => { multifo => { up_thresh => 0.0001 service_types => web r => [" + list.String() + " ] } metafo => { resources => { m => { datacenters => [ a b ] dcmap => { a => %multifo!r b => { service_types => web x => 192.0.2.1 } } } } } }"
	other, err := foreign.Gdnsd(texts{"config": web + far, "example.org": www("metafo!m")}, "config", []string{"example.org"}, foreign.Options{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, other.Text(), "# config:2: origin 'r' would be a block of 72932 bytes, and 65536 are possible\n# example.org:1: metafo!m was not taken, see config:2\n")
	expect(t, r.Text(), "# config:2: class 'r' would be a block of 73106 bytes, and 65536 are possible\n# example.org:1: multifo!r was not taken, see config:2\n")
}
