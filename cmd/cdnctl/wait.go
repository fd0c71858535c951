package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// lookAgain is the pause between two looks at the servers.
const lookAgain = 200 * time.Millisecond

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
	ctx, cancel := context.WithTimeout(cmd.Context(), w.limit)
	defer cancel()
	var last []api.ServerState
	var failed error
	for ctx.Err() == nil {
		servers, err := c.Servers(ctx)
		if err == nil {
			last = alive(servers.Servers)
		}
		if ctx.Err() == nil {
			failed = err
		}
		if err == nil && settled(last, revision) {
			break
		}
		pause(ctx, lookAgain)
	}
	if err := cmd.Context().Err(); err != nil {
		return answered(fmt.Errorf("waiting for revision %d: %w", revision, err))
	}
	if failed != nil {
		return answered(failed)
	}
	p := page{w: cmd.OutOrStdout()}
	all := p.outcome(last, revision, w.limit)
	if p.err != nil {
		return answered(p.err)
	}
	if !all {
		return errFailed
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func alive(servers []api.ServerState) (living []api.ServerState) {
	for _, s := range servers {
		if s.State != api.RoleGone {
			living = append(living, s)
		}
	}
	return living
}

// settled reports whether every server has done with a revision what it will.
func settled(servers []api.ServerState, revision int64) bool {
	for _, s := range servers {
		if max(s.Revision, s.Held) < revision {
			return false
		}
	}
	return len(servers) > 0
}

// outcome shows what became of a revision, and reports whether all serve it.
func (p *page) outcome(servers []api.ServerState, revision int64, limit time.Duration) bool {
	var serving, refusing []string
	all := len(servers) > 0
	for _, s := range servers {
		if s.Revision < revision {
			all = false
			p.line("%s %s", s.Name, missing(s, revision, limit))
			continue
		}
		serving = append(serving, s.Name)
		if s.Refused > 0 {
			refusing = append(refusing, fmt.Sprintf("%s refuses %s: 'cdnctl refused' says there which", s.Name, plural(s.Refused, "object")))
		}
	}
	p.line("revision %d is served by %s", revision, served(serving))
	for _, line := range refusing {
		p.line("%s", line)
	}
	return all
}

func served(names []string) string {
	if len(names) == 0 {
		return "no server"
	}
	return strings.Join(names, ", ")
}

// missing says why a server does not serve a revision.
func missing(s api.ServerState, revision int64, limit time.Duration) string {
	if s.Held >= revision {
		return fmt.Sprintf("holds revision %d back: %s ('cdnctl publish --confirm %d' lets it through)", s.Held, s.Why, s.Held)
	}
	return fmt.Sprintf("still serves revision %d after %s", s.Revision, limit)
}
