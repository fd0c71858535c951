package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Decided is a decision on a site, as the deciding server has packed it.
type Decided struct {
	Site    string
	Epoch   uint64
	Payload []byte
}

// gone reports whether the site is gone, and what was decided on it with it: no
// decision has the epoch 0.
func (d *Decided) gone() bool { return d.Epoch == 0 }

// WriteDecisions hands decisions to the other servers. It is refused with
// ErrFenced unless the server has the lease, in that term. After any other error
// they may be written still, as long as that is so.
func (s *Store) WriteDecisions(ctx context.Context, server string, term int64, decisions []Decided) error {
	var lease Lease
	b := &batch{each: lease.scan, wakes: len(decisions) > 0}
	b.hold(server, term)
	b.add("UPDATE counters SET value = value + ? WHERE name = 'decisions' AND "+held, int64(len(decisions)), server, term)
	b.forget(decisions, server, term)
	b.decide(newestOf(decisions), server, term)
	b.add(readLease)
	err := s.together(ctx, patience+time.Duration(len(decisions))*time.Millisecond, b)
	return doing(cmp.Or(err, lease.fenced(server, term)), "writing %d decisions of server '%s'", len(decisions), server)
}

// forget removes the decisions of sites that are gone.
func (b *batch) forget(decisions []Decided, server string, term int64) {
	for _, d := range decisions {
		if d.gone() {
			b.add("DELETE FROM decisions WHERE site = ? AND "+held, d.Site, server, term)
		}
	}
}

// newestOf has the last decision of each site: a statement cannot replace a row that it
// has just added.
func newestOf(decisions []Decided) (newest []Decided) {
	seen := make(map[string]bool, len(decisions))
	for _, d := range slices.Backward(decisions) {
		if !seen[d.Site] && !d.gone() {
			newest = append(newest, d)
		}
		seen[d.Site] = true
	}
	return newest
}

// decide puts decisions into their table, each with a number of those that were just
// taken.
func (b *batch) decide(decisions []Decided, server string, term int64) {
	const most = 500 // rows in a statement
	back := 0
	for rows := range slices.Chunk(decisions, most) {
		args := make([]any, 0, 4*len(rows)+2)
		for _, d := range rows {
			args = append(args, d.Site, int64(back), int64(d.Epoch), blob(d.Payload))
			back++
		}
		b.add(`INSERT INTO decisions (site, number, server, term, epoch, payload)
			SELECT d.column1, c.value - d.column2, l.holder, l.term, d.column3, d.column4 FROM (VALUES `+decidedMarks(len(rows))+`) AS d, counters AS c, lease AS l
			WHERE c.name = 'decisions' AND l.id = 1 AND l.holder = ? AND l.term = ?
			ON CONFLICT (site) DO UPDATE SET number = excluded.number, server = excluded.server, term = excluded.term, epoch = excluded.epoch,
				payload = excluded.payload`, append(args, server, term)...)
	}
}

// decidedMarks are the parameters of so many decisions. PostgreSQL takes the types of
// all from the first.
func decidedMarks(rows int) string {
	first := "(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS blob))"
	return first + strings.Repeat(",(?,?,?,?)", rows-1)
}

// DecisionsAtOnce is how many decisions ReadDecisions returns at most.
const DecisionsAtOnce = 5000

// ReadDecisions returns the newest decision of each site that was written after
// a number, 0 being before all, and the number to go on from: there may be more
// of them, as long as it is not the one that was asked for.
func (s *Store) ReadDecisions(ctx context.Context, after int64) (decisions []Decided, last int64, err error) {
	err = s.glance(ctx, func(t *tx) error {
		decisions = nil
		return t.each(`SELECT c.value, COALESCE(d.number, 0), COALESCE(d.site, ''), COALESCE(d.epoch, 0), d.payload FROM counters AS c
			LEFT JOIN (SELECT number, site, epoch, payload FROM decisions WHERE number > ? ORDER BY number LIMIT ?) AS d ON TRUE
			WHERE c.name = 'decisions' ORDER BY d.number`, []any{after, DecisionsAtOnce},
			func(scan func(...any) error) error {
				var d Decided
				var epoch, number int64
				if err := scan(&last, &number, &d.Site, &epoch, &d.Payload); err != nil || number == 0 {
					return err // there is none
				}
				d.Epoch = uint64(epoch)
				if decisions = append(decisions, d); len(decisions) == DecisionsAtOnce {
					last = number
				}
				return nil
			})
	})
	return decisions, last, doing(err, "reading decisions after number %d", after)
}
