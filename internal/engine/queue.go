package engine

import (
	"container/heap"
	"time"
)

// maxOfCDN is how many checks of one CDN are under way at once: one that swallows
// every packet is not to keep the others from being checked.
const maxOfCDN = 64

// checkQueue has all gates that wait for their next check, CDN by CDN.
type checkQueue struct {
	cdns cdnHeap
	wake chan struct{} // holds a token when the head may have changed
}

func newCheckQueue() checkQueue { return checkQueue{wake: make(chan struct{}, 1)} }

// cdnQueue has those of one CDN. Those of sites that are in need of it go before
// the others: there may be very many of these.
type cdnQueue struct {
	urgent, idle gates
	under        int       // checks under way
	due          time.Time // of the next one
	place        int       // among all CDNs, or notQueued
}

// queued is where a gate waits.
type queued struct {
	due    time.Time
	place  int // in its queue, or notQueued
	urgent bool
}

// notQueued is the place of what does not wait: a gate that is being checked, and a
// CDN of which no gate waits, or enough are being checked.
const notQueued = -1

// queue has a gate wait until due, wherever it was before.
func (q *checkQueue) queue(g *gate, urgent bool, due time.Time) {
	c := &g.canary.cdnQueue
	c.remove(g)
	g.urgent, g.due = urgent, due
	heap.Push(c.of(g), g)
	q.settle(c)
}

func (q *checkQueue) remove(g *gate) {
	g.canary.remove(g)
	q.settle(&g.canary.cdnQueue)
}

// settle puts a CDN where it belongs after a change, and wakes whoever waits.
func (q *checkQueue) settle(c *cdnQueue) {
	if c.place != notQueued {
		heap.Remove(&q.cdns, c.place)
	}
	if c.under >= maxOfCDN || len(c.urgent)+len(c.idle) == 0 {
		return
	}
	c.due = c.next().due
	heap.Push(&q.cdns, c)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// longestWait is how long nobody looks at the queue at most.
const longestWait = time.Minute

// take returns the next gate whose time has come, which then is under way, or nil
// and how long it takes until there may be one.
func (q *checkQueue) take(now time.Time) (*gate, time.Duration) {
	if len(q.cdns) == 0 {
		return nil, longestWait
	}
	c := q.cdns[0]
	if left := c.due.Sub(now); left > 0 {
		return nil, min(left, longestWait)
	}
	in := &c.idle
	if len(c.urgent) > 0 && !c.urgent[0].due.After(now) {
		in = &c.urgent
	}
	g := heap.Pop(in).(*gate)
	c.under++
	q.settle(c)
	return g, 0
}

// over notes that a check is no longer under way.
func (q *checkQueue) over(g *gate) {
	g.canary.under--
	q.settle(&g.canary.cdnQueue)
}

// of returns the queue that a gate belongs in.
func (c *cdnQueue) of(g *gate) *gates {
	if g.urgent {
		return &c.urgent
	}
	return &c.idle
}

// next returns the gate that is due first.
func (c *cdnQueue) next() *gate {
	switch {
	case len(c.urgent) == 0:
		return c.idle[0]
	case len(c.idle) == 0 || !c.idle[0].due.Before(c.urgent[0].due):
		return c.urgent[0]
	}
	return c.idle[0]
}

func (c *cdnQueue) remove(g *gate) {
	if g.place != notQueued {
		heap.Remove(c.of(g), g.place)
	}
}

// gates is a heap by due; see container/heap.
type gates []*gate

func (q gates) Len() int           { return len(q) }
func (q gates) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

func (q gates) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *gates) Push(x any) {
	g := x.(*gate)
	g.place = len(*q)
	*q = append(*q, g)
}

func (q *gates) Pop() any {
	g := pop((*[]*gate)(q))
	g.place = notQueued
	return g
}

// cdnHeap is one by due, too.
type cdnHeap []*cdnQueue

func (q cdnHeap) Len() int           { return len(q) }
func (q cdnHeap) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

func (q cdnHeap) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *cdnHeap) Push(x any) {
	c := x.(*cdnQueue)
	c.place = len(*q)
	*q = append(*q, c)
}

func (q *cdnHeap) Pop() any {
	c := pop((*[]*cdnQueue)(q))
	c.place = notQueued
	return c
}

// pop takes the last item off a list, and leaves nothing of it there.
func pop[T any](list *[]*T) *T {
	last := len(*list) - 1
	item := (*list)[last]
	(*list)[last] = nil
	*list = (*list)[:last]
	return item
}
