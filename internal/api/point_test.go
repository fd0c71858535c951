package api_test

import (
	"encoding/json"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func TestPoints(t *testing.T) {
	for text, want := range map[string]api.Point{"published": api.PointPublished, "draft": api.PointDraft, "0": 0, "42": 42} {
		got, err := api.ParsePoint(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: Expected %d, got %d (%s), %v", text, want, got, got, err)
		}
		var back api.Point
		if err := json.Unmarshal([]byte(`"`+text+`"`), &back); err != nil || back != want {
			t.Errorf("%s: Expected %d back, got %d, %v", text, want, back, err)
		}
	}
	for _, text := range []string{"", "-1", "+1", "1.5", "Draft", "9223372036854775808"} {
		_, err := api.ParsePoint(text)
		if want := "'" + text + "' is no revision: write its number, 'published' or 'draft'"; err == nil || err.Error() != want {
			t.Errorf("Expected %q, got %v", want, err)
		}
		_, err = api.ParseRevision(text)
		if want := "'" + text + "' is no revision: write its number"; err == nil || err.Error() != want {
			t.Errorf("Expected %q, got %v", want, err)
		}
	}
}
