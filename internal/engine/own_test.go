package engine

import (
	"testing"
	"time"
)

// TestASlowCheckHoldsNoDecisionUp has a server say how it does while objects are
// checked: decisions need the engine's lock only.
func TestASlowCheckHoldsNoDecisionUp(t *testing.T) {
	t.Parallel()
	e := new(Engine)
	k := e.Away("a")
	e.mu.Lock()
	said := make(chan struct{})
	go func() {
		defer close(said)
		e.own(k, 1)
	}()
	time.Sleep(50 * time.Millisecond) // it waits for the engine's lock by now
	k.mu.Lock()                       // the check begins
	e.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	for end := time.Now().Add(10 * time.Second); !e.mu.TryLock(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			k.mu.Unlock()
			t.Fatal("Expected the engine's lock to be free while objects are checked")
		}
	}
	e.mu.Unlock()
	k.mu.Unlock()
	<-said
}
