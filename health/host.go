package health

import (
	"slices"
	"strings"
)

// hostSpare is how many more things a host may be asked at once than are under
// way when it answers none of them.
const hostSpare = 8

// hostRoom is how much more than the mean may be under way: times that a hash
// has spread bunch up here and there.
const hostRoom = 1.25

// host bounds how many of its targets are asked at once. What it would take to
// ask all of them on time while none answers is allowed: a dead host must be
// found dead in time for all sites that it serves. But never may it take more
// than half of all places, or it would hold up the others.
type host struct {
	targets  int
	need     float64 // timeout by period of its targets, added up
	inFlight int
	waiting  []*entry // in order of their turn
}

// hostOf returns the part of a URL that names host and port.
func hostOf(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		return url
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// host returns the host of a name.
func (s *Scheduler) host(name string) *host {
	h := s.hosts[name]
	if h == nil {
		h = new(host)
		s.hosts[name] = h
	}
	return h
}

// enter reports whether the entry may be asked now, of so many places for all
// hosts; otherwise it waits.
func (h *host) enter(e *entry, places int) bool {
	if h.inFlight >= min(hostSpare+int(hostRoom*h.need), max(places/2, 1)) {
		e.index = atHost
		h.waiting = append(h.waiting, e)
		return false
	}
	h.inFlight++
	return true
}

// leave ends what enter began, and returns the entry whose turn it is.
func (h *host) leave() *entry {
	h.inFlight--
	if len(h.waiting) == 0 {
		return nil
	}
	next := h.waiting[0]
	h.waiting = slices.Delete(h.waiting, 0, 1)
	return next
}

// drop has an entry wait no longer.
func (h *host) drop(e *entry) {
	h.waiting = slices.DeleteFunc(h.waiting, func(w *entry) bool { return w == e })
}
