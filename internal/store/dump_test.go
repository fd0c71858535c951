package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// fill writes into every table, and returns a token that is valid.
func fill(t *testing.T, s *store.Store) (token string) {
	t.Helper()
	v := operator(s)
	tenants(t, s)
	half := 0.5
	_, err := v.PutPlan(t.Context(), store.Plan{Name: "basic", Title: "Größe <L>", Guardrails: site.Guardrails{MaxShare: &half}, Version: store.Whatever})
	must(t, err)
	token, _ = newToken(t, s, "ann")
	_, err = v.BeginClaim(t.Context(), "acme", "begun.example")
	must(t, err)
	publish(t, v, 2, siteOf("odd.example.org", "", "\ttab, back\\slash, 'quote', \u2028, ü, <&>"))
	must(t, v.Confirm(t.Context(), 3, "all is well"))
	odd := entry("odd.example.org", 7, noon)
	odd.Value, odd.Limit = math.Inf(1), 0.1
	must(t, s.Record(t.Context(), []store.Entry{odd}))
	must(t, s.Report(t.Context(), store.Server{Name: "fra1", Version: "v1", Schema: 2}))
	lease, err := s.Lease(t.Context(), "fra1", time.Minute)
	must(t, err)
	must(t, s.WriteDecisions(t.Context(), "fra1", lease.Term, []store.Decided{{Site: "odd.example.org", Epoch: math.MaxUint64, Payload: []byte{0, 10, 255, '\\'}}}))
	must(t, s.WriteSamples(t.Context(), "fra1", []byte("x")))
	must(t, s.Do(t.Context(), `INSERT INTO ledger (server, epoch, sequence, begins, ends, customer, site, cdn, unit, quantity, source)
		VALUES ('fra1', 1, 2, 3, 4, 'acme', 'www.acme.example', '', 'answers', 9223372036854775807, 'dns')`))
	_, err = s.Seed(t.Context(), "a seed")
	must(t, err)
	_, err = s.ID(t.Context())
	must(t, err)
	_, _, _, err = s.BeginKey(t.Context(), "ann", "k", []byte("x"))
	must(t, err)
	must(t, s.FinishKey(t.Context(), "ann", "k", 201, []byte("an answer")))
	return token
}

func dumped(t *testing.T, s *store.Store) string {
	t.Helper()
	var text bytes.Buffer
	must(t, s.Dump(t.Context(), &text, noon))
	return text.String()
}

// load fills a store from a dump.
func load(t *testing.T, s *store.Store, text string) error {
	_, err := s.Load(t.Context(), strings.NewReader(text))
	return err
}

// TestDumpsGoIntoTheOtherDatabase, and nothing is lost on the way there and back.
func TestDumpsGoIntoTheOtherDatabase(t *testing.T) {
	for _, from := range []string{"sqlite", "postgres"} {
		t.Run("from "+from, func(t *testing.T) {
			t.Parallel()
			one, other := open(t, sqliteConfig(t)), open(t, postgresConfig(t, postgresServer(t)))
			if from == "postgres" {
				one, other = other, one
			}
			token := fill(t, one)
			before := dumped(t, one)
			id, err := one.ID(t.Context())
			must(t, err)
			_, err = other.Seed(t.Context(), "another seed") // which a server that was started has
			must(t, err)
			must(t, load(t, other, before))
			if after := dumped(t, other); after != before {
				t.Errorf("Expected the same dump\n%s\ngot\n%s", before, after)
			}
			compareTables(t, one, other)

			u, err := other.Authenticate(t.Context(), token)
			must(t, err)
			equal(t, "Whose the token is", u.Name, "ann")
			publish(t, operator(other), 3, siteOf("odd.example.org", "", "goes on"))
			seed, err := other.Seed(t.Context(), "")
			must(t, err)
			equal(t, "The seed", seed, "a seed")
			if now, err := other.ID(t.Context()); err != nil || now == id {
				t.Errorf("Expected another store, got '%s' of '%s', %v", now, id, err)
			}
			for _, secret := range []string{token, "an answer", id} {
				if strings.Contains(before, secret) {
					t.Errorf("Expected '%s' not to be in the dump", secret)
				}
			}
		})
	}
}

