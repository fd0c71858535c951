package site

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// Expand replaces {name}, {label} and {host} by the site's name, its first
// label and its first host. {origin} stays: it stands for several addresses.
func (s *Site) Expand(text string) (string, error) { return s.expand(text, "{origin}") }

// ExpandAsked is the same for what is asked of a CDN, where {target} stays.
func (s *Site) ExpandAsked(text string) (string, error) { return s.expand(text, "{target}") }

// expand leaves one placeholder as it is.
func (s *Site) expand(text, stays string) (string, error) {
	if !strings.Contains(text, "{") {
		return text, nil
	}
	name := strings.TrimSuffix(s.Name(), ".")
	label := dns.SplitDomainName(s.Name())[0]
	values := map[string]string{"{name}": name, "{label}": label, "{host}": s.Hosts[0], stays: stays}

	var b strings.Builder
	rest := text
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		word, tail, closed := strings.Cut(after, "}")
		value, known := values["{"+word+"}"]
		if !closed || !known {
			return "", fmt.Errorf("unknown placeholder in '%s': %s, {name}, {label} and {host} are known", text, stays)
		}
		b.WriteString(value)
		rest = tail
	}
}
