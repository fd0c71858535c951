package site

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// CanonicalName returns name absolute, in lower case and with the escapes that
// a name read off the wire has (RFC 1035, section 5.1; RFC 4343), so that two
// names are equal exactly when their strings are.
func CanonicalName(name string) (string, error) {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return "", fmt.Errorf("name '%s' is not ASCII: write its A-labels (RFC 5891)", name)
		}
	}
	var wire [256]byte
	end, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false)
	if err != nil || name == "" || end > 255 {
		return "", fmt.Errorf("'%s' is not a domain name: labels of 1 to 63 octets, 255 octets in all", name)
	}
	canonical, _, err := dns.UnpackDomainName(wire[:], 0)
	if err != nil {
		return "", fmt.Errorf("reading back name '%s': %w", name, err)
	}
	return strings.ToLower(canonical), nil
}

// CanonicalHost returns host as a web server knows it: a name of letters,
// digits, hyphens and underscores, in lower case, without the final dot.
func CanonicalHost(host string) (string, error) {
	name, err := CanonicalName(host)
	if err != nil {
		return "", err
	}
	name = strings.TrimSuffix(name, ".")
	valid := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !valid(r) }) {
		return "", fmt.Errorf("'%s' is not a host name", host)
	}
	return name, nil
}
