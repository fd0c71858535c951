package onboard

import (
	"maps"
	"time"
)

// holds keep what is not to be begun again before a time, since what came of it could not
// be written: what is kept of it is still due. The zero value is ready.
type holds[K comparable] map[K]held

type held struct {
	until time.Time
	times int
}

// add holds one back, for longer each time.
func (h *holds[K]) add(key K, now time.Time) {
	if *h == nil {
		*h = make(holds[K])
	}
	times := (*h)[key].times + 1
	(*h)[key] = held{now.Add(pause(times)), times}
}

// has reports whether one is held back.
func (h holds[K]) has(key K, now time.Time) bool { return now.Before(h[key].until) }

// drop lets some go.
func (h holds[K]) drop(which func(K) bool) {
	maps.DeleteFunc(h, func(key K, _ held) bool { return which(key) })
}
