package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// applicationID marks a SQLite file as one of ours.
const applicationID = 0x63646e72 // "cdnr"

// readers is how many connections read beside the one that writes.
const readers = 4

// lite is the dialect of SQLite.
type lite struct {
	reader *sql.DB
	file   string
}

// openSQLite opens a file that no other process has open. A missing one is
// made; an empty one is refused, because what is left of a store that was
// truncated must not be taken for one that nobody has written to.
func openSQLite(ctx context.Context, cfg Config) (*Store, error) {
	file, err := filepath.Abs(cfg.Source)
	if err != nil {
		return nil, doing(err, "opening store file '%s'", cfg.Source)
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	lock, err := lockFile(file + ".lock")
	if used := new(inUse); errors.As(err, &used) {
		return nil, fail(ErrLocked, "store file '%s' is in use by process %s", file, used.pid)
	}
	if err != nil {
		return nil, doing(err, "locking store file '%s'", file)
	}
	s, err := openLocked(ctx, cfg, file)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.close = lock.Close
	return s, nil
}

func openLocked(ctx context.Context, cfg Config, file string) (*Store, error) {
	if err := prepareFile(ctx, file); err != nil {
		return nil, err
	}
	writer, err := openFile(file, "rw", 1)
	if err != nil {
		return nil, doing(err, "opening store file '%s'", file)
	}
	reader, err := openFile(file, "ro", readers)
	if err != nil {
		writer.Close()
		return nil, doing(err, "opening store file '%s'", file)
	}
	if err := checkFile(ctx, writer, file); err != nil {
		reader.Close()
		writer.Close()
		return nil, err
	}
	return &Store{cfg: cfg, dialect: &lite{reader, file}, writer: writer, reader: reader}, nil
}

// openFile makes a pool of connections to a file that is there.
func openFile(file, mode string, most int) (*sql.DB, error) {
	options := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_busy_timeout": {"5000"}, "_foreign_keys": {"1"}}
	if mode == "rw" {
		options["_journal_mode"], options["_synchronous"] = []string{"WAL"}, []string{"FULL"}
		options["_pragma"] = []string{"cache_size(-32000)"} // 32 MB: a publication of 100,000 objects takes half the time
	}
	name := url.URL{Scheme: "file", Path: file, RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// prepareFile sees to it that there is a database.
func prepareFile(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return doing(makeFile(ctx, file), "making store file '%s'", file)
	case err != nil:
		return doing(err, "opening store file '%s'", file)
	case !info.Mode().IsRegular():
		return fail(ErrInvalid, "store file '%s' is no file", file)
	case info.Size() == 0:
		return fail(ErrDamaged, "store file '%s' is empty: put a copy back, or remove it to begin with a new store", file)
	}
	return nil
}

// makeFile makes a database without tables, whole or not at all, so that an
// empty file is never what a crash leaves behind.
func makeFile(ctx context.Context, file string) error {
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return fail(ErrDamaged, "its log '%s-wal' is there, but the file is not: put a copy back, or remove the log, too", file)
	}
	fresh := file + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	made, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer made.Close()
	if err := initialize(ctx, fresh); err != nil {
		return err
	}
	if err := made.Sync(); err != nil {
		return err
	}
	if err := os.Rename(fresh, file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// initialize writes all into the file itself: what a log beside it has would not be
// renamed with it.
func initialize(ctx context.Context, file string) error {
	db, err := openFile(file, "rwc", 1)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	if closed := db.Close(); err == nil {
		err = closed
	}
	return err
}

func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// checkFile refuses a file that is damaged, or no store.
func checkFile(ctx context.Context, db *sql.DB, file string) error {
	var id int64
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fileError(err, file)
	}
	if id != applicationID {
		return fail(ErrDamaged, "store file '%s' is a SQLite database, but no store", file)
	}
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return fileError(err, file)
	}
	if found != "ok" {
		return fail(ErrDamaged, "store file '%s' is damaged (%s): put a copy back", file, strings.ReplaceAll(found, "\n", ": "))
	}
	return nil
}

// fileError says what is wrong with a file that SQLite does not read.
func fileError(err error, file string) error {
	switch code(err) {
	case sqlite3.SQLITE_NOTADB:
		return fail(ErrDamaged, "store file '%s' is no SQLite database: put a copy back, or remove it to begin with a new store", file)
	case sqlite3.SQLITE_CORRUPT:
		return fail(ErrDamaged, "store file '%s' is damaged (%v): put a copy back", file, err)
	}
	return doing(err, "opening store file '%s'", file)
}

// code is SQLite's primary result code, or 0.
func code(err error) int {
	var of *sqlite.Error
	if errors.As(err, &of) {
		return of.Code() & 0xff
	}
	return 0
}

func (*lite) name() string                           { return "sqlite3" }
func (*lite) now() string                            { return "CAST(unixepoch('subsec') * 1000000 AS INTEGER)" }
func (*lite) numbered() bool                         { return false }
func (*lite) snapshot() *sql.TxOptions               { return &sql.TxOptions{ReadOnly: true} }
func (*lite) unhurried() string                      { return "" }
func (*lite) again(err error) bool                   { return code(err) == sqlite3.SQLITE_BUSY }
func (*lite) lost(error) bool                        { return false }
func (*lite) domains(context.Context, *sql.DB) error { return nil }
func (*lite) lock(context.Context) (func(), error)   { return func() {}, nil } // the file's lock does
func (*lite) notify() string                         { return "" }
func (*lite) tables() string {
	return "SELECT name FROM (SELECT name FROM sqlite_master WHERE type = 'table') AS t"
}
func (*lite) suffix() string                                      { return ".db" }
func (l *lite) listen(ctx context.Context, s *Store, wake func()) { s.listenHere(ctx, wake) }

// backup copies the whole database, on a connection that reads: others go on writing. To
// go back to a copy, put it in the place of the store's file, and remove FILE-wal and
// FILE-shm.
func (l *lite) backup(ctx context.Context, path string, _ copied) error {
	_, err := l.reader.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}
