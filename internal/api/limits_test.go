package api

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/test/bubble"
)

func TestWhoAsksTooOftenWaits(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLimits[string](2, 3)
		for range 3 {
			if wait := l.take("a"); wait != 0 {
				t.Fatalf("Expected no wait, got %s", wait)
			}
		}
		if before, wait := l.wait("a"), l.take("a"); before != time.Second/2 || wait != time.Second/2 {
			t.Errorf("Expected to be told to wait for half a second, got %s and %s", before, wait)
		}
		if wait := l.take("b"); wait != 0 {
			t.Errorf("Expected others not to wait, got %s", wait)
		}
		time.Sleep(time.Second / 2)
		if before, wait := l.wait("a"), l.take("a"); before != 0 || wait != 0 {
			t.Errorf("Expected no wait after that, got %s and %s", before, wait)
		}
	})
}

func TestLimitsForgetWhoHasRested(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLimits[int](1, 1)
		for i := range mostLimited {
			l.take(i)
		}
		l.take(-1)
		if n := len(l.of); n != mostLimited {
			t.Errorf("Expected somebody to be forgotten, got %d", n)
		}
		time.Sleep(time.Minute)
		l.take(-2)
		if n := len(l.of); n != 1 {
			t.Errorf("Expected all who have rested to be forgotten, got %d", n)
		}
	})
}

func TestANetworkCountsAsOne(t *testing.T) {
	for peer, want := range map[string]string{
		"192.0.2.1:1234":           "192.0.2.1/32",
		"[::ffff:192.0.2.1]:1":     "192.0.2.1/32",
		"[2001:db8::1:2:3:4]:1234": "2001:db8::/64",
		"[fe80::1%eth0]:1234":      "fe80::/64",
		"@":                        "@",
	} {
		if got := networkOf(peer); got != want {
			t.Errorf("%s: Expected %s, got %s", peer, want, got)
		}
	}
}
