package control_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// server is an origin's address: how long it takes to answer what is asked at
// a moment, while so many visitors are diverted. A time of never is no answer.
type server func(at time.Duration, share float64) time.Duration

const never = time.Hour

// world is a site that is monitored and steered in virtual time: one goroutine
// for each path, and one that decides.
type world struct {
	site    *site.Site
	servers []server // by path
	began   time.Time
	samples chan heard

	mu    sync.Mutex // protects share, which the servers see
	share float64
}

// heard is a sample and the path that it came by.
type heard struct {
	path   int
	sample site.Sample
}

// change is a decision that said something new, and when.
type change struct {
	at       time.Duration
	decision site.Decision
}

// live runs a site for a time, and returns all that it decided. It must be
// called in a bubble.
func live(s *site.Site, length time.Duration, servers ...server) []change {
	w := &world{site: s, servers: servers, began: time.Now(), samples: make(chan heard)}
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var tasks sync.WaitGroup
	for i, p := range s.Paths() {
		tasks.Go(func() { w.probe(ctx, i, p) })
	}
	var changes []change
	tasks.Go(func() { changes = w.steer(ctx) })
	tasks.Wait()
	return changes
}

// now is the time since the world began.
func (w *world) now() time.Duration { return time.Since(w.began) }

// probe asks a server once a period, from a phase of its own on.
func (w *world) probe(ctx context.Context, path int, p site.Path) {
	time.Sleep(time.Duration(path) * p.Every / 3)
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		due := time.Now()
		sample := w.ask(path, p.Target.Timeout)
		sample.At, sample.Signal = due, site.ResponseTime
		select {
		case w.samples <- heard{path, sample}:
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask waits for the server's answer, or for the timeout. A server that is dead
// when it is to answer does not.
func (w *world) ask(path int, timeout time.Duration) site.Sample {
	w.mu.Lock()
	share := w.share
	w.mu.Unlock()
	asked := time.Now()
	took := w.servers[path](w.now(), share)
	time.Sleep(min(took, timeout))
	if took < timeout && w.servers[path](w.now(), share) < never {
		return site.Sample{Value: took.Seconds()}
	}
	time.Sleep(timeout - time.Since(asked))
	return site.Sample{Value: timeout.Seconds(), Failure: site.FailureTimeout}
}

// steer decides on every sample, and looks once a second for what is due.
func (w *world) steer(ctx context.Context) []change {
	sources := sourcesOf(w.site)
	var st control.State
	var changes []change
	decide := func(path int) {
		epoch := st.Decision().Epoch
		st, _ = control.Decide(w.site, st, control.Input{Now: time.Now(), Sources: sources, New: path})
		if st.Last.Epoch == epoch {
			return
		}
		changes = append(changes, change{w.now(), *st.Last})
		w.mu.Lock()
		w.share = st.Last.Share
		w.mu.Unlock()
	}
	sweep := time.NewTicker(time.Second)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return changes
		case h := <-w.samples:
			src := &sources[h.path]
			if len(src.Samples) == 10 {
				src.Samples = src.Samples[1:]
			}
			src.Samples = append(src.Samples, h.sample)
			decide(h.path)
		case <-sweep.C:
			if due := st.Due; !due.IsZero() && !due.After(time.Now()) {
				decide(control.None)
			}
		}
	}
}

// turnsOf returns the changes of the side, the start among them.
func turnsOf(changes []change) []turn {
	var turns []turn
	for _, c := range changes {
		if d := c.decision; d.Side != site.SideUnknown && (len(turns) == 0 || turns[len(turns)-1].side != d.Side) {
			turns = append(turns, turn{c.at, d.Side, d.Reason.Cause})
		}
	}
	return turns
}

// outages begin every 20 minutes, each at another phase of the period, and
// last for 5.
const (
	outageEvery  = 20 * time.Minute
	outageLength = 5 * time.Minute
	outageShift  = 1337 * time.Millisecond
)

// outage returns when the i-th outage begins.
func outage(i int) time.Duration {
	return outageEvery + time.Duration(i)*(outageEvery+outageShift)
}

// inOutage reports whether there is an outage at a moment.
func inOutage(at time.Duration) bool {
	i := max(0, (at-outageEvery)/(outageEvery+outageShift))
	begins := outage(int(i))
	return at >= begins && at < begins+outageLength
}

// outages is a server that answers in 100 ms, and otherwise during outages.
func outages(otherwise time.Duration) server {
	return func(at time.Duration, _ float64) time.Duration {
		if inOutage(at) {
			return otherwise
		}
		return 100 * time.Millisecond
	}
}

// fast is a server that is always well.
func fast(time.Duration, float64) time.Duration { return 50 * time.Millisecond }

// probedEvery sets the period, with a timeout of half of it.
func probedEvery(every, limit time.Duration) func(*site.Site) {
	return func(s *site.Site) {
		s.Probes[0].Every, s.Probes[0].Timeout = every, every/2
		s.Thresholds[0].Limit = limit.Seconds()
		s.Thresholds[0].Recover = site.ResponseTime.DefaultRecover(s.Thresholds[0].Limit)
	}
}

