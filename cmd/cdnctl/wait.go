package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// Times of the questions how far a revision has come.
const (
	lookAgain     = 200 * time.Millisecond // between two of them
	answersWithin = 10 * time.Second       // after which nobody answers any more
)

// waiting is whether, and how long, to wait for the servers.
type waiting struct {
	wanted bool
	limit  time.Duration
}

func waitFlags(cmd *cobra.Command) *waiting {
	w := new(waiting)
	cmd.Flags().BoolVar(&w.wanted, "wait", false, "wait until every server that is alive serves the revision, or holds it back; the exit code is 1 if one does not serve it")
	cmd.Flags().DurationVar(&w.limit, "timeout", 10*time.Second, "`TIME` that --wait waits at most")
	return w
}

func (w *waiting) check() error {
	if w.limit <= 0 {
		return fmt.Errorf("--timeout %s is not a time above 0: write such as 10s", w.limit)
	}
	return nil
}

// until waits, if that is wanted, and says how it ended. That the server cannot
// be asked for a moment is no reason to give up.
func (w *waiting) until(cmd *cobra.Command, c *api.Client, revision int64) error {
	if !w.wanted {
		return nil
	}
	spread, err := w.await(cmd.Context(), c, revision)
	if cmd.Context().Err() != nil {
		return answered(fmt.Errorf("waiting for revision %d: %w", revision, cmd.Context().Err()))
	}
	if err != nil {
		return answered(err)
	}
	p := page{w: cmd.OutOrStdout()}
	if p.outcome(spread, revision, w.limit); p.err != nil {
		return answered(p.err)
	}
	if spread.Behind > 0 || spread.Serving == 0 {
		return errFailed
	}
	return nil
}

// await has the server wait, again and again if it may not as long at once. At the end it
// is asked once more without waiting.
func (w *waiting) await(ctx context.Context, c *api.Client, revision int64) (api.Spread, error) {
	end := time.Now().Add(w.limit)
	for {
		left := max(time.Until(end), 0)
		asking, cancel := context.WithTimeout(ctx, left+answersWithin)
		spread, err := c.Await(asking, revision, min(left, api.MaxWait))
		cancel()
		if err == nil && spread.Settled || left == 0 || ctx.Err() != nil {
			return spread, err
		}
		pause(ctx, min(lookAgain, left))
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// outcome shows what became of a revision: who serves it, and to those who may not know
// that, how many do.
func (p *page) outcome(s api.Spread, revision int64, limit time.Duration) {
	for _, one := range s.WaitingFor {
		p.line("%s %s", one.Server, missing(one, revision, limit))
	}
	p.line("revision %d is served by %s", revision, served(s, limit))
	for _, one := range s.Refusing {
		p.line("%s refuses %s: 'cdnctl refused' says there which", one.Server, plural(one.Objects, "object"))
	}
}

func served(s api.Spread, limit time.Duration) string {
	by := "no server"
	switch {
	case s.ServedBy != nil:
		by = strings.Join(s.ServedBy, ", ")
	case s.Serving > 0:
		by = plural(s.Serving, "server")
	}
	switch {
	case s.Behind == len(s.WaitingFor): // they were shown
		return by
	case s.Settled:
		return by + fmt.Sprintf(", and not by %d, until an operator confirms it", s.Behind)
	}
	return by + fmt.Sprintf(", and not by %d after %s", s.Behind, limit)
}

// missing says why a server does not serve a revision.
func missing(w api.Waiting, revision int64, limit time.Duration) string {
	if w.Held >= revision {
		return fmt.Sprintf("holds revision %d back: %s ('cdnctl publish --confirm %d' lets it through)", w.Held, w.Why, w.Held)
	}
	return fmt.Sprintf("still serves revision %d after %s", w.Revision, limit)
}
