package site_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// downloading is a site at that place with one download a period.
func downloading(place, host string, size int64, every time.Duration) *site.Site {
	s := asking("download", "http://{origin}/1m")
	s.Place, s.Hosts = place, []string{host}
	s.Probes[0].Ask.Size, s.Probes[0].Every = size, every
	return s
}

func TestDownloads(t *testing.T) {
	const size = 1_000_000
	a := downloading("Corefile:1", "a.example.net", size, 10*time.Second)
	b := downloading("Corefile:2", "b.example.net", size, 20*time.Second)
	often := downloading("Corefile:3", "a.example.net", size, 8*time.Second)
	two := downloading("Corefile:4", "c.example.net", size, 10*time.Second)
	two.Origins[0].Addresses = addresses("192.0.2.1", "192.0.2.2")
	for _, tc := range []struct {
		name    string
		sites   []*site.Site
		cost    float64
		targets int
	}{
		{"nothing", nil, 0, 0},
		{"no download", []*site.Site{valid()}, 0, 0},
		{"one", []*site.Site{a, valid()}, 800_000, 1},
		{"two", []*site.Site{a, b}, 1_200_000, 2},
		{"one of two sites", []*site.Site{a, a}, 800_000, 1},
		{"the shortest period counts", []*site.Site{a, often, a}, 1_000_000, 1},
		{"every address", []*site.Site{two}, 1_600_000, 2},
	} {
		if cost, targets := site.Downloads(tc.sites); cost != tc.cost || targets != tc.targets {
			t.Errorf("%s: got %g in %d", tc.name, cost, targets)
		}
	}
	if err := site.ValidateDownloads([]*site.Site{a, b}, 1_200_000); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := site.ValidateDownloads([]*site.Site{valid()}, 0); err != nil {
		t.Errorf("nothing costs too much: %v", err)
	}
	wantError(t, site.ValidateDownloads([]*site.Site{a, b}, 1_199_999), "Corefile:2: with those of 'www.example.org.' all downloads cost 1.2Mbit (targets: 2), more than 1.2Mbit: make them smaller or less often, or allow more with 'download RATE'")
	wantError(t, site.ValidateDownloads([]*site.Site{b, a}, 0), "Corefile:2: with those of 'www.example.org.' all downloads cost 400kbit (targets: 1), more than 0bit: make them smaller or less often, or allow more with 'download RATE'")
}

func TestSizes(t *testing.T) {
	for _, size := range []int64{site.MinDownload, site.DefaultDownload, site.MaxDownload} {
		if err := downloading("", "a.example.net", size, time.Minute).Validate(); err != nil {
			t.Errorf("%d: %v", size, err)
		}
	}
	for size, want := range map[int64]string{
		0:                    "size 0 bytes is not from 256 KiB to 64 MiB",
		site.MinDownload - 1: "size 262143 bytes is not from 256 KiB to 64 MiB",
		site.MaxDownload + 1: "size 67108865 bytes is not from 256 KiB to 64 MiB",
	} {
		wantError(t, downloading("", "a.example.net", size, time.Minute).Validate(), want)
	}
}
