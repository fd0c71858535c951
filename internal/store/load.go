package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"slices"
	"strings"
	"time"
)

// Contents is what is in a dump.
type Contents struct {
	Made      time.Time `json:"made"` // when
	Schema    int64     `json:"schema"`
	Revision  int64     `json:"revision"`  // the newest
	Sites     int       `json:"sites"`     // of that revision
	Customers int       `json:"customers"` // that are not closed
	Users     int       `json:"users"`     // likewise
	Rows      int64     `json:"rows"`
}

// Verify reads a dump to its end, and says what is in it. What is not whole is
// ErrDamaged. Whether a store could take it is not looked at.
func Verify(r io.Reader) (Contents, error) {
	l := newLoader(r)
	err := l.load()
	return l.found, doing(err, "reading a dump: line %d", l.line)
}

// Load fills an empty store from a dump, whole or not at all, and says what it was. To
// servers it is another store than the one that was dumped.
func (s *Store) Load(ctx context.Context, r io.Reader) (found Contents, err error) {
	var before error // a dump can be read once
	err = s.writeLong(ctx, migrationPatience, func(t *tx) (err error) {
		if before != nil {
			return before
		}
		defer func() { before = err }()
		if err := t.unhurried(); err != nil {
			return err
		}
		for _, counter := range []string{"identities", "revision"} { // nobody else writes
			if _, err := t.take(counter, 0); err != nil {
				return err
			}
		}
		if err := t.empty(); err != nil {
			return err
		}
		l := newLoader(r)
		l.t, l.schema = t, s.Schema()
		if err := l.load(); err != nil {
			return doing(err, "line %d", l.line)
		}
		found = l.found
		t.wake()
		return t.adopt()
	})
	return found, doing(err, "loading a dump")
}

// empty refuses a store that somebody has written to.
func (t *tx) empty() error {
	for _, p := range portables {
		if p.there != "" {
			continue
		}
		there, err := t.one("SELECT 1 FROM "+p.name+" LIMIT 1", nil, new(int64))
		if err != nil {
			return err
		}
		if there {
			return fail(ErrConflict, "the store is not empty: it has rows in '%s'", p.name)
		}
	}
	return nil
}

// loader reads the lines of a dump.
type loader struct {
	t      *tx   // nil: the rows go nowhere
	schema int64 // that the store has, if there is one
	lines  *bufio.Reader
	line   int
	sum    hash.Hash // of the lines before the present one

	table   portable // of the present rows
	columns []string
	kinds   []byte
	waiting [][]any // rows that are not written yet
	found   Contents
}

func newLoader(r io.Reader) *loader { return &loader{lines: bufio.NewReader(r), sum: sha256.New()} }

// dumpLine is a line that is no row.
type dumpLine struct {
	headLine
	tableLine
	endLine
}

func (l *loader) load() error {
	if err := l.begins(); err != nil {
		return err
	}
	for {
		text, err := l.lines.ReadBytes('\n')
		if err == io.EOF {
			return fail(ErrDamaged, "the dump ends before its last line")
		}
		if err != nil {
			return err
		}
		l.line++
		ended, err := l.read(text)
		if err != nil {
			return err
		}
		if ended {
			return l.nothing()
		}
		l.sum.Write(text)
	}
}

// begins refuses what is anything else, which may have no lines at all.
func (l *loader) begins() error {
	const head = `{"dump":`
	start, err := l.lines.Peek(len(head))
	switch {
	case err != nil && err != io.EOF:
		return err
	case bytes.HasPrefix([]byte(head), start):
		return nil
	case bytes.HasPrefix(start, []byte("SQLite")), bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return fail(ErrDamaged, "it is no dump: a copy that a server has made before a migration is put in the store's place, and what is packed is unpacked before")
	}
	return errNoDump
}

var errNoDump = fail(ErrDamaged, "it does not begin as a dump of a store does")

// nothing refuses what stands behind the last line.
func (l *loader) nothing() error {
	if _, err := l.lines.ReadByte(); err != io.EOF {
		return fail(ErrDamaged, "the dump goes on behind its last line")
	}
	return nil
}

