package route

import (
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/miekg/dns"
)

// Answers are all that a site answers while one decision lasts. They are
// shared: copy before you change.
type Answers struct {
	Records          // of every client, or with a split of those at the origin
	split   *split   // nil: every client gets the same
	partly  bool     // some types are not the site's to answer
	passed  []uint16 // with partly, those types; nil: all but addresses and HTTPS

	// Redirect is what the redirector goes by: these same answers, or those that
	// DNS would give if it did not always lead to the redirector. nil: the site is
	// not redirected.
	Redirect *Answers

	Decision *site.Decision
}

// Records are what one client is answered, short of the owner name, which has
// the case of the client's question.
type Records struct {
	// What a query reads comes first and together: with many sites it is in no
	// cache of the processor, and every line of it costs.
	Target string     // of the CNAME; empty: addresses are answered
	Inside bool       // the search for Target goes on in the table
	End    bool       // the addresses below are those of Target
	TTL    uint32     // in seconds
	A      [][4]byte  // in canonical order (RFC 4034, section 6.3)
	AAAA   [][16]byte // in canonical order
	HTTPS  *HTTPS     // nil: there is none

	CDN  string // where these lead; empty: the origin
	Host string // where the redirector leads then
	Code int    // of the redirect
}

// HTTPS is the data of an HTTPS record (RFC 9460).
type HTTPS struct {
	Priority uint16 // 0: AliasMode
	Target   string
	Params   []dns.SVCBKeyValue
}

// Summary is where the records lead in a word or two: "origin", or "cdn" and
// its name.
func (r *Records) Summary() string {
	if r.CDN == "" {
		return string(site.SideOrigin)
	}
	return string(site.SideCDN) + " " + r.CDN
}

// Owns reports whether a type is the site's to answer, and not the next plugin's.
func (a *Answers) Owns(qtype uint16) bool {
	switch {
	case !a.partly:
		return true
	case a.passed != nil:
		return !slices.Contains(a.passed, qtype)
	}
	return qtype == dns.TypeA || qtype == dns.TypeAAAA || qtype == dns.TypeHTTPS || qtype == dns.TypeANY
}

// News is what answers are made of.
type News struct {
	Decision *site.Decision
	Found    []site.Found // with site.FormAddress, what the targets of Decision.CDNs lead to
	Passed   []uint16     // types of data that are left to the next plugin
}

// newAnswers makes the answers of s.
func newAnswers(s *site.Site, seed Seed, n News) *Answers {
	a := newUsual(s, seed, n)
	if s.Redirect == nil {
		return a
	}
	a.Redirect = a
	if s.Own() != nil {
		a = newOwn(s, a)
	}
	return a
}

// newOwn makes the answers of a site whose name always leads to the redirector.
// They never change, so they are given with the full TTL.
func newOwn(s *site.Site, usual *Answers) *Answers {
	a := &Answers{Decision: usual.Decision, Records: Records{TTL: seconds(s.TTL.Full)}, partly: true, Redirect: usual}
	a.setAddresses(s.Own())
	return a
}

// newUsual makes the answers by which clients get to the origin or to a CDN.
func newUsual(s *site.Site, seed Seed, n News) *Answers {
	d := n.Decision
	a := &Answers{Decision: d, Records: atOrigin(s, d, d.Addresses)}
	origins := atOrigins(s, d)
	if len(n.Passed) > 0 { // a CNAME cannot stand beside them
		a.unalias()
		for i := range origins {
			origins[i].unalias()
		}
	}
	a.partly, a.passed = s.Answer.Form == site.FormAddress || len(n.Passed) > 0, n.Passed
	if d.Share == 0 {
		a.split = splitOrigins(seed.site(s.Name()), d, origins)
		return a
	}
	cdns := make([]Records, len(d.CDNs))
	for i, c := range d.CDNs {
		cdns[i] = atCDN(s, d, c)
		if s.Answer.Form == site.FormAddress {
			cdns[i].flatten(n.Found[i], s.Answer.AliasMode)
		}
	}
	if d.Share == 1 && len(cdns) == 1 {
		a.Records = cdns[0]
		return a
	}
	a.split = newSplit(seed.site(s.Name()), d, origins, cdns)
	return a
}

// atOrigins returns the records of each origin, where several share the clients.
func atOrigins(s *site.Site, d *site.Decision) []Records {
	if len(d.Origins) < 2 {
		return nil
	}
	origins := make([]Records, len(d.Origins))
	for i, o := range d.Origins {
		origins[i] = atOrigin(s, d, o.Addresses)
	}
	return origins
}

// atOrigin returns the records that lead to an origin.
func atOrigin(s *site.Site, d *site.Decision, addrs []netip.Addr) Records {
	r := Records{TTL: seconds(d.TTL)}
	if s.Redirect != nil {
		r.Host, r.Code = s.Redirect.Host, s.Redirect.Status
	}
	r.setAddresses(addrs)
	if s.HTTPS != nil {
		r.HTTPS = &HTTPS{Priority: 1, Target: ".", Params: s.HTTPS}
	}
	if s.Answer.Form == site.FormCNAME {
		r.Target = s.Answer.Host
		r.End = s.Alias() != ""
	}
	return r
}

// unalias has the addresses answered at the name itself.
func (r *Records) unalias() { r.Target, r.End = "", false }

// atCDN returns the records that lead to a CDN.
func atCDN(s *site.Site, d *site.Decision, c site.CDN) Records {
	r := Records{
		TTL:    seconds(d.TTL),
		Target: c.Target,
		Inside: dns.IsSubDomain(s.Zone, c.Target),
		CDN:    c.Name,
	}
	if s.Redirect != nil {
		r.Host, r.Code = s.HostAt(c), s.Redirect.Status
	}
	return r
}

// flatten puts what the target leads to in its place.
func (r *Records) flatten(found site.Found, alias bool) {
	if alias {
		r.HTTPS = &HTTPS{Target: r.Target}
	}
	r.Target, r.Inside = "", false
	r.TTL = min(r.TTL, seconds(found.TTL))
	r.setAddresses(found.Addresses)
}

// seconds returns a TTL as records have it: whatever was decided or found, none
// is negative, or above a day (RFC 2181, section 8).
func seconds(ttl time.Duration) uint32 {
	return uint32(max(0, min(ttl, site.MaxTTL)) / time.Second)
}

func (r *Records) setAddresses(addrs []netip.Addr) {
	for _, addr := range slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare) {
		if addr.Is4() {
			r.A = append(r.A, addr.As4())
		} else {
			r.AAAA = append(r.AAAA, addr.As16())
		}
	}
}
