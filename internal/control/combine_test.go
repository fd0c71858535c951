package control_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// reports reads samples as words: a value, or a failure with the value 5, and behind
// @ how many seconds before begin it is from.
func reports(words string) []site.Sample {
	var samples []site.Sample
	for _, word := range strings.Fields(words) {
		word, age, _ := strings.Cut(word, "@")
		seconds, _ := strconv.Atoi(age)
		s := site.Sample{At: begin.Add(-time.Duration(seconds) * time.Second), Signal: site.ResponseTime}
		if value, err := strconv.ParseFloat(word, 64); err == nil {
			s.Value = value
		} else {
			s.Value, s.Failure, s.Detail = 5, site.Failure(word), "seen "+age
		}
		samples = append(samples, s)
	}
	return samples
}

// word is the opposite of reports.
func word(s site.Sample) string {
	text := fmt.Sprint(s.Value)
	if s.Failure != "" {
		text = string(s.Failure)
	}
	if age := begin.Sub(s.At); age != 0 {
		text += fmt.Sprintf("@%g", age.Seconds())
	}
	return text
}

func TestCombine(t *testing.T) {
	for _, tt := range []struct {
		name    string
		feed    bool
		reports string
		want    string // empty: nothing is known
	}{
		{"nobody", false, "", ""},
		{"one, good", false, "0.3", "0.3"},
		{"one, failed", false, "timeout", "timeout"},
		{"two, good", false, "0.25 0.75", "0.5"},
		{"two, one failed", false, "timeout 0.4", "0.4"},
		{"two, both failed", false, "timeout timeout", "timeout"},
		{"three, good", false, "0.9 0.1 0.2", "0.2"},
		{"three, one failed", false, "0.75 timeout 0.25", "0.5"},
		{"three, two failed", false, "timeout 0.3 timeout", "timeout"},
		{"four, two failed", false, "timeout timeout 0.25 0.75", "0.5"},
		{"four, three failed", false, "timeout timeout timeout 0.3", "timeout"},
		{"five, three failed", false, "timeout timeout timeout 0.25 0.75", "0.5"},
		{"six, four failed", false, "timeout timeout timeout timeout 0.3 0.5", "timeout"},
		{"seen most", false, "timeout connect timeout@9", "timeout"},
		{"seen alike", false, "timeout tls connect", "connect"},
		{"the newest of all is how old it is", false, "0.3@7 0.1@5 0.2@9", "0.2@5"},
		{"also if it was outvoted", false, "timeout@9 timeout@8 0.2@3", "timeout@3"},
		{"this machine could not ask", false, "local", ""},
		{"one of three could not ask", false, "local timeout timeout", "timeout"},
		{"two of three could not ask", false, "local local 0.2", "0.2"},
		{"no measurements", false, "nan inf -1", ""},
		{"no measurements do not vote", false, "nan -1 +inf 0.2 0.4@-1", "0.2"},
		{"zero is one", false, "0 0 1", "0"},
		{"a feed, the newest", true, "7@3 5@1 9@2", "5@1"},
		{"a feed, none from the future", true, "7@3 5@-1", "7@3"},
		{"a feed, two of one moment", true, "7@3 5@3", "7@3"},
		{"a feed that nobody could read", true, "local nan", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, known := control.Combine(tt.feed, reports(tt.reports), begin)
			got := ""
			if known {
				got = word(s)
			}
			if got != tt.want || known && s.Signal != site.ResponseTime {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// What a failure was is told in the words of one who saw it, the newest.
func TestCombineTellsWhatFailed(t *testing.T) {
	s, _ := control.Combine(false, reports("timeout@4 timeout@2 connect@1"), begin)
	if s.Failure != site.FailureTimeout || s.Detail != "seen 2" || s.Value != 5 || !s.At.Equal(begin.Add(-time.Second)) {
		t.Errorf("got %+v", s)
	}
	if s, _ := control.Combine(false, reports("timeout 0.3"), begin); s.Failure != "" || s.Detail != "" {
		t.Errorf("good, but got %+v", s)
	}
}

// Any reports in any order give one and the same sample, between those that it is
// made of.
func TestCombineAnything(t *testing.T) {
	anySample := rapid.Custom(func(t *rapid.T) site.Sample {
		return site.Sample{
			At:      begin.Add(span(t, -3, 1, "age")),
			Signal:  site.ResponseTime,
			Value:   rapid.OneOf(rapid.Float64Range(0, 3), rapid.SampledFrom([]float64{0, 1, 5, math.MaxFloat64, math.NaN(), math.Inf(1), -1})).Draw(t, "value"),
			Failure: rapid.SampledFrom([]site.Failure{"", "", site.FailureTimeout, site.FailureConnect, site.FailureLocal}).Draw(t, "failure"),
			Detail:  rapid.SampledFrom([]string{"a", "b"}).Draw(t, "detail"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(anySample, 0, 7).Draw(t, "reports")
		feed := rapid.Bool().Draw(t, "feed")
		before := fmt.Sprint(samples)
		first, known := control.Combine(feed, samples, begin)
		if fmt.Sprint(samples) != before {
			t.Fatal("the reports changed")
		}
		second, again := control.Combine(feed, rapid.Permutation(samples).Draw(t, "other order"), begin)
		if first != second || known != again {
			t.Fatalf("got %+v and, in another order, %+v", first, second)
		}
		usable := slices.DeleteFunc(slices.Clone(samples), func(s site.Sample) bool { return !s.Usable(begin) || s.Failure == site.FailureLocal })
		if known != (len(usable) > 0) {
			t.Fatalf("known is %t of %v", known, usable)
		}
		if !known {
			return
		}
		alike := func(s site.Sample) bool { return (s.Failure == "") == (first.Failure == "") }
		least, most, n := math.Inf(1), 0., 0
		for _, s := range usable {
			if s.At.After(first.At) {
				t.Fatalf("%+v is older than %+v", first, s)
			}
			if alike(s) {
				least, most, n = min(least, s.Value), max(most, s.Value), n+1
			}
		}
		if first.Value < least || first.Value > most || !first.Usable(begin) {
			t.Fatalf("got %+v of %v", first, usable)
		}
		if !feed && first.Failure != "" && 3*n < 2*len(usable) {
			t.Fatalf("%d of %d failed, and got %+v", n, len(usable), first)
		}
	})
}
