package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"embed"
	"io/fs"
	"sync"
)

// Config says which store to open.
type Config struct {
	Driver  string      // "sqlite" or "postgres"
	Source  string      // a file, or a DSN
	TLS     *tls.Config // of PostgreSQL; nil: as the DSN says
	Server  string      // the name of this server
	Backups string      // folder of the copies that are made before a migration; empty: a store with data is not migrated
	Log     Logger      // nil: nothing is logged
}

// Logger is told what people should know.
type Logger interface {
	Infof(format string, v ...any)
	Warningf(format string, v ...any)
}

// Store is an open store. Its methods may be called from many goroutines.
type Store struct {
	cfg        Config
	dialect    dialect
	writer     *sql.DB
	reader     *sql.DB // the same as writer on PostgreSQL
	migrations *migrations
	close      func() error

	mu    sync.Mutex
	wakes map[chan struct{}]bool // of those who wait for changes in this process

	noting sync.Mutex // held by who notes the use of a token
}

//go:embed migrations/*.sql
var embedded embed.FS

// Open opens a store, and makes it or brings its schema up to this version of
// the program if need be.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	own, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return nil, err
	}
	return openWith(ctx, cfg, own)
}

// openWith is Open with other migrations, for tests.
func openWith(ctx context.Context, cfg Config, files fs.FS) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = silence{}
	}
	m, err := readMigrations(files)
	if err != nil {
		return nil, err
	}
	s, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.migrations, s.wakes = m, map[chan struct{}]bool{}
	if err := s.prepare(ctx); err != nil {
		s.Close()
		return nil, doing(err, "opening the store")
	}
	return s, nil
}

// prepare has the store be as this program needs it.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.adoptAll(ctx)
}

func connect(ctx context.Context, cfg Config) (*Store, error) {
	switch cfg.Driver {
	case "sqlite":
		return openSQLite(ctx, cfg)
	case "postgres":
		return openPostgres(ctx, cfg)
	}
	return nil, fail(ErrInvalid, "unknown store '%s': it is sqlite or postgres", cfg.Driver)
}

// Close gives back what the store holds: connections, and the lock of a file.
// Who writes goes last: that is who tidies a SQLite file up.
func (s *Store) Close() error {
	err := s.reader.Close()
	if s.reader != s.writer {
		err = cmp.Or(err, s.writer.Close())
	}
	return doing(cmp.Or(err, s.close()), "closing the store")
}

type silence struct{}

func (silence) Infof(string, ...any)    {}
func (silence) Warningf(string, ...any) {}
