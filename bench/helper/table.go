package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// results are what bench/run measured: a line for each round and server.
type results struct {
	rows  []string // in the order of the first round
	lines map[string]map[string]line
}

// line is what one server did in one round.
type line struct{ rate, cpu, p99, memory float64 }

// read reads lines of: round, row, queries per second, CPU µs per query,
// p99 in µs (Inf if too few answers came), resident memory in KiB.
func read(file string) (results, error) {
	r := results{lines: make(map[string]map[string]line)}
	f, err := os.Open(file)
	if err != nil {
		return r, err
	}
	defer f.Close()
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		fields := strings.Fields(scanner.Text())
		if len(fields) != 6 {
			return r, fmt.Errorf("%s: not a result: %q", file, scanner.Text())
		}
		var numbers [4]float64
		for i, field := range fields[2:] {
			if numbers[i], err = strconv.ParseFloat(field, 64); err != nil {
				return r, fmt.Errorf("%s: %w", file, err)
			}
		}
		round, row := fields[0], fields[1]
		if r.lines[row] == nil {
			r.rows = append(r.rows, row)
			r.lines[row] = make(map[string]line)
		}
		r.lines[row][round] = line{numbers[0], numbers[1], numbers[2], numbers[3]}
	}
	return r, nil
}

// column returns what pick picks of each round of a row.
func (r results) column(row string, pick func(line) float64) spread {
	var s spread
	for _, l := range r.lines[row] {
		s = append(s, pick(l))
	}
	slices.Sort(s)
	return s
}

// ratio returns what pick picks of a row to that of another, round by round.
func (r results) ratio(row, base string, pick func(line) float64) spread {
	var s spread
	for round, l := range r.lines[row] {
		if b, ok := r.lines[base][round]; ok {
			s = append(s, pick(l)/pick(b))
		}
	}
	slices.Sort(s)
	return s
}

// spread is the same figure in all rounds, sorted.
type spread []float64

func (s spread) median() float64 {
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// format writes the median, and in brackets the lowest and the highest.
func (s spread) format(verb string) string {
	if math.IsNaN(s.median()) {
		return "-"
	}
	text := func(x float64) string { return strings.Replace(fmt.Sprintf(verb, x), "+Inf", "-", 1) }
	return fmt.Sprintf("%s (%s..%s)", text(s.median()), text(s[0]), strings.TrimSpace(text(s[len(s)-1])))
}

// table prints all rows, with the CPU per thing (query or probe) as a ratio to
// that of base.
func table(file, base, thing string) error {
	r, err := read(file)
	if err != nil {
		return err
	}
	const layout = "%-10s %8s  %5s  %-22s  %-22s  %-18s %8s\n"
	fmt.Printf(layout, "", thing[:1]+"/s", "busy", "CPU µs/"+thing, "to "+base, "p99 µs", "MiB")
	for _, row := range r.rows {
		rate := r.column(row, func(l line) float64 { return l.rate }).median()
		busy := r.column(row, func(l line) float64 { return l.rate * l.cpu / 1e4 }).median()
		cpu := r.column(row, func(l line) float64 { return l.cpu })
		p99 := r.column(row, func(l line) float64 { return l.p99 })
		memory := r.column(row, func(l line) float64 { return l.memory / 1024 }).median()
		fmt.Printf(layout, row, fmt.Sprintf("%.0f", rate), fmt.Sprintf("%.0f %%", busy), cpu.format("%5.2f"),
			r.ratio(row, base, func(l line) float64 { return l.cpu }).format("%.3f"), p99.format("%4.0f"), fmt.Sprintf("%.1f", memory))
	}
	return nil
}

// budget says whether the CPU per query of row is at most limit times that of
// base. It is silent about rows that were left out.
func budget(file, row, base, limit string) error {
	return within(file, "CPU", row, base, limit, func(l line) float64 { return l.cpu })
}

// late says the same of the p99.
func late(file, row, base, limit string) error {
	return within(file, "p99", row, base, limit, func(l line) float64 { return l.p99 })
}

func within(file, what, row, base, limit string, pick func(line) float64) error {
	r, err := read(file)
	if err != nil {
		return err
	}
	most, err := strconv.ParseFloat(limit, 64)
	if err != nil {
		return err
	}
	ratio := r.ratio(row, base, pick).median()
	verdict := "ok"
	switch {
	case math.IsNaN(ratio):
		return nil
	case ratio > most:
		verdict = "over"
	}
	fmt.Printf("%-40s %6.3f  %s\n", fmt.Sprintf("%s of %s to %s, budget %s", what, row, base, limit), ratio, verdict)
	return nil
}
