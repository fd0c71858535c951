package store_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// noon is a time of the past.
var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func entry(name string, epoch uint64, at time.Time) store.Entry {
	return store.Entry{At: at, Site: name, Side: site.SideCDN, Share: 1, CDNs: []string{"edge", "bigcdn"}, Cause: site.CauseThreshold,
		Signal: site.ResponseTime, Value: 0.39, Limit: 0.3, V: 1.3, Age: time.Second, Detail: "timeout", TTL: 30 * time.Second,
		Override: "o1", Revision: 4, Epoch: epoch, Server: "ns1"}
}

func read(t *testing.T, s *store.Store, q store.JournalQuery) []store.Entry {
	t.Helper()
	entries, err := operator(s).Journal(t.Context(), q)
	must(t, err)
	return entries
}

func epochs(entries []store.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprint(e.Epoch))
	}
	return strings.Join(all, " ")
}

func TestJournal(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		full := entry("www.example.org", math.MaxUint64, noon.Add(time.Microsecond))
		must(t, s.Record(t.Context(), nil))
		must(t, s.Record(t.Context(), []store.Entry{full, entry("www.example.org", 2, noon.Add(2*time.Second)), entry("shop.example.org", 3, noon.Add(3*time.Second))}))
		got := read(t, s, store.JournalQuery{})
		equal(t, "How many, the newest first", epochs(got), "3 2 18446744073709551615")
		full.Number = 1
		equal(t, "All of an entry", got[2], full)
		equal(t, "Of a site", epochs(read(t, s, store.JournalQuery{Site: "shop.example.org"})), "3")
		equal(t, "Since", epochs(read(t, s, store.JournalQuery{Since: noon.Add(2 * time.Second)})), "3 2")
		equal(t, "The newest one", epochs(read(t, s, store.JournalQuery{Limit: 1})), "3")
	})
}

func TestF21RecordedTwiceIsWrittenOnce(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		batch := []store.Entry{entry("www.example.org", 1, noon), entry("www.example.org", 2, noon)}
		must(t, s.Record(t.Context(), batch))
		batch = append(batch, entry("www.example.org", 3, noon), entry("www.example.org", 3, noon))
		must(t, s.Record(t.Context(), batch))
		other := entry("www.example.org", 3, noon)
		other.Server = "ns2"
		must(t, s.Record(t.Context(), []store.Entry{other}))
		equal(t, "Entries", len(read(t, s, store.JournalQuery{})), 4)
	})
}

func TestRecordTakesWhatIsNoText(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		bad := entry("www.example.org", 1, noon)
		bad.Detail, bad.Value, bad.V = "a\x00b\xffc", math.NaN(), math.Inf(1)
		must(t, s.Record(t.Context(), []store.Entry{bad}))
		got := read(t, s, store.JournalQuery{})[0]
		equal(t, "What is kept of it", fmt.Sprintf("%q %v %v", got.Detail, got.Value, got.V), `"a�b�c" 0 +Inf`)
	})
}

func TestTrimJournal(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		now := time.Now()
		var all []store.Entry
		for i := range uint64(10) {
			all = append(all, entry("www.example.org", i, now.Add(-time.Duration(10-i)*time.Hour)))
		}
		must(t, s.Record(t.Context(), all))
		must(t, s.TrimJournal(t.Context(), 0, 0))
		equal(t, "Without bounds", len(read(t, s, store.JournalQuery{})), 10)
		must(t, s.TrimJournal(t.Context(), 7*time.Hour+30*time.Minute, 0))
		equal(t, "By age", epochs(read(t, s, store.JournalQuery{})), "9 8 7 6 5 4 3")
		must(t, s.TrimJournal(t.Context(), 0, 3))
		equal(t, "By number", epochs(read(t, s, store.JournalQuery{})), "9 8 7")
		must(t, s.TrimJournal(t.Context(), 0, 3))
		equal(t, "Once more", epochs(read(t, s, store.JournalQuery{})), "9 8 7")
	})
}
