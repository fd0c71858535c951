package api_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestAValueThatIsNoneIsNull(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		text, err := json.Marshal(api.Reading{Signal: site.Load, Value: api.Number(v)})
		if want := `{"signal":"load","value":null}`; err != nil || string(text) != want {
			t.Errorf("%v: Expected %s, got %s, %v", v, want, text, err)
		}
		var back api.Reading
		if err := json.Unmarshal(text, &back); err != nil || !math.IsNaN(float64(back.Value)) {
			t.Errorf("%v: Expected NaN back, got %v, %v", v, back.Value, err)
		}
	}
}

func TestDurationsAreNumbersOfSeconds(t *testing.T) {
	text, err := json.Marshal([]api.Seconds{0, api.Seconds(1500 * time.Millisecond), 1})
	if want := "[0,1.5,0.000000001]"; err != nil || string(text) != want {
		t.Errorf("Expected %s, got %s, %v", want, text, err)
	}
	var s api.Seconds
	if err := json.Unmarshal([]byte(`"1s"`), &s); err == nil || !strings.Contains(err.Error(), `"1s"`) {
		t.Errorf("Expected an error that quotes the text, got %v", err)
	}
}

func TestTheUnknownSideHasAName(t *testing.T) {
	text, err := json.Marshal([]api.Side{api.Side(site.SideUnknown), api.Side(site.SideOrigin), api.Side(site.SideCDN)})
	if want := `["unknown","origin","cdn"]`; err != nil || string(text) != want {
		t.Errorf("Expected %s, got %s, %v", want, text, err)
	}
	var back []api.Side
	if err := json.Unmarshal(text, &back); err != nil || back[0] != api.Side(site.SideUnknown) {
		t.Errorf("Expected the unknown side back, got %v, %v", back, err)
	}
}

func TestURLsLoseTheirSecrets(t *testing.T) {
	for url, want := range map[api.URL]string{
		"http://192.0.2.10:80/healthz":             "http://192.0.2.10:80/healthz",
		"https://bob:secret@h.example/a%2Fb?k=s#f": "https://h.example/a%2Fb",
		"http://[2001:db8::1]:80/":                 "http://[2001:db8::1]:80/",
		"192.0.2.1:161":                            "192.0.2.1:161",
		"bob:secret@h.example":                     "h.example",
		"secret@h.example?k=s":                     "h.example",
		"http://bob:sec/ret@h.example/":            "h.example/",
		"/var/run/feed?k=s":                        "/var/run/feed",
		"http://h.example:x/#secret":               "http://h.example:x/",
		"":                                         "",
	} {
		text, err := json.Marshal(url)
		if quoted := fmt.Sprintf("%q", want); err != nil || string(text) != quoted || url.String() != want {
			t.Errorf("%s: Expected %s, got %s, %v", string(url), quoted, text, err)
		}
	}
}

func TestAThresholdSaysItselfInALine(t *testing.T) {
	state := api.ThresholdState{Signal: site.ResponseTime, Statistic: site.P50, Limit: 0.3, Value: 0.39, V: 1.3,
		Samples: 9, Age: api.Seconds(time.Second), NoData: "origin after 10m"}
	if want := "response_time: p50 of 9 samples, 390ms, is 130 % of the limit 300ms (age 1s)"; state.String() != want {
		t.Errorf("Expected %q, got %q", want, state)
	}
	less := api.ThresholdState{Signal: site.AvailableBandwidth, Statistic: site.Last, Limit: 200e6, Value: 250e6, V: 0.8, Samples: 3}
	if want := "available_bandwidth: last of 3 samples, 250Mbit, against the limit 200Mbit is 80 % (age 0s)"; less.String() != want {
		t.Errorf("Expected %q, got %q", want, less)
	}
	state.Missing = true
	if want := "response_time: no fresh sample for the limit 300ms (no_data origin after 10m)"; state.String() != want {
		t.Errorf("Expected %q, got %q", want, state)
	}
}
