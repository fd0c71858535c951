package corefile_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// below is a Corefile that the store's objects use and clash with.
const below = `cdnredirect {
    ns ns1.example.org
    download 1Mbit
    class web {
        origin 192.0.2.1
        cdn edge {name}.edge.example.net
        probe http http://{origin}/
        threshold response_time 300ms
    }
    origin core {
        address 192.0.2.9
    }
    cdn tier {
        probe http http://probe.tier.example/
        feed load json https://tier.example/{service} load
    }
    site k1.example.org k1b.example.org class web
    site k2.example.org class web {
        cdn edge k1.example.org
        cdn tier k2.tier.example service s0
    }
    site *.w.example.org class web {
        host w.example.org
        cdn edge w.example.net
    }
}`

// classLines, originLines and so on are what the blocks of the store say, good and
// bad.
var (
	classLines = []string{
		full[len("class web {"):strings.LastIndex(full, "}")], "origin core\ncdn edge {label}.e.example.net\nprobe http http://{origin}/\nthreshold response_time 200ms\n",
		"origin fra\ncdn edge {label}.e.example.net\nprobe http http://{origin}/\nthreshold response_time 200ms\n",
		"cdn edge {label}.e.example.net\nprobe http http://{origin}/\nthreshold response_time 200ms\n", // its sites need an origin
		"origin 192.0.2.1\ncdn edge s1.example.org\nprobe http http://{origin}/\nthreshold response_time 200ms\n",
		"enter 0\n", "foo bar\n",
	}
	originLines = []string{"address 192.0.2.10\n", "address 192.0.2.11 192.0.2.12\n", "address\n", "foo\n"}
	cdnLines    = []string{
		"probe http http://s1.example.net/\n", "probe http http://s2.example.org/\n", "operated own\ndns z.example.org\nnode n 192.0.2.1\nprobe http http://{node}/\n",
		"operated own\ndns y.example.org\nnode n 192.0.2.1\nprobe http http://{node}/\n", "operated own\ndns a.z.example.org\nnode n 192.0.2.1\nprobe http http://{node}/\n",
		"probe http http://big.example/\nfeed load json https://big.example/{service} load\n", "probe download http://big.example/ size 1MiB every 20s\nthreshold available_bandwidth 1Mbit\n", "foo\n",
	}
	siteLines = []string{
		"", "", "origin fra\n", "origin core\n", "origin ams\n", "origin 192.0.2.77\n", "enter 0\n", "cdn edge s1.example.org\n", "cdn edge s2.example.org\n", "cdn edge s3.example.org\n", "cdn edge t.w.example.org\n",
		"cdn big big.example.net\n", "cdn big {label}.z.example.org\n", "cdn big x.y.example.org\n", "cdn big b.example.net service 1\n", "cdn tier t.tier.example service s1\n", "cdn tier t.tier.example\n",
		"answer cname o.example.org\n", "answer cname s2.example.org\n", "answer cname k1b.example.org\n", "redirect o.example.net\n", "redirect s1.example.org\n", "host h.example.org\nredirect p.example.net\n",
		"probe download http://{origin}/ size 1MiB every 15s\nthreshold available_bandwidth 1Mbit\n", "cdn edge {name}.x.example.net\nttl 5s\n", "foo\n", "{\n", "import x\n",
	}
	siteHeads = []string{"", "", "", " alias.example.org", " k1b.example.org", " x.z.example.org", " ns1.example.org", " www.example.com", " *.s.example.org", " t.w.example.org"}
	classes   = []string{"", " class web", " class web", " class web", " class c1", " class c1", " class c2"}
)

func one(t *rapid.T, what string, of []string) string { return rapid.SampledFrom(of).Draw(t, what) }

// drawObject draws an object, good or bad; an empty text removes it.
func drawObject(t *rapid.T, revision int64) site.Object {
	o := site.Object{Kind: rapid.SampledFrom([]site.ObjectKind{"class", "origin", "cdn", "site", "site", "site", "site"}).Draw(t, "kind"), Revision: revision}
	names := map[site.ObjectKind][]string{"class": {"c1", "c1", "c2", "web"}, "origin": {"fra", "ams", "core"}, "cdn": {"big", "big", "edge", "tier"},
		"site": {"s1.example.org", "s2.example.org", "s3.example.org", "s4.example.org", "k1.example.org", "k2.example.org", "y.example.org"}}
	lines := map[site.ObjectKind][]string{"class": classLines, "origin": originLines, "cdn": cdnLines, "site": siteLines}
	o.Name = one(t, "name", names[o.Kind])
	if rapid.IntRange(0, 5).Draw(t, "removed") == 0 {
		return o
	}
	head := o.Name
	if o.Kind == "site" {
		o.Adopted = rapid.Bool().Draw(t, "adopted")
		head += one(t, "names", siteHeads) + one(t, "class", classes)
	}
	body := one(t, "lines", lines[o.Kind])
	if o.Kind == "site" && rapid.IntRange(0, 3).Draw(t, "two") == 0 {
		body += one(t, "more", siteLines)
	}
	o.Text = fmt.Sprintf("%s %s {\n%s}", o.Kind, head, body)
	return o
}

type objectKey struct {
	kind site.ObjectKind
	name string
}

// told is what somebody knows who follows an overlay.
type told struct {
	o     *corefile.Overlay
	sites map[string]*site.Site
	bad   map[objectKey]bool
	all   map[objectKey]site.Object
}

