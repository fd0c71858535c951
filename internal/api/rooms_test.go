package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// visit is somebody who wants to put a large body.
type visit struct {
	in  chan struct{} // closed once he may
	err error
	end context.CancelFunc // he goes, whether he may or not
}

func visiting(r *rooms, who Caller) *visit {
	ctx, end := context.WithCancel(context.Background())
	v := &visit{in: make(chan struct{}), end: end}
	go func() {
		leave, err := r.enter(ctx, who)
		if v.err = err; err != nil {
			return
		}
		close(v.in)
		<-ctx.Done()
		leave()
	}()
	synctest.Wait()
	return v
}

func (v *visit) isIn() bool {
	synctest.Wait()
	select {
	case <-v.in:
		return true
	default:
		return false
	}
}

// goes has him go.
func (v *visit) goes() {
	v.end()
	synctest.Wait()
}

// TestALargeBodyHoldsUpItsOwnersOnly: the users of one customer are one, and customers
// do not keep the provider out.
func TestALargeBodyHoldsUpItsOwnersOnly(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newRooms()
		of := func(customer, name string) *visit { return visiting(r, Caller{Name: name, Customer: customer}) }
		want := func(who string, v *visit, in bool) {
			t.Helper()
			if got := v.isIn(); got != in {
				t.Errorf("%s: Expected to be in: %t, got %t, %v", who, in, got, v.err)
			}
		}
		a, second := of("acme", "ann"), of("acme", "ben")
		want("acme", a, true)
		want("another user of acme", second, false)
		b, c := of("beta", "cem"), of("gamma", "dan")
		want("beta", b, true)
		want("a third customer", c, false)
		operator, again, other := of("", "ann"), of("", "ann"), of("", "eve")
		want("an operator", operator, true)
		want("the same operator", again, false)
		want("another operator", other, true)

		b.goes()
		want("the third customer", c, true)
		want("the other user of acme", second, false)
		c.goes()
		a.goes()
		want("the other user of acme, once acme is free", second, true)
		operator.goes()
		want("the same operator, once he is free", again, true)
		for _, v := range []*visit{second, again, other} {
			v.goes()
		}
		if len(r.of) != 0 {
			t.Errorf("Expected nobody to be remembered, got %v", r.of)
		}
	})
}

// TestWhoWaitsForHimselfIsNotTooMany so that he does not take all connections.
func TestWhoWaitsForHimselfIsNotTooMany(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newRooms()
		var all []*visit
		for i := range mostWaiting + 1 {
			all = append(all, visiting(r, Caller{Name: fmt.Sprint(i), Customer: "acme"}))
		}
		if last := all[mostWaiting]; !errors.Is(last.err, errManyWait) || all[1].err != nil {
			t.Errorf("Expected the last one to be sent away, got %v, %v", last.err, all[1].err)
		}
		all[1].goes()
		if err := all[1].err; !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "waiting for another draft that is put: ") {
			t.Errorf("Expected who goes to be forgotten, got %v", err)
		}
		if v := visiting(r, Caller{Name: "x", Customer: "acme"}); v.err != nil {
			t.Errorf("Expected room for another one, got %v", v.err)
		} else {
			all = append(all, v)
		}
		for _, v := range all {
			v.end()
		}
		synctest.Wait()
	})
}

// TestNobodyWaitsForRoomForEver, neither for himself nor for others.
func TestNobodyWaitsForRoomForEver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newRooms()
		all := []*visit{visiting(r, Caller{Name: "ann", Customer: "acme"}), visiting(r, Caller{Name: "ben", Customer: "beta"})}
		his, others := visiting(r, Caller{Name: "cem", Customer: "acme"}), visiting(r, Caller{Name: "dan", Customer: "gamma"})
		here := func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.of)
		}
		time.Sleep(roomLimit - time.Second)
		synctest.Wait()
		if got := here(); got != 3 {
			t.Errorf("Expected all to be there still, got %d owners", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for _, v := range []*visit{his, others} {
			if !errors.Is(v.err, errNoRoom) || v.err.Error() != "waiting for another draft that is put: other drafts take long" {
				t.Errorf("Expected to be sent away, got %v", v.err)
			}
		}
		for _, v := range all {
			v.goes()
		}
		if len(r.of) != 0 {
			t.Errorf("Expected nobody to be remembered, got %v", r.of)
		}
	})
}
