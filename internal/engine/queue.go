package engine

import (
	"container/heap"
	"time"
)

// maxOfCDN is how many checks of one CDN are under way at once: one that swallows
// every packet is not to keep the others from being checked.
const maxOfCDN = 64

// maxIdling is how many checks of sites that are not in need of their CDNs are under
// way at once: the other places of maxChecks are for those that are.
const maxIdling = 768

// checkQueue has all gates that wait for their next check, CDN by CDN. Those of sites
// that are in need of their CDNs go before the others: there may be very many of
// these.
type checkQueue struct {
	urgent, idle lanes
	under        map[string]*int // checks under way, by CDN, over all generations
	idling       int             // checks under way of sites that are not in need
	wake         chan struct{}   // holds a token when a head may have changed
}

func newCheckQueue() checkQueue {
	return checkQueue{under: make(map[string]*int), wake: make(chan struct{}, 1)}
}

// cdnQueue has those of one CDN.
type cdnQueue struct {
	urgent, idle lane
	under        *int // checks under way
}

// init makes the queue that of a CDN.
func (q *checkQueue) init(c *cdnQueue, cdn string) {
	if q.under[cdn] == nil {
		q.under[cdn] = new(int)
	}
	c.urgent.place, c.idle.place, c.under = notQueued, notQueued, q.under[cdn]
}

// lane is those gates of a CDN that are in need, or those that are not.
type lane struct {
	gates gates
	cdn   *cdnQueue
	place int // among the lanes of all CDNs, or notQueued
}

// queued is where a gate waits.
type queued struct {
	due    time.Time
	place  int // in its lane, or notQueued
	urgent bool
}

// notQueued is the place of what does not wait: a gate that is being checked, and the
// lanes of a CDN of which enough are, or none waits.
const notQueued = -1

// queue has a gate wait until due, wherever it was before.
func (q *checkQueue) queue(g *gate, urgent bool, due time.Time) {
	q.leave(g)
	g.urgent, g.due = urgent, due
	heap.Push(&g.lane().gates, g)
	q.settle(&g.canary.cdnQueue)
}

// remove has a gate wait no more.
func (q *checkQueue) remove(g *gate) {
	q.leave(g)
	q.settle(&g.canary.cdnQueue)
}

// leave takes a gate out of its lane.
func (q *checkQueue) leave(g *gate) {
	if g.place != notQueued {
		heap.Remove(&g.lane().gates, g.place)
	}
}

// lane returns the lane that a gate belongs in.
func (g *gate) lane() *lane {
	if g.urgent {
		return &g.canary.urgent
	}
	return &g.canary.idle
}

// settle puts the lanes of a CDN where they belong after a change, and wakes whoever
// waits.
func (q *checkQueue) settle(c *cdnQueue) {
	q.place(&q.urgent, &c.urgent, c)
	q.place(&q.idle, &c.idle, c)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *checkQueue) place(among *lanes, l *lane, c *cdnQueue) {
	if l.place != notQueued {
		heap.Remove(among, l.place)
	}
	if l.cdn = c; *c.under < maxOfCDN && len(l.gates) > 0 {
		heap.Push(among, l)
	}
}

// longestWait is how long nobody looks at the queue at most.
const longestWait = time.Minute

// next returns the next gate whose time has come, which then is under way, or nil
// and how long it takes until there may be one.
func (q *checkQueue) next(now time.Time) (*gate, time.Duration) {
	wait := longestWait
	for _, among := range []lanes{q.urgent, q.idle} {
		if len(among) == 0 || !among[0].gates[0].urgent && q.idling >= maxIdling {
			continue
		}
		l := among[0]
		if left := l.gates[0].due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		g := heap.Pop(&l.gates).(*gate)
		*l.cdn.under++
		if !g.urgent {
			q.idling++
		}
		q.settle(l.cdn)
		return g, 0
	}
	return nil, wait
}

// checkOver notes that a check is no longer under way.
func (e *Engine) checkOver(g *gate) {
	*g.canary.under--
	if !g.urgent {
		e.checks.idling--
	}
	for _, generation := range []*Generation{e.current, e.candidate} {
		if generation != nil && generation.canaries[g.name()] != nil {
			e.checks.settle(&generation.canaries[g.name()].cdnQueue)
		}
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

// lanes is a heap by when the first gate of each is due.
type lanes []*lane

func (q lanes) Len() int           { return len(q) }
func (q lanes) Less(i, j int) bool { return q[i].gates[0].due.Before(q[j].gates[0].due) }

func (q lanes) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *lanes) Push(x any) {
	l := x.(*lane)
	l.place = len(*q)
	*q = append(*q, l)
}

func (q *lanes) Pop() any {
	l := pop((*[]*lane)(q))
	l.place = notQueued
	return l
}

// pop takes the last item off a list, and leaves nothing of it there.
func pop[T any](list *[]*T) *T {
	last := len(*list) - 1
	item := (*list)[last]
	(*list)[last] = nil
	*list = (*list)[:last]
	return item
}
