package foreign_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

// FuzzGdnsd imports any files: what comes of them is an error, or text that can be
// read.
func FuzzGdnsd(f *testing.F) {
	for _, tc := range gdnsdCases {
		f.Add(tc.config, tc.zone, tc.options.Probe)
	}
	for _, tc := range vscfTexts {
		f.Add(tc.in, "", "")
	}
	for _, tc := range vscfErrors {
		f.Add(tc.in, "", "")
	}
	for _, tc := range zoneErrors {
		f.Add(oneResource, tc.in, "")
	}
	for _, tc := range wrongWords {
		f.Add(oneResource, www("multifo!r"), tc.words)
	}
	f.Fuzz(func(t *testing.T, config, zone, probe string) {
		files := included(config)
		files["etc/example.org"] = zone
		r, err := foreign.Gdnsd(files, "etc/config", []string{"etc/example.org"}, foreign.Options{Probe: probe, CDN: probe})
		if err == nil {
			checkObjects(t, r)
		}
	})
}
