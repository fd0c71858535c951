package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

func take(t *testing.T, s *store.Store, server string, ttl time.Duration) store.Lease {
	t.Helper()
	lease, err := s.Lease(t.Context(), server, ttl)
	must(t, err)
	return lease
}

func whose(l store.Lease) string { return fmt.Sprint(l.Holder, " ", l.Term) }

func TestF26LeaseHasOneHolder(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		first := take(t, s, "ns1", time.Hour)
		equal(t, "The first", whose(first), "ns1 1")
		if first.Left <= 0 || first.Left > time.Hour || first.Until.IsZero() {
			t.Errorf("Expected up to an hour to be left, got %+v", first)
		}
		equal(t, "Another one meanwhile", whose(take(t, s, "ns2", time.Hour)), "ns1 1")
		if longer := take(t, s, "ns1", 2*time.Hour); whose(longer) != "ns1 1" || longer.Left <= time.Hour {
			t.Errorf("Expected the lease to be prolonged in its term, got %+v", longer)
		}
		must(t, s.Resign(t.Context(), "ns2"))
		equal(t, "After another one has resigned", whose(take(t, s, "ns2", time.Hour)), "ns1 1")
		must(t, s.Resign(t.Context(), "ns1"))
		equal(t, "After it has resigned", whose(take(t, s, "ns2", time.Hour)), "ns2 2")
		_, err := s.Lease(t.Context(), "", time.Second)
		expect(t, err, store.ErrInvalid, "taking the lease: server '' for 1s")
		_, err = s.Lease(t.Context(), "ns1", 0)
		expect(t, err, store.ErrInvalid, "taking the lease: server 'ns1' for 0s")
	})
}

func TestF26LeaseIsTakenOverWhenItIsOver(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		take(t, s, "ns1", 50*time.Millisecond)
		eventually(t, "the lease to be over", func() bool { return take(t, s, "ns2", time.Hour).Holder == "ns2" })
		equal(t, "Whose it is", whose(take(t, s, "ns1", time.Hour)), "ns2 2")
	})
}

func TestF26OnlyOneTakesTheLease(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		leases := make([]store.Lease, 20)
		var all sync.WaitGroup
		for i := range leases {
			all.Go(func() { leases[i] = take(t, s, fmt.Sprint("ns", i), time.Hour) })
		}
		all.Wait()
		for _, l := range leases {
			equal(t, "Whose it is", whose(l), whose(leases[0]))
		}
		equal(t, "The term", leases[0].Term, 1)
	})
}

func TestF26LateDecisionsAreFenced(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		write := func(server string, term int64) error {
			return s.WriteDecisions(t.Context(), server, term, []store.Decided{{Site: "www.example.org", Epoch: 1, Payload: []byte(server)}})
		}
		expect(t, write("ns1", 0), store.ErrFenced, "writing 1 decisions of server 'ns1': server 'ns1' has not got the lease of term 0: it is of term 0, of server '', for another 0s")
		take(t, s, "ns1", 50*time.Millisecond)
		eventually(t, "the lease to be over", func() bool { return take(t, s, "ns2", time.Hour).Holder == "ns2" })
		expect(t, write("ns1", 1), store.ErrFenced, "")
		expect(t, write("ns1", 2), store.ErrFenced, "")
		expect(t, write("ns2", 1), store.ErrFenced, "")
		there := func(want ...store.Decided) {
			t.Helper()
			decisions, last, err := s.ReadDecisions(t.Context(), 0)
			must(t, err)
			equal(t, "What is there", fmt.Sprint(decisions, last), fmt.Sprint(want, len(want)))
		}
		there()
		must(t, write("ns2", 2))
		written := store.Decided{Site: "www.example.org", Epoch: 1, Payload: []byte("ns2")}
		there(written)
		expect(t, write("ns1", 1), store.ErrFenced, "")
		expect(t, s.WriteDecisions(t.Context(), "ns1", 1, []store.Decided{{Site: "www.example.org"}}), store.ErrFenced, "") // it is gone
		there(written)
		must(t, s.Resign(t.Context(), "ns2"))
		expect(t, write("ns2", 2), store.ErrFenced, "")
		there(written)
		take(t, s, "ns2", 50*time.Millisecond)
		eventually(t, "the lease to be over", func() bool { return write("ns2", 3) != nil })
	})
}

func TestDecisions(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		take(t, s, "ns1", time.Hour)
		write := func(decisions ...store.Decided) {
			t.Helper()
			must(t, s.WriteDecisions(t.Context(), "ns1", 1, decisions))
		}
		read := func(after int64) (string, int64) {
			t.Helper()
			decisions, last, err := s.ReadDecisions(t.Context(), after)
			must(t, err)
			var all []string
			for _, d := range decisions {
				all = append(all, fmt.Sprint(d.Site, d.Epoch, string(d.Payload)))
			}
			return fmt.Sprint(all), last
		}
		all, start := read(0)
		equal(t, "Nothing yet", fmt.Sprint(all, " ", start), "[] 0")
		write(store.Decided{Site: "a", Epoch: 1}, store.Decided{Site: "b", Epoch: 1, Payload: []byte("x")})
		all, last := read(0)
		equal(t, "Both", all, "[a1 b1x]")
		write()
		write(store.Decided{Site: "a", Epoch: 2}, store.Decided{Site: "a", Epoch: 3, Payload: []byte("y")})
		all, last = read(last)
		equal(t, "The change", all, "[a3y]")
		all, last = read(last)
		equal(t, "No change", all, "[]")
		all, again := read(0)
		equal(t, "The newest of each site", all, "[b1x a3y]")
		equal(t, "The number to go on from", again, last)
	})
}

func TestManyDecisions(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		take(t, s, "ns1", time.Hour)
		var decisions []store.Decided
		for i := range 2000 {
			decisions = append(decisions, store.Decided{Site: fmt.Sprint("s", i), Epoch: 1})
		}
		must(t, s.WriteDecisions(t.Context(), "ns1", 1, decisions))
		must(t, s.WriteDecisions(t.Context(), "ns1", 1, decisions))
		found, last, err := s.ReadDecisions(t.Context(), 2000)
		must(t, err)
		equal(t, "Decisions", fmt.Sprint(len(found), last), "2000 4000")
	})
}

func TestSamples(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		for _, server := range []string{"ns1", "ns2", "ns1"} {
			must(t, s.WriteSamples(t.Context(), server, []byte{0, 255, 39}))
		}
		must(t, s.WriteSamples(t.Context(), "ns2", nil))
		samples, err := s.ReadSamples(t.Context(), 1)
		must(t, err)
		var all []string
		for _, one := range samples {
			all = append(all, fmt.Sprint(one.Seq, one.Server, one.Payload))
			if one.Age < 0 || one.Age > generous {
				t.Errorf("Expected them to be new, got an age of %v", one.Age)
			}
		}
		equal(t, "Samples after the first", all, []string{"2ns2[0 255 39]", "3ns1[0 255 39]", "4ns2[]"})
	})
}

func TestOldSamplesAreRemovedWhoeverWroteThem(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		must(t, s.WriteSamples(t.Context(), "ns1", nil))
		must(t, s.WriteSamples(t.Context(), "ns2", nil))
		must(t, s.Do(t.Context(), "UPDATE samples SET at = at - 31000000"))
		for range 8 {
			must(t, s.WriteSamples(t.Context(), "ns1", nil))
		}
		samples, err := s.ReadSamples(t.Context(), 0)
		must(t, err)
		if len(samples) != 8 || samples[0].Seq != 3 {
			t.Errorf("Expected the eight new ones of ns1 alone, got %+v", samples)
		}
	})
}