// leftOut are the tables that no dump has.
var leftOut = []string{"goose_db_version", "idempotency", "lease", "samples"}

// compareTables counts rows, and wants some of each table. What a store begins with is
// there before.
func compareTables(t *testing.T, one, other *store.Store) {
	t.Helper()
	tables, err := one.Tables(t.Context())
	must(t, err)
	for _, table := range tables {
		if slices.Contains(leftOut, table) || strings.HasPrefix(table, "sqlite_") {
			continue
		}
		var rows, others int64
		must(t, one.Ask(t.Context(), &rows, "SELECT COUNT(*) FROM "+table+" WHERE "+map[bool]string{true: "name <> 'id'", false: "1 = 1"}[table == "settings"]))
		must(t, other.Ask(t.Context(), &others, "SELECT COUNT(*) FROM "+table+" WHERE "+map[bool]string{true: "name <> 'id'", false: "1 = 1"}[table == "settings"]))
		if rows == 0 || others != rows {
			t.Errorf("Expected rows in table '%s', as many as there were, got %d of %d", table, others, rows)
		}
	}
}

// TestDumpsHaveAllColumns fails when there is a table or a column that nobody has thought
// of.
func TestDumpsHaveAllColumns(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tables, err := s.Tables(t.Context())
		must(t, err)
		portable := store.Portable()
		for _, table := range tables {
			if slices.Contains(leftOut, table) || strings.HasPrefix(table, "sqlite_") {
				continue
			}
			columns, err := s.Columns(t.Context(), table)
			must(t, err)
			slices.Sort(columns)
			equal(t, "Columns of '"+table+"' in a dump", slices.Sorted(slices.Values(portable[table])), columns)
			delete(portable, table)
		}
		equal(t, "Tables of a dump that are not there", len(portable), 0)
	})
}

// ended ends a dump with its checksum.
func ended(lines ...string) string {
	text := strings.Join(lines, "\n") + "\n"
	sum, rows := sha256.Sum256([]byte(text)), strings.Count("\n"+text, "\n[")
	return text + fmt.Sprintf(`{"rows":%d,"sha256":"%s"}`, rows, hex.EncodeToString(sum[:])) + "\n"
}

func TestDumpsThatAreRefused(t *testing.T) {
	const head, table = `{"dump":"cdnredirect store","version":1,"schema":2}`, `{"table":"drafts","columns":["customer","viewer","base","at"]}`
	contract(t, func(t *testing.T, s *store.Store) {
		good := ended(head, table, `["","ann","0","1"]`)
		for _, c := range []struct {
			text string
			kind error
			want string
		}{
			{"", store.ErrDamaged, "loading a dump: line 0: the dump ends before its last line"},
			{"x\n", store.ErrDamaged, ""},
			{ended(`{"dump":"another"}`), store.ErrDamaged, "loading a dump: line 1: it does not begin as a dump of a store does"},
			{ended(`{"dump":"cdnredirect store","version":1,"schema":3}`), store.ErrNewer,
				"loading a dump: line 1: the dump has version 1 and schema 3, and this version of the program reads 1 and 2"},
			{ended(`{"dump":"cdnredirect store","version":2,"schema":2}`), store.ErrNewer, ""},
			{ended(head, `["x"]`), store.ErrDamaged, "loading a dump: line 2: a row of table '' has 1 values, and not 0"},
			{ended(head, `[]`), store.ErrDamaged, ""},
			{ended(head, table, `["x"]`), store.ErrDamaged, "loading a dump: line 3: a row of table 'drafts' has 1 values, and not 4"},
			{ended(head, table, `["","ann","0",1]`), store.ErrDamaged, ""},
			{ended(head, table, `["","ann","zero","1"]`), store.ErrDamaged, ""},
			{ended(head, table, `["","ann",null,"1"]`), store.ErrDamaged, "loading a dump: line 3: column 'base' of table 'drafts': a value is missing"},
			{ended(head, `{"table":"lease","columns":["id"]}`), store.ErrDamaged, "loading a dump: line 2: there is no table 'lease' in a dump"},
			{ended(head, `{"table":"drafts","columns":["x); DROP TABLE users"]}`), store.ErrDamaged,
				"loading a dump: line 2: table 'drafts' has no column 'x); DROP TABLE users', or not once"},
			{ended(head, `{"table":"drafts","columns":["at","at"]}`), store.ErrDamaged, ""},
			{strings.Replace(good, "ann", "bob", 1), store.ErrDamaged, ""},
			{strings.Replace(good, `"rows":1`, `"rows":2`, 1), store.ErrDamaged, ""},
			{good[:len(good)-2], store.ErrDamaged, "loading a dump: line 3: the dump ends before its last line"},
			{good + "\n", store.ErrDamaged, "loading a dump: line 4: the dump goes on behind its last line"},
		} {
			expect(t, load(t, s, c.text), c.kind, c.want)
		}
		must(t, load(t, s, good)) // nothing of the others has stayed
		expect(t, load(t, s, good), store.ErrConflict, "loading a dump: the store is not empty: it has rows in 'drafts'")
	})
}

