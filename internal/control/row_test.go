package control

import (
	"encoding/binary"
	"math"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"pgregory.net/rapid"
)

// drawHeard draws what a server hears, as precisely as a row has it.
func drawHeard(now time.Time) *rapid.Generator[[]Heard] {
	sample := rapid.Custom(func(t *rapid.T) site.Sample {
		s := site.Sample{
			At:      now.Add(-time.Duration(rapid.Int64Range(-1000, 1e9).Draw(t, "age")) * time.Millisecond),
			Signal:  rapid.SampledFrom(rowSignals).Draw(t, "signal"),
			Failure: rapid.SampledFrom(rowFailures).Draw(t, "failure"),
			Value:   float64(rapid.Float32Range(0, math.MaxFloat32).Draw(t, "value")),
		}
		if s.Failure != "" {
			s.Detail = rapid.StringN(0, 20, 80).Draw(t, "detail")
		}
		return s
	})
	return rapid.Custom(func(t *rapid.T) (all []Heard) {
		for range rapid.IntRange(0, 5).Draw(t, "targets") {
			all = append(all, Heard{rapid.Uint64().Draw(t, "target"), rapid.SliceOfN(sample, 1, 4).Draw(t, "samples")})
		}
		return all
	})
}

// TestARowIsReadAsItWasWritten by a server whose clock is half a minute off.
func TestARowIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0).UTC()
		off := time.Duration(rapid.Int64Range(-30_000, 30_000).Draw(t, "off")) * time.Millisecond
		age := time.Duration(rapid.Int64Range(0, 10_000).Draw(t, "age")) * time.Millisecond
		all := drawHeard(now).Draw(t, "all")
		got, err := DecodeRow(EncodeRow(now, all), now.Add(off+age), age)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range got {
			for i := range h.Samples {
				h.Samples[i].At = h.Samples[i].At.Add(-off)
			}
		}
		if !reflect.DeepEqual(got, all) {
			t.Fatalf("Expected %+v, got %+v", all, got)
		}
	})
}

// TestARowOf100000TargetsIsSmall has a good sample of each, and a failure of each, of
// which there are few texts.
func TestARowOf100000TargetsIsSmall(t *testing.T) {
	const targets, most = 100_000, 2_000_000
	now := time.Now()
	for _, s := range []site.Sample{
		{At: now.Add(-900 * time.Millisecond), Signal: site.ResponseTime, Value: 0.25},
		{At: now.Add(-900 * time.Millisecond), Signal: site.ResponseTime, Value: 3, Failure: site.FailureTimeout, Detail: "no answer within 3s"},
	} {
		var all []Heard
		for i := range uint64(targets) {
			all = append(all, Heard{i * 0x9e3779b97f4a7c15, []site.Sample{s}})
		}
		row := EncodeRow(now, all)
		if len(row) > most {
			t.Errorf("Expected at most %d octets, got %d", most, len(row))
		}
		if got, err := DecodeRow(row, now, 0); err != nil || len(got) != targets {
			t.Errorf("Expected %d targets, got %d, %v", targets, len(got), err)
		}
	}
}

// TestTextsOfARowAreBounded has failures of which each says something else.
func TestTextsOfARowAreBounded(t *testing.T) {
	now, text := time.Now(), make([]byte, 1000)
	var all []Heard
	for i := range 1000 {
		text[i] = 'x'
		all = append(all, Heard{uint64(i), []site.Sample{{At: now, Signal: site.ResponseTime, Failure: site.FailureConnect, Detail: string(text)}}})
	}
	row := EncodeRow(now, all)
	if len(row) > maxDetails+30*len(all) {
		t.Errorf("Expected texts of %d octets at most in the row, got %d in all", maxDetails, len(row))
	}
	got, err := DecodeRow(row, now, 0)
	if err != nil || len(got) != len(all) {
		t.Fatalf("Expected all samples, got %d, %v", len(got), err)
	}
	if first, last := got[0].Samples[0], got[999].Samples[0]; first.Detail == "" || last.Detail != "" || last.Failure != site.FailureConnect {
		t.Errorf("Expected the first text and no last one, got %+v and %+v", first, last)
	}
}

// hostileRows are rows that claim to hold more than they do.
func hostileRows() [][]byte {
	many := binary.AppendUvarint(nil, 1<<60)
	texts := append([]byte{rowVersion}, many...)
	text := append([]byte{rowVersion, 1}, many...)
	samples := append([]byte{rowVersion, 0, 1, 2, 3, 4, 5, 6, 7, 8}, many...)
	endless := append([]byte{rowVersion}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	unknown := append(append([]byte{}, samples[:10]...), 1, 0, 255, 255, 0, 0, 0, 0)
	return [][]byte{nil, {0}, {rowVersion}, texts, text, samples, endless, unknown, samples[:5]}
}

// TestHostileRowsAreRefused quickly, and with little memory.
func TestHostileRowsAreRefused(t *testing.T) {
	for _, row := range hostileRows() {
		if all, err := DecodeRow(row, time.Now(), 0); err == nil {
			t.Errorf("Expected an error of row %x, got %v", row, all)
		}
	}
}

// FuzzRow reads any row: it neither panics nor takes much more memory than the row has.
func FuzzRow(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	for _, row := range hostileRows() {
		f.Add(row)
	}
	f.Add(EncodeRow(now, []Heard{{7, []site.Sample{{At: now, Signal: site.ResponseTime, Value: 1, Failure: site.FailureTimeout, Detail: "late"}}}}))
	f.Fuzz(func(t *testing.T, row []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		all, err := DecodeRow(row, now, time.Second)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+200*uint64(len(row)) {
			t.Fatalf("Expected little memory for %d octets, got %d", len(row), took)
		}
		if err != nil {
			return
		}
		for _, h := range all {
			for _, s := range h.Samples {
				s.Usable(now) // whatever it holds
			}
		}
		if _, err := DecodeRow(EncodeRow(now, all), now, 0); err != nil {
			t.Fatalf("Expected what was read to be written again: %v", err)
		}
	})
}
