package steer

import (
	"cmp"
	"context"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// operate answers what is no query: NOTIFY (RFC 1996), UPDATE (RFC 2136) and
// whatever else plugins have CoreDNS let in. It is about a zone as a whole, and
// so the next plugin's, which may be a secondary. At a site's name, and where
// that plugin says nothing at all, as file does, it is turned away at once: who
// waits for an answer in vain asks again and again (RFC 8906).
func (h *Handler) operate(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string) (int, error) {
	entry := cmp.Or(h.lookup(name), h.empty(name))
	if !h.behind || entry != nil && name != entry.Zone.Name {
		h.metrics.notImplemented.Inc()
		return dns.RcodeNotImplemented, nil
	}
	next := &witness{ResponseWriter: w}
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, next, r)
	if plugin.ClientWrite(rcode) && !next.written && h.zones.Matches(name) != "" {
		h.metrics.notImplemented.Inc()
		return dns.RcodeNotImplemented, err
	}
	return rcode, err
}

// witness knows whether anything was written.
type witness struct {
	dns.ResponseWriter
	written bool
}

// WriteMsg implements dns.ResponseWriter.
func (w *witness) WriteMsg(m *dns.Msg) error {
	w.written = true
	return w.ResponseWriter.WriteMsg(m)
}

// Write implements dns.ResponseWriter.
func (w *witness) Write(octets []byte) (int, error) {
	w.written = true
	return w.ResponseWriter.Write(octets)
}
