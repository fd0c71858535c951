package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// beginKey begins a key, and says what came of it.
func beginKey(t *testing.T, s *store.Store, owner, key, content string) (string, error) {
	t.Helper()
	answer, status, done, err := s.BeginKey(t.Context(), owner, key, []byte(content))
	return fmt.Sprintf("%s %d %v", answer, status, done), err
}

func TestKeys(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		wants := func(what, owner, key, content, want string) {
			t.Helper()
			got, err := beginKey(t, s, owner, key, content)
			must(t, err)
			equal(t, what, got, want)
		}
		const notEnded = "beginning key 'k': what it was used for has not ended yet"
		const other = "beginning key 'k': it was used for something else"
		wants("The first", "ann", "k", "one", " 0 false")
		_, err := beginKey(t, s, "ann", "k", "one")
		expect(t, err, store.ErrConflict, notEnded)
		_, err = beginKey(t, s, "ann", "k", "two")
		expect(t, err, store.ErrInvalid, other)
		wants("Somebody else's", "bob", "k", "two", " 0 false")
		must(t, s.FinishKey(t.Context(), "ann", "k", 201, []byte("made\x00")))
		wants("The same again", "ann", "k", "one", "made\x00 201 true")
		_, err = beginKey(t, s, "ann", "k", "two")
		expect(t, err, store.ErrInvalid, other)
		expect(t, s.FinishKey(t.Context(), "ann", "k", 200, nil), store.ErrNotFound, "finishing key 'k': it is not begun: not found")
		must(t, s.DropKey(t.Context(), "ann", "k")) // which is for what did not happen
		wants("What has ended, after it was dropped", "ann", "k", "one", "made\x00 201 true")

		must(t, s.DropKey(t.Context(), "bob", "k"))
		wants("What did not happen, with other content", "bob", "k", "three", " 0 false")
		must(t, s.Do(t.Context(), "UPDATE idempotency SET at = at - 299000000 WHERE owner = 'bob'"))
		_, err = beginKey(t, s, "bob", "k", "three")
		expect(t, err, store.ErrConflict, notEnded)
		must(t, s.Do(t.Context(), "UPDATE idempotency SET at = at - 1000001 WHERE owner = 'bob'"))
		_, err = beginKey(t, s, "bob", "k", "two")
		expect(t, err, store.ErrInvalid, other)
		wants("After 5 minutes", "bob", "k", "three", " 0 false")
		_, err = beginKey(t, s, "bob", "k", "three")
		expect(t, err, store.ErrConflict, notEnded)
		must(t, s.FinishKey(t.Context(), "bob", "k", 204, nil))
		wants("An answer without a text", "bob", "k", "three", " 204 true")

		must(t, s.Do(t.Context(), "UPDATE idempotency SET at = at - 86400000001 WHERE owner = 'ann'"))
		wants("After a day, with other content", "ann", "k", "two", " 0 false")
	})
}

func TestKeysThatAreRefused(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		for _, c := range []struct{ key, content, text string }{
			{"", "x", "beginning key '': it has 0 octets, and not 1 to 255"},
			{strings.Repeat("k", 256), "x", ""},
			{"k", "", "beginning key 'k': there is no hash of what is to be written"},
			{"\xff", "x", ""},
		} {
			_, err := beginKey(t, s, "ann", c.key, c.content)
			expect(t, err, store.ErrInvalid, c.text)
		}
		expect(t, s.FinishKey(t.Context(), "ann", "k", 0, nil), store.ErrInvalid, "finishing key 'k': status 0 with an answer of 0 octets: more than 1048576 are not kept")
		expect(t, s.FinishKey(t.Context(), "ann", "k", 200, make([]byte, 1<<20+1)), store.ErrInvalid, "")
	})
}

// TestAKeyThatManyBegin is one's.
func TestAKeyThatManyBegin(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		var all sync.WaitGroup
		var mu sync.Mutex
		begun := 0
		for range 20 {
			all.Go(func() {
				_, _, done, err := s.BeginKey(t.Context(), "ann", "k", []byte("one"))
				mu.Lock()
				defer mu.Unlock()
				if err == nil && !done {
					begun++
				} else {
					expect(t, err, store.ErrConflict, "")
				}
			})
		}
		all.Wait()
		equal(t, "Who began", begun, 1)
	})
}

func TestTrimKeys(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		add := func(owner string, from, to int, age int64) {
			must(t, s.Do(t.Context(), `INSERT INTO idempotency (owner, name, hash, status, answer, at)
				WITH RECURSIVE numbers (i) AS (SELECT CAST(? AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)
				SELECT CAST(? AS TEXT), CAST(100000 + i AS TEXT), CAST('' AS blob), 200, CAST('' AS blob), {now} - ? + i FROM numbers`,
				int64(from), int64(to-1), owner, age))
		}
		add("ann", 0, 5, 86_400_000_010)
		add("ann", 5, 10, 86_300_000_000)
		add("bob", 0, 10003, 2_000_000)
		must(t, s.TrimKeys(t.Context()))
		for owner, want := range map[string][2]any{"ann": {5, "100005"}, "bob": {10000, "100003"}} {
			var left int
			var first string
			must(t, s.Ask(t.Context(), &left, "SELECT COUNT(*) FROM idempotency WHERE owner = ?", owner))
			must(t, s.Ask(t.Context(), &first, "SELECT MIN(name) FROM idempotency WHERE owner = ?", owner))
			equal(t, "What is left of "+owner, [2]any{left, first}, want)
		}
	})
}
