package site_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestParseStatus(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want func(code int) bool
	}{
		{"200", func(c int) bool { return c == 200 }},
		{"200-299,304", func(c int) bool { return c >= 200 && c <= 299 || c == 304 }},
		{"304,200-299", func(c int) bool { return c >= 200 && c <= 299 || c == 304 }},
		{"100-599", func(c int) bool { return c >= 100 && c <= 599 }},
		{"100,599", func(c int) bool { return c == 100 || c == 599 }},
		{"200-200,200,163-164", func(c int) bool { return c == 200 || c == 163 || c == 164 }},
	} {
		t.Run(tc.in, func(t *testing.T) {
			set, err := site.ParseStatus(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			checkSet(t, set, tc.want)
		})
	}
}

func TestDefaultStatus(t *testing.T) {
	checkSet(t, site.DefaultStatus(), func(c int) bool { return c >= 200 && c <= 399 })
	if set, _ := site.ParseStatus("200-399"); set != site.DefaultStatus() {
		t.Error("equal sets differ")
	}
}

func checkSet(t *testing.T, set site.StatusSet, want func(int) bool) {
	t.Helper()
	for code := -700; code < 1300; code++ {
		if set.Has(code) != want(code) {
			t.Errorf("%d: got %t", code, set.Has(code))
		}
	}
}

func TestParseStatusErrors(t *testing.T) {
	for _, in := range []string{"", ",", "200,", "ok", "99", "600", "300-200", "200-", "-200", "200-299-300", "2xx", "200 201", "200-6000000000000000000000"} {
		t.Run(in, func(t *testing.T) {
			set, err := site.ParseStatus(in)
			wantError(t, err, "'"+in+"' is not a list of status codes such as 200-299,304")
			if set != (site.StatusSet{}) {
				t.Error("a set with the error")
			}
		})
	}
}
