package api

import (
	"fmt"
	"testing"
)

// TestCustomersDoNotReadAllStreams however many users they have, nor how many they are.
func TestCustomersDoNotReadAllStreams(t *testing.T) {
	s := New(Config{}).streams
	var leave []func()
	enter := func(who Caller, want string) {
		t.Helper()
		l, p := s.enter(who)
		switch {
		case p == nil:
			leave = append(leave, l)
			if want != "" {
				t.Errorf("Expected %q, got a stream", want)
			}
		case p.Status != 429 || p.Detail != want:
			t.Errorf("Expected %q, got %v", want, p)
		}
	}
	for i := range 8 {
		enter(Caller{Name: fmt.Sprint(i), Customer: "a"}, "")
	}
	enter(Caller{Name: "8", Customer: "a"}, "the users of 'a' read 8 streams already")
	for i := range 8 {
		enter(Caller{Name: fmt.Sprint(i), Customer: "b"}, "")
		enter(Caller{Name: fmt.Sprint(i), Customer: "c"}, "")
	}
	enter(Caller{Name: "0", Customer: "d"}, "customers read 24 streams already")
	for i := range 8 {
		enter(Caller{Name: fmt.Sprint("op", i)}, "")
	}
	enter(Caller{Name: "op"}, "all together read 32 streams already")
	for _, l := range leave {
		l()
	}
	if len(s.of) != 0 {
		t.Errorf("Expected nobody to be remembered, got %+v", s)
	}
}
