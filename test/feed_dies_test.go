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
            ready none
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

// death is what a feed's death does to the sites on one side: one of them moves
// some time after, and the others do not.
type death struct {
	load        int    // of the farm, before
	here, there string // answers
	moves       string
	after       time.Duration
	stay        []string
}

// idle is a load that all sites take, and overload one that none does.
const idle, overload = 2, 12

// TestFeedDies ends the node exporter while the sites are on either side. Those
// whose rule leads elsewhere go there when its time has come.
func TestFeedDies(t *testing.T) {
	t.Parallel()
	for side, d := range map[string]death{
		"origin": {idle, atFarm, atCDN, "cdn.example.org.", cdnAfter, []string{"origin.example.org.", "stay.example.org."}},
		"CDN":    {overload, atCDN, atFarm, "origin.example.org.", originRule, []string{"cdn.example.org.", "stay.example.org."}},
	} {
		t.Run("at the "+side, func(t *testing.T) {
			t.Parallel()
			d.run(t)
		})
	}
}

// run ends with another node exporter, and a load that brings all sites back.
func (d death) run(t *testing.T) {
	l, files := newLink(t), folder(t)
	load := func(n int) { write(t, files, "farm.prom", fmt.Sprintf("farm_load %d\n", n)) }
	load(d.load)
	exporter := l.startNodeExporter(t, files)
	l.serve(t, mourners())
	all := func() string { return l.answers(append(d.stay, d.moves)...) }
	await(t, patience, d.here, all)

	exporter.kill()
	d.expect(t, l)

	load(idle)
	l.startNodeExporter(t, files)
	await(t, patience, atFarm, all)
}

// expect wants one site to move, neither too early nor too late, and the others
// to stay until all rules would have applied.
func (d death) expect(t *testing.T, l *link) {
	t.Helper()
	took := await(t, feedStale+d.after+sweeps, d.there, func() string { return l.answers(d.moves) })
	t.Logf("%s moved after %s", d.moves, took)
	if least := feedStale + d.after - readBefore; took < least {
		t.Errorf("Expected that after %s at the earliest, took %s", least, took)
	}
	awaitMatch(t, `site "`+d.moves+`": .* -> .*: no_data: load of origin farm has had no fresh sample for \d`, l.ours.output.String)
	for began := time.Now(); time.Since(began) < sweeps; time.Sleep(poll) {
		if got := l.answers(d.stay...); got != d.here {
			t.Fatalf("Expected the others to stay with %q, got %q", d.here, got)
		}
	}
}