// TestOverlay applies objects, good and bad, in any order.
func TestOverlay(t *testing.T) {
	config := complete(t, below)
	rapid.Check(t, func(t *rapid.T) {
		f := &told{o: config.Overlay(), sites: map[string]*site.Site{}, bad: map[objectKey]bool{}, all: map[objectKey]site.Object{}}
		f.replay(corefile.Change{Put: f.o.Sites()})
		before, revision := state(f.o), int64(0)
		for range rapid.IntRange(1, 8).Draw(t, "applies") {
			var objects []site.Object
			for range rapid.IntRange(1, 6).Draw(t, "objects") {
				revision++
				objects = append(objects, drawObject(t, revision))
			}
			f.apply(t, objects)
		}
		f.compare(t, config)
		if f.o.StaleSites() < 2 {
			f.restart(t, config)
		}
		removeAll(t, f.o, before)
	})
}

func (f *told) apply(t *rapid.T, objects []site.Object) {
	was := state(f.o)
	would := f.o.Check(objects)
	if now := state(f.o); !sameState(was, now) {
		t.Fatalf("Expected Check to change nothing, got %v after %v", now, was)
	}
	change := f.o.Apply(objects)
	if !reflect.DeepEqual(refusals(would), refusals(change.Refused)) {
		t.Fatalf("Expected what Check said, got %v instead of %v", refusals(change.Refused), refusals(would))
	}
	for _, o := range objects {
		f.all[objectKey{o.Kind, o.Name}] = o
	}
	for _, r := range f.o.Refused() {
		f.bad[objectKey{r.Kind, r.Name}] = true
	}
	f.replay(change)
	got := map[string]*site.Site{}
	for _, s := range f.o.Sites() {
		got[s.Name()] = s
	}
	if !reflect.DeepEqual(got, f.sites) || len(got) != len(f.o.Sites()) {
		t.Fatalf("Expected Put and Removed to say everything, got %v, not %v", got, f.sites)
	}
	if err := site.ValidateSet(f.o.Sites()); err != nil {
		t.Fatalf("Expected what is in force to go together: %v", err)
	}
	if err := site.ValidateDownloads(observed(f.o), 1e6); err != nil {
		t.Fatal(err)
	}
}

func observed(o *corefile.Overlay) []*site.Site {
	all := o.Sites()
	for _, c := range o.CDNs() {
		all = append(all, c.Watch)
	}
	return all
}

func (f *told) replay(change corefile.Change) {
	for _, name := range change.Removed {
		delete(f.sites, name)
	}
	for _, s := range change.Put {
		f.sites[s.Name()] = s
	}
}

// state is all that an overlay says.
func state(o *corefile.Overlay) []any {
	return []any{o.Sites(), o.CDNs(), refusals(o.Refused()), o.Shadowed(), objectsOf(o), o.Waiting()}
}

// sameState compares what two overlays say.
func sameState(a, b []any) bool { return reflect.DeepEqual(a, b) }

func refusals(all []corefile.Refusal) []string {
	var texts []string
	for _, r := range all {
		texts = append(texts, fmt.Sprintf("%s/%s@%d: %v", r.Kind, r.Name, r.Revision, r.Err))
	}
	return texts
}

// compare has one Apply of the last texts of what was never bad say the same of it.
func (f *told) compare(t *rapid.T, config *corefile.Config) {
	var objects []site.Object
	for k, o := range f.all {
		if !f.bad[k] {
			objects = append(objects, o)
		}
	}
	other := config.Overlay()
	other.Apply(objects)
	refused := map[string]bool{}
	for _, r := range other.Refused() {
		if len(f.bad) == 0 {
			t.Fatalf("Expected nothing refused that never was: %v", refusals(other.Refused()))
		}
		refused[r.Name+"."] = true
	}
	want := map[string]*site.Site{}
	for _, s := range other.Sites() {
		want[s.Name()] = s
	}
	if len(f.bad) == 0 && len(want) != len(f.sites) {
		t.Fatalf("Expected as many sites, got %v and %v", want, f.sites)
	}
	for _, o := range objects {
		name := o.Name + "."
		if o.Kind == "site" && !refused[name] && !f.usesBad(name) && !reflect.DeepEqual(want[name], f.sites[name]) {
			t.Fatalf("Expected the same of %s:\n%+v\n%+v", o.Name, want[name], f.sites[name])
		}
	}
}

// usesBad reports whether a site has a CDN that was bad once.
func (f *told) usesBad(name string) bool {
	s := f.sites[name]
	return s != nil && slices.ContainsFunc(s.CDNs, func(c site.CDN) bool { return f.bad[objectKey{"cdn", c.Name}] })
}

// restart has an overlay that begins with what is in force serve the same.
func (f *told) restart(t *rapid.T, config *corefile.Config) {
	other := config.Overlay()
	other.Apply(f.o.Objects())
	other.Apply(f.o.Waiting())
	got, want := names(other), names(f.o)
	if !slices.Equal(got, want) {
		t.Fatalf("Expected the same sites after a restart, got %q, not %q\nobjects %v\nwaiting %v\nrefused %q", got, want, f.o.Objects(), f.o.Waiting(), refusals(other.Refused()))
	}
	for i, s := range other.Sites() {
		if !reflect.DeepEqual(s, f.o.Sites()[i]) {
			t.Fatalf("Expected the same of %s after a restart:\n%+v\n%+v\nobjects %+v\nwaiting %+v\nrefused %q", s.Name(), s, f.o.Sites()[i], f.o.Objects(), f.o.Waiting(), refusals(f.o.Refused()))
		}
	}
}

func names(o *corefile.Overlay) []string {
	var all []string
	for _, s := range o.Sites() {
		all = append(all, s.Name())
	}
	return all
}
