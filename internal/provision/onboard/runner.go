package onboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Operations keeps onboardings: a *store.Store.
type Operations interface {
	// DueOnboardings returns those of which something is to be done, those that have
	// waited longest first.
	DueOnboardings(ctx context.Context, now time.Time, limit int) ([]site.Onboarding, error)

	// PutOnboarding writes what has become of one, which has the next version then. It
	// is refused if the one that is kept has another version, or the lease has gone to
	// another server.
	PutOnboarding(ctx context.Context, fence store.Fence, o site.Onboarding) error
}

// Doer does a step of an onboarding, or undoes it: a *Steps. What it says is for people.
type Doer interface {
	Do(ctx context.Context, o *site.Onboarding, step int, undo bool) (words string, err error)
}

// Logger is told what operators should know.
type Logger interface {
	Infof(format string, v ...any)
	Errorf(format string, v ...any)
}

// Config is what a Runner needs. All fields but the last two must be set.
type Config struct {
	Operations Operations
	Steps      Doer
	Turn       func() (fence store.Fence, ours bool) // whether this server runs onboardings, and by which term of the lease, if there is one
	Log        Logger

	Limit   time.Duration // how long a step may wait; 0: Limit
	Workers int           // how many onboardings are gone on with at once; 0: 32
}

const (
	lookEvery = time.Second     // how late at most a change is noticed
	takeOver  = 5 * time.Second // after which the server that had the lease before does nothing any more
	tryLimit  = 5 * time.Minute // of one try of a step: providers have shorter ones
	atOnce    = 256             // onboardings that are read at once
	maxWords  = 2000            // characters that a step says
)

// Runner goes on with onboardings. One of several servers has it do so.
type Runner struct {
	cfg   Config
	woken chan struct{}
	fence store.Fence
	since time.Time // when it was this server's turn; zero: it is not

	under sync.WaitGroup
	mu    sync.Mutex
	runs  map[string]context.CancelFunc // by ID, what is under way
	held  holds[string]                 // what the store has not taken
}

// NewRunner returns a runner; Run runs it.
func NewRunner(cfg Config) *Runner {
	cfg.Limit, cfg.Workers = cmp.Or(cfg.Limit, Limit), cmp.Or(cfg.Workers, 32)
	return &Runner{cfg: cfg, woken: make(chan struct{}, 1), runs: make(map[string]context.CancelFunc)}
}

// Run goes on with onboardings until ctx is over.
func (r *Runner) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer r.stop()
	for {
		r.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-r.woken:
		}
	}
}

// Wake has it look for onboardings now.
func (r *Runner) Wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// look begins with whatever is due. When the lease goes, so does all that is under way:
// another server goes on with it, once that is over.
func (r *Runner) look(ctx context.Context) {
	fence, ours := r.cfg.Turn()
	if !ours || r.since.IsZero() || fence != r.fence {
		r.stop()
		r.fence, r.since = fence, time.Now()
	}
	switch {
	case !ours:
		r.since = time.Time{}
		return
	case fence != store.Fence{} && time.Since(r.since) < takeOver:
		return
	}
	due, err := r.cfg.Operations.DueOnboardings(ctx, time.Now(), atOnce)
	if err != nil {
		return // the store is away, of which the operator knows
	}
	for _, o := range due {
		r.start(ctx, o)
	}
}

// stop ends what is under way, and waits for that.
func (r *Runner) stop() {
	r.mu.Lock()
	for _, cancel := range r.runs {
		cancel()
	}
	r.mu.Unlock()
	r.under.Wait()
}

// start goes on with an onboarding, unless that is under way, or enough is. One that was
// cancelled meanwhile is interrupted.
func (r *Runner) start(ctx context.Context, o site.Onboarding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel, runs := r.runs[o.ID]; runs {
		if o.Cancelled != "" && o.State == site.OnboardingRuns {
			cancel()
		}
		return
	}
	if len(r.runs) >= r.cfg.Workers || r.held.has(o.ID, time.Now()) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	r.runs[o.ID] = cancel
	fence := r.fence
	r.under.Go(func() {
		err := r.work(ctx, fence, o)
		cancel()
		if r.ended(o.ID, err); err == nil {
			r.Wake()
		}
	})
}

// ended notes that an onboarding is not under way any more. One that could not be written
// is as due as before, and is not begun again at once.
func (r *Runner) ended(id string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.runs, id)
	if err == nil {
		delete(r.held, id)
	} else {
		r.held.add(id, time.Now())
	}
}

// work goes on with an onboarding until it waits, or is over. Where it cannot be
// written, it is left: who reads it the next time knows no less.
func (r *Runner) work(ctx context.Context, fence store.Fence, o site.Onboarding) error {
	for ctx.Err() == nil {
		now := time.Now()
		o = settled(o, now)
		a, more := next(o)
		switch {
		case !more:
			if err := r.put(ctx, fence, &o); err != nil {
				return unlessChanged(err)
			}
			r.tell(o)
			return nil
		case due(o, a).After(now):
			return nil
		}
		o = begun(o, a, now)
		if err := r.put(ctx, fence, &o); err != nil {
			return unlessChanged(err)
		}
		words, err := r.try(ctx, &o, a)
		if ctx.Err() != nil {
			return nil
		}
		o = took(o, a, err, words, time.Now(), r.cfg.Limit)
		if err := r.put(ctx, fence, &o); err != nil {
			return unlessChanged(err)
		}
		if o.Over() {
			r.tell(o)
			return nil
		}
	}
	return nil
}

// unlessChanged is an error of a write, unless somebody has cancelled it, or another
// server has written it: then it is read anew.
func unlessChanged(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// put writes an onboarding.
func (r *Runner) put(ctx context.Context, fence store.Fence, o *site.Onboarding) error {
	err := r.cfg.Operations.PutOnboarding(ctx, fence, *o)
	o.Version++
	return err
}

// try tries an action once. A panic ends the try, not the process.
func (r *Runner) try(ctx context.Context, o *site.Onboarding, a action) (words string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			r.cfg.Log.Errorf("%s of site %q panicked in step %s: %v\n%s", o.Kind, o.Site, nameOf(o.Steps[a.step]), value, debug.Stack())
			words, err = "it panicked", fmt.Errorf("it panicked: %v", value)
		}
	}()
	words, err = r.cfg.Steps.Do(ctx, o, a.step, a.undo)
	if err != nil {
		words = err.Error()
	}
	return printable(words), err
}

// tell tells the operator how an onboarding has ended.
func (r *Runner) tell(o site.Onboarding) {
	switch {
	case o.State == site.OnboardingDone && !o.Left:
		r.cfg.Log.Infof("%s of site %q is done", o.Kind, o.Site)
	case o.State == site.OnboardingUndone:
		r.cfg.Log.Infof("%s of site %q is undone: %q", o.Kind, o.Site, o.Failure)
	default:
		r.cfg.Log.Errorf("%s of site %q (%s) is over, and not all of it could be undone or taken away: %q", o.Kind, o.Site, o.ID, o.Failure)
	}
}

// printable returns what may be shown of a text, lines among it.
func printable(text string) string {
	clean := strings.Map(func(c rune) rune {
		if c != '\n' && !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
	if runes := []rune(clean); len(runes) > maxWords {
		return string(runes[:maxWords]) + "..."
	}
	return clean
}
