package engine

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// readRows reads the samples of all servers.
func (e *Engine) readRows(ctx context.Context, db meeting, after int64) (rows []store.Samples, err error) {
	err = e.bounded(ctx, func(ctx context.Context) error {
		rows, err = db.ReadSamples(ctx, after)
		return err
	})
	return rows, err
}

// unsaid is what is not in a row yet.
type unsaid struct {
	control.Heard
	at time.Time // when it was heard, however old its samples are
}

// takeRow returns what this server has heard since the last row: often nothing, but
// the others are to know that it is there. What was heard before a longer absence of the
// store tells them nothing.
func (e *Engine) takeRow(now time.Time) []byte {
	e.mu.Lock()
	waiting := e.unsaid
	e.unsaid = nil
	e.mu.Unlock()
	heard := make([]control.Heard, 0, len(waiting))
	for _, u := range waiting {
		if now.Sub(u.at) < aloneAfter {
			heard = append(heard, u.Heard)
		}
	}
	return control.EncodeRow(now, heard)
}

// hearAll takes in what other servers have heard.
func (e *Engine) hearAll(k *Kept, rows []store.Samples, now time.Time) {
	var others []said
	for _, row := range rows {
		e.rowsRead = max(e.rowsRead, row.Seq)
		if row.Server == k.cfg.Server {
			continue
		}
		all, err := control.DecodeRow(row.Payload, now, row.Age)
		if err != nil {
			e.cfg.Log.Errorf("server '%s': %v", row.Server, err)
			continue
		}
		others = append(others, said{row.Server, all, row.Age})
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.kept != k {
		return
	}
	for _, s := range others {
		if s.age < aloneAfter {
			e.alive[s.server] = now
		}
		for _, h := range s.all {
			e.pool.add(s.server, h, now)
		}
	}
	e.closeRounds(now)
}

// said is what a server has heard.
type said struct {
	server string
	all    []control.Heard
	age    time.Duration
}

// closeRounds lets sites decide on the rounds that are over.
func (e *Engine) closeRounds(now time.Time) {
	alive := e.aliveNow(now)
	for _, key := range e.pool.opened() {
		if h, over := e.pool.close(key, now, alive, e.pooling); over {
			e.hear(e.prints[h.Target], h.Samples, now)
		}
	}
}

// aliveNow tells which servers are heard.
func (e *Engine) aliveNow(now time.Time) func(server string) bool {
	own := e.current.kept.cfg.Server
	return func(server string) bool { return server == own || now.Sub(e.alive[server]) < aloneAfter }
}

// pooling says how a target is heard, if anybody wants it.
func (e *Engine) pooling(print uint64) (pooling, bool) {
	src := e.prints[print]
	if src == nil {
		return pooling{}, false
	}
	return pooling{src.target.IsFeed(), src.period, src.staleAfter()}, true
}

// note keeps samples for the row, and reports whether a round will say what they
// are worth.
func (e *Engine) note(src *source, samples []site.Sample, now time.Time) (pooled bool) {
	if !e.sharing() {
		return false
	}
	h := control.Heard{Target: src.print, Samples: samples}
	e.unsaid = append(e.unsaid, unsaid{h, now})
	if len(e.unsaid) > maxUnsaid {
		e.unsaid = e.unsaid[len(e.unsaid)-maxUnsaid:] // the store is away
	}
	if e.role != roleDecides {
		return false
	}
	own := e.current.kept.cfg.Server
	e.pool.add(own, h, now)
	for _, s := range samples {
		if combined, over := e.pool.close(round{h.Target, s.Signal}, now, e.aliveNow(now), e.pooling); over {
			e.hear(src, combined.Samples, now)
		}
	}
	return true
}

// maxUnsaid is how many samples wait for the store at most.
const maxUnsaid = 200_000
