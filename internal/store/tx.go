package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"
)

// How long a call may take whose context has no deadline.
const (
	patience     = 10 * time.Second
	longPatience = 2 * time.Minute // of one that moves many objects
)

// tries is how often a transaction is begun that the database gave up, or
// whose connection turned out to be gone: more than there are connections.
const tries = 10

// tx is a transaction in which portable queries are run.
type tx struct {
	ctx     context.Context
	sql     runs
	dialect dialect
	wakes   bool // others are told when it is committed
}

// runs is what queries are run in: a transaction, or one that each makes by itself.
type runs interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// write runs f in a transaction that may write.
func (s *Store) write(ctx context.Context, f func(*tx) error) error {
	return s.writeLong(ctx, patience, f)
}

func (s *Store) writeLong(ctx context.Context, d time.Duration, f func(*tx) error) error {
	ctx, cancel := limited(ctx, d)
	defer cancel()
	woken := false
	err := s.retry(ctx, func() (retry bool, err error) {
		begun, err := s.writer.BeginTx(ctx, nil)
		if err != nil {
			return s.dialect.lost(err), err
		}
		defer begun.Rollback()
		t := &tx{ctx: ctx, sql: begun, dialect: s.dialect}
		if err := f(t); err != nil {
			return s.dialect.again(err), err
		}
		if err := t.announce(); err != nil {
			return s.dialect.again(err), err
		}
		woken = t.wakes
		return false, begun.Commit()
	})
	if err == nil && woken {
		s.wakeAll()
	}
	return err
}

// read runs f in a transaction that sees one moment of the store.
func (s *Store) read(ctx context.Context, f func(*tx) error) error {
	return s.readLong(ctx, patience, f)
}

func (s *Store) readLong(ctx context.Context, d time.Duration, f func(*tx) error) error {
	ctx, cancel := limited(ctx, d)
	defer cancel()
	return s.retry(ctx, func() (retry bool, err error) {
		begun, err := s.reader.BeginTx(ctx, s.dialect.snapshot())
		if err == nil {
			defer begun.Rollback()
			err = f(&tx{ctx: ctx, sql: begun, dialect: s.dialect})
		}
		return s.dialect.again(err) || s.dialect.lost(err), err
	})
}

// glance is read for a single query, which sees one moment by itself: a transaction
// would be two round trips more.
func (s *Store) glance(ctx context.Context, f func(*tx) error) error {
	ctx, cancel := limited(ctx, patience)
	defer cancel()
	return s.retry(ctx, func() (retry bool, err error) {
		err = f(&tx{ctx: ctx, sql: s.reader, dialect: s.dialect})
		return s.dialect.again(err) || s.dialect.lost(err), err
	})
}

// limited gives a context without a deadline one.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// retry calls f until it succeeds or it is of no use to try again.
func (s *Store) retry(ctx context.Context, f func() (retry bool, err error)) error {
	for try := 1; ; try++ {
		retry, err := f()
		if err == nil {
			return nil
		}
		if s.dialect.lost(err) {
			s.forgetIdle() // they have most likely gone the same way
		}
		if !retry || try == tries {
			return err
		}
		select {
		case <-time.After(rand.N(time.Duration(try) * 10 * time.Millisecond)):
		case <-ctx.Done():
			return err
		}
	}
}

// unhurried lets statements take as long as the context does, and pauses between them.
func (t *tx) unhurried() error {
	statement := t.dialect.unhurried()
	if statement == "" {
		return nil
	}
	_, err := t.exec(statement)
	return err
}

// exec runs a statement and says how many rows it touched.
func (t *tx) exec(query string, args ...any) (int64, error) {
	result, err := t.sql.ExecContext(t.ctx, translate(t.dialect, query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one reads a row, and says whether there was one.
func (t *tx) one(query string, args []any, into ...any) (bool, error) {
	err := t.sql.QueryRowContext(t.ctx, translate(t.dialect, query), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls f for every row.
func (t *tx) each(query string, args []any, f func(scan func(into ...any) error) error) error {
	rows, err := t.sql.QueryContext(t.ctx, translate(t.dialect, query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// take takes the next n numbers of a counter, and returns the last of them.
// Nobody else takes one until the transaction ends.
func (t *tx) take(counter string, n int) (last int64, err error) {
	_, err = t.one(`UPDATE counters SET value = value + ? WHERE name = ? RETURNING value`, []any{int64(n), counter}, &last)
	return last, err
}

// counted returns the last number that was taken of a counter.
func (t *tx) counted(counter string) (last int64, err error) {
	_, err = t.one(`SELECT value FROM counters WHERE name = ?`, []any{counter}, &last)
	return last, err
}

// insert adds rows, as many in a statement as both databases take. What
// stands behind the rows is rest.
func (t *tx) insert(into, rest string, columns int, rows [][]any) error {
	const most = 500
	for len(rows) > 0 {
		n := min(most, len(rows))
		args := make([]any, 0, n*columns)
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := t.exec("INSERT INTO "+into+" VALUES "+marks(n, columns)+" "+rest, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// micros and moment are times in the database; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