func (l *loader) read(text []byte) (ended bool, err error) {
	if text[0] == '[' {
		return false, l.row(text)
	}
	var line dumpLine
	if err := json.Unmarshal(text, &line); err != nil {
		return false, fail(ErrDamaged, "it is no line of a dump: %v", err)
	}
	switch {
	case l.line == 1:
		return false, l.head(line.headLine)
	case line.Table != "":
		return false, l.begin(line.tableLine)
	}
	return true, l.end(line.endLine)
}

func (l *loader) head(h headLine) error {
	switch {
	case h.Dump != dumpName:
		return errNoDump
	case h.Version != dumpVersion || l.t != nil && h.Schema > l.schema:
		return fail(ErrNewer, "the dump has version %d and schema %d, and this version of the program reads %d and %d", h.Version, h.Schema, dumpVersion, l.schema)
	}
	l.found.Made, l.found.Schema = h.Made, h.Schema
	return nil
}

// begin begins a table.
func (l *loader) begin(head tableLine) error {
	if err := l.flush(); err != nil {
		return err
	}
	i := slices.IndexFunc(portables, func(p portable) bool { return p.name == head.Table })
	if i < 0 {
		return fail(ErrDamaged, "there is no table '%s' in a dump", head.Table)
	}
	l.table, l.columns, l.kinds = portables[i], head.Columns, nil
	kinds := l.table.kinds()
	for i, column := range head.Columns {
		kind, known := kinds[column]
		if !known || slices.Contains(head.Columns[:i], column) {
			return fail(ErrDamaged, "table '%s' has no column '%s', or not once", head.Table, column)
		}
		l.kinds = append(l.kinds, kind)
	}
	return nil
}

func (l *loader) row(text []byte) error {
	var values []*string
	if err := json.Unmarshal(text, &values); err != nil {
		return fail(ErrDamaged, "it is no row: %v", err)
	}
	if len(values) != len(l.columns) || len(values) == 0 {
		return fail(ErrDamaged, "a row of table '%s' has %d values, and not %d", l.table.name, len(values), len(l.columns))
	}
	row := make([]any, len(values))
	for i, s := range values {
		var err error
		if row[i], err = value(l.kinds[i], s); err != nil {
			return fail(ErrDamaged, "column '%s' of table '%s': %v", l.columns[i], l.table.name, err)
		}
	}
	l.count(row)
	l.waiting = append(l.waiting, row)
	const most = 500
	if len(l.waiting) < most {
		return nil
	}
	return l.flush()
}

// count notes what people know a store by.
func (l *loader) count(row []any) {
	l.found.Rows++
	of := func(column string) any {
		if i := slices.Index(l.columns, column); i >= 0 {
			return row[i]
		}
		return nil
	}
	open := of("closed") == int64(0)
	switch {
	case l.table.name == "counters" && of("name") == "revision":
		l.found.Revision, _ = of("value").(int64)
	case l.table.name == "objects" && of("kind") == "site" && of("until") == endless && of("text") != "":
		l.found.Sites++
	case l.table.name == "customers" && open:
		l.found.Customers++
	case l.table.name == "users" && open:
		l.found.Users++
	}
}

// flush writes the rows that wait.
func (l *loader) flush() error {
	if l.t == nil {
		l.waiting = nil
		return nil
	}
	err := l.t.insert(l.table.name+" ("+strings.Join(l.columns, ", ")+")", l.table.there, len(l.columns), l.waiting)
	l.waiting = nil
	return doing(err, "filling table '%s'", l.table.name)
}

func (l *loader) end(e endLine) error {
	if sum := hex.EncodeToString(l.sum.Sum(nil)); e.SHA256 != sum || e.Rows != l.found.Rows {
		return fail(ErrDamaged, "the dump is damaged: it has %d rows and the checksum %s, and should have %d and %s", l.found.Rows, sum, e.Rows, e.SHA256)
	}
	return l.flush()
}
