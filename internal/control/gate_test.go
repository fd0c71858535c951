package control_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
)

// checks makes one check of a gate after the other, 10 s apart: "+" is a good one,
// "-" one that fails, "!" one that fails for sure, "?" one that could not be made.
type checks struct {
	gate control.Gate
	now  time.Time
}

func newChecks() *checks { return &checks{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *checks) run(marks string) string {
	var states []byte
	for _, mark := range marks {
		check := control.Check{At: c.now, Sure: mark == '!', Mute: mark == '?'}
		if mark != '+' {
			check.Failure = string(mark)
		}
		c.gate = c.gate.Next("www.example.org.edge", check)
		states = append(states, map[bool]byte{true: 'o', false: 'c'}[c.gate.Open])
		c.now = c.now.Add(10 * time.Second)
	}
	return string(states)
}

func TestGate(t *testing.T) {
	for _, tc := range []struct{ name, checks, want string }{
		{"TheFirstGoodCheckOpens", "--?+", "ccco"},
		{"ThreeFailuresInARowClose", "+--+---", "oooooo" + "c"},
		{"ASureFailureClosesAtOnce", "+!", "oc"},
		{"WhatCouldNotBeMadeChangesNothing", "+?????-?-?-", "ooooooooooc"},
		{"ThreeGoodOnesOpenAgainAfter30s", "+!+++++", "occccoo"},
		{"AFailureBetweenBeginsAnew", "+!++-++++", "occccccoo"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := newChecks().run(tc.checks); got != tc.want {
				t.Errorf("Expected %s, got %s", tc.want, got)
			}
		})
	}
}

// TestAGateThatFlapsStaysClosedForLonger up to five minutes, and for 30 s again when
// it has been open for long.
func TestAGateThatFlapsStaysClosedForLonger(t *testing.T) {
	c := newChecks()
	c.run("+")
	closed := func() (n int) {
		c.run("!")
		for n = 1; c.run("+") == "c"; n++ {
		}
		return n
	}
	var stays []int
	for range 12 {
		stays = append(stays, closed())
	}
	for i, n := range stays {
		stay := time.Duration(n) * 10 * time.Second
		least := min(time.Duration(i+1)*30*time.Second, 5*time.Minute)
		if stay < least || stay > least*12/10+20*time.Second {
			t.Errorf("Expected the %dth time to take %s and up to a fifth more, got %s", i+1, least, stay)
		}
	}
	c.now = c.now.Add(2 * time.Hour)
	if stay := time.Duration(closed()) * 10 * time.Second; stay > time.Minute {
		t.Errorf("Expected the times before to be forgotten, got %s", stay)
	}
}

// TestAGateThatOpensAgainLetsClientsBackPartByPart but the first time all at once.
func TestAGateThatOpensAgainLetsClientsBackPartByPart(t *testing.T) {
	c := newChecks()
	c.run("+")
	if part := c.gate.Part(c.now); part != 1 {
		t.Errorf("Expected all clients at the first time, got %g", part)
	}
	c.run("!+++++")
	half := c.gate.Back.Add(50 * time.Second)
	if part := c.gate.Part(half); part < 0.45 || part > 0.55 {
		t.Errorf("Expected a half of them half-way, got %g", part)
	}
	if part := c.gate.Part(c.gate.Back.Add(100 * time.Second)); part != 1 {
		t.Errorf("Expected all of them after 100 s, got %g", part)
	}
}

func TestWhenAGateIsCheckedNext(t *testing.T) {
	const period = 10 * time.Second
	for _, tc := range []struct {
		checks string
		needed bool
		want   time.Duration
	}{
		{"+", false, time.Hour},
		{"+", true, period},
		{"+-", false, period}, // is it closing?
		{"+!", false, 2 * period},
		{"+!+", false, period}, // is it opening?
		{"+!--------------------", false, time.Hour},
		{"+!--------------------", true, period},
		{"", false, period},
		{"??", false, 4 * period},
		{"+?", false, 2 * period},
	} {
		c := newChecks()
		c.run(tc.checks)
		if got := c.gate.Pause(period, tc.needed); got != tc.want {
			t.Errorf("%q, needed %t: expected %s, got %s", tc.checks, tc.needed, tc.want, got)
		}
	}
	if got := newChecks().gate.Pause(2*time.Hour, false); got != 2*time.Hour {
		t.Errorf("Expected a long period to stay, got %s", got)
	}
}

func TestWhatAGateLetsThrough(t *testing.T) {
	good, out := control.Good(), control.Candidate{Out: true, Room: 1, Part: 1}
	for _, tc := range []struct {
		checks string
		of     control.Candidate
		want   string
	}{
		{"+", good, "in 1"},
		{"", good, "out 1"}, // nobody comes before the first check
		{"?", good, "spare 1"},
		{"?", out, "out 1"},
		{"-", good, "out 1"},
		{"-?", good, "out 1"}, // it is known that it fails
		{"+!+++++", good, "in 0.2"},
		{"+", control.Candidate{Room: 1, Part: 0.5}, "in 0.5"},
		{"+!+++++", control.Candidate{Room: 1, Part: 0.05}, "in 0.05"},
	} {
		c := newChecks()
		c.run(tc.checks)
		got := tc.of.Through(c.gate, c.now)
		word := "in"
		if got.Out {
			word = map[bool]string{true: "spare", false: "out"}[got.Spare]
		}
		if said := fmt.Sprint(word, " ", got.Part); said != tc.want {
			t.Errorf("%q: expected %s, got %s", tc.checks, tc.want, said)
		}
	}
}
