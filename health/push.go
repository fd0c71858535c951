package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Pushed keeps what hosts push, for the feeds of kind "push" that read it: of each host
// the newest. Its methods may be called from any goroutine.
type Pushed struct {
	mu    sync.Mutex
	hosts map[string]site.Push // those that a feed has asked for; without a time while nothing has come
}

// NewPushed returns one that nobody has pushed to.
func NewPushed() *Pushed { return &Pushed{hosts: make(map[string]site.Push)} }

// What is wrong with a push, for errors.Is.
var (
	ErrNoReader   = errors.New("no feed reads it")
	ErrRepeated   = errors.New("it is not newer than what was pushed before")
	ErrOutOfTime  = errors.New("its time is not now")
	ErrImprobable = errors.New("it cannot be true")
)

// maxPushAge is how old a push may be when it comes.
const maxPushAge = time.Minute

// Put takes a push that came at now. One that was sent again, or was overtaken, or is of
// another time, is refused, and so is one that no feed reads: what it is called may be
// wrong.
func (p *Pushed) Put(push site.Push, now time.Time) error {
	if age := now.Sub(push.At); age > maxPushAge || age < -maxAhead {
		return fmt.Errorf("%w: %s by the server's clock, and from %s before to %s after are possible", ErrOutOfTime, off(age), maxPushAge, maxAhead)
	}
	for signal, value := range push.Values {
		if why := improbable(signal, value); why != "" {
			return fmt.Errorf("%w: %s %g: %s", ErrImprobable, signal, value, why)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before, read := p.hosts[push.Host]
	switch {
	case !read:
		return fmt.Errorf("host '%s': %w", push.Host, ErrNoReader)
	case push.Epoch < before.Epoch || push.Epoch == before.Epoch && push.Sequence <= before.Sequence && !before.At.IsZero():
		return fmt.Errorf("%w: epoch %d, sequence %d was the last", ErrRepeated, before.Epoch, before.Sequence)
	}
	p.hosts[push.Host] = push
	return nil
}

// off says how far a time is from now.
func off(age time.Duration) string {
	if age < 0 {
		return (-age).Round(time.Millisecond).String() + " after now"
	}
	return age.Round(time.Millisecond).String() + " ago"
}

// Ask is the feed of kind "push": it waits for nothing, and has what was pushed last. It
// speaks for the moment that the host says; the same moment again is no new sample.
func (p *Pushed) Ask(_ context.Context, t site.Target) Result {
	host, signal := t.Pusher(), t.Ask.Value().Signal
	p.mu.Lock()
	defer p.mu.Unlock()
	push, known := p.hosts[host]
	if !known {
		p.hosts[host] = push // from now on somebody reads it
	}
	value, has := push.Values[signal]
	switch {
	case push.At.IsZero():
		return Result{Failure: site.FailureConnect, Err: fmt.Errorf("reading '%s': nothing was pushed", t.Shown())}
	case !has:
		return Result{Failure: site.FailureContent, Err: fmt.Errorf("reading '%s': %s was not pushed", t.Shown(), signal)}
	}
	return Result{Readings: []Reading{{Signal: signal, At: push.At, Value: value}}}
}
