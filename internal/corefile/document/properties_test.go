package document_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// known returns the words that internal/corefile says it knows in the place of one that
// it does not.
func known(t *testing.T, kind site.ObjectKind, line string) []string {
	t.Helper()
	err := corefile.CheckLine(kind, strings.Fields(line))
	if err == nil {
		t.Fatalf("Expected '%s' to be refused", line)
	}
	_, list, found := strings.Cut(err.Error(), "': ")
	list = strings.TrimSuffix(strings.TrimSuffix(list, " are known"), " is known")
	if !found || list == "" {
		t.Fatalf("Expected what is known instead of '%s', got %v", line, err)
	}
	return strings.Split(list, ", ")
}

// tags returns those of the fields of a struct, and of structs in it that are on the same
// line.
func tags(t reflect.Type, tag string) (all []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if value, found := f.Tag.Lookup(tag); found {
			all = append(all, value)
		}
		if f.Anonymous {
			all = append(all, tags(f.Type, tag)...)
		}
	}
	return all
}

// TestDocumentsHaveAllProperties fails when internal/corefile knows a property that no
// document has, or a document has one that it does not know.
func TestDocumentsHaveAllProperties(t *testing.T) {
	for _, kind := range site.ObjectKinds() {
		doc, err := document.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		got := tags(reflect.TypeOf(doc).Elem(), "line")
		got = slices.DeleteFunc(got, func(tag string) bool { // what is of lines
			return slices.Contains([]string{".", "...", "class", "site", "soft"}, tag)
		})
		want := slices.DeleteFunc(known(t, kind, "nonsense"), func(p string) bool { return p == "deploy" }) // of a Corefile alone
		if kind == site.ObjectOrigin || kind == site.ObjectCDN {
			want = append(want, string(kind)) // the head
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("Expected a %s to have the properties %q, got %q", kind, want, got)
		}
	}
}

// TestDocumentsHaveAllKindsAndOptions fails when a line of theirs may have a word that
// documents do not have.
func TestDocumentsHaveAllKindsAndOptions(t *testing.T) {
	class := site.ObjectClass
	has := func(what string, of any, field, tag string, want []string) {
		t.Helper()
		f, found := reflect.TypeOf(of).FieldByName(field)
		if !found {
			t.Fatalf("Expected a field %s", field)
		}
		got := strings.Split(f.Tag.Get(tag), ",")
		for _, word := range want {
			if !slices.Contains(got, word) {
				t.Errorf("Expected %s to know '%s', got %q", what, word, got)
			}
		}
	}
	probes := known(t, class, "probe nonsense x")
	has("probes", document.Probe{}, "Kind", "enum", probes)
	for _, kind := range probes {
		takes(t, reflect.TypeFor[document.Probe](), known(t, class, "probe "+kind+" x"+strings.Repeat(" x", strings.Count(kind, "dns"))+" nonsense x"))
	}
	feeds := known(t, class, "feed load nonsense x")
	has("feeds", document.Feed{}, "Kind", "enum", append(feeds, "map", "fci"))
	for _, kind := range feeds {
		line := map[string]string{"snmp": "feed used_bandwidth snmp x ifindex 1", "redirector": "feed requests redirector", "prometheus": "feed load prometheus http://x/ x", "file": "feed load file /x x", "push": "feed load push x"}[kind]
		if line == "" {
			line = "feed load " + kind + " http://x/ x"
		}
		takes(t, reflect.TypeFor[document.Feed](), known(t, class, line+" nonsense x"))
	}
	for _, name := range site.Maps() {
		takes(t, reflect.TypeFor[document.Feed](), known(t, class, "feed map "+name+" http://x/ nonsense x"))
	}
	takes(t, reflect.TypeFor[document.Feed](), known(t, class, "feed fci http://x/ nonsense x"))
	for _, level := range []string{"resolve", "tls", "probe"} {
		takes(t, reflect.TypeFor[document.Ready](), known(t, class, "ready "+level+" nonsense x"))
	}
	for _, c := range []struct {
		of   any
		line string
	}{
		{document.CDNUse{}, "cdn a b nonsense x"}, {document.OriginUse{}, "origin a nonsense x"}, {document.Damping{}, "damping nonsense 1"},
		{document.TTL{}, "ttl 1s nonsense x"}, {document.NoData{}, "no_data origin nonsense x"}, {document.Redirect{}, "redirect a nonsense x"},
		{document.Answer{}, "answer switch nonsense"}, {document.Answer{}, "answer address nonsense"},
	} {
		takes(t, reflect.TypeOf(c.of), known(t, class, c.line))
	}
	threshold := slices.DeleteFunc(known(t, class, "threshold load 1 nonsense x"), func(word string) bool { return word == "after" })
	takes(t, reflect.TypeFor[document.Threshold](), threshold) // after is of no_data
	has("thresholds", document.Threshold{}, "Statistic", "enum", known(t, class, "threshold load nonsense 1"))
	has("ready", document.Ready{}, "Level", "enum", known(t, class, "ready nonsense"))
	has("divert", document.Divert{}, "Mode", "enum", known(t, class, "divert nonsense"))
	has("answer", document.Answer{}, "Form", "enum", known(t, class, "answer nonsense"))
	has("no_data", document.NoData{}, "Action", "enum", known(t, class, "no_data nonsense"))
	has("methods", document.Probe{}, "Method", "enum", known(t, class, "probe http http://x/ method nonsense"))
	has("dns", document.RedirectDNS{}, "Answer", "enum", known(t, class, "redirect a dns nonsense"))
	has("operated", document.Origin{}, "Operated", "enum", known(t, site.ObjectOrigin, "operated nonsense"))
}

func takes(t *testing.T, of reflect.Type, words []string) {
	t.Helper()
	has := tags(of, "line")
	for _, word := range words {
		if !slices.Contains(has, word) && !slices.Contains(has, "+"+word) {
			t.Errorf("Expected a field of %s for '%s'", of, word)
		}
	}
}

// TestEveryFieldSaysWhatItIs looks at the tags that the description of the API is made of.
func TestEveryFieldSaysWhatItIs(t *testing.T) {
	seen := make(map[reflect.Type]bool)
	var look func(reflect.Type)
	look = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			look(f.Type)
			tag := func(name string) string { return f.Tag.Get(name) }
			simple := !f.Anonymous && f.Type.Kind() != reflect.Bool && f.Type.String() != "*document."+f.Type.Name() && !strings.Contains(f.Type.String(), "document.")
			switch {
			case f.Anonymous:
			case tag("json") == "" || tag("doc") == "":
				t.Errorf("Expected a name and words of %s.%s", of, f.Name)
			case simple && tag("example") == "":
				t.Errorf("Expected an example of %s.%s", of, f.Name)
			case tag("enum") != "" && tag("example") != "" && !slices.Contains(strings.Split(tag("enum"), ","), tag("example")):
				t.Errorf("Expected the example of %s.%s to be one of %s, got %s", of, f.Name, tag("enum"), tag("example"))
			}
		}
	}
	for _, kind := range site.ObjectKinds() {
		doc, _ := document.New(kind)
		look(reflect.TypeOf(doc))
	}
	if len(seen) < 25 {
		t.Errorf("Expected all structs, got %s", fmt.Sprint(seen))
	}
}
