package onboard

import (
	"context"
	"sync"
)

// Locks has what goes by one name be done one after the other. The zero value is ready.
type Locks struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed once it is given back
}

// Lock waits until nobody else has the lock of a name, or ctx is over.
func (l *Locks) Lock(ctx context.Context, name string) (unlock func(), err error) {
	for {
		own, other := l.take(name)
		if other == nil {
			return func() { l.giveBack(name, own) }, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take takes the lock of a name, or returns that of whoever has it.
func (l *Locks) take(name string) (own, other chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.held[name]; other != nil {
		return nil, other
	}
	if l.held == nil {
		l.held = make(map[string]chan struct{})
	}
	own = make(chan struct{})
	l.held[name] = own
	return own, nil
}

func (l *Locks) giveBack(name string, own chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, name)
	close(own)
}
