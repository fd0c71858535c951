package onboard_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
)

func TestWhatIsFoundInThePlaceOfARecord(t *testing.T) {
	r := onboard.RecordFor("*.example.org", "TOKEN")
	expect(t, "The record", r.String(), `_cdnredirect.example.org TXT "cdnredirect=TOKEN"`)
	for _, c := range []struct {
		found []string
		want  string
	}{
		{nil, "there is none"},
		{[]string{"cdnredirect=TOKEN"}, ""},
		{[]string{"v=spf1 -all", "cdnredirect=TOKEN"}, ""},
		{[]string{"cdnredirect=token"}, `there is "cdnredirect=token"`}, // letters count
		{[]string{"TOKEN", "a\x1b"}, `there is "TOKEN", "a\x1b"`},
		{[]string{"a", "b", "c", "d", "e"}, `there is "a", "b", "c", 2 more`},
	} {
		expect(t, "What is missing", r.Missing(c.found), c.want)
	}
}
