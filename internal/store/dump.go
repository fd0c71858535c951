package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"time"
)

// dumpVersion is that of the form of dumps.
const dumpVersion = 1

// headLine, tableLine and endLine are the lines of a dump that are no rows. A row is a
// list of texts, in the order of its table's columns.
type (
	headLine struct {
		Dump    string    `json:"dump"` // "cdnredirect store"
		Version int       `json:"version"`
		Schema  int64     `json:"schema"`
		Made    time.Time `json:"made"`
	}
	tableLine struct {
		Table   string   `json:"table"`
		Columns []string `json:"columns"`
	}
	endLine struct {
		Rows   int64  `json:"rows"`
		SHA256 string `json:"sha256"` // of all lines before
	}
)

const dumpName = "cdnredirect store"

// Dump writes all that a new store, of either database, needs to go on from here: JSON
// lines, with a checksum in the last one. It is of one moment; made says for people
// which. Of secrets it has hashes; but texts of the configuration are in it as they are.
// A store with a schema that this program does not know is refused with ErrNewer: what is
// new in it would be missing.
func (s *Store) Dump(ctx context.Context, w io.Writer, made time.Time) error {
	ctx, cancel := limited(ctx, migrationPatience)
	defer cancel()
	present, err := s.Present(ctx)
	if known := s.migrations.last(); err == nil && present > known {
		err = fail(ErrNewer, "the store has schema %d, and this version of the program knows %d: let a newer one do it", present, known)
	}
	if err == nil {
		err = s.dump(ctx, w, made)
	}
	return doing(err, "dumping the store")
}

// dump is not tried again: what was written is written.
func (s *Store) dump(ctx context.Context, w io.Writer, made time.Time) error {
	begun, err := s.reader.BeginTx(ctx, s.dialect.snapshot())
	if err != nil {
		return err
	}
	defer begun.Rollback()
	buffered, sum := bufio.NewWriter(w), sha256.New()
	d := &dumper{t: &tx{ctx: ctx, sql: begun, dialect: s.dialect}, lines: json.NewEncoder(io.MultiWriter(buffered, sum))}
	d.lines.SetEscapeHTML(false)
	if err := d.t.unhurried(); err != nil {
		return err
	}
	if err := d.lines.Encode(headLine{dumpName, dumpVersion, s.Schema(), made.UTC().Truncate(time.Second)}); err != nil {
		return err
	}
	for _, p := range portables {
		if err := d.table(p); err != nil {
			return doing(err, "table '%s'", p.name)
		}
	}
	if err := d.lines.Encode(endLine{d.rows, hex.EncodeToString(sum.Sum(nil))}); err != nil {
		return err
	}
	return buffered.Flush()
}

// dumper writes the lines of a dump.
type dumper struct {
	t     *tx
	lines *json.Encoder
	rows  int64
}

func (d *dumper) table(p portable) error {
	columns, kinds := p.names(), p.kinds()
	if err := d.lines.Encode(tableLine{p.name, columns}); err != nil {
		return err
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + p.name
	if p.leaves != "" {
		query += " WHERE NOT (" + p.leaves + ")"
	}
	return d.t.each(query+" ORDER BY "+p.order(), nil, func(scan func(...any) error) error {
		row := make([]any, len(columns))
		for i, column := range columns {
			row[i] = room(kinds[column])
		}
		if err := scan(row...); err != nil {
			return err
		}
		for i := range row {
			row[i] = written(row[i])
		}
		d.rows++
		return d.lines.Encode(row)
	})
}
