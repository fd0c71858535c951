package main

import (
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// barWidth is how many characters the whole of a probe takes.
const barWidth = 40

// timeline shows where the time of a probe went: when each phase began, how
// long it took, and both as a bar.
func (p *page) timeline(r api.ProbeResult) {
	rows := [][]string{{"PHASE", "START", "TIME", ""}}
	var start api.Seconds
	for _, phase := range phases(r.Phases) {
		if phase.took > 0 {
			rows = append(rows, []string{phase.name, start.String(), phase.took.String(), bar(start, phase.took, r.Total)})
		}
		start += phase.took
	}
	rows = append(rows, []string{"total", "", r.Total.String(), ""})
	p.table("  ", rows)
	p.facts(r)
}

type phase struct {
	name string
	took api.Seconds
}

// phases returns them in the order in which they happen.
func phases(p api.Phases) []phase {
	return []phase{
		{"resolve", p.Resolve}, {"connect", p.Connect}, {"tls", p.TLS},
		{"first byte", p.FirstByte}, {"transfer", p.Transfer},
	}
}

// bar draws a part of the whole; the shortest part is still to be seen.
func bar(start, took, whole api.Seconds) string {
	if whole <= 0 {
		return ""
	}
	column := func(at api.Seconds) int { return int(min(barWidth, barWidth*time.Duration(at)/time.Duration(whole))) }
	from := min(column(start), barWidth-1)
	to := max(column(start+took), from+1)
	return "|" + strings.Repeat(" ", from) + strings.Repeat("=", to-from) + strings.Repeat(" ", barWidth-to) + "|"
}

// facts shows what else a probe found.
func (p *page) facts(r api.ProbeResult) {
	if r.Address.IsValid() {
		p.line("  address      %s", r.Address)
	}
	if r.Protocol != "" {
		p.line("  protocol     %s, connection %s, TLS session %s", r.Protocol, age(r.Reused), age(r.Resumed))
	}
	p.line("  body         %d octets", r.Bytes)
	if !r.Expires.IsZero() {
		p.line("  certificate  until %s", since(r.Expires))
	}
	for _, reading := range r.Readings {
		p.line("  reading      %s", reading)
	}
}

func age(old bool) string {
	if old {
		return "reused"
	}
	return "new"
}
