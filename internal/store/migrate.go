package store

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// migrations are the steps of the schema that this program knows.
//
// Its own number is that of the last step which does not end in _finish.sql.
// A start goes up to it, so the program before this one must work with it, too:
// servers are upgraded one by one. A step that ends in _finish.sql takes away
// what only older programs need; it is run by Finish when these are gone, or by
// a start that needs later steps.
type migrations struct {
	files  fs.FS
	steps  []step
	number int64
}

type step struct {
	number int64
	name   string
}

func (s step) contracts() bool { return strings.HasSuffix(s.name, "_finish.sql") }

func readMigrations(files fs.FS) (*migrations, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	m := &migrations{files: files}
	for _, name := range names {
		number, err := goose.NumericComponent(name)
		if err != nil {
			return nil, doing(err, "reading migration '%s'", name)
		}
		m.steps = append(m.steps, step{number, name})
	}
	slices.SortFunc(m.steps, func(a, b step) int { return int(a.number - b.number) })
	for _, s := range m.steps {
		if !s.contracts() {
			m.number = s.number
		}
	}
	return m, nil
}

// newest is the highest schema that the program works with: the one after its
// own, which the next version makes, or the last that it can make itself.
func (m *migrations) newest() int64 { return max(m.number+1, m.last()) }

// last is the highest schema that the program can make.
func (m *migrations) last() int64 { return m.steps[len(m.steps)-1].number }

// missing are the steps from one schema to another.
func (m *migrations) missing(from, to int64) (missing []step) {
	for _, s := range m.steps {
		if s.number > from && s.number <= to {
			missing = append(missing, s)
		}
	}
	return missing
}

// before is the number of a program that needs nothing which a step takes away.
func (m *migrations) before(contracting step) (number int64) {
	for _, s := range m.steps {
		if s.number < contracting.number && !s.contracts() {
			number = s.number
		}
	}
	return number
}

// script writes the statements that make a schema.
func (m *migrations) script(w io.Writer, schema int64) error {
	for _, s := range m.missing(0, schema) {
		text, err := fs.ReadFile(m.files, s.name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "-- %s\n%s\n", s.name, text); err != nil {
			return err
		}
	}
	return nil
}

// Schema is the number of the schema that this program makes.
func (s *Store) Schema() int64 { return s.migrations.number }

// migrate brings the schema up to the program's at its start.
func (s *Store) migrate(ctx context.Context) error {
	m := s.migrations
	present, err := s.Present(ctx)
	if err != nil {
		return err
	}
	if present > m.newest() {
		return fail(ErrNewer, "the store has schema %d, and this version of the program works with %d and %d: run a newer version",
			present, m.number, m.newest())
	}
	if present >= m.number {
		return nil
	}
	return s.up(ctx, m.number)
}

// day is how long a server counts that is not seen any more.
const day = 24 * time.Hour

// migrationPatience is how long a migration may take with the wait for another
// server's, if the context has no deadline.
const migrationPatience = 10 * time.Minute

// up brings the schema up to a number, if nobody does it meanwhile.
func (s *Store) up(ctx context.Context, to int64) error {
	ctx, cancel := limited(ctx, migrationPatience)
	defer cancel()
	unlock, err := s.dialect.lock(ctx)
	if err != nil {
		return doing(err, "waiting for the migration of another server")
	}
	defer unlock()
	present, err := s.Present(ctx)
	if err != nil || present >= to {
		return err
	}
	if err := s.allowed(ctx, present, to); err != nil {
		return err
	}
	if err := s.copyBefore(ctx, present, to); err != nil {
		return err
	}
	return doing(s.run(ctx, to), "migrating the store from schema %d to %d", present, to)
}

func (s *Store) run(ctx context.Context, to int64) error {
	if err := s.dialect.domains(ctx, s.writer); err != nil {
		return err
	}
	p, err := s.goose()
	if err != nil {
		return err
	}
	_, err = p.UpTo(ctx, to)
	return err
}

func (s *Store) goose() (*goose.Provider, error) {
	return goose.NewProvider(goose.Dialect(s.dialect.name()), s.writer, s.migrations.files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// Present is the number of the database's schema: 0 if there is none yet.
func (s *Store) Present(ctx context.Context) (number int64, err error) {
	err = s.read(ctx, func(t *tx) error {
		there, err := t.one(s.dialect.tables()+` WHERE name = 'goose_db_version'`, nil, new(string))
		if err != nil || !there {
			return err
		}
		_, err = t.one(`SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`, nil, &number)
		return err
	})
	return number, doing(err, "reading the number of the schema")
}

// allowed refuses to take away what a server needs that is in use.
func (s *Store) allowed(ctx context.Context, present, to int64) error {
	for _, step := range s.migrations.missing(present, to) {
		if !step.contracts() || present == 0 {
			continue
		}
		servers, err := s.Servers(ctx)
		if err != nil {
			return err
		}
		for _, server := range servers {
			if server.Schema < s.migrations.before(step) && server.Ago < day {
				return fail(ErrConflict, "migration '%s' has to wait: server '%s' (version %s, last seen at %s) needs schema %d",
					step.name, server.Name, server.Version, server.Seen.Format(time.RFC3339), server.Schema)
			}
		}
	}
	return nil
}

// unused reports whether nobody has written into the store: it has no schema yet, or
// who made it did not get to the end.
func (s *Store) unused(ctx context.Context, schema int64) (unused bool, err error) {
	if schema == 0 {
		return true, nil
	}
	err = s.read(ctx, func(t *tx) error {
		used, err := t.one("SELECT name FROM counters WHERE value > 0 UNION ALL SELECT name FROM settings LIMIT 1", nil, new(string))
		unused = !used
		return err
	})
	return unused, doing(err, "looking whether the store is in use")
}

// copyBefore makes a copy of a store that holds data.
func (s *Store) copyBefore(ctx context.Context, present, to int64) error {
	if unused, err := s.unused(ctx, present); err != nil || unused {
		return err
	}
	if s.cfg.Backups == "" {
		return fail(ErrInvalid, "migrating the store from schema %d to %d: there is no folder for a copy of it", present, to)
	}
	path, err := s.backup(ctx, present)
	if err != nil {
		return doing(err, "copying the store before its migration from schema %d to %d", present, to)
	}
	s.cfg.Log.Infof("copied the store to '%s' before its migration from schema %d to %d", path, present, to)
	return nil
}

// backup writes a copy into the folder of copies.
func (s *Store) backup(ctx context.Context, schema int64) (path string, err error) {
	if err := os.MkdirAll(s.cfg.Backups, 0o700); err != nil {
		return "", err
	}
	name := fmt.Sprintf("store-schema%d-%s%s", schema, time.Now().UTC().Format("20060102T150405.000000Z"), s.dialect.suffix())
	path = filepath.Join(s.cfg.Backups, name)
	return path, s.copyTo(ctx, path, schema)
}

// Pending names the migrations that Finish would run.
func (s *Store) Pending(ctx context.Context) (names []string, err error) {
	present, err := s.Present(ctx)
	if err != nil {
		return nil, err
	}
	for _, step := range s.migrations.missing(present, s.migrations.newest()) {
		names = append(names, step.name)
	}
	return names, nil
}

// Finish runs the migrations that take away what only older versions of the
// program need. It refuses as long as one of them was seen within a day.
func (s *Store) Finish(ctx context.Context) error {
	return doing(s.up(ctx, s.migrations.last()), "finishing the migration")
}
