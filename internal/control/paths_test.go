package control_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestAddressLeavesTheAnswerAndReturns(t *testing.T) {
	run(t, answer, []scriptTest{
		{"down after three fails", newSite(t, 2), "0.5 0.5/x*3 0.5/x", "12*3 1*2", ""},
		{"a good one in between", newSite(t, 2), "0.5 0.5/x*2 0.5 0.5/x*2 0.5", "12*7", ""},
		{"an unusable one in between", newSite(t, 2), "0.5 0.5/x*2 0.5/nan 0.5/x", "12*4 1", ""},
		{"silence in between", newSite(t, 2), "0.5 0.5/x*2 0.5/-*9 0.5/x", "12*12 1", ""},
		{"up after two good ones", newSite(t, 2), "0.5 0.5/x*3 0.5*3", "12*3 1*2 12*2", ""},
		{"a fail in between", newSite(t, 2), "0.5 0.5/x*3 0.5 0.5/x 0.5 0.5/x 0.5*2", "12*3 1*6 12", ""},
		{"a good one is never too slow to be up", newSite(t, 2), "0.5 0.5/x*3 0.5/4.9*2", "12*3 1*2 12", ""},
		{"the first of a path counts at once", newSite(t, 2), "0.5/x 0.5*2", "1*2 12", ""},
		{"the other way round", newSite(t, 2), "0.5 x/0.5*3", "12*3 2", ""},
		{"two of three", newSite(t, 3), "0.5 x/0.5/x*3 0.5*2", "123*3 2*2 123", ""},
		{"of which nothing is known yet", newSite(t, 3), "0.5/-/0.5 0.5/-/x*3", "123*3 12", ""},
		{"down and unknown: none is up", newSite(t, 3, divertNone), "x/-/-*2", "123*2", ""},
		{"the last one stays", newSite(t, 2, divertNone), "0.5 0.5/x*3 x*3", "12*3 1*3 12", ""},
		{"all down, and one up again", newSite(t, 2, divertNone), "0.5 x*3 0.5/x 0.5/x", "12*5 1", ""},
	})
}

// While no address is up, none is better than the others.
func TestAllAddressesDown(t *testing.T) {
	h := observe(newSite(t, 2))
	h.play("0.5 x*3", answer)
	if got := answer(h.last()); got != "edge" {
		t.Errorf("with a CDN: answered with %s, want the CDN", got)
	}
	h.ready = []bool{false}
	h.play("x", answer)
	if got := answer(h.last()); got != "12" {
		t.Errorf("without a CDN: answered with %s, want both addresses", got)
	}
	if d := h.last(); d.Reason.Cause != site.CauseNoCDN || d.Side != site.SideCDN {
		t.Errorf("without a CDN: %s because of %s, want cdn because of %s", d.Side, d.Reason.Cause, site.CauseNoCDN)
	}
}

// secondProbe adds another probe of each address.
func secondProbe(s *site.Site) {
	p := s.Probes[0]
	p.URL = "http://{origin}/second"
	s.Probes = append(s.Probes, p)
}

// wholeProbe adds a probe that speaks for the origin as a whole.
func wholeProbe(s *site.Site) {
	p := s.Probes[0]
	p.URL = "http://status.example.org/"
	s.Probes = append(s.Probes, p)
}

// Every probe of an address must pass.
func TestAddressWithSeveralPaths(t *testing.T) {
	run(t, answer, []scriptTest{
		{"its second probe fails", newSite(t, 2, secondProbe), "0.5 0.5/0.5/0.5/x*3 0.5*2", "12*3 1*2 12", ""},
		{"both fail by turns", newSite(t, 2, secondProbe), "0.5 0.5/x/0.5/0.5*2 0.5/0.5/0.5/x*2 0.5", "12*6", ""},
		{"one passes again", newSite(t, 2, secondProbe), "0.5 0.5/x/0.5/x*3 0.5/0.5/0.5/x*3", "12*3 1*4", ""},
		{"the probe of the whole fails", newSite(t, 2, wholeProbe), "0.5 0.5/0.5/x*3", "12*3 edge", site.CauseDown},
		{"the probe of the whole alone", newSite(t, 2, func(s *site.Site) {
			s.Probes[0].URL = "http://status.example.org/"
		}), "0.5 x*3", "12*3 edge", site.CauseDown},
	})
}

// All paths of an address that is down are out of the pool, a passing one too.
func TestPoolWithSeveralPaths(t *testing.T) {
	run(t, side, []scriptTest{
		{"no path of a down address is heard", newSite(t, 2, secondProbe, lastOnly, enterAfter(1)),
			"0.5/0.5/0.5/x 0.5/4/0.5/x*5", "o*6", ""},
		{"a path of the whole origin always is", newSite(t, 2, wholeProbe, lastOnly, enterAfter(1), func(s *site.Site) {
			s.Thresholds[0].Statistic = site.Max
		}), "0.5/x/0.5 0.5/x/1", "o C", site.CauseThreshold},
	})
}

// An address that was up and has fallen silent is not known to be up: it does
// not keep the samples of one that fails out of the pool.
func TestASilentAddressIsUnknown(t *testing.T) {
	h := observe(newSite(t, 2, lastOnly))
	h.play("0.5/0.5 0.5/0.5 -/-*5", side)
	h.play("x/-*3", side)
	if got := side(h.last()); got != "C" {
		t.Errorf("at %s while all that is heard are failures", got)
	}
}
