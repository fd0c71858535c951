package steer_test

import (
	"fmt"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
)

// TestCompressionIsTheServersChoice: CoreDNS sends what fits without as it is,
// whatever a plugin asks for. Once this fails, answers can be made smaller (and
// test/amplification_test.go knows by how much).
func TestCompressionIsTheServersChoice(t *testing.T) {
	b := newBed(atOrigin)
	for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT} {
		q := question("www.example.org.", qtype)
		_, m := b.send(t, q)
		plain := m.Len()
		m.Compress = true
		w := &written{ResponseWriter: test.ResponseWriter{}}
		if err := request.NewScrubWriter(q, w).WriteMsg(m); err != nil || len(w.wires[0]) != plain {
			t.Errorf("%s: expected %d octets, got %d, %v", dns.Type(qtype), plain, len(w.wires[0]), err)
		}
	}
}

// BenchmarkPack is the server's part of an answer, with and without
// compression.
func BenchmarkPack(b *testing.B) {
	for _, c := range costlyCases() {
		if c.qname != "" {
			continue // the server writes that one
		}
		for _, compress := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/compress=%t", c.name, compress), func(b *testing.B) {
				h, names := c.handler(1)
				w := new(kept)
				h.ServeDNS(b.Context(), w, question(names[0], c.qtype))
				w.Msg.Compress = compress
				buffer := make([]byte, 4096)
				for b.Loop() {
					if _, err := w.Msg.PackBuffer(buffer); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// kept keeps the answer.
type kept struct {
	test.ResponseWriter
	Msg *dns.Msg
}

// WriteMsg implements dns.ResponseWriter.
func (w *kept) WriteMsg(m *dns.Msg) error {
	w.Msg = m
	return nil
}
