package control_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestEnter(t *testing.T) {
	one := newSite(t, 1, lastOnly)
	five := newSite(t, 1, lastOnly, enterAfter(5))
	run(t, side, []scriptTest{
		{"three in a row", one, "0.5 1*3", "o*3 C", site.CauseThreshold},
		{"just below the limit", one, "0.5 0.999*9", "o*10", site.CauseBelow},
		{"interrupted", one, "0.5 1*2 0.9 1*2 0.9 1*3", "o*9 C", site.CauseThreshold},
		{"silence in between", one, "0.5 1 - 1 -*5 1", "o*9 C", site.CauseThreshold},
		{"enter 1", newSite(t, 1, lastOnly, enterAfter(1)), "0.5 1", "o C", site.CauseThreshold},
		{"enter 5", five, "0.5 1.49*5", "o*5 C", site.CauseThreshold},
		{"1.5 twice", one, "0.5 1.5*2", "o*2 C", site.CauseThreshold},
		{"1.5 twice, whatever enter says", five, "0.5 1.5*2", "o*2 C", site.CauseThreshold},
		{"1.5 and less by turns", five, "0.5 1.5 1.49 1.5 1.49", "o*5", site.CauseBelow},
		{"1.5 once", one, "0.5 1.5 0.5 1.5 0.5", "o*5", site.CauseBelow},
		{"v of the whole window", newSite(t, 1), "0.5*3 1*4", "o*6 C", site.CauseThreshold},
	})
}

// slowToFail leaves v of a failed probe at 1.25: under 1.5, where two samples
// are enough.
func slowToFail(s *site.Site) { s.Thresholds[0].Limit, s.Thresholds[0].Recover = 4, 3.2 }

// The addresses are counted one by one: the origin is down with the last.
func TestEnterWhenTheOriginIsDown(t *testing.T) {
	patient := []func(*site.Site){lastOnly, slowToFail, enterAfter(100)}
	run(t, side, []scriptTest{
		{"three fails", newSite(t, 1, patient...), "0.5 x*3", "o*3 C", site.CauseDown},
		{"two and two", newSite(t, 1, patient...), "0.5 x*2 0.5 x*2 0.5", "o*7", site.CauseBelow},
		{"one of two", newSite(t, 2, patient...), "0.5 0.5/x*9", "o*10", site.CauseBelow},
		{"both at once", newSite(t, 2, patient...), "0.5 x*3", "o*3 C", site.CauseDown},
		{"one after the other", newSite(t, 2, patient...), "0.5 0.5/x*4 x*3", "o*7 C", site.CauseDown},
		{"the second as the first is back", newSite(t, 2, patient...), "0.5 0.5/x*2 x 0.5 0.5 x/0.5*9", "o*15", site.CauseBelow},
		{"as the third in a row too", newSite(t, 1, lastOnly, slowToFail), "0.5 x*3", "o*3 C", site.CauseDown},
	})
}

// Every new sample of an address that is up counts, each once.
func TestEnterOverSeveralAddresses(t *testing.T) {
	run(t, side, []scriptTest{
		// The second sample of the second period makes four slow ones of six.
		{"both slow", newSite(t, 2), "0.5*3 1*3", "o*5 C", site.CauseThreshold},
		{"one of two slow", newSite(t, 2), "0.5*3 0.5/1.4*20", "o*23", site.CauseBelow},
		{"two of three slow", newSite(t, 3), "0.5*3 0.5/1/1*4", "o*6 C", site.CauseThreshold},
	})
}

// A down address neither ends the row of the others nor makes it longer.
func TestDownAddressDoesNotCount(t *testing.T) {
	s := newSite(t, 2, lastOnly, enterAfter(4))
	run(t, side, []scriptTest{
		{"it fails on", s, "0.5/x 1.2/x*4", "o*4 C", site.CauseThreshold},
		{"it is good once in a while", s, "0.5/x 1.2/x 1.2/0.5 1.2/x 1.2/0.5", "o*4 C", site.CauseThreshold},
		{"it is slow once in a while", s, "0.5/x 1.2/x 1.2/1.2 1.2/x 0.5/1.2 1.2/x*3", "o*8", site.CauseBelow},
	})
}
