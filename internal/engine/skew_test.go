package engine

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// skewed is the way to the store of a server whose clock is ahead of the others', by a
// span that may be negative: the times that it writes are later by that, and those that
// it reads are earlier to it.
type skewed struct {
	*door
	ahead time.Duration
}

var moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`)

func shifted(all []store.Decided, by time.Duration) []store.Decided {
	var others []store.Decided
	for _, one := range all {
		one.Payload = moments.ReplaceAllFunc(one.Payload, func(text []byte) []byte {
			at, err := time.Parse(time.RFC3339Nano, string(text))
			if err != nil {
				panic(err)
			}
			return []byte(at.Add(by).Format(time.RFC3339Nano))
		})
		others = append(others, one)
	}
	return others
}

func (s skewed) WriteDecisions(ctx context.Context, server string, term int64, decisions []store.Decided) error {
	return s.door.WriteDecisions(ctx, server, term, shifted(decisions, s.ahead))
}

func (s skewed) ReadDecisions(ctx context.Context, after int64) ([]store.Decided, int64, error) {
	decisions, last, err := s.door.ReadDecisions(ctx, after)
	return shifted(decisions, -s.ahead), last, err
}

// TestServersWithOtherClocksSayTheSame has the clock of the server that decides 30 s
// ahead, or behind, in both directions and over a takeover.
func TestServersWithOtherClocksSayTheSame(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": 30 * time.Second, "behind": -30 * time.Second} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				m := newMeetingPoint()
				kept := m.keptBy("a")
				kept.elsewhere = skewed{&door{m, "a"}, ahead}
				a := m.serveKept(t, kept, wwwOnly())
				time.Sleep(1100 * time.Millisecond)
				b := m.serve(t, "b", wwwOnly())
				time.Sleep(3 * time.Second)
				a.wantRole(roleDecides)
				b.wantRole(roleFollows)
				both := []*server{a, b}
				slow := func(takes time.Duration) {
					for _, s := range both {
						s.hears(wwwSite, takes)
					}
				}
				slow(400 * time.Millisecond)
				together(t, both, cdnSide, 0, 10*time.Second)
				slow(50 * time.Millisecond)
				together(t, both, origin, 10*time.Second, 20*time.Second)

				slow(400 * time.Millisecond)
				together(t, both, cdnSide, 0, 10*time.Second)
				a.Close()
				time.Sleep(leaseFor + 2*exchangeEvery)
				b.wantRole(roleDecides)
				b.want(wwwSite, cdnSide)
				slow(50 * time.Millisecond)
				together(t, []*server{b}, origin, 10*time.Second, 20*time.Second)
			})
		})
	}
}

// together wants servers to answer with a side after so long, and all within a second of
// each other.
func together(t *testing.T, servers []*server, side string, soonest, latest time.Duration) {
	t.Helper()
	began, first := time.Now(), time.Duration(-1)
	for {
		time.Sleep(50 * time.Millisecond)
		count, after := 0, time.Since(began)
		for _, s := range servers {
			if s.answers(wwwSite) == side {
				count++
			}
		}
		if count > 0 && first < 0 {
			first = after
		}
		switch {
		case count == len(servers):
			if first < soonest || after-first > time.Second {
				t.Errorf("Expected all to answer with the %s from %s on and together, got %s to %s", side, soonest, first, after)
			}
			return
		case after > latest:
			t.Fatalf("Expected all to answer with the %s after %s, got %d of %d", side, latest, count, len(servers))
		}
	}
}