// The promises on the time from the moment at which an origin breaks to the
// decision, and on the return.
func TestTimingOfOutages(t *testing.T) {
	const hours = 6 * time.Hour
	for _, every := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		// A limit near the timeout leaves a killed origin to the count of its
		// failed probes.
		killed, slow := 3*every+every/2, 5*every+every/2
		low, high := every/5, every*9/20
		for _, tt := range []struct {
			name    string
			servers []server
			limit   time.Duration
			enter   time.Duration
		}{
			{"killed", []server{outages(never)}, high, killed},
			{"killed, with a low limit", []server{outages(never)}, low, killed},
			{"both killed", []server{outages(never), outages(never)}, high, killed},
			{"slow", []server{outages(every / 4)}, low, slow},
			{"both slow", []server{outages(every / 4), outages(every / 4)}, low, slow},
			{"very slow", []server{outages(every * 2 / 5)}, low, slow},
			{"one killed, the other slow", []server{outages(never), outages(every / 4)}, low, slow},
		} {
			t.Run(fmt.Sprintf("%s every %s", tt.name, every), func(t *testing.T) {
				bubble.Test(t, func(t *testing.T) {
					s := newSite(t, len(tt.servers), probedEvery(every, tt.limit))
					turns := turnsOf(live(s, hours, tt.servers...))
					if want := 1 + 2*int(hours/(outageEvery+outageShift)-1); len(turns) < want {
						t.Fatalf("%d turns, want at least %d: %v", len(turns), want, turns)
					}
					for i, turned := range turns[1:] {
						wantOnTime(t, turned, outage(i/2), tt.enter, s.FailbackDelay, every)
					}
				})
			})
		}
	}
}

// wantOnTime checks one turn of those that an outage causes. The recovery is
// seen when most of the window is good again and two probes were, and looked
// for once a second.
func wantOnTime(t *testing.T, turned turn, broke, enter, delay, every time.Duration) {
	t.Helper()
	earliest, latest := broke, broke+enter
	if turned.side == site.SideOrigin {
		earliest = broke + outageLength + delay
		latest = earliest + 3*every + every/2 + time.Second
	}
	if turned.at < earliest || turned.at > latest {
		t.Errorf("turned to %s after %s, want between %s and %s", turned.side, turned.at, earliest, latest)
	}
}

// One dead address of two leaves the answer as fast, and comes back: nobody is
// diverted.
func TestTimingOfOneAddress(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const every = 10 * time.Second
		changes := live(newSite(t, 2, probedEvery(every, every/5)), 6*time.Hour, fast, outages(never))
		before, moves := 2, 0
		for _, c := range changes {
			d := c.decision
			if d.Share != 0 || d.Side == site.SideCDN {
				t.Fatalf("diverted after %s: %+v", c.at, d)
			}
			now := len(d.Addresses)
			if now == before {
				continue
			}
			broke := outage(moves / 2)
			earliest, latest := broke, broke+3*every+every/2
			if now == 2 {
				earliest, latest = broke+outageLength, broke+outageLength+2*every+every/2
			}
			if c.at < earliest || c.at > latest {
				t.Errorf("%d addresses after %s, want between %s and %s", now, c.at, earliest, latest)
			}
			before, moves = now, moves+1
		}
		if want := 2 * int(6*time.Hour/(outageEvery+outageShift)-1); moves < want {
			t.Errorf("%d moves, want at least %d", moves, want)
		}
	})
}

// overloaded is the worst server there is for this rule: slow whenever the
// visitors are with it, fast whenever they are not.
func overloaded(_ time.Duration, share float64) time.Duration {
	if share == 0 {
		return 2200 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// An origin that cannot carry its visitors swings. With damping it swings less
// than half as often, and every swing to the CDN is as fast as without.
func TestOscillationIsDamped(t *testing.T) {
	const hours = 6 * time.Hour
	bubble.Test(t, func(t *testing.T) {
		swing := func(changes ...func(*site.Site)) (entries int, atCDN time.Duration) {
			changes = append(changes, probedEvery(period, period/5))
			turns := turnsOf(live(newSite(t, 1, changes...), hours, overloaded))
			for i, turned := range turns {
				if turned.side == site.SideOrigin && i > 0 && turned.at-turns[i-1].at < 120*time.Second {
					t.Errorf("stayed at the CDN for %s", turned.at-turns[i-1].at)
				}
				if turned.side == site.SideCDN {
					entries++
				}
				if turned.side == site.SideCDN && i > 0 {
					if at := turned.at - turns[i-1].at; at > 5*period+timeout {
						t.Errorf("entry %d took %s", entries, at)
					}
				}
				if i > 0 && turns[i-1].side == site.SideCDN {
					atCDN += turned.at - turns[i-1].at
				}
			}
			return entries, atCDN
		}
		free, _ := swing(undamped)
		damped, atCDN := swing()
		if free < 100 || damped > free/2 {
			t.Errorf("%d entries in %s, and %d with damping: want many, and less than half of them", free, hours, damped)
		}
		// The bound of TestFlipsAreDamped, for the defaults.
		most := 3.5 * (1 + hours.Seconds()*math.Ln2/(10*time.Minute).Seconds())
		if float64(damped) > most {
			t.Errorf("%d entries with damping, want at most %g", damped, most)
		}
		if protected := atCDN.Seconds() / hours.Seconds(); protected < 0.85 {
			t.Errorf("protected for %.0f %% of the time, want 85 %% at least", 100*protected)
		}
	})
}

// A probe of three that fails is no reason to divert anybody, however long it
// goes on.
func TestBlipsDivertNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		blips := func(at time.Duration, _ float64) time.Duration {
			if at%(3*period) < 2*period {
				return 100 * time.Millisecond
			}
			return never
		}
		turns := turnsOf(live(newSite(t, 1), 6*time.Hour, blips))
		if len(turns) != 1 || turns[0].side != site.SideOrigin {
			t.Errorf("turned %v, want the origin all the time", turns)
		}
	})
}
