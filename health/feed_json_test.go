package health_test

import (
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestJSON(t *testing.T) {
	url := pages(t, `{"load": 0.25, "text": "17.5", "zero": 0, "below": -1, "nan": "NaN", "pops": [{"name": "fra", "used": 3}, {"name": "ams", "used": 4}]}`)
	for _, c := range []struct {
		path  string
		scale float64
		want  float64
	}{
		{"load", 0, 0.25},
		{"load", 1e3, 250},
		{"text", 0, 17.5},
		{"zero", 0, 0},
		{"pops.1.used", 0, 4},
		{`pops.#(name=="fra").used`, 0, 3},
		{"pops.#", 0, 2},
		{"below", 0, none},
		{"nan", 0, none},
	} {
		t.Run(c.path, func(t *testing.T) {
			samples, rejected := metered(t, source("json", url, site.Ask{Signal: site.Load, Query: c.path, Scale: c.scale}), 1)
			wantValue(t, samples, rejected, c.want)
			if len(samples)+len(rejected) != 1 {
				t.Errorf("got samples %+v and rejections %+v, want one", samples, rejected)
			}
		})
	}
}

func TestJSONFailures(t *testing.T) {
	for _, c := range []struct {
		page, path string
		want       site.Failure
		says       string
	}{
		{`{"secret": 1}`, "load", site.FailureContent, "nothing is at 'load'"},
		{`{"load": true}`, "load", site.FailureInvalid, "reading 'load': not a number"},
		{`{"load": null}`, "load", site.FailureInvalid, "not a number"},
		{`{"load": [1]}`, "load", site.FailureInvalid, "not a number"},
		{`{"load": {"secret": 1}}`, "load", site.FailureInvalid, "not a number"},
		{`{"load": ""}`, "load", site.FailureInvalid, "not a number"},
		{`{"load": "secret"}`, "load", site.FailureInvalid, "not a number"},
		{`{"load": "12 secret"}`, "load", site.FailureInvalid, "not a number"},
		{`{"load": 1e309}`, "load", site.FailureInvalid, "not a number"},
		{`{"load": "1e309"}`, "load", site.FailureInvalid, "not a number"},
		{`<html>secret</html>`, "load", site.FailureProtocol, "not JSON"},
		{`{"load": 1`, "load", site.FailureProtocol, "not JSON"},
		{``, "load", site.FailureProtocol, "not JSON"},
	} {
		t.Run(c.page, func(t *testing.T) {
			r := read(t, source("json", pages(t, c.page), site.Ask{Signal: site.Load, Query: c.path}))
			wantFailure(t, r, c.want, c.says)
			if r.Readings != nil || strings.Contains(r.Err.Error(), "secret") {
				t.Errorf("got readings %+v, error %q that quotes the answer", r.Readings, r.Err)
			}
		})
	}
}
