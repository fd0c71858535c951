package store

import (
	"context"
	"database/sql"
	"io"
	"math"
	"strconv"
	"strings"
)

// dialect is what differs between the databases.
type dialect interface {
	name() string                                            // for goose
	now() string                                             // an expression: the database's clock in microseconds
	numbered() bool                                          // parameters are $1, $2 ... instead of ?
	snapshot() *sql.TxOptions                                // of a transaction that sees one moment
	unhurried() string                                       // a statement that lets those of a transaction take their time, or ""
	again(err error) bool                                    // the transaction did nothing, and may succeed the next time
	lost(err error) bool                                     // the connection is gone
	together(ctx context.Context, s *Store, b *batch) error  // runs a batch
	domains(ctx context.Context, db *sql.DB) error           // makes the types that the schema needs
	lock(ctx context.Context) (unlock func(), err error)     // keeps others from migrating
	suffix() string                                          // of the names of copies
	backup(ctx context.Context, path string, m copied) error // makes a copy in a new file
	tables() string                                          // a query of the names of all tables
	notify() string                                          // a statement that wakes other processes, or ""
	listen(ctx context.Context, s *Store, wake func())       // until ctx is over
}

// copied is what a copy has to know of the schema.
type copied struct {
	schema int64
	write  func(w io.Writer) error // the statements that make it
}

// translate writes a portable query as the database wants it: {now} is its
// clock, and ? the next parameter.
func translate(d dialect, query string) string {
	query = strings.ReplaceAll(query, "{now}", d.now())
	query = strings.ReplaceAll(query, "{forever}", forever)
	if !d.numbered() {
		return query
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// endless is it as a number.
const endless int64 = math.MaxInt64

// forever is the "until" of a version that holds at present.
const forever = "9223372036854775807"

// marks are the parameters of n rows with the given number of columns each:
// "(?,?),(?,?)".
func marks(rows, columns int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(row+",", rows), ",")
}
