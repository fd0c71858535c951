package store_test

import (
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// release are the migrations of a version of the program: the real ones, and the given
// of those that follow them.
func release(t *testing.T, more ...string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	must(t, fs.WalkDir(store.Migrations(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(store.Migrations(), name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	}))
	for _, name := range more {
		files[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + map[string]string{
			more3: "ALTER TABLE customers ADD COLUMN more BIGINT NOT NULL DEFAULT 0;",
			drop4: "ALTER TABLE customers DROP COLUMN title;",
			more5: "ALTER TABLE customers ADD COLUMN still BIGINT NOT NULL DEFAULT 0;",
			fail3: "ALTER TABLE customers ADD COLUMN more BIGINT NOT NULL DEFAULT 0;\nINSERT INTO nowhere (x) VALUES (1);",
		}[name])}
	}
	return files
}

const (
	more3 = "00003_more.sql"
	drop4 = "00004_finish.sql"
	more5 = "00005_more.sql"
	fail3 = "00003_fails.sql"
)

// start opens a store with a release's migrations; the caller closes it.
func start(t *testing.T, cfg store.Config, more ...string) (*store.Store, error) {
	t.Helper()
	s, err := store.OpenWith(t.Context(), cfg, release(t, more...))
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

// started is start of one that has to work.
func started(t *testing.T, cfg store.Config, more ...string) *store.Store {
	t.Helper()
	s, err := start(t, cfg, more...)
	must(t, err)
	return s
}

// schema is what the database has.
func schema(t *testing.T, s *store.Store) (number int64) {
	t.Helper()
	must(t, s.Ask(t.Context(), &number, "SELECT MAX(version_id) FROM goose_db_version"))
	return number
}

func TestOwnMigrationsGoUpAtTheStart(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		equal(t, "The schema", s.Schema(), 2)
		equal(t, "The database's", schema(t, s), 2)
	})
}

func TestF53UpgradeOneByOne(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := started(t, cfg)
		publish(t, operator(s), 0, siteOf("www.example.org", ""))
		must(t, s.Close())

		_, err := start(t, cfg, more3)
		expect(t, err, store.ErrInvalid, "opening the store: migrating the store from schema 2 to 3: there is no folder for a copy of it")

		cfg.Backups = filepath.Join(t.TempDir(), "backups")
		said := new(journal)
		cfg.Log = said
		s = started(t, cfg, more3, drop4)
		equal(t, "The schema, without what is taken away", fmt.Sprint(s.Schema(), schema(t, s)), "3 3")
		copies, err := filepath.Glob(filepath.Join(cfg.Backups, "*"))
		must(t, err)
		if len(copies) != 1 || !strings.Contains(said.String(), "info: copied the store to '"+copies[0]+"' before its migration from schema 2 to 3") {
			t.Errorf("Expected one copy to be made, and that to be said, got %q and %q", copies, said)
		}
		info, err := os.Stat(copies[0])
		must(t, err)
		equal(t, "Mode of the copy", info.Mode().String(), "-rw-------")
		must(t, s.Close())

		s = started(t, cfg) // the old version works with the new schema
		publish(t, operator(s), 1, siteOf("www.example.org", "", "old version"))
		must(t, s.Report(t.Context(), store.Server{Name: "ns-old", Version: "1.0", Schema: 2}))
		must(t, s.Close())

		s = started(t, cfg, more3, drop4)
		pending, err := s.Pending(t.Context())
		must(t, err)
		equal(t, "Pending", pending, []string{drop4})
		err = s.Finish(t.Context())
		servers, _ := s.Servers(t.Context())
		expect(t, err, store.ErrConflict, "finishing the migration: migration '00004_finish.sql' has to wait: server 'ns-old' (version 1.0, last seen at "+
			servers[0].Seen.Format(time.RFC3339)+") needs schema 2")
		equal(t, "The schema", schema(t, s), 3)

		must(t, s.Do(t.Context(), "UPDATE servers SET seen = seen - 86400000001")) // it has been away for a day
		must(t, s.Finish(t.Context()))
		must(t, s.Finish(t.Context()))
		pending, err = s.Pending(t.Context())
		must(t, err)
		equal(t, "Pending", len(pending), 0)
		equal(t, "The schema", schema(t, s), 4)
		must(t, s.Close())

		_, err = start(t, cfg)
		expect(t, err, store.ErrNewer, "opening the store: the store has schema 4, and this version of the program works with 2 and 3: run a newer version")
		must(t, started(t, cfg, more3).Close()) // one before the finish works, too
		s = started(t, cfg, more3, drop4)
		o, err := operator(s).Object(t.Context(), site.ObjectSite, "www.example.org")
		must(t, err)
		equal(t, "The site", o.Revision, 2)
	})
}

