package site

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"
)

func TestGuardrailsInJSON(t *testing.T) {
	half := 0.5
	for _, c := range []struct {
		text string
		want Guardrails
	}{
		{`{}`, Guardrails{}},
		{`{"min_ttl":"30s","min_failback_delay":"2m0s","max_share":0.5,"probe_kinds":["http","tls"],"min_probe_period":"10s","max_sites":3,"targets":["bigcdn.example"]}`,
			Guardrails{MinTTL: 30 * time.Second, MinFailbackDelay: 2 * time.Minute, MaxShare: &half, ProbeKinds: []string{"http", "tls"},
				MinProbePeriod: 10 * time.Second, MaxSites: 3, Targets: []string{"bigcdn.example"}}},
		{`{"max_share":0}`, Guardrails{MaxShare: new(float64)}},
	} {
		var got Guardrails
		if err := json.Unmarshal([]byte(c.text), &got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Expected %s to be %+v, got %+v, %v", c.text, c.want, got, err)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("Expected %s to be valid, got %v", c.text, err)
		}
		if text, err := json.Marshal(got); err != nil || string(text) != c.text {
			t.Errorf("Expected %s, got %s, %v", c.text, text, err)
		}
	}
}

func TestGuardrailsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"min_tll":"30s"}`: `reading guardrails: json: unknown field "min_tll"`,
		`{"min_ttl":"30"}`:  `reading guardrails: '30' is not a duration such as 30s`,
	} {
		if err := json.Unmarshal([]byte(text), new(Guardrails)); err == nil || err.Error() != want {
			t.Errorf("Expected %q for %s, got %v", want, text, err)
		}
	}
	nan := math.NaN()
	g := Guardrails{MinTTL: -time.Millisecond, MinFailbackDelay: 2 * maxFailbackDelay, MaxShare: &nan, ProbeKinds: []string{"http", "fci"},
		MinProbePeriod: 25 * time.Hour, MaxSites: -1, Targets: []string{"Bigcdn.example", "bigcdn.example.", ""}}
	want := `min_ttl -1ms is not from 0s to 24h0m0s
min_failback_delay 17520h0m0s is not from 0s to 8760h0m0s
min_probe_period 25h0m0s is not from 0s to 24h0m0s
min_ttl -1ms is not a number of whole seconds
max_share NaN is not from 0 to 1
max_sites -1 is negative
'fci' is not a kind of probe
'Bigcdn.example' is not a domain in lower case, without a final dot
'bigcdn.example.' is not a domain in lower case, without a final dot
'' is not a domain in lower case, without a final dot`
	err := g.Validate()
	if err == nil || err.Error() != want {
		t.Errorf("Expected\n%s\ngot\n%v", want, err)
	}
	var one *PropertyError
	if !errors.As(err, &one) || one.Property != "min_ttl" {
		t.Errorf("Expected the first fault to name its property, got %+v", one)
	}
}
