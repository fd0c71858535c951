package control_test

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"pgregory.net/rapid"
)

// How a CDN of the tests may be.
var (
	ready   = control.Good()
	gone    = control.Candidate{Out: true, Room: 1, Part: 1}
	slow    = control.Candidate{Out: true, Spare: true, Room: 1, Part: 1}
	full    = control.Candidate{Part: 1}
	unknown = control.Candidate{Unknown: true, Room: 1, Part: 1}
)

func back(part float64) control.Candidate { return control.Candidate{Room: 1, Part: part} }

// ranked returns a CDN.
func ranked(name string, priority, weight int) site.CDN {
	return site.CDN{Name: name, Target: name + ".example.net.", Priority: priority, Weight: weight}
}

// parts says which part of the clients each CDN gets.
func parts(cdns []site.CDN) map[string]float64 {
	sum, parts := 0., map[string]float64{}
	for _, c := range cdns {
		sum += float64(max(1, c.Weight))
	}
	for _, c := range cdns {
		parts[c.Name] = math.Round(float64(max(1, c.Weight))/sum*100) / 100
	}
	return parts
}

func TestChoice(t *testing.T) {
	inOrder := []site.CDN{ranked("a", 0, 0), ranked("b", 0, 0), ranked("c", 0, 0)}
	byPriority := []site.CDN{ranked("c", 2, 0), ranked("a", 0, 0), ranked("b", 1, 0)}
	shared := []site.CDN{ranked("a", 0, 3), ranked("b", 0, 1), ranked("c", 1, 0)}
	for _, tt := range []struct {
		name       string
		cdns       []site.CDN
		candidates []control.Candidate
		taken      []site.CDN
		down       bool
		want       map[string]float64
	}{
		{"nobody looks", inOrder, nil, nil, false, map[string]float64{"a": 1}},
		{"the first line", inOrder, []control.Candidate{ready, ready, ready}, nil, false, map[string]float64{"a": 1}},
		{"the lowest priority", byPriority, []control.Candidate{ready, ready, ready}, nil, false, map[string]float64{"a": 1}},
		{"the next line", inOrder, []control.Candidate{gone, ready, ready}, nil, false, map[string]float64{"b": 1}},
		{"all out", inOrder, []control.Candidate{gone, gone, gone}, nil, false, map[string]float64{}},
		{"by weight", shared, []control.Candidate{ready, ready, ready}, nil, false, map[string]float64{"a": 0.75, "b": 0.25}},
		{"one of two is out", shared, []control.Candidate{ready, gone, ready}, nil, false, map[string]float64{"a": 1}},
		{"both of two are out", shared, []control.Candidate{gone, gone, ready}, nil, false, map[string]float64{"c": 1}},

		{"half of the first is back", inOrder, []control.Candidate{back(0.5), ready, ready}, nil, false, map[string]float64{"a": 0.5, "b": 0.5}},
		{"two are half back", inOrder, []control.Candidate{back(0.5), back(0.5), ready}, nil, false, map[string]float64{"a": 0.5, "b": 0.25, "c": 0.25}},
		{"the only one takes all", inOrder, []control.Candidate{back(0.05), gone, gone}, nil, false, map[string]float64{"a": 1}},
		{"the last ones take all", inOrder, []control.Candidate{back(0.5), back(0.5), gone}, nil, false, map[string]float64{"a": 0.67, "b": 0.33}},
		{"half of a weight", shared, []control.Candidate{back(0.5), ready, ready}, nil, false, map[string]float64{"a": 0.38, "b": 0.63}},
		{"a little of nearly all", []site.CDN{ranked("a", 0, 99), ranked("b", 0, 1)}, []control.Candidate{back(0.05), ready}, nil, false, map[string]float64{"a": 0.05, "b": 0.95}},
		{"half of both weights", shared, []control.Candidate{back(0.5), back(0.5), ready}, nil, false, map[string]float64{"a": 0.38, "b": 0.13, "c": 0.5}},

		{"full for a further site", inOrder, []control.Candidate{full, ready, ready}, nil, false, map[string]float64{"b": 1}},
		{"full for one that is there", inOrder, []control.Candidate{full, ready, ready}, inOrder[:1], false, map[string]float64{"a": 1}},
		{"full, and the others too", inOrder, []control.Candidate{full, full, full}, nil, false, map[string]float64{"a": 1}},
		{"full, and the others out", inOrder, []control.Candidate{full, gone, gone}, nil, false, map[string]float64{"a": 1}},
		{"full and out", inOrder, []control.Candidate{{Out: true, Part: 1}, gone, gone}, inOrder[:1], false, map[string]float64{}},
		{"the rest of one that comes back is for a full one", inOrder, []control.Candidate{back(0.25), full, gone}, nil, false, map[string]float64{"a": 0.25, "b": 0.75}},
		{"unknown ones come last", inOrder, []control.Candidate{unknown, unknown, ready}, nil, false, map[string]float64{"c": 1}},
		{"nothing but unknown ones", inOrder, []control.Candidate{gone, unknown, unknown}, nil, false, map[string]float64{"b": 1}},
		{"slow, and the origin serves", inOrder, []control.Candidate{gone, slow, slow}, nil, false, map[string]float64{}},
		{"slow, and the origin is down", inOrder, []control.Candidate{gone, slow, slow}, nil, true, map[string]float64{"b": 1}},
		{"out, and the origin is down", inOrder, []control.Candidate{gone, gone, gone}, nil, true, map[string]float64{}},
		{"another one was taken", inOrder, []control.Candidate{ready, full, ready}, inOrder[1:2], false, map[string]float64{"a": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := parts(control.Choose("www.example.org.", tt.cdns, tt.candidates, tt.taken, tt.down)); !maps.Equal(got, tt.want) {
				t.Errorf("Expected %v, got %v", tt.want, got)
			}
		})
	}
}

