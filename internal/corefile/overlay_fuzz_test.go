package corefile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// FuzzObjects splits any text, and applies what comes of it. What was split reads
// back, and what was applied goes away without a trace.
func FuzzObjects(f *testing.F) {
	for _, tc := range objectErrors {
		f.Add(tc.in)
	}
	for _, tc := range overlayErrors {
		f.Add(strings.Join(tc.texts, "\n"))
	}
	_, blocks, _ := strings.Cut(together, "origin fra")
	f.Add("origin fra" + blocks[:strings.LastIndex(blocks, "}")])
	for _, lines := range slices.Concat(classLines, siteLines) {
		f.Add("class shop {\n" + lines + "}\n" + ofWeb("a.example.org b.example.org", lines) + "\n" + ofWeb("k1.example.org", lines))
	}
	config := complete(f, below)
	f.Fuzz(func(t *testing.T, in string) {
		objects, err := corefile.Objects("file", in)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "file:") || !strings.Contains(err.Error(), parsing) {
				t.Fatalf("an error without place: %v", err)
			}
			return
		}
		for i, o := range objects {
			again, err := corefile.Objects("again", o.Text)
			if err != nil || len(again) != 1 || again[0] != o {
				t.Fatalf("Expected %+v to read back, got %+v, %v", o, again, err)
			}
			objects[i].Revision, objects[i].Adopted = int64(i+1), i%2 == 0
		}
		applyAll(t, config, objects)
	})
}

func applyAll(t *testing.T, config *corefile.Config, objects []site.Object) {
	o := config.Overlay()
	before := state(o)
	would := o.Check(objects)
	refused := o.Apply(objects).Refused
	if !slices.Equal(refusals(would), refusals(refused)) {
		t.Fatalf("Expected what Check said: %q, got %q", refusals(would), refusals(refused))
	}
	for _, r := range refused {
		if !strings.Contains(r.Err.Error(), parsing) {
			t.Fatalf("an error without place: %v", r.Err)
		}
	}
	if err := site.ValidateSet(o.Sites()); err != nil {
		t.Fatal(err)
	}
	for _, s := range o.Sites() {
		if err := s.Validate(); err != nil {
			t.Fatalf("in force, but %v", err)
		}
	}
	removeAll(t, o, before)
}

// removeAll removes all objects, after which an overlay is what it was without.
func removeAll(t interface{ Fatalf(string, ...any) }, o *corefile.Overlay, before []any) {
	var removals []site.Object
	for _, obj := range append(o.Objects(), o.Waiting()...) {
		removals = append(removals, site.Object{Kind: obj.Kind, Name: obj.Name, Revision: 1 << 40})
	}
	o.Apply(removals)
	if after := state(o); len(refusals(o.Refused())) > 0 || !sameState(before, after) {
		t.Fatalf("Expected nothing to be left, got %v, refused %q", names(o), refusals(o.Refused()))
	}
}
