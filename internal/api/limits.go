package api

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How much is let through.
const (
	askedRate     = 50 // requests of one caller, a second
	askedBurst    = 200
	customerRate  = 100 // of all users of one customer together, a second
	customerBurst = 400

	failedRate  = 1 // requests without a good token from one address, a second
	failedBurst = 20

	mostLimited = 10_000 // of whom is remembered what they did
)

// limits bound how often each of many may do something.
type limits[K comparable] struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	of map[K]*rate.Limiter // of those who did something lately
}

func newLimits[K comparable](r rate.Limit, burst int) *limits[K] {
	return &limits[K]{rate: r, burst: burst, of: make(map[K]*rate.Limiter)}
}

// take has k do it once more, and returns 0, or how long he is to wait.
func (l *limits[K]) take(k K) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.of[k] == nil {
		l.makeRoom(now)
		l.of[k] = rate.NewLimiter(l.rate, l.burst)
	}
	r := l.of[k].ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// wait returns how long k would be told to wait.
func (l *limits[K]) wait(k K) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of[k] == nil {
		return 0
	}
	missing := 1 - l.of[k].TokensAt(time.Now())
	return time.Duration(math.Max(0, missing) / float64(l.rate) * float64(time.Second))
}

// makeRoom forgets those who have rested, or else somebody: who comes from very many
// addresses must not keep the others out.
func (l *limits[K]) makeRoom(now time.Time) {
	if len(l.of) < mostLimited {
		return
	}
	for k, limiter := range l.of {
		if limiter.TokensAt(now) >= float64(l.burst) {
			delete(l.of, k)
		}
	}
	for k := range l.of {
		if len(l.of) < mostLimited {
			return
		}
		delete(l.of, k)
	}
}
