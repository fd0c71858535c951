package store

import (
	"context"
	"io/fs"
)

// MaxUnfinished is how many onboardings a customer may have that are not over.
const MaxUnfinished = maxUnfinished

// MaxUnproved is how many claims a customer may have that are not proved.
const MaxUnproved = maxUnproved

// OpenWith opens a store with other migrations.
func OpenWith(ctx context.Context, cfg Config, files fs.FS) (*Store, error) {
	return openWith(ctx, cfg, files)
}

// Migrations are those of the program.
func Migrations() fs.FS {
	own, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err)
	}
	return own
}

// Ask reads one value.
func (s *Store) Ask(ctx context.Context, into any, query string, args ...any) error {
	return s.read(ctx, func(t *tx) error {
		_, err := t.one(query, args, into)
		return err
	})
}

// Do runs a statement.
func (s *Store) Do(ctx context.Context, statement string, args ...any) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(statement, args...)
		return err
	})
}

// Twice runs f in a transaction that meets a failure the first time.
func (s *Store) Twice(ctx context.Context, failure error, f func()) error {
	tried := false
	return s.write(ctx, func(*tx) error {
		f()
		if !tried {
			tried = true
			return failure
		}
		return nil
	})
}

// Holding runs f while nobody else writes.
func (s *Store) Holding(ctx context.Context, f func()) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.take("revision", 0)
		if err == nil {
			f()
		}
		return err
	})
}

// Idle is how many connections nobody uses.
func (s *Store) Idle() int { return s.writer.Stats().Idle }

// Portable lists the tables of a dump, with their columns.
func Portable() map[string][]string {
	all := map[string][]string{}
	for _, p := range portables {
		all[p.name] = p.names()
	}
	return all
}

// Tables lists those of the database.
func (s *Store) Tables(ctx context.Context) (names []string, err error) {
	err = s.read(ctx, func(t *tx) error {
		return t.each(s.dialect.tables()+" ORDER BY name", nil, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
	})
	return names, err
}

// Columns lists those of a table.
func (s *Store) Columns(ctx context.Context, table string) ([]string, error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Columns()
}
