package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"slices"
	"strings"
)

// Load fills an empty store from a dump, whole or not at all. To servers it is another
// store than the one that was dumped.
func (s *Store) Load(ctx context.Context, r io.Reader) error {
	err := s.writeLong(ctx, migrationPatience, func(t *tx) error {
		for _, counter := range []string{"identities", "revision"} { // nobody else writes
			if _, err := t.take(counter, 0); err != nil {
				return err
			}
		}
		if err := t.empty(); err != nil {
			return err
		}
		l := &loader{t: t, schema: s.Schema(), lines: bufio.NewReader(r), sum: sha256.New()}
		if err := l.load(); err != nil {
			return doing(err, "line %d", l.line)
		}
		t.wake()
		return t.adopt()
	})
	return doing(err, "loading a dump")
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
	t      *tx
	schema int64
	lines  *bufio.Reader
	line   int
	sum    hash.Hash // of the lines before the present one

	table   portable // of the present rows
	columns []string
	kinds   []byte
	waiting [][]any // rows that are not written yet
	rows    int64
}

// dumpLine is a line that is no row.
type dumpLine struct {
	headLine
	tableLine
	endLine
}

func (l *loader) load() error {
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
		return fail(ErrDamaged, "it does not begin as a dump of a store does")
	case h.Version != dumpVersion || h.Schema > l.schema:
		return fail(ErrNewer, "the dump has version %d and schema %d, and this version of the program reads %d and %d", h.Version, h.Schema, dumpVersion, l.schema)
	}
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
	l.waiting, l.rows = append(l.waiting, row), l.rows+1
	const most = 500
	if len(l.waiting) < most {
		return nil
	}
	return l.flush()
}

// flush writes the rows that wait.
func (l *loader) flush() error {
	err := l.t.insert(l.table.name+" ("+strings.Join(l.columns, ", ")+")", l.table.there, len(l.columns), l.waiting)
	l.waiting = nil
	return doing(err, "filling table '%s'", l.table.name)
}

func (l *loader) end(e endLine) error {
	if sum := hex.EncodeToString(l.sum.Sum(nil)); e.SHA256 != sum || e.Rows != l.rows {
		return fail(ErrDamaged, "the dump is damaged: it has %d rows and the checksum %s, and should have %d and %s", l.rows, sum, e.Rows, e.SHA256)
	}
	return l.flush()
}
