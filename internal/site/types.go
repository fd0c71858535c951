package site

import "github.com/miekg/dns"

// IsMeta reports whether a type is no type of data (RFC 6895, section 3.1):
// the range of meta and question types, OPT and the reserved 0. ANY is asked
// of data.
func IsMeta(qtype uint16) bool {
	switch {
	case qtype == dns.TypeANY:
		return false
	case qtype == dns.TypeNone, qtype == dns.TypeOPT:
		return true
	}
	return qtype >= firstMeta && qtype <= lastMeta
}

const firstMeta, lastMeta = 128, 255
