package provision_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// publisherWith has revision 1 in force, with as many sites.
func publisherWith(t *testing.T, n int) (*provision.Publisher, *overlay) {
	t.Helper()
	o := newOverlay()
	p := provision.NewPublisher(o)
	if out := p.Offer(1, sites("s", n, "good", 1), false); !out.Published || len(out.Change.Put) != n {
		t.Fatalf("The first revision was not published: %+v", out)
	}
	return p, o
}

// TestF24ShrinkGuard has revision 2 remove and add sites.
func TestF24ShrinkGuard(t *testing.T) {
	for _, test := range []struct {
		sites, removed, added, bad int
		left                       int // if it is held
		held                       bool
	}{
		{sites: 0, removed: 3},
		{sites: 1, removed: 1, held: true},
		{sites: 2, removed: 1},
		{sites: 9, removed: 8},
		{sites: 9, removed: 9, held: true},
		{sites: 9, removed: 9, added: 1},
		{sites: 10, removed: 5},
		{sites: 10, removed: 6, left: 4, held: true},
		{sites: 11, removed: 5},
		{sites: 11, removed: 6, left: 5, held: true},
		{sites: 12, removed: 6},
		{sites: 120, removed: 117, left: 3, held: true},
		{sites: 10, removed: 10, held: true},
		{sites: 10, removed: 10, added: 4, left: 4, held: true},
		{sites: 10, removed: 10, added: 5},
		{sites: 10, removed: 10, added: 10},
		{sites: 10, removed: 10, bad: 10, held: true},
		{sites: 10, removed: 10, added: 4, bad: 10, left: 4, held: true},
		{sites: 10, removed: 10, added: 5, bad: 10},
		{sites: 1, removed: 1, bad: 1, held: true},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			p, o := publisherWith(t, test.sites)
			change := slices.Concat(sites("s", test.removed, "", 2), sites("new", test.added, "good", 2), sites("bad", test.bad, "bad", 2))
			before := o.Objects()
			out := p.Offer(2, change, false)
			if !test.held {
				wantPublished(t, p, out, 2)
				return
			}
			wantHeld(t, p, out, provision.Held{Revision: 2, Sites: test.sites, Left: test.left})
			if p.Revision() != 1 || !reflect.DeepEqual(o.Objects(), before) || o.Waiting() != nil {
				t.Errorf("What was in force has changed: revision %d, %v", p.Revision(), o.Objects())
			}
			wantPublished(t, p, p.Offer(2, change, true), 2)
			if got := len(o.Objects()); got != max(0, test.sites-test.removed)+test.added {
				t.Errorf("After the confirmation there are %d sites", got)
			}
		})
	}
}

func wantPublished(t *testing.T, p *provision.Publisher, out provision.Outcome, revision int64) {
	t.Helper()
	if !out.Published || out.Old || out.Held != nil || p.Held() != nil || p.Revision() != revision {
		t.Errorf("Expected revision %d in force, got %d and %+v", revision, p.Revision(), out)
	}
}

func wantHeld(t *testing.T, p *provision.Publisher, out provision.Outcome, held provision.Held) {
	t.Helper()
	if want := (provision.Outcome{Held: &held}); !reflect.DeepEqual(out, want) || p.Held() != out.Held {
		t.Errorf("Expected %v, got %v of %+v, and later %v", want.Held, out.Held, out, p.Held())
	}
}

func TestHeldSaysWhatToDo(t *testing.T) {
	held := &provision.Held{Revision: 42, Sites: 120, Left: 3}
	if got, want := held.Error(), "revision 42 would leave 3 of 120 sites: confirm it with 'cdnctl publish --confirm 42'"; got != want {
		t.Errorf("Expected %q, got %q", want, got)
	}
}

// TestF25OlderRevisions: those that are not newer change nothing, confirmed or not.
func TestF25OlderRevisions(t *testing.T) {
	for _, confirmed := range []bool{false, true} {
		p, o := publisherWith(t, 3)
		wantPublished(t, p, p.Offer(5, sites("s", 1, "better", 5), confirmed), 5)
		before := o.Objects()
		for revision, want := range map[int64]provision.Outcome{1: {Old: true}, 4: {Old: true}, 5: {}} {
			if out := p.Offer(revision, sites("s", 3, "", revision), confirmed); !reflect.DeepEqual(out, want) {
				t.Errorf("Revision %d: expected %+v, got %+v", revision, want, out)
			}
		}
		if p.Revision() != 5 || !reflect.DeepEqual(o.Objects(), before) {
			t.Errorf("Revision %d is in force, with %v", p.Revision(), o.Objects())
		}
	}
}

