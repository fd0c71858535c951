package engine

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Times of the store.
const (
	openTimeout  = 5 * time.Second         // for which a start waits until it is open, and for each step after that
	openPause    = 5 * time.Second         // between two tries
	storeTimeout = 2500 * time.Millisecond // of one step with it: less than after which each server decides alone
)

// database is the store, which may be away: at the start as well. It is opened in the
// background, since that may take long: a migration makes a copy of it, or waits for
// that of another server.
type database struct {
	cfg    store.Config
	opener func(context.Context, store.Config) (*store.Store, error)
	wakeUp func()          // is told of changes in the store
	ctx    context.Context // ends with close
	stop   context.CancelFunc
	tasks  sync.WaitGroup

	mu      sync.Mutex
	open    *store.Store  // nil: it was not reached so far
	opening chan struct{} // closed when the try under way is over; nil: none is
	tried   time.Time     // when the last one was over
	err     error         // why it is not open; nil: it is, or nobody knows yet
}

func newDatabase(cfg Keeping, wakeUp func()) *database {
	ctx, stop := context.WithCancel(context.Background())
	return &database{cfg: cfg.Store, opener: store.Open, wakeUp: wakeUp, ctx: ctx, stop: stop}
}

// limited bounds a step with the store.
func limited(ctx context.Context, d time.Duration, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return step(ctx)
}

// like reports whether it is what cfg names, so that it may stay open.
func (d *database) like(cfg Keeping) bool {
	return d.cfg.Driver == cfg.Store.Driver && d.cfg.Source == cfg.Store.Source && sameCertificates(d.cfg.TLS, cfg.Store.TLS)
}

// sameCertificates reports whether two configurations have the same, whatever became of
// their files. Either may be nil.
func sameCertificates(a, b *tls.Config) bool {
	if a == nil || b == nil {
		return a == b
	}
	same := func(a, b tls.Certificate) bool { return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal) }
	return a.RootCAs.Equal(b.RootCAs) && slices.EqualFunc(a.Certificates, b.Certificates, same)
}

// get returns the store, or why it is away. Only the first try to open it is waited for.
func (d *database) get(ctx context.Context) (*store.Store, error) {
	open, opening, err := d.present()
	if open != nil || err != nil {
		return open, err
	}
	late := time.NewTimer(openTimeout)
	defer late.Stop()
	select {
	case <-opening:
	case <-late.C:
		d.fail(errOpening)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	open, _, err = d.present()
	return open, err
}

// present returns what there is: the store, or why it is away, or what is closed when
// that is known. It begins to open it, if that was not tried of late.
func (d *database) present() (open *store.Store, opening <-chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		return nil, nil, errClosed
	}
	if d.open == nil && d.opening == nil && (d.err == nil || time.Since(d.tried) >= openPause) {
		d.opening = make(chan struct{})
		d.tasks.Go(d.try)
	}
	return d.open, d.opening, d.err
}

// try opens the store, and has its changes told.
func (d *database) try() {
	open, err := d.opener(d.ctx, d.cfg)
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.opening)
	d.opening, d.tried, d.err = nil, time.Now(), err
	if err != nil {
		return
	}
	d.open = open
	d.tasks.Go(func() { open.Wake(d.ctx, d.wakeUp) })
	d.wakeUp()
}

// fail says why the store is away, if that is not known.
func (d *database) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil && d.err == nil {
		d.err = err
	}
}

// close closes the store.
func (d *database) close() {
	d.mu.Lock()
	d.stop()
	d.mu.Unlock()
	d.tasks.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		d.open.Close()
		d.open = nil
	}
}

// Why a store is away that nobody has failed to reach.
var (
	errOpening = errors.New("opening it takes long, and goes on")
	errClosed  = errors.New("it is closed: a reload has left it")
)
