package steer

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/miekg/dns"
)

// Families of addresses in the client subnet option (RFC 7871, section 6).
const (
	familyNone = 0 // no address at all, as dig sends for +subnet=0
	familyIPv4 = 1
	familyIPv6 = 2
)

var errSubnet = errors.New("malformed client subnet")

// client is who asks. It is found out only for answers that may depend on it.
type client struct {
	route.Client
	known  bool
	subnet *dns.EDNS0_SUBNET // of the question, if it is believed
	used   bool              // an answer depended on the client
}

// find finds out who asks, where the answers of an entry may come to depend on that,
// or do because of an override.
func (c *client) find(h *Handler, entry *route.Entry, answers *route.Answers, w dns.ResponseWriter, r *dns.Msg) error {
	if c.known || !entry.Tailored && !answers.ClientsDiffer() {
		return nil
	}
	resolver := addressOf(w.RemoteAddr())
	c.known = true
	c.Client = route.ClientOf(resolver, resolver.BitLen())
	c.subnet = h.subnet(resolver, r)
	if c.subnet == nil {
		return nil
	}
	addr, err := checkSubnet(c.subnet)
	if err != nil {
		return err
	}
	if c.subnet.SourceNetmask > 0 { // with 0 the client does not want to be told apart
		c.Client = route.ClientOf(addr, int(c.subnet.SourceNetmask))
	}
	return nil
}

// records returns the client's records.
func (c *client) records(a *route.Answers) *route.Records {
	if !c.known || !a.ClientsDiffer() {
		return &a.Records
	}
	c.used = true
	return a.For(c.Client)
}

// subnet returns the client subnet option of a question, if it comes from a
// resolver that is believed.
func (h *Handler) subnet(resolver netip.Addr, r *dns.Msg) *dns.EDNS0_SUBNET {
	trusted := func(p netip.Prefix) bool { return p.Contains(resolver) }
	if !slices.ContainsFunc(h.ecs, trusted) {
		return nil
	}
	opt := r.IsEdns0()
	if opt == nil {
		return nil
	}
	for _, option := range opt.Option {
		if subnet, ok := option.(*dns.EDNS0_SUBNET); ok {
			return subnet
		}
	}
	return nil
}

// checkSubnet returns the address of an option that a query may have: no scope,
// and no bits behind its length (RFC 7871, sections 6 and 7.1.2). An IPv4
// address in the clothes of an IPv6 one would be hashed as one family and have
// its scope told in the other.
func checkSubnet(o *dns.EDNS0_SUBNET) (netip.Addr, error) {
	addr, ok := netip.AddrFromSlice(o.Address)
	if o.Family != familyIPv6 {
		addr = addr.Unmap()
	}
	network, err := addr.Prefix(int(o.SourceNetmask))
	if !ok || err != nil || o.SourceScope != 0 || network.Addr() != addr {
		return netip.Addr{}, errSubnet
	}
	switch {
	case o.Family == familyNone && o.SourceNetmask == 0,
		o.Family == familyIPv4 && addr.Is4(),
		o.Family == familyIPv6 && addr.Is6() && !addr.Is4In6():
		return addr, nil
	}
	return netip.Addr{}, errSubnet
}

// reply returns the answer to r, with an OPT record where one is due: it has
// the option of the question and as its scope the bits that were used (RFC 7871,
// section 7.2.1). CoreDNS sets size and flags.
func (c *client) reply(r *dns.Msg) *reply {
	if c.subnet == nil {
		return newReply(r)
	}
	t := &tailored{subnet: *c.subnet}
	t.subnet.SourceScope = 0
	if c.used && c.subnet.SourceNetmask > 0 {
		t.subnet.SourceScope = uint8(c.Bits())
	}
	t.options[0] = &t.subnet
	t.opt = dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: t.options[:]}
	t.section[0] = &t.opt
	t.to(r)
	t.Extra = t.section[:]
	return &t.reply
}

// tailored is a reply with its OPT record in one piece of memory.
type tailored struct {
	reply
	section [1]dns.RR
	opt     dns.OPT
	options [1]dns.EDNS0
	subnet  dns.EDNS0_SUBNET
}

// addressOf returns the IP address of a network address; the zero Addr where it
// has none.
func addressOf(addr net.Addr) netip.Addr {
	var ip net.IP
	switch a := addr.(type) {
	case *net.UDPAddr:
		ip = a.IP
	case *net.TCPAddr:
		ip = a.IP
	}
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap()
}
