package provision_test

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func openState(t testing.TB) *store.StateDir {
	t.Helper()
	d, err := store.OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// kept saves what is in force and loads it again.
func kept(t *testing.T, p *provision.Publisher) provision.Snapshot {
	t.Helper()
	d := openState(t)
	if err := p.Snapshot("a store", "seed").Save(d); err != nil {
		t.Fatal(err)
	}
	s, found, err := provision.LoadSnapshot(d)
	if err != nil || found.Old || found.At.IsZero() {
		t.Fatalf("Expected the snapshot, got %+v, %v", found, err)
	}
	return s
}

// TestASnapshotServesTheSame: what is in force, and what waits to be.
func TestASnapshotServesTheSame(t *testing.T) {
	p, o := publisherWith(t, 12)
	change := slices.Concat(sites("s", 2, "bad <&> \"#\"", 2), []site.Object{
		{Kind: site.ObjectClass, Name: "web", Text: "class web {\n}", Revision: 2},
		{Kind: site.ObjectSite, Name: "a.example.org", Customer: "c1", Text: "good", Adopted: true, Revision: 2},
	})
	wantPublished(t, p, p.Offer(2, change, false), 2)
	s := kept(t, p)
	if s.Seed != "seed" || s.Revision != 2 {
		t.Errorf("Expected revision 2 and its seed, got %d and %q", s.Revision, s.Seed)
	}
	next := newOverlay()
	restored := provision.NewPublisher(next)
	if !restored.Restore(s) || restored.Revision() != 2 {
		t.Errorf("Expected revision 2, got %d", restored.Revision())
	}
	if !reflect.DeepEqual(next.inForce, o.inForce) || !reflect.DeepEqual(next.waiting, o.waiting) {
		t.Errorf("Expected\n%v\n%v\ngot\n%v\n%v", o.inForce, o.waiting, next.inForce, next.waiting)
	}
}

// TestF25ASnapshotDoesNotGoBack: neither does a store that is older, nor a
// snapshot that is.
func TestF25ASnapshotDoesNotGoBack(t *testing.T) {
	p, _ := publisherWith(t, 3)
	old := kept(t, p)
	wantPublished(t, p, p.Offer(7, sites("s", 1, "better", 7), false), 7)
	o := newOverlay()
	next := provision.NewPublisher(o)
	if !next.Restore(kept(t, p)) {
		t.Error("A snapshot was not restored where nothing was in force")
	}
	if out := next.Offer(6, sites("s", 3, "", 6), true); !out.Old || next.Revision() != 7 {
		t.Errorf("Revision 6 of the store was not dropped: %+v", out)
	}
	if next.Restore(old) || next.Restore(kept(t, p)) || next.Revision() != 7 || len(o.Objects()) != 3 || o.Objects()[0].Text != "better" {
		t.Errorf("A snapshot was restored over one as new: revision %d, %v", next.Revision(), o.Objects())
	}
	wantPublished(t, next, next.Offer(8, sites("s", 1, "best", 8), false), 8)
}

// TestASnapshotOutlivesItsStore: where another one is in its place, what is in force
// stays, over any number of restarts, until that one has a revision.
func TestASnapshotOutlivesItsStore(t *testing.T) {
	p, _ := publisherWith(t, 3)
	for range 3 {
		p.Rebase(true)
		if out := p.Offer(0, p.Missing(nil), false); !reflect.DeepEqual(out, provision.Outcome{}) || p.Revision() != 0 {
			t.Errorf("Expected nothing of an empty store, got %+v and revision %d", out, p.Revision())
		}
		s := kept(t, p)
		p = provision.NewPublisher(newOverlay())
		if !p.Restore(s) || p.Revision() != 1 || len(s.Objects) != 3 {
			t.Fatalf("Expected revision 1 of the store before, got %d and %v", p.Revision(), s.Objects)
		}
	}
	p.Rebase(true)
	fresh := sites("new", 2, "good", 1)
	wantPublished(t, p, p.Offer(1, append(p.Missing(fresh), fresh...), false), 1)
	if s := kept(t, p); s.Revision != 1 || len(s.Objects) != 2 {
		t.Errorf("Expected the new store's revision 1, got %d and %v", s.Revision, s.Objects)
	}
}

// TestASnapshotWithoutARevision is restored where there is nothing.
func TestASnapshotWithoutARevision(t *testing.T) {
	o := newOverlay()
	if !provision.NewPublisher(o).Restore(provision.Snapshot{Objects: sites("s", 3, "good", 1)}) || len(o.Objects()) != 3 {
		t.Errorf("Expected three sites, got %v", o.Objects())
	}
}

func TestNoSnapshot(t *testing.T) {
	s, _, err := provision.LoadSnapshot(openState(t))
	if !errors.Is(err, fs.ErrNotExist) || !reflect.DeepEqual(s, provision.Snapshot{}) {
		t.Errorf("Expected none, got %v, %v", s, err)
	}
	if provision.NewPublisher(newOverlay()).Restore(s) {
		t.Error("Nothing was restored")
	}
}

// cut is a file that ends early, though its checksum is right: what nobody writes.
type cut []any

func (c cut) EncodeState(encode func(any) error) error {
	for _, value := range c {
		if err := encode(value); err != nil {
			return err
		}
	}
	return nil
}

func TestASnapshotThatIsNotWhole(t *testing.T) {
	head := map[string]any{"revision": 3, "objects": 1, "waiting": 1}
	object := map[string]any{"kind": "site", "name": "www.example.org"}
	for _, file := range []cut{{}, {head}, {head, object}, {head, object, object, object}, {head, 5}} {
		d := openState(t)
		if err := d.Write("configuration", file); err != nil {
			t.Fatal(err)
		}
		s, _, err := provision.LoadSnapshot(d)
		if err == nil || !reflect.DeepEqual(s, provision.Snapshot{}) {
			t.Errorf("%v: expected an error and nothing else, got %v", file, s)
		}
	}
}

// broken keeps nothing.
type broken struct{ provision.Keeper }

func (broken) Write(string, any) error { return errDisk }

func TestASnapshotThatCannotBeKept(t *testing.T) {
	p, _ := publisherWith(t, 1)
	if err := p.Snapshot("a store", "").Save(broken{}); !errors.Is(err, errDisk) {
		t.Errorf("Expected %v, got %v", errDisk, err)
	}
}
