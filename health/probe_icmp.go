package health

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// askICMP is the probe of kind "icmp": one echo request to the target's first
// address, and its reply. FirstByte is the round trip.
func askICMP(ctx context.Context, c *call) (site.Failure, error) {
	addrs, err := c.resolve(ctx)
	if err != nil {
		return site.FailureResolve, fmt.Errorf("resolving '%s': %w", c.url.Hostname(), err)
	}
	if err := c.permit(netip.AddrPortFrom(addrs[0], 0)); err != nil {
		return site.FailureForbidden, fmt.Errorf("pinging: %w", err)
	}
	p, err := newPing(addrs[0].Unmap())
	if err != nil {
		return site.FailureLocal, fmt.Errorf("opening a socket for ICMP: %w", err)
	}
	defer p.conn.Close()
	defer context.AfterFunc(ctx, func() { p.conn.SetDeadline(time.Unix(1, 0)) })()
	defer c.lap(&c.result.Phases.FirstByte)
	if err := p.send(); err != nil {
		return site.FailureConnect, fmt.Errorf("sending an echo request: %w", err)
	}
	if c.result.Bytes, err = p.await(); err != nil {
		return site.FailureConnect, fmt.Errorf("waiting for the echo reply: %w", err)
	}
	return "", nil
}

// ping is one echo request under way.
type ping struct {
	family
	conn *icmp.PacketConn
	to   net.Addr
	echo icmp.Echo
}

// family is what differs between ICMP (RFC 792) and ICMPv6 (RFC 4443).
type family struct {
	pinging, raw, any string // networks of ping sockets and raw ones, and their address
	protocol, header  int    // number, and length in bytes of the IP header before it
	request, reply    icmp.Type
}

func familyOf(addr netip.Addr) family {
	if addr.Is4() {
		return family{"udp4", "ip4:icmp", "0.0.0.0", 1, ipv4.HeaderLen, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply}
	}
	return family{"udp6", "ip6:ipv6-icmp", "::", 58, ipv6.HeaderLen, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply}
}

// newPing opens a socket and makes up a request that nobody can guess. A ping
// socket is one of UDP to Go, and its port is the id: the kernel would overwrite
// any other.
func newPing(addr netip.Addr) (*ping, error) {
	p := ping{family: familyOf(addr), to: &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}}
	if err := p.listen(); err != nil {
		return nil, err
	}
	random := make([]byte, 20)
	rand.Read(random)
	p.echo = icmp.Echo{
		ID:   int(binary.BigEndian.Uint16(random)),
		Seq:  int(binary.BigEndian.Uint16(random[2:])),
		Data: random[4:],
	}
	if local, ok := p.conn.LocalAddr().(*net.UDPAddr); ok {
		p.echo.ID, p.to = local.Port, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0))
	}
	return &p, nil
}

// listen opens a ping socket, or a raw one where the system has none for us.
func (p *ping) listen() error {
	conn, err := icmp.ListenPacket(p.pinging, p.any)
	if err == nil {
		p.conn = conn
		return nil
	}
	conn, rawErr := icmp.ListenPacket(p.raw, p.any)
	if rawErr != nil {
		return fmt.Errorf("neither net.ipv4.ping_group_range (%w) nor CAP_NET_RAW (%w) allows it", err, rawErr)
	}
	p.conn = conn
	return nil
}

func (p *ping) send() error {
	wire, err := (&icmp.Message{Type: p.request, Body: &p.echo}).Marshal(nil) // the kernel adds ICMPv6's checksum
	if err != nil {
		return err
	}
	_, err = p.conn.WriteTo(wire, p.to)
	return err
}

// await returns the length of the reply in bytes. Whatever else comes is not
// for us.
func (p *ping) await() (int64, error) {
	buf := make([]byte, 1500)
	for {
		n, from, err := p.conn.ReadFrom(buf)
		if err != nil {
			return 0, err
		}
		m, err := icmp.ParseMessage(p.protocol, buf[:n])
		if err != nil {
			continue
		}
		switch body := m.Body.(type) {
		case *icmp.Echo:
			if m.Type == p.reply && p.isPeer(from) && p.isOurs(body) {
				return int64(n), nil
			}
		case *icmp.DstUnreach:
			if p.quoted(body.Data) {
				return 0, fmt.Errorf("%s says %s, code %d", from, m.Type, m.Code)
			}
		}
	}
}

func (p *ping) isPeer(from net.Addr) bool { return from.String() == p.to.String() }

func (p *ping) isOurs(echo *icmp.Echo) bool {
	return echo.ID == p.echo.ID && echo.Seq == p.echo.Seq && bytes.Equal(echo.Data, p.echo.Data)
}

// quoted reports whether an error message returns our request: its IP header
// and at least 8 bytes of it, of which the last four are id and sequence.
func (p *ping) quoted(packet []byte) bool {
	if len(packet) < p.header+8 {
		return false
	}
	sent := packet[p.header:]
	return int(binary.BigEndian.Uint16(sent[4:])) == p.echo.ID && int(binary.BigEndian.Uint16(sent[6:])) == p.echo.Seq
}