// TestWhatIsInADump is said without a store.
func TestWhatIsInADump(t *testing.T) {
	s := open(t, sqliteConfig(t))
	fill(t, s)
	publish(t, operator(s), 3, manySites(1500)...)
	publish(t, operator(s), 4, site.Object{Kind: site.ObjectSite, Name: "odd.example.org"})
	text := dumped(t, s)
	sites, customers, users, rows := int64(0), int64(0), int64(0), int64(strings.Count(text, "\n["))
	must(t, s.Ask(t.Context(), &sites, "SELECT COUNT(*) FROM objects WHERE kind = 'site' AND until = 9223372036854775807 AND text <> ''"))
	must(t, s.Ask(t.Context(), &customers, "SELECT COUNT(*) FROM customers WHERE closed = 0"))
	must(t, s.Ask(t.Context(), &users, "SELECT COUNT(*) FROM users WHERE closed = 0"))
	found, err := store.Verify(strings.NewReader(text))
	must(t, err)
	equal(t, "What is in the dump", found, store.Contents{Made: noon, Schema: 2, Revision: 5, Sites: int(sites), Customers: int(customers), Users: int(users), Rows: rows})
	if sites < 1500 || customers < 1 || users < 1 {
		t.Errorf("Expected sites, customers and users, got %+v", found)
	}
	loaded, err := open(t, sqliteConfig(t)).Load(t.Context(), strings.NewReader(text))
	must(t, err)
	equal(t, "What was loaded", loaded, found)
}

// TestADumpThatIsCutOff at the ends of lines, in the last one, or between, or in which an
// octet is another one, is refused.
func TestADumpThatIsCutOff(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteConfig(t))
	fill(t, s)
	text, other := dumped(t, s), open(t, sqliteConfig(t))
	for n := range len(text) {
		if end := n > len(text)-150 || text[n] == '\n' || n > 0 && text[n-1] == '\n'; !end && n%13 != 0 {
			continue
		}
		if _, err := store.Verify(strings.NewReader(text[:n])); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("Expected the first %d octets to be damaged, got '%v'", n, err)
		}
		if n%97 == 0 {
			expect(t, load(t, other, text[:n]), store.ErrDamaged, "")
		}
		if spoiled := []byte(text); n < len(text)-1 {
			spoiled[n] ^= 1
			if _, err := store.Verify(bytes.NewReader(spoiled)); err == nil {
				t.Fatalf("Expected another octet %d to be noticed: %q", n, spoiled[max(0, n-20):min(n+20, len(spoiled))])
			}
		}
	}
	must(t, load(t, other, text)) // nothing of the others has stayed
}

