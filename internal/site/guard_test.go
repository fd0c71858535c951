package site_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestMass(t *testing.T) {
	for _, tc := range []struct {
		share       float64
		sites, want int
	}{
		{0.3, 0, 10}, {0.3, 1, 10}, {0.3, 33, 10}, {0.3, 34, 11}, {0.3, 50, 15}, {0.3, 100_000, 30_000}, {0.3, 100_001, 30_001},
		{0.07, 1000, 70}, {1, 9, 10}, {1, 12, 12}, {0.001, 100_000, 100},
	} {
		if got := (site.Guard{Share: tc.share}).Mass(tc.sites); got != tc.want {
			t.Errorf("%g of %d: got %d, want %d", tc.share, tc.sites, got, tc.want)
		}
	}
}

func TestGuard(t *testing.T) {
	good := site.Guard{Share: 0.3, Within: time.Minute}
	if good.On() {
		t.Error("a guard without anchors is on")
	}
	if good.Anchors = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}; !good.On() {
		t.Error("a guard with an anchor is off")
	}
	for _, g := range []site.Guard{good, {Share: 1, Within: time.Second}, {Share: 1e-9, Within: time.Hour}} {
		if err := g.Validate(); err != nil {
			t.Errorf("%+v: %v", g, err)
		}
	}
	for want, g := range map[string]site.Guard{
		"share 0% is not above 0% and at most 100%":     {Within: time.Minute},
		"share -10% is not above 0% and at most 100%":   {Share: -0.1, Within: time.Minute},
		"share 100.5% is not above 0% and at most 100%": {Share: 1.005, Within: time.Minute},
		"share NaN% is not above 0% and at most 100%":   {Share: math.NaN(), Within: time.Minute},
		"time 0s is not from 1s to 1h":                  {Share: 0.3},
		"time 999.999999ms is not from 1s to 1h":        {Share: 0.3, Within: time.Second - 1},
		"time 1h0m1s is not from 1s to 1h":              {Share: 0.3, Within: time.Hour + time.Second},
	} {
		wantError(t, g.Validate(), want)
	}
}
