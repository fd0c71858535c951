package api

import (
	"net/http"
	"sync"
)

// streams counts those that are open.
type streams struct {
	mu  sync.Mutex
	all int
	of  map[Caller]int
}

// enter opens one, unless there are as many as there may be.
func (s *streams) enter(who Caller) (leave func(), p *Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.of[who] >= maxOwnStreams:
		return nil, problem(http.StatusTooManyRequests, "you read %d streams already", maxOwnStreams)
	case s.all >= maxStreams:
		return nil, problem(http.StatusTooManyRequests, "%d streams are read already", maxStreams)
	}
	s.all++
	s.of[who]++
	return func() { s.leave(who) }, nil
}

func (s *streams) leave(who Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[who]--; s.of[who] == 0 {
		delete(s.of, who)
	}
}
