package health

import "time"

// turn is one probe that is to run now.
type turn struct {
	entry *entry
	at    time.Time
}

// maxIdleWorkers is how many goroutines wait for their next turn. More end: they
// were needed while many targets did not answer.
const maxIdleWorkers = 64

// workers are goroutines that take one turn after another, since a new one
// would have to let its stack grow in each probe.
type workers struct {
	turns chan turn
	idle  chan struct{} // has a token of each that waits
}

// take gives a turn to a worker that waits, if there is one.
func (w *workers) take(t turn) bool {
	select {
	case w.turns <- t:
		return true
	default:
		return false
	}
}

// run takes turns, from t on, until turns is closed or enough others wait.
func (w *workers) run(t turn, do func(turn)) {
	for more := true; more; {
		do(t)
		select {
		case w.idle <- struct{}{}:
			t, more = <-w.turns
			<-w.idle
		default:
			return
		}
	}
}
