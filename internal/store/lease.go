package store

import (
	"context"
	"time"
)

// Lease says who decides for all servers. All of its times are by the
// database's clock.
type Lease struct {
	Holder string
	Term   int64 // grows by one each time that a server takes it that had not got it, or not any more
	Until  time.Time
	Left   time.Duration // until then
}

// Lease takes the lease for a server if it is free or over, prolongs the
// server's own, and says whose it is then.
func (s *Store) Lease(ctx context.Context, server string, ttl time.Duration) (lease Lease, err error) {
	if server == "" || ttl <= 0 {
		return lease, fail(ErrInvalid, "taking the lease: server '%s' for %v", server, ttl)
	}
	b := &batch{repeats: true, each: lease.scan}
	b.add(`UPDATE lease SET term = CASE WHEN holder = ? AND until > {now} THEN term ELSE term + 1 END, holder = ?, until = {now} + ?
		WHERE id = 1 AND (holder = ? OR until <= {now})`, server, server, ttl.Microseconds(), server)
	b.add(readLease)
	err = s.together(ctx, patience, b)
	return lease, doing(err, "taking the lease for server '%s'", server)
}

const readLease = "SELECT holder, term, until, until - {now} FROM lease WHERE id = 1"

func (l *Lease) scan(scan func(...any) error) error {
	var until, left int64
	err := scan(&l.Holder, &l.Term, &until, &left)
	l.Until, l.Left = moment(until), time.Duration(left)*time.Microsecond
	return err
}

// Resign gives a server's lease back, if it has it.
func (s *Store) Resign(ctx context.Context, server string) error {
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE lease SET holder = '', until = 0 WHERE id = 1 AND holder = ?", server)
		return err
	})
	return doing(err, "giving back the lease of server '%s'", server)
}

// hold begins a batch that counts only if a server has the lease of a term still: what
// follows asks for held. One that is over is given up, and the lease does not change
// hands before the transaction ends: so held is true of all that follows, or of nothing.
func (b *batch) hold(server string, term int64) {
	b.add("UPDATE lease SET holder = CASE WHEN until > {now} THEN holder ELSE '' END WHERE id = 1 AND holder = ? AND term = ?", server, term)
}

// held takes the server and the term.
const held = "EXISTS (SELECT 1 FROM lease WHERE id = 1 AND holder = ? AND term = ?)"

// fenced is the error of a server that has not got the lease of a term, or not any more.
func (l *Lease) fenced(server string, term int64) error {
	if l.Holder == server && l.Term == term {
		return nil
	}
	return fail(ErrFenced, "server '%s' has not got the lease of term %d: it is of term %d, of server '%s', for another %v",
		server, term, l.Term, l.Holder, max(0, l.Left))
}
