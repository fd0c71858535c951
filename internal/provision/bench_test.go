package provision_test

import (
	"fmt"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// manySites is the configuration of a large server.
func manySites() provision.Snapshot {
	s := provision.Snapshot{Revision: 42, Seed: "seed"}
	for i := range 100_000 {
		text := fmt.Sprintf("site www%06d.example.org class web {\n    origin 192.0.2.%d 2001:db8::%x\n    cdn edge {label}.edge.example.net\n    threshold response_time %dms\n}\n", i, i%250, i, 300+i%200)
		s.Objects = append(s.Objects, object(fmt.Sprintf("www%06d.example.org", i), text, int64(i)))
	}
	return s
}

func BenchmarkSnapshotSave(b *testing.B) {
	s := manySites()
	d := openState(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Save(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSnapshotLoad(b *testing.B) {
	s := manySites()
	d := openState(b)
	if err := s.Save(d); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, _, err := provision.LoadSnapshot(d); err != nil || len(got.Objects) != len(s.Objects) {
			b.Fatal(err, len(got.Objects))
		}
	}
}

// BenchmarkOffer publishes one change over 100,000 sites: of a site, and the
// removal of one, which the guard looks at, and its return.
func BenchmarkOffer(b *testing.B) {
	p := provision.NewPublisher(realOverlay(b))
	p.Offer(1, append(realSites(100_000, "", 1), class("30s", 1)), false)
	revision := int64(1)
	publish := func(b *testing.B, objects ...site.Object) {
		revision++
		objects[0].Revision = revision
		if out := p.Offer(revision, objects, false); !out.Published || len(out.Change.Put)+len(out.Change.Removed) != 1 {
			b.Fatal(out)
		}
	}
	one := realSites(1, "enter 4", 0)[0]
	b.Run("change", func(b *testing.B) {
		for b.Loop() {
			publish(b, one)
		}
	})
	b.Run("remove", func(b *testing.B) {
		for b.Loop() {
			publish(b, object(one.Name, "", 0))
			publish(b, one)
		}
	})
}

var _ provision.Keeper = (*store.StateDir)(nil)