// TestALaterRevisionIsJudgedAnew: against what is in force, not against what is held.
func TestALaterRevisionIsJudgedAnew(t *testing.T) {
	p, _ := publisherWith(t, 20)
	removed := sites("s", 15, "", 2)
	wantHeld(t, p, p.Offer(2, removed, false), provision.Held{Revision: 2, Sites: 20, Left: 5})
	more := slices.Concat(removed, sites("new", 1, "good", 3))
	wantHeld(t, p, p.Offer(3, more, false), provision.Held{Revision: 3, Sites: 20, Left: 6})
	enough := slices.Concat(removed, sites("new", 5, "good", 4))
	wantPublished(t, p, p.Offer(4, enough, false), 4)
	wantPublished(t, p, p.Offer(5, sites("new", 5, "", 5), false), 5)
	wantHeld(t, p, p.Offer(6, slices.Concat(sites("s", 20, "", 6)), false), provision.Held{Revision: 6, Sites: 5})
}

// TestHeldIsJudgedOnce: whoever follows the store offers it each second.
func TestHeldIsJudgedOnce(t *testing.T) {
	p, o := publisherWith(t, 20)
	for range 3 {
		wantHeld(t, p, p.Offer(2, sites("s", 20, "", 2), false), provision.Held{Revision: 2, Sites: 20})
	}
	if o.checks != 1 {
		t.Errorf("Judged %d times", o.checks)
	}
}

// TestRefusedIsNotGone: what is refused keeps its last good form, and is no
// reason to hold the others up.
func TestRefusedIsNotGone(t *testing.T) {
	p, o := publisherWith(t, 20)
	out := p.Offer(2, slices.Concat(sites("s", 19, "bad", 2), sites("new", 1, "good", 2)), false)
	wantPublished(t, p, out, 2)
	if len(out.Change.Refused) != 19 || len(o.Objects()) != 21 || len(o.Waiting()) != 19 {
		t.Errorf("Expected 19 refused and 21 in force, got %d and %d", len(out.Change.Refused), len(o.Objects()))
	}
	if o.checks != 0 {
		t.Error("Where nothing is removed there is nothing to find out")
	}
}

// TestOtherRefusalsAreNoSites: a class that is refused does not keep the site of
// its name.
func TestOtherRefusalsAreNoSites(t *testing.T) {
	p, _ := publisherWith(t, 1)
	class := site.Object{Kind: site.ObjectClass, Name: "s0.example.org", Text: "bad", Revision: 2}
	out := p.Offer(2, append(sites("s", 1, "", 2), class), false)
	wantHeld(t, p, out, provision.Held{Revision: 2, Sites: 1})
}

// TestWhatWaitsMakesUpForNothing: an offer may repeat what was refused before.
func TestWhatWaitsMakesUpForNothing(t *testing.T) {
	p, _ := publisherWith(t, 10)
	refused := sites("bad", 10, "bad", 2)
	wantPublished(t, p, p.Offer(2, refused, false), 2)
	wantHeld(t, p, p.Offer(3, append(refused, sites("s", 10, "", 3)...), false), provision.Held{Revision: 3, Sites: 10})
}

// TestOtherObjectsAreNoSites: classes may go, whatever their names are.
func TestOtherObjectsAreNoSites(t *testing.T) {
	o := newOverlay()
	p := provision.NewPublisher(o)
	class := site.Object{Kind: site.ObjectClass, Name: "s0.example.org", Text: "good", Revision: 1}
	wantPublished(t, p, p.Offer(1, append(sites("s", 1, "good", 1), class), false), 1)
	class.Text, class.Revision = "", 2
	wantPublished(t, p, p.Offer(2, []site.Object{class}, false), 2)
	wantHeld(t, p, p.Offer(3, sites("s", 1, "", 3), false), provision.Held{Revision: 3, Sites: 1})
}

func TestCheckNamesAllProblems(t *testing.T) {
	p, o := publisherWith(t, 3)
	err := p.Check(slices.Concat(sites("s", 2, "bad", 7), sites("new", 1, "good", 7)))
	const want = "store/site/s0.example.org@7: it is bad\nstore/site/s1.example.org@7: it is bad"
	if fmt.Sprint(err) != want {
		t.Errorf("Expected\n%s\ngot\n%v", want, err)
	}
	if err := p.Check(sites("s", 2, "better", 7)); err != nil {
		t.Error(err)
	}
	if p.Revision() != 1 || len(o.Waiting()) != 0 || o.Objects()[0].Text != "good" {
		t.Error("To check has changed something")
	}
}
