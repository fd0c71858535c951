package store

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Entry is a decision in the journal.
type Entry struct {
	Number   int64 // that the store gave it
	At       time.Time
	Site     string
	Side     site.Side
	Share    float64
	CDNs     []string
	Cause    site.Cause
	Signal   site.Signal
	Value    float64
	Limit    float64
	V        float64
	Age      time.Duration
	Detail   string
	TTL      time.Duration
	Override string // its ID, if one was in force
	Revision int64  // of the configuration that it was decided by
	Epoch    uint64
	Server   string
}

const entryColumns = "number, at, site, side, share, cdns, cause, signal, value, bound, v, age, detail, ttl, override, revision, epoch, server"

// Record writes decisions into the journal. One that is there already, by its
// server, site, epoch and time, is not written again.
func (s *Store) Record(ctx context.Context, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	err := s.writeLong(ctx, patience+time.Duration(len(entries))*time.Millisecond, func(t *tx) error {
		last, err := t.take("journal", len(entries))
		if err != nil {
			return err
		}
		rows := make([][]any, 0, len(entries))
		for i, e := range entries {
			rows = append(rows, e.row(last-int64(len(entries)-1-i)))
		}
		return t.insert("journal ("+entryColumns+")", "ON CONFLICT (site, at, server, epoch) DO NOTHING", 18, rows)
	})
	return doing(err, "recording %d decisions", len(entries))
}

// row is an entry in the order of entryColumns. A detail comes from anywhere,
// and must not keep the rest from being written.
func (e Entry) row(number int64) []any {
	return []any{number, micros(e.At), clean(e.Site), string(e.Side), number64(e.Share), clean(strings.Join(e.CDNs, " ")), string(e.Cause), string(e.Signal),
		number64(e.Value), number64(e.Limit), number64(e.V), e.Age.Microseconds(), clean(e.Detail), e.TTL.Microseconds(), clean(e.Override), e.Revision, int64(e.Epoch), clean(e.Server)}
}

func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// number64 makes 0 of what is no number: SQLite would take it for NULL.
func number64(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

func scanEntry(scan func(into ...any) error) (e Entry, err error) {
	var at, age, ttl, epoch int64
	var cdns string
	err = scan(&e.Number, &at, &e.Site, &e.Side, &e.Share, &cdns, &e.Cause, &e.Signal,
		&e.Value, &e.Limit, &e.V, &age, &e.Detail, &ttl, &e.Override, &e.Revision, &epoch, &e.Server)
	e.At, e.CDNs, e.Epoch = moment(at), strings.Fields(cdns), uint64(epoch)
	e.Age, e.TTL = time.Duration(age)*time.Microsecond, time.Duration(ttl)*time.Microsecond
	return e, err
}

// JournalQuery picks entries of the journal. The zero value picks the newest.
type JournalQuery struct {
	Site  string    // empty: of all sites
	Since time.Time // zero: of all times
	Limit int
}

// Journal lists decisions, the newest first. A customer sees those on his
// sites, from the time that they were his.
func (v *View) Journal(ctx context.Context, q JournalQuery) (entries []Entry, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "reading the journal")
	}
	where, args := v.journal(q)
	err = v.s.read(ctx, func(t *tx) error {
		if err := v.ownsSite(t, q.Site); err != nil {
			return err
		}
		entries = nil
		return t.each("SELECT "+entryColumns+" FROM journal j WHERE "+where+" ORDER BY j.at DESC, j.number DESC LIMIT ?",
			append(args, bounded(q.Limit)), func(scan func(...any) error) error {
				e, err := scanEntry(scan)
				entries = append(entries, e)
				return err
			})
	})
	return entries, doing(err, "reading the journal")
}

// journal is a query as a condition on the table journal as j.
func (v *View) journal(q JournalQuery) (where string, args []any) {
	mine, args := v.mine("o.customer")
	where = "1 = 1"
	if !v.who.Operator {
		where = `EXISTS (SELECT 1 FROM objects o WHERE ` + mine + ` AND o.kind = 'site' AND o.name = j.site
			AND o.since <= j.revision AND o.until > j.revision AND o.text <> '')`
	}
	if q.Site != "" {
		where, args = where+" AND j.site = ?", append(args, q.Site)
	}
	if !q.Since.IsZero() {
		where, args = where+" AND j.at >= ?", append(args, micros(q.Since))
	}
	return where, args
}

// ownsSite refuses a customer's question about a site that was never his.
func (v *View) ownsSite(t *tx, name string) error {
	if v.who.Operator || name == "" {
		return nil
	}
	there, err := t.one("SELECT name FROM objects WHERE kind = 'site' AND name = ? AND customer = ? LIMIT 1", []any{name, v.who.Customer}, new(string))
	if err == nil && !there {
		return notFound(key{site.ObjectSite, name})
	}
	return err
}

// TrimJournal removes entries that are older than keep, and the oldest ones if
// there are more than rows; 0 stands for no bound. It does so bit by bit, so
// that others get to write.
func (s *Store) TrimJournal(ctx context.Context, keep time.Duration, rows int64) error {
	for {
		removed, err := s.trimSome(ctx, keep, rows)
		if err != nil || removed == 0 {
			return doing(err, "trimming the journal to %v and %d rows", keep, rows)
		}
	}
}

func (s *Store) trimSome(ctx context.Context, keep time.Duration, rows int64) (removed int64, err error) {
	const most = 10000
	remove := "DELETE FROM journal WHERE number IN (SELECT number FROM journal WHERE %s ORDER BY at, number LIMIT ?)"
	err = s.write(ctx, func(t *tx) error {
		removed = 0
		if keep > 0 {
			n, err := t.exec(strings.Replace(remove, "%s", "at < {now} - ?", 1), keep.Microseconds(), int64(most))
			if err != nil {
				return err
			}
			removed = n
		}
		if rows > 0 {
			over := "(at, number) <= (SELECT at, number FROM journal ORDER BY at DESC, number DESC LIMIT 1 OFFSET ?)"
			n, err := t.exec(strings.Replace(remove, "%s", over, 1), rows, int64(most))
			if err != nil {
				return err
			}
			removed += n
		}
		return nil
	})
	return removed, err
}
