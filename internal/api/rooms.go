package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How many large bodies there are.
const (
	mostLarge   = 2 // in memory, of customers; and so many of the provider's
	mostWaiting = 8 // of one customer, or of one of the provider's users, with the one in memory
)

// rooms let few large bodies be in memory, and one of each customer or user of the
// provider's: nobody waits for one who takes his time, and no customer for as many
// customers as there are. The others wait in the socket.
type rooms struct {
	mu        sync.Mutex
	of        map[Caller]*room // of those who are there, or wait
	customers chan struct{}    // holds a token for each body in memory
	provider  chan struct{}
}

// room is that of one owner.
type room struct {
	place chan struct{} // holds a token while his body is in memory
	here  int           // there, or waiting
}

// roomLimit is how long a body waits. Whether who sends it is there still is not known
// before it is read.
const roomLimit = 30 * time.Second

var (
	errManyWait = errors.New("too many drafts of yours wait")
	errNoRoom   = errors.New("other drafts take long")
)

func newRooms() *rooms {
	return &rooms{of: make(map[Caller]*room), customers: make(chan struct{}, mostLarge), provider: make(chan struct{}, mostLarge)}
}

// ownerOf is whom a caller's large bodies are of: all users of a customer are one.
func ownerOf(who Caller) Caller {
	if who.Customer != "" {
		return Caller{Customer: who.Customer}
	}
	return Caller{Name: who.Name}
}

// enter waits until a body may come, but not for long, and returns what is to be called once it is gone.
func (r *rooms) enter(ctx context.Context, who Caller) (leave func(), err error) {
	owner, all := ownerOf(who), r.provider
	if who.Customer != "" {
		all = r.customers
	}
	ctx, cancel := context.WithTimeoutCause(ctx, roomLimit, errNoRoom)
	defer cancel()
	own, err := r.come(owner)
	if err != nil {
		return nil, err
	}
	if err := occupy(ctx, own.place); err != nil {
		r.leave(owner)
		return nil, err
	}
	if err := occupy(ctx, all); err != nil {
		<-own.place
		r.leave(owner)
		return nil, err
	}
	return func() {
		<-all
		<-own.place
		r.leave(owner)
	}, nil
}

func occupy(ctx context.Context, place chan<- struct{}) error {
	select {
	case place <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for another draft that is put: %w", context.Cause(ctx))
	}
}

// come counts one more of an owner.
func (r *rooms) come(owner Caller) (*room, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.of[owner]
	if own == nil {
		own = &room{place: make(chan struct{}, 1)}
		r.of[owner] = own
	}
	if own.here == mostWaiting {
		return nil, errManyWait
	}
	own.here++
	return own, nil
}

func (r *rooms) leave(owner Caller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of[owner].here--; r.of[owner].here == 0 {
		delete(r.of, owner)
	}
}
