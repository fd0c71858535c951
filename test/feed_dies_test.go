//go:build linux

package test

import (
	"fmt"
	"testing"
	"time"
)

// The times of a feed that is read every second: from when on its data counts as
// missing, what the rules wait for after that, and by how much a reading may be
// older than the death of what is read.
const (
	feedStale  = 5 * time.Second
	cdnAfter   = 3 * time.Second
	originRule = 4 * time.Second
	sweeps     = 2 * time.Second
	readBefore = 2 * time.Second
)

// mourners is a server block of sites that hear of one load, and differ in what
// they do when they no longer do.
func mourners() string {
	return block(`    cdnredirect {
        origin farm {
            address ` + farHost + `
            feed load prometheus ` + nodePage + ` farm_load every 1s
        }
        class fed {
            origin farm
            cdn example ` + target + `
            failback_delay 3s
        }
        site cdn.example.org class fed {
            threshold load 10 no_data cdn after 3s
        }
        site origin.example.org class fed {
            threshold load 10
            no_data origin after 4s
        }
        site stay.example.org class fed {
            threshold load 10 no_data stay
        }
    }
`)
}

// TestFeedDies ends the node exporter while the sites are on either side. The
// site whose rule leads elsewhere goes there when its time has come; the others
// stay. Then there is a node exporter again, and a load that brings all back.
func TestFeedDies(t *testing.T) {
	t.Parallel()
	const idle, tooMuch = 2, 12
	for side, c := range map[string]struct {
		load         int
		here, there  string // answers
		moves        string
		after        time.Duration
		stay1, stay2 string
	}{
		"origin": {idle, atFarm, atCDN, "cdn.example.org.", cdnAfter, "origin.example.org.", "stay.example.org."},
		"CDN":    {tooMuch, atCDN, atFarm, "origin.example.org.", originRule, "cdn.example.org.", "stay.example.org."},
	} {
		t.Run("at the "+side, func(t *testing.T) {
			t.Parallel()
			l, files := newLink(t), folder(t)
			load := func(n int) { write(t, files, "farm.prom", fmt.Sprintf("farm_load %d\n", n)) }
			load(c.load)
			exporter := l.startNodeExporter(t, files)
			l.serve(t, mourners())
			all := func() string { return l.answers(c.moves, c.stay1, c.stay2) }
			await(t, patience, c.here, all)

			exporter.kill()
			took := await(t, feedStale+c.after+sweeps, c.there, func() string { return l.answers(c.moves) })
			t.Logf("the site that moves did after %s", took)
			if least := feedStale + c.after - readBefore; took < least {
				t.Errorf("Expected that after %s at the earliest, took %s", least, took)
			}
			for began := time.Now(); time.Since(began) < 2*time.Second; time.Sleep(poll) {
				if got := l.answers(c.stay1, c.stay2); got != c.here {
					t.Fatalf("Expected the others to stay with %q, got %q", c.here, got)
				}
			}

			load(idle)
			l.startNodeExporter(t, files)
			await(t, patience, atFarm, all)
		})
	}
}
