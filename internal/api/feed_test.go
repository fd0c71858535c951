package api

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// decidedAt returns a feed of a size with decisions at some seconds.
func decidedAt(size int, seconds ...int64) *feed {
	f := newFeed(size)
	for _, s := range seconds {
		f.put(JournalEntry{At: time.Unix(s, 0)}, "")
	}
	return f
}

func TestTheFeedGoesOnFromAPosition(t *testing.T) {
	at := func(s int64, n uint64) position { return position{time.Unix(s, 0), n} }
	for _, c := range []struct {
		f    *feed
		from position
		want uint64
		all  bool
	}{
		{decidedAt(8), at(5, 0), 0, false},
		{decidedAt(8, 1, 2, 3), at(2, 2), 2, true},
		{decidedAt(8, 1, 2, 3), at(2, 3), 1, true}, // another server's: by its time
		{decidedAt(8, 1, 2, 3), at(2, 0), 1, true},
		{decidedAt(8, 1, 2, 3), at(9, 0), 3, true},
		{decidedAt(8, 1, 2, 3), at(1, 0), 0, false}, // there may have been others at that time
		{decidedAt(4, 1, 2, 3, 4, 5, 6), at(3, 3), 4, false},
		{decidedAt(4, 1, 2, 3, 4, 5, 6), at(5, 5), 5, true},
		{decidedAt(4, 1, 2, 3, 4, 5, 6), at(6, 0), 5, true},
	} {
		if from, _, all := c.f.since(c.from); from != c.want || all != c.all {
			t.Errorf("%d of %d from %+v: Expected to go on behind %d, all there: %t, got %d, %t", c.f.last.Load(), len(c.f.ring), c.from, c.want, c.all, from, all)
		}
	}
}

func TestWhoIsTooLateLosesTheFeed(t *testing.T) {
	f := decidedAt(4, 1, 2, 3, 4, 5)
	if e, _, there := f.next(0); there {
		t.Errorf("Expected the first event to be gone, got %+v", e)
	}
	if e, _, there := f.next(1); !there || e.number != 2 {
		t.Errorf("Expected the second event, got %+v, %t", e, there)
	}
}

// TestReadersAndTheWriterDoNotMeet has many read while one writes.
func TestReadersAndTheWriterDoNotMeet(t *testing.T) {
	const events = 20_000
	f := newFeed(events)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for n := uint64(0); n < events; {
				e, news, there := f.next(n)
				switch {
				case !there:
					t.Error("Expected all events to be there")
					return
				case e == nil:
					<-news
				default:
					if n++; e.number != n || e.Epoch != n {
						t.Errorf("Expected event %d, got %d of %d", n, e.number, e.Epoch)
						return
					}
				}
			}
		})
	}
	for n := range uint64(events) {
		f.put(JournalEntry{Epoch: n + 1}, "")
	}
	readers.Wait()
}

func TestStreamsAreBounded(t *testing.T) {
	s := New(Config{}).streams
	var leave []func()
	for i := range maxStreams {
		l, p := s.enter(Caller{Name: fmt.Sprint(i / maxOwnStreams)})
		if p != nil {
			t.Fatalf("Expected stream %d to be opened, got %v", i, p)
		}
		leave = append(leave, l)
	}
	if _, p := s.enter(Caller{Name: "0"}); p == nil || p.Status != 429 || !strings.Contains(p.Detail, "you read 4") {
		t.Errorf("Expected one to have too many, got %v", p)
	}
	if _, p := s.enter(Caller{Name: "x"}); p == nil || p.Status != 429 {
		t.Errorf("Expected all to have too many, got %v", p)
	}
	leave[0]()
	if _, p := s.enter(Caller{Name: "0"}); p != nil {
		t.Errorf("Expected a place to be free, got %v", p)
	}
}
