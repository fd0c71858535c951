package site

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Answer says what kind of records a site's answers hold.
type Answer struct {
	Form      AnswerForm
	Keyed     bool   // FormSwitch: a share is accepted although clients then see both kinds
	Host      string // FormCNAME: the name of the origin, canonical
	AliasMode bool   // FormAddress: an HTTPS record leads to the CDN (RFC 9460, section 2.4.2)
}

// AnswerForm is the form of a site's answers.
type AnswerForm string

// The forms.
const (
	FormSwitch  AnswerForm = "switch"  // addresses at the origin, a CNAME at a CDN
	FormCNAME   AnswerForm = "cname"   // a CNAME both ways
	FormAddress AnswerForm = "address" // addresses both ways
)

// Alias returns the name, inside the site's zone, at which the site's origin is
// to be found with FormCNAME; empty: there is none, or it is not ours.
func (s *Site) Alias() string {
	if s.Answer.Form == FormCNAME && dns.IsSubDomain(s.Zone, s.Answer.Host) {
		return s.Answer.Host
	}
	return ""
}

// Found is what a name was resolved to.
type Found struct {
	Addresses []netip.Addr
	TTL       time.Duration // the smallest on the way to the addresses
	Aliases   []string      // where CNAMEs led on the way
}
