package health

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// Exchange puts a question to somebody who may know: a resolver, or the next
// plugin of a server block.
type Exchange func(ctx context.Context, q *dns.Msg) (*dns.Msg, error)

// errRefused says that a name is not theirs who were asked.
var errRefused = errors.New("the answer is REFUSED")

// ErrUnresolvable is what an error of a lookup wraps if those who were asked did
// answer: they could not find out (SERVFAIL), or came to no end.
var ErrUnresolvable = errors.New("the name leads nowhere")

// unresolvable is such an error.
type unresolvable struct{ error }

func (unresolvable) Unwrap() error { return ErrUnresolvable }

// answered is the error of an answer with a code that says neither yes nor no.
func answered(rcode int) error {
	if rcode == dns.RcodeRefused {
		return errRefused
	}
	return unresolvable{fmt.Errorf("the answer is %s", dns.RcodeToString[rcode])}
}

// ask returns the answer to a question, which may be that there is none. Every
// code but NOERROR and NXDOMAIN is an error, unless there are records: then it
// is that of where a CNAME leads (RFC 6604), and this may not be the one to know.
func (x Exchange) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(name, qtype)
	m, err := x(ctx, q)
	if err == nil && m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError && len(m.Answer) == 0 {
		err = answered(m.Rcode)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for %s of '%s': %w", dns.Type(qtype), name, err)
	}
	return m, nil
}

// Addresses returns the addresses of one family, dns.TypeA or dns.TypeAAAA,
// that a name has or leads to. None is an answer too, and no error. With an error
// the result says how far the CNAMEs led.
func (x Exchange) Addresses(ctx context.Context, name string, family uint16) (site.Found, error) {
	w := walk{name: name, family: family, ttl: site.MaxTTL}
	for links := 0; links <= site.MaxChain; {
		m, err := x.ask(ctx, w.name, family)
		if err != nil {
			return site.Found{Aliases: w.aliases}, err
		}
		taken := w.take(m)
		links += taken
		if len(w.addresses) > 0 || w.ends(m) || taken == 0 || m.Rcode == dns.RcodeNameError {
			return site.Found{Addresses: w.addresses, TTL: w.ttl, Aliases: w.aliases}, nil
		}
	}
	return site.Found{Aliases: w.aliases}, unresolvable{fmt.Errorf("asking for %s of '%s': more than %d CNAMEs", dns.Type(family), name, site.MaxChain)}
}

// walk is the way from a name to its addresses.
type walk struct {
	name      string // where it has come to
	family    uint16
	ttl       time.Duration // the smallest so far
	addresses []netip.Addr
	aliases   []string
}

// take goes as far as an answer leads, and returns the number of CNAMEs on
// that part of the way.
func (w *walk) take(m *dns.Msg) (links int) {
	for range m.Answer {
		i := slices.IndexFunc(m.Answer, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeCNAME && equalNames(rr.Header().Name, w.name)
		})
		if i < 0 {
			break
		}
		w.shorten(m.Answer[i].Header().Ttl)
		w.name = m.Answer[i].(*dns.CNAME).Target
		w.aliases = append(w.aliases, w.name)
		links++
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == w.family && equalNames(rr.Header().Name, w.name) {
			w.shorten(rr.Header().Ttl)
			w.add(rr)
		}
	}
	return links
}

// shorten takes a TTL into account. One of more than 31 bits is none (RFC 2181,
// section 8).
func (w *walk) shorten(ttl uint32) {
	if ttl > math.MaxInt32 {
		ttl = 0
	}
	w.ttl = min(w.ttl, time.Duration(ttl)*time.Second)
}

// add takes an address that visitors can reach.
func (w *walk) add(rr dns.RR) {
	var addr netip.Addr
	switch record := rr.(type) {
	case *dns.A:
		addr, _ = netip.AddrFromSlice(record.A.To4())
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(record.AAAA)
	}
	if site.Reachable(addr) && !slices.Contains(w.addresses, addr) {
		w.addresses = append(w.addresses, addr)
	}
}

func equalNames(a, b string) bool { return dns.CanonicalName(a) == dns.CanonicalName(b) }

// ends tells the answer that there is no data, which it remembers for as long
// as a resolver may (RFC 2308, section 5), from one that does not know.
func (w *walk) ends(m *dns.Msg) bool {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			w.shorten(min(soa.Hdr.Ttl, soa.Minttl))
			return true
		}
	}
	return false
}

// Types returns those of some types that a name has data of.
func (x Exchange) Types(ctx context.Context, name string, types []uint16) ([]uint16, error) {
	var found []uint16
	for i, t := range types {
		m, err := x.ask(ctx, name, t)
		nothing := errors.Is(err, errRefused) || err == nil && m.Rcode == dns.RcodeNameError
		switch {
		case nothing && i == 0:
			return nil, nil // there is no such name, or it is not theirs
		case nothing:
			continue
		case err != nil:
			return nil, err
		}
		own := func(rr dns.RR) bool { return rr.Header().Rrtype == t && equalNames(rr.Header().Name, name) }
		if slices.ContainsFunc(m.Answer, own) || slices.ContainsFunc(m.Ns, own) {
			found = append(found, t)
		}
	}
	return found, nil
}

// SOA returns the start of authority of the zone that a name is in, or nil where
// there is none.
func (x Exchange) SOA(ctx context.Context, name string) (*dns.SOA, error) {
	m, err := x.ask(ctx, name, dns.TypeSOA)
	switch {
	case errors.Is(err, errRefused):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return soaFor(m, name), nil
}

// soaFor returns the SOA at the name itself, or that of the zone that has the
// name, if who answers has that zone: a forwarder would tell of zones whose
// servers we do not speak for.
func soaFor(m *dns.Msg, name string) *dns.SOA {
	for _, rr := range m.Answer {
		if soa, ok := rr.(*dns.SOA); ok && equalNames(soa.Hdr.Name, name) {
			return soa
		}
	}
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok && m.Authoritative && m.Rcode == dns.RcodeSuccess && dns.IsSubDomain(soa.Hdr.Name, name) {
			return soa
		}
	}
	return nil
}

// Texts returns the TXT records of a name, or of where it leads as far as the answer says
// that. None is an answer too, and no error.
func (x Exchange) Texts(ctx context.Context, name string) ([]string, error) {
	m, err := x.ask(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	w := walk{name: name, ttl: site.MaxTTL}
	w.take(m)
	var texts []string
	for _, rr := range m.Answer {
		if txt, ok := rr.(*dns.TXT); ok && equalNames(txt.Hdr.Name, w.name) {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
	}
	return texts, nil
}
