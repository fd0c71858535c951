package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Guardrails are what a plan lets a customer do with his sites. The zero value lets
// him do everything.
type Guardrails struct {
	MinTTL           time.Duration // of an answer
	MinFailbackDelay time.Duration
	MaxShare         *float64 // of the clients that divert may send away at once, 0 to 1; nil: no limit
	ProbeKinds       []string // that he may use; empty: all
	MinProbePeriod   time.Duration
	MaxSites         int      // 0: no limit
	Targets          []string // domains that the targets of CDNs must lie in, without a final dot; empty: all
	Services         []string // of CDNs that his lines may name, each as CDN/ID; empty: none but those that his site has already
}

// guardrailsForm is their form in JSON. Durations have units, as in the Corefile.
type guardrailsForm struct {
	MinTTL           span     `json:"min_ttl,omitzero"`
	MinFailbackDelay span     `json:"min_failback_delay,omitzero"`
	MaxShare         *float64 `json:"max_share,omitempty"`
	ProbeKinds       []string `json:"probe_kinds,omitempty"`
	MinProbePeriod   span     `json:"min_probe_period,omitzero"`
	MaxSites         int      `json:"max_sites,omitzero"`
	Targets          []string `json:"targets,omitempty"`
	Services         []string `json:"services,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (g Guardrails) MarshalJSON() ([]byte, error) {
	return json.Marshal(guardrailsForm{span(g.MinTTL), span(g.MinFailbackDelay), g.MaxShare, g.ProbeKinds, span(g.MinProbePeriod), g.MaxSites, g.Targets, g.Services})
}

// UnmarshalJSON implements json.Unmarshaler. A word that is not known is refused: to
// leave a limit out is to let everything through.
func (g *Guardrails) UnmarshalJSON(text []byte) error {
	var form guardrailsForm
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&form); err != nil {
		return fmt.Errorf("reading guardrails: %w", err)
	}
	*g = Guardrails{time.Duration(form.MinTTL), time.Duration(form.MinFailbackDelay), form.MaxShare, form.ProbeKinds,
		time.Duration(form.MinProbePeriod), form.MaxSites, form.Targets, form.Services}
	return nil
}

// span is a duration as a text.
type span time.Duration

// MarshalText implements encoding.TextMarshaler.
func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("'%s' is not a duration such as 30s", text)
	}
	*s = span(d)
	return nil
}

// maxPeriod bounds what a plan can ask of the periods of probes.
const maxPeriod = 24 * time.Hour

// Validate says all that is wrong with the guardrails: one *PropertyError each, named
// as in their JSON form.
func (g *Guardrails) Validate() error {
	var faults []error
	for _, d := range []struct {
		property string
		value    time.Duration
		most     time.Duration
	}{{"min_ttl", g.MinTTL, MaxTTL}, {"min_failback_delay", g.MinFailbackDelay, maxFailbackDelay}, {"min_probe_period", g.MinProbePeriod, maxPeriod}} {
		if d.value < 0 || d.value > d.most {
			faults = append(faults, wrong(d.property, "%s %s is not from 0s to %s", d.property, d.value, d.most))
		}
	}
	if g.MinTTL%time.Second != 0 {
		faults = append(faults, wrong("min_ttl", "min_ttl %s is not a number of whole seconds", g.MinTTL))
	}
	if s := g.MaxShare; s != nil && !(*s >= 0 && *s <= 1) {
		faults = append(faults, wrong("max_share", "max_share %v is not from 0 to 1", *s))
	}
	if g.MaxSites < 0 {
		faults = append(faults, wrong("max_sites", "max_sites %d is negative", g.MaxSites))
	}
	return errors.Join(append(faults, g.checkLists()...)...)
}

func (g *Guardrails) checkLists() (faults []error) {
	for _, kind := range g.ProbeKinds {
		if !slices.Contains(ProbeKinds(), kind) {
			faults = append(faults, wrong("probe_kinds", "'%s' is not a kind of probe", kind))
		}
	}
	for _, target := range g.Targets {
		if name, err := CanonicalName(target); err != nil || name != target+"." {
			faults = append(faults, wrong("targets", "'%s' is not a domain in lower case, without a final dot", target))
		}
	}
	for _, service := range g.Services {
		cdn, id, _ := strings.Cut(service, "/")
		if _, err := ParseService(id); err != nil || cdn == "" {
			faults = append(faults, wrong("services", "'%s' is not a service of a CDN: write CDN/ID", service))
		}
	}
	return faults
}
