package site

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// Expand replaces {name}, {label} and {host} by the site's name, its first
// label and its first host. {origin} stays: it stands for several addresses.
func (s *Site) Expand(text string) (string, error) {
	name := strings.TrimSuffix(s.Name(), ".")
	label := dns.SplitDomainName(s.Name())[0]
	values := map[string]string{"{name}": name, "{label}": label, "{host}": s.Hosts[0], "{origin}": "{origin}"}

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
			return "", fmt.Errorf("unknown placeholder in '%s': {origin}, {name}, {label} and {host} are known", text)
		}
		b.WriteString(value)
		rest = tail
	}
}
