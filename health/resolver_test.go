package health_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/cdnredirect/cdnredirect/health"
)

// DNS response codes (RFC 1035, section 4.1.1).
const (
	noError  = 0
	servFail = 2
	nxDomain = 3
	silent   = -1 // not a code: no answer at all
)

// asking returns the HTTP probe with a DNS server on the loopback interface
// that answers every question with rcode and those of addrs that fit its type.
func asking(t *testing.T, rcode int, addrs ...netip.Addr) health.Probe {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		query := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			if rcode != silent {
				server.WriteTo(answer(query[:n], rcode, addrs), from)
			}
		}
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return health.NewHTTPAsking(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	})
}

// answer turns a query of one question into its answer (RFC 1035, section 4).
func answer(query []byte, rcode int, addrs []netip.Addr) []byte {
	const header, a, aaaa = 12, 1, 28
	end := header
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	end++
	qtype := binary.BigEndian.Uint16(query[end:])
	msg := append([]byte(nil), query[:end+4]...)
	var count uint16
	for _, addr := range addrs {
		if rtype := map[bool]uint16{true: a, false: aaaa}[addr.Is4()]; rtype == qtype {
			msg = append(msg, 0xc0, header, 0, byte(rtype), 0, 1, 0, 0, 0, 0, 0, byte(addr.BitLen()/8))
			msg = append(msg, addr.AsSlice()...)
			count++
		}
	}
	msg[2], msg[3] = 0x81, 0x80|byte(rcode) // a response, recursion asked for and available
	binary.BigEndian.PutUint16(msg[6:], count)
	clear(msg[8:header]) // no authority, and no EDNS
	return msg
}