func TestF53LaterVersionFinishesAtItsStart(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		cfg.Backups = t.TempDir()
		s := started(t, cfg, more3)
		must(t, s.Report(t.Context(), store.Server{Name: "ns-old", Version: "1.0", Schema: 2}))
		must(t, s.Close())
		_, err := start(t, cfg, more3, drop4, more5)
		expect(t, err, store.ErrConflict, "")

		s = started(t, cfg, more3)
		must(t, s.Report(t.Context(), store.Server{Name: "ns-old", Version: "2.0", Schema: 3}))
		must(t, s.Close())
		s = started(t, cfg, more3, drop4, more5)
		equal(t, "The schema", schema(t, s), 5)
	})
}

func TestNewStoreNeedsNoCopy(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		must(t, started(t, cfg).Close()) // as one whose making was cut off
		equal(t, "The schema", schema(t, started(t, cfg, more3, drop4, more5)), 5)
	})
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		cfg.Backups = t.TempDir()
		must(t, started(t, cfg).Close())
		if _, err := start(t, cfg, fail3); err == nil || !strings.Contains(err.Error(), "migrating the store from schema 2 to 3: ") {
			t.Errorf("Expected the migration to fail, got %v", err)
		}
		equal(t, "The schema", schema(t, started(t, cfg)), 2)
		s := started(t, withoutLock(t, cfg), more3)
		equal(t, "The schema, by a migration that works", schema(t, s), 3)
	})
}

// withoutLock makes of a SQLite store that is open a copy that is not.
func withoutLock(t *testing.T, cfg store.Config) store.Config {
	t.Helper()
	if cfg.Driver != "sqlite" {
		return cfg
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(cfg.Source + suffix)
		must(t, err)
		must(t, os.WriteFile(to+suffix, text, 0o600))
	}
	cfg.Source = to
	return cfg
}

// TestServersThatStartAtOnceMigrateOnce has several servers find an old schema.
func TestServersThatStartAtOnceMigrateOnce(t *testing.T) {
	cfg := postgresConfig(t, postgresServer(t))
	cfg.Backups = t.TempDir()
	for _, version := range [][]string{nil, {more3}} {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := store.OpenWith(t.Context(), cfg, release(t, version...))
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
			})
		}
		all.Wait()
		if version == nil {
			publish(t, operator(started(t, cfg)), 0, siteOf("www.example.org", ""))
		}
	}
	s := started(t, cfg, more3)
	var times int64
	must(t, s.Ask(t.Context(), &times, "SELECT COUNT(*) FROM goose_db_version WHERE version_id > 0"))
	equal(t, "Migrations that were run", times, 3)
	copies, err := os.ReadDir(cfg.Backups)
	must(t, err)
	equal(t, "Copies", len(copies), 1)
}

// TestCopiesCanBePutBack makes a copy, and begins another store with it.
func TestCopiesCanBePutBack(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		cfg.Backups = t.TempDir()
		s := started(t, cfg)
		odd := siteOf("www.example.org", "acme", "\ttab, back\\slash, 'quote', \\., ü")
		publish(t, operator(s), 0, odd)
		publish(t, operator(s), 1, siteOf("shop.example.org", ""))
		must(t, operator(s).Confirm(t.Context(), 1, ""))
		draft(t, operator(s), 2, siteOf("new.example.org", ""))
		must(t, s.WriteSamples(t.Context(), "ns1", []byte{0, 10, 255, '\\'}))
		must(t, s.Record(t.Context(), []store.Entry{entry("www.example.org", 1, noon)}))
		must(t, s.Close())
		must(t, started(t, cfg, more3).Close())

		s = started(t, putBack(t, cfg))
		equal(t, "The schema", schema(t, s), 2)
		revision, objects, err := s.Changes(t.Context(), 0)
		must(t, err)
		equal(t, "The sites", fmt.Sprint(revision, " ", names(sorted(objects))), "2 shop.example.org www.example.org")
		equal(t, "A text", sorted(objects)[1].Text, odd.Text)
		_, draft, err := operator(s).Draft(t.Context())
		must(t, err)
		equal(t, "The draft", names(draft), "new.example.org")
		samples, err := s.ReadSamples(t.Context(), 0)
		must(t, err)
		equal(t, "Samples", samples[0].Payload, []byte{0, 10, 255, '\\'})
		publish(t, operator(s), 2, siteOf("www.example.org", "", "after"))
		must(t, s.Close())
		equal(t, "The schema after the migration is done again", schema(t, started(t, putBack(t, cfg), more3)), 3)
	})
}

// putBack makes a store of the one copy that there is.
func putBack(t *testing.T, cfg store.Config) store.Config {
	t.Helper()
	copies, err := filepath.Glob(filepath.Join(cfg.Backups, "store-schema2-*"))
	must(t, err)
	equal(t, "Copies", len(copies), 1)
	if cfg.Driver == "sqlite" {
		text, err := os.ReadFile(copies[0])
		must(t, err)
		cfg.Source = sqliteConfig(t).Source
		must(t, os.WriteFile(cfg.Source, text, 0o600))
		return cfg
	}
	server := postgresServer(t)
	cfg.Source = postgresConfig(t, server).Source
	file, err := os.Open(copies[0])
	must(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	must(t, err)
	psql := exec.Command(server.Program("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", cfg.Source)
	psql.Stdin = unzipped
	if said, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, said)
	}
	return cfg
}