// TestAChoiceIsOfThoseThatAreNotOut draws any CDNs in any state: who is out gets
// nobody, and as long as one is not, everybody has a place.
func TestAChoiceIsOfThoseThatAreNotOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cdns []site.CDN
		var candidates []control.Candidate
		able := 0
		weighted := rapid.Bool().Draw(t, "weighted")
		for i := range rapid.IntRange(1, 6).Draw(t, "CDNs") {
			weight := 0
			if weighted {
				weight = rapid.IntRange(1, 100).Draw(t, "weight")
			}
			cdns = append(cdns, ranked(fmt.Sprint(i), rapid.IntRange(0, 2).Draw(t, "priority"), weight))
			c := control.Candidate{Out: rapid.Bool().Draw(t, "out"), Room: rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "room"), Unknown: rapid.Bool().Draw(t, "unknown"), Part: rapid.SampledFrom([]float64{0.05, 0.5, 1}).Draw(t, "part")}
			candidates = append(candidates, c)
			if !c.Out {
				able++
			}
		}
		chosen := control.Choose("www.example.org.", cdns, candidates, nil, false)
		if (len(chosen) > 0) != (able > 0) {
			t.Fatalf("%d of %v are able, and %v were chosen", able, candidates, chosen)
		}
		seen := map[string]bool{}
		for _, c := range chosen {
			for i := range cdns {
				if cdns[i].Name == c.Name && (candidates[i].Out || seen[c.Name]) {
					t.Fatalf("CDN %s is out or chosen twice: %v of %v", c.Name, chosen, candidates)
				}
			}
			seen[c.Name] = true
			if c.Weight == 0 && len(chosen) > 1 {
				t.Fatalf("CDN %s has no weight among %v", c.Name, chosen)
			}
		}
	})
}

// TestSitesComeBackToACDNOneByOne: those whose number is below the part that has
// room, and the others stay where they are.
func TestSitesComeBackToACDNOneByOne(t *testing.T) {
	cdns := []site.CDN{ranked("a", 0, 0), ranked("b", 0, 0)}
	for _, room := range []float64{0, 0.05, 0.5, 1} {
		came := 0
		for i := range 1000 {
			name := fmt.Sprintf("s%d.example.org.", i)
			now := control.Choose(name, cdns, []control.Candidate{{Room: room, Part: 1}, ready}, cdns[1:], false)
			if now[0].Name == "a" {
				came++
			}
			if (now[0].Name == "a") != (control.Draw(name) < room) {
				t.Fatalf("Expected %s to go by its number, got %v", name, now)
			}
		}
		if got := float64(came) / 1000; math.Abs(got-room) > 0.04 {
			t.Errorf("Expected %g of the sites, got %g", room, got)
		}
	}
}
