package store

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// batch is the statements of a transaction, none of which needs to know what came of
// another. So PostgreSQL gets all of them at once: they take one round trip, however
// many they are, and nobody waits for a lock of a server with a slow way for longer
// than they run.
type batch struct {
	statements []statement
	each       func(scan func(into ...any) error) error // is called for every row of the last; nil: it has none
	repeats    bool                                     // twice is as good as once
	wakes      bool                                     // others are told when it is committed
}

type statement struct {
	query string
	args  []any
}

func (b *batch) add(query string, args ...any) {
	b.statements = append(b.statements, statement{query, args})
}

// together runs a batch.
func (s *Store) together(ctx context.Context, d time.Duration, b *batch) error {
	ctx, cancel := limited(ctx, d)
	defer cancel()
	err := s.retry(ctx, func() (retry bool, err error) {
		err = s.dialect.together(ctx, s, b)
		return s.dialect.again(err) || b.repeats && s.dialect.lost(err), err
	})
	if err == nil && b.wakes {
		s.wakeAll()
	}
	return err
}

// together has them one after the other: a file is near.
func (*lite) together(ctx context.Context, s *Store, b *batch) error {
	return s.write(ctx, func(t *tx) error {
		last := len(b.statements) - 1
		for i, one := range b.statements {
			if i == last && b.each != nil {
				return t.each(one.query, one.args, b.each)
			}
			if _, err := t.exec(one.query, one.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// together sends all of them before it reads an answer. What is sent so is one
// transaction.
func (p *postgres) together(ctx context.Context, _ *Store, b *batch) error {
	all := new(pgx.Batch)
	for _, one := range b.statements {
		all.Queue(translate(p, one.query), one.args...)
	}
	if b.wakes {
		all.Queue(p.notify())
	}
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(of any) error {
		results := of.(*stdlib.Conn).Conn().SendBatch(ctx, all)
		err := b.read(results)
		return cmp.Or(err, results.Close())
	})
}

// read reads what came of all statements but a notification behind them.
func (b *batch) read(results pgx.BatchResults) error {
	last := len(b.statements) - 1
	for range last {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	if b.each == nil {
		_, err := results.Exec()
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := b.each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
