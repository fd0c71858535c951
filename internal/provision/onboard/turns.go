package onboard

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// startSome goes on with what is due, as long as there is room: next is always the CDN
// with the least under way, and of several the one behind that which had its turn last.
// So those that hang leave room for others.
func (f *Follower) startSome(ctx context.Context, due []site.Setup) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waits := f.waiting(due)
	for len(f.runs) < followers {
		cdn, found := f.nextCDN(waits)
		if !found {
			return
		}
		f.turn = cdn
		f.start(ctx, waits[cdn][0])
		waits[cdn] = waits[cdn][1:]
	}
}

// waiting is what of the due can be gone on with, by CDN.
func (f *Follower) waiting(due []site.Setup) map[string][]site.Setup {
	waits, now := make(map[string][]site.Setup), time.Now()
	for _, s := range due {
		if key := (setupKey{s.Site, s.CDN}); f.runs[key] == nil && !f.held.has(key, now) {
			waits[s.CDN] = append(waits[s.CDN], s)
		}
	}
	return waits
}

// nextCDN is the one whose turn it is.
func (f *Follower) nextCDN(waits map[string][]site.Setup) (next string, found bool) {
	names := slices.Sorted(maps.Keys(waits))
	behind, _ := slices.BinarySearch(names, f.turn+"\x00")
	for _, cdn := range slices.Concat(names[behind:], names[:behind]) {
		if len(waits[cdn]) > 0 && f.busy[cdn] < perCDN && (!found || f.busy[cdn] < f.busy[next]) {
			next, found = cdn, true
		}
	}
	return next, found
}
