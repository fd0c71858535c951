//go:build linux

package test

import (
	"bytes"
	wire "encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// networks is how many clients are asked for: all networks of 24 bits in
// 10.0.0.0/8, each of which is a client. It is also how many ids DNS has.
const networks = 1 << 16

// sides asks for name on behalf of the first clients, and returns which of them
// were answered with mark. It fails the test where an answer has neither it nor
// other.
func (s *server) sides(t *testing.T, name string, qtype uint16, clients int, mark, other []byte) []bool {
	t.Helper()
	const sockets = 4
	got := make([]bool, clients)
	var group sync.WaitGroup
	for i := range sockets {
		group.Go(func() {
			b := batch{question: forClient(t, name, qtype), got: got[i*clients/sockets : (i+1)*clients/sockets], first: i * clients / sockets, mark: mark, other: other}
			if err := b.ask(s.address("dns")); err != nil {
				t.Errorf("Asking for %s of %s: %v", dns.Type(qtype), name, err)
			}
		})
	}
	group.Wait()
	return got
}

// forClient returns a question with a client subnet of 24 bits at its end.
func forClient(t *testing.T, name string, qtype uint16) []byte {
	q := question(name, qtype)
	q.SetEdns0(1232, false)
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(10, 0, 0, 0).To4()}}
	text, err := q.Pack()
	if err != nil || !bytes.HasSuffix(text, []byte{24, 0, 10, 0, 0}) {
		t.Errorf("Expected a question with the subnet at its end, got %x, %v", text, err)
	}
	return text
}

// batch asks one question for many clients over one socket, some at a time. The
// id of a question is the number of its client.
type batch struct {
	question    []byte
	got         []bool
	first       int // number of the first client
	mark, other []byte
}

func (b *batch) ask(server string) error {
	conn, err := net.Dial("udp", server)
	if err != nil {
		return err
	}
	defer conn.Close()
	const some = 64
	for from := 0; from < len(b.got); from += some {
		waiting := make(map[int]bool)
		for i := from; i < min(from+some, len(b.got)); i++ {
			waiting[i] = true
		}
		for attempt := 0; len(waiting) > 0; attempt++ {
			if attempt == 10 {
				return fmt.Errorf("no answer for %d clients", len(waiting))
			}
			if err := b.round(conn, waiting); err != nil {
				return err
			}
		}
	}
	return nil
}

// round asks for those that wait, and takes the answers that come in a second.
func (b *batch) round(conn net.Conn, waiting map[int]bool) error {
	for i := range waiting {
		number := uint16(b.first + i)
		wire.BigEndian.PutUint16(b.question, number)
		wire.BigEndian.PutUint16(b.question[len(b.question)-2:], number)
		if _, err := conn.Write(b.question); err != nil {
			return err
		}
	}
	answer := make([]byte, 2048)
	conn.SetReadDeadline(time.Now().Add(time.Second))
	for len(waiting) > 0 {
		n, err := conn.Read(answer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		i := int(wire.BigEndian.Uint16(answer)) - b.first
		marked, others := bytes.Contains(answer[:n], b.mark), bytes.Contains(answer[:n], b.other)
		if marked == others {
			return fmt.Errorf("an answer of both sides or of none: %x", answer[:n])
		}
		if waiting[i] {
			delete(waiting, i)
			b.got[i] = marked
		}
	}
	return nil
}

// share is the part of the clients that is true, in percent.
func share(sides []bool) float64 {
	n := 0
	for _, side := range sides {
		if side {
			n++
		}
	}
	return 100 * float64(n) / float64(len(sides))
}

// Data that is in the answers of one side alone.
var (
	originV4 = []byte{127, 0, 0, 1}
	cdnV4    = []byte{198, 51, 100, 7}
)

// TestSharesOfTheClients divides all networks of 10.0.0.0/8 by client subnet: by
// shares of addresses, by a share of CNAMEs, whatever the type, and by weights.
func TestSharesOfTheClients(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	web.slow(tooSlow)
	shares := []float64{1, 10, 30, 50, 99}
	var sites [][]string
	for _, share := range shares {
		sites = append(sites, []string{fmt.Sprintf("s%g.example.org", share), "answer address alias", "https alpn=h2",
			fmt.Sprintf("divert fixed %g%%", share), "cdn example edge.cdn.example.net"})
	}
	sites = append(sites,
		[]string{"linked.example.org", "answer cname own.example.net", "divert fixed 30%", "cdn example edge.cdn.example.net"},
		[]string{"weighed.example.org", "cdn example large.cdn.example.net weight 3", "cdn other small.cdn.example.net weight 1"})
	process := append([]string{"ecs 127.0.0.1"}, throughResolver...)
	s := spec{
		corefile: block(siteBlock(process, sites...)),
		vars:     withCDN(t, web, "edge A 198.51.100.7", "edge AAAA 2001:db8::7", "large A 198.51.100.8", "small A 198.51.100.9"),
	}.start(t)

	t.Run("shares", func(t *testing.T) {
		for _, want := range shares {
			got := s.sides(t, fmt.Sprintf("s%g.example.org.", want), typeA, networks, cdnV4, originV4)
			expectShare(t, got, want)
		}
	})
	t.Run("types", func(t *testing.T) {
		const clients = networks / 8
		of := func(name string, qtype uint16, mark, other []byte) []bool {
			return s.sides(t, name, qtype, clients, mark, other)
		}
		v4 := of("s30.example.org.", typeA, cdnV4, originV4)
		v6 := of("s30.example.org.", dns.TypeAAAA, net.ParseIP("2001:db8::7"), []byte("\x0ahostmaster"))
		https := of("s30.example.org.", dns.TypeHTTPS, []byte("\x04edge\x03cdn"), []byte("\x02h2"))
		expectSame(t, "AAAA", v4, v6)
		expectSame(t, "HTTPS", v4, https)
		edge, own := []byte("\x04edge\x03cdn"), []byte("\x03own")
		linked := of("linked.example.org.", typeA, edge, own)
		expectShare(t, linked, 30)
		for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeHTTPS, dns.TypeTXT} {
			expectSame(t, dns.Type(qtype).String(), linked, of("linked.example.org.", qtype, edge, own))
		}
	})
	t.Run("weights", func(t *testing.T) {
		expectShare(t, s.sides(t, "weighed.example.org.", typeA, networks, []byte("\x05large"), []byte("\x05small")), 75)
	})
}

// expectShare allows for a point.
func expectShare(t *testing.T, sides []bool, want float64) {
	t.Helper()
	got := share(sides)
	t.Logf("%g %%: %.3f %%", want, got)
	if math.Abs(got-want) > 1 {
		t.Errorf("Expected %g %% of the clients, got %g", want, got)
	}
}

// same is the part of the clients that are on one side in both.
func same(a, b []bool) float64 {
	n := 0
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return float64(n) / float64(len(b))
}

func expectSame(t *testing.T, what string, a, b []bool) {
	t.Helper()
	if part := same(a, b); part != 1 {
		t.Errorf("Expected every client on the same side for %s, got %g of them", what, part)
	}
}
