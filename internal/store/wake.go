package store

import "context"

// wake makes others look for changes once the transaction is committed.
func (t *tx) wake() { t.wakes = true }

// announce tells other processes, as part of the transaction.
func (t *tx) announce() error {
	statement := t.dialect.notify()
	if !t.wakes || statement == "" {
		return nil
	}
	_, err := t.exec(statement)
	return err
}

// Wake calls f soon after something has changed that servers follow: the
// revision, confirmations, overrides, decisions. It returns when ctx is over.
// It is only a hint: changes go unnoticed while there is no connection, so
// callers look for themselves, too.
func (s *Store) Wake(ctx context.Context, f func()) { s.dialect.listen(ctx, s, f) }

// listenHere waits for changes that this process makes.
func (s *Store) listenHere(ctx context.Context, f func()) {
	woken := make(chan struct{}, 1)
	s.mu.Lock()
	s.wakes[woken] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.wakes, woken)
		s.mu.Unlock()
	}()
	for {
		select {
		case <-woken:
			f()
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for woken := range s.wakes {
		select {
		case woken <- struct{}{}:
		default: // it is awake already
		}
	}
}
