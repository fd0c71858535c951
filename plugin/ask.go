package steer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/miekg/dns"
)

// Ask returns what a client would be answered now, by the handler and all behind it. It
// counts as a question.
func (h *Handler) Ask(ctx context.Context, q *dns.Msg, client netip.Addr) (*dns.Msg, error) {
	var w dns.ResponseWriter = nobody{}
	if client.IsValid() {
		w = somebody{addr: client}
	}
	capture := nonwriter.New(w)
	rcode, err := h.ServeDNS(ctx, capture, q)
	switch {
	case err != nil && !nobodys(err):
		return nil, fmt.Errorf("asking the server: %w", err)
	case capture.Msg != nil:
		return capture.Msg, nil
	case !plugin.ClientWrite(rcode):
		return new(dns.Msg).SetRcode(q, rcode), nil
	}
	return nil, errors.New("asking the server: it gives no answer")
}

// somebody is a client who is named, over TCP: his answer is not cut.
type somebody struct {
	nobody
	addr netip.Addr
}

// RemoteAddr implements dns.ResponseWriter.
func (s somebody) RemoteAddr() net.Addr { return &net.TCPAddr{IP: s.addr.AsSlice()} }