// TestWhatIsNoDump is refused before it is read to its end.
func TestWhatIsNoDump(t *testing.T) {
	for text, want := range map[string]string{
		"SQLite format 3\x00":              "reading a dump: line 0: it is no dump: a copy that a server has made before a migration is put in the store's place, and what is packed is unpacked before",
		"\x1f\x8b\x08 and more":            "reading a dump: line 0: it is no dump: a copy that a server has made before a migration is put in the store's place, and what is packed is unpacked before",
		"\x00\x00\x00\x00\x00\x00\x00\x00": "reading a dump: line 0: it does not begin as a dump of a store does",
	} {
		_, err := store.Verify(io.MultiReader(strings.NewReader(text), failing{errors.New("read on")}))
		expect(t, err, store.ErrDamaged, want)
	}
	broken := errors.New("broken")
	if _, err := store.Verify(io.MultiReader(strings.NewReader(`{"dump":`), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("Expected '%v', got '%v'", broken, err)
	}
}

// TestAStoreOfTheNextVersionIsNotDumped: what that one has put into it would be missing.
func TestAStoreOfTheNextVersionIsNotDumped(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		must(t, s.Do(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, TRUE)"))
		var text bytes.Buffer
		expect(t, s.Dump(t.Context(), &text, noon), store.ErrNewer,
			"dumping the store: the store has schema 3, and this version of the program knows 2: let a newer one do it")
		equal(t, "What was written", text.Len(), 0)
	})
}

// TestDumpThatCannotBeWritten says so.
func TestDumpThatCannotBeWritten(t *testing.T) {
	s := open(t, sqliteConfig(t))
	fill(t, s)
	full := errors.New("no room")
	if err := s.Dump(t.Context(), failing{full}, noon); !errors.Is(err, full) {
		t.Errorf("Expected '%v', got '%v'", full, err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

// TestDumpsAreOfOneMoment while others publish.
func TestDumpsAreOfOneMoment(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		var ends atomic.Bool
		written := make(chan struct{})
		go func() {
			defer close(written)
			for base := int64(0); !ends.Load(); base++ {
				publish(t, operator(s), base, siteOf("a.example.org", "", fmt.Sprint(base)))
			}
		}()
		for range 5 {
			text := dumped(t, s)
			other := open(t, sqliteConfig(t))
			must(t, load(t, other, text))
			revision, objects, err := other.Changes(t.Context(), 0)
			must(t, err)
			if revision > 0 && objects[0].Revision != revision {
				t.Errorf("Expected the newest version to be of revision %d, got %d", revision, objects[0].Revision)
			}
		}
		ends.Store(true)
		<-written
	})
}

// TestBackupWhileTheStoreIsInUse makes copies that can be used, and holds nobody up.
func TestBackupWhileTheStoreIsInUse(t *testing.T) {
	cfg := sqliteConfig(t)
	s := open(t, cfg)
	publish(t, operator(s), 0, manySites(2000)...)
	path := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.Twice(t.Context(), nil, func() { must(t, s.Backup(t.Context(), path)) })) // somebody is writing
	expect(t, s.Backup(t.Context(), path), store.ErrConflict, "copying the store to '"+path+"': it is there already")
	id, err := s.ID(t.Context())
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	equal(t, "Mode of the copy", info.Mode().String(), "-rw-------")
	copied := open(t, store.Config{Driver: "sqlite", Source: path})
	_, objects, err := copied.Changes(t.Context(), 0)
	must(t, err)
	equal(t, "Sites of the copy", len(objects), 2000)
	must(t, copied.Renew(t.Context()))
	if now, err := copied.ID(t.Context()); err != nil || now == id || now == "" {
		t.Errorf("Expected another store, got '%s' of '%s', %v", now, id, err)
	}
}

// TestBackupOfPostgreSQL is a script that makes the store again.
func TestBackupOfPostgreSQL(t *testing.T) {
	cfg := postgresConfig(t, postgresServer(t))
	s := open(t, cfg)
	fill(t, s)
	cfg.Backups = t.TempDir()
	must(t, s.Backup(t.Context(), filepath.Join(cfg.Backups, "store-schema2-x.sql.gz")))
	equal(t, "What was put back", dumped(t, open(t, putBack(t, cfg))), dumped(t, s))
}
