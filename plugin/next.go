package steer

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/miekg/dns"
)

// AskNext puts a question of our own to the next plugin.
func (h *Handler) AskNext(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
	capture := nonwriter.New(nobody{})
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, capture, q)
	switch {
	case nobodys(err):
		return new(dns.Msg).SetRcode(q, dns.RcodeRefused), nil // it is nobody's
	case err != nil:
		return nil, fmt.Errorf("asking the next plugin: %w", err)
	case capture.Msg != nil:
		return capture.Msg, nil
	case !plugin.ClientWrite(rcode):
		return new(dns.Msg).SetRcode(q, rcode), nil
	}
	return nil, errors.New("asking the next plugin: it gives no answer")
}

// nobody is the client of our own questions.
type nobody struct{ dns.ResponseWriter }

// LocalAddr implements dns.ResponseWriter.
func (nobody) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// RemoteAddr implements dns.ResponseWriter. The question comes as if over TCP:
// its answer is not cut.
func (nobody) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
