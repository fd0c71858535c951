package route

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/netip"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/dchest/siphash"
)

// The longest networks that tell clients apart. Resolvers of one pool, which
// share a cache or are asked in turn, should be one client.
const (
	clientBits4 = 24
	clientBits6 = 48
)

// Client is the network that a question comes from: the key by which a site's
// clients are divided.
type Client struct{ netip.Prefix }

// ClientOf returns the client with an address of which bits are known.
func ClientOf(addr netip.Addr, bits int) Client {
	addr = addr.Unmap()
	longest := clientBits6
	if addr.Is4() {
		longest = clientBits4
	}
	network, err := addr.WithZone("").Prefix(min(bits, longest))
	if err != nil {
		return Client{} // not an address of the Internet: all of these are one client
	}
	return Client{network}
}

// key is a client as it is hashed.
type key [17]byte

func (c Client) key() (k key) {
	octets := c.Addr().As16()
	copy(k[:], octets[:])
	k[16] = byte(c.Bits())
	return k
}

// Seed makes one server's shares those of all servers that have the same.
type Seed [2]uint64

// NewSeed returns the seed of a word.
func NewSeed(word string) Seed {
	sum := sha256.Sum256([]byte(word))
	return Seed{binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])}
}

// site returns the seed of a site: the clients of two sites are divided in
// ways that have nothing to do with each other.
func (s Seed) site(name string) Seed {
	k0, k1 := siphash.Hash128(s[0], s[1], []byte(name))
	return Seed{k0, k1}
}

// split divides the clients of a site.
type split struct {
	seed    Seed
	limit   uint64   // a client whose hash is below is diverted
	all     bool     // every client is
	cdns    []choice // for those who are diverted
	origins []choice // for the others; nil: they get Answers.Records
}

// choice is a CDN, or an origin, that some of the clients get.
type choice struct {
	records Records
	name    uint64 // its hash
	weight  float64
}

// newSplit divides the clients where some are diverted.
func newSplit(seed Seed, d *site.Decision, origins, cdns []Records) *split {
	s := &split{seed: seed, all: d.Share >= 1, origins: originChoices(seed, d, origins)}
	if !s.all {
		s.limit = uint64(math.Ldexp(d.Share, 64))
	}
	for i, r := range cdns {
		s.cdns = append(s.cdns, newChoice(seed, r.CDN, d.CDNs[i].Weight, r))
	}
	return s
}

// splitOrigins divides the clients where nobody is diverted; nil: there is
// nothing to divide.
func splitOrigins(seed Seed, d *site.Decision, origins []Records) *split {
	if len(origins) == 0 {
		return nil
	}
	return &split{seed: seed, origins: originChoices(seed, d, origins)}
}

func originChoices(seed Seed, d *site.Decision, records []Records) []choice {
	var choices []choice
	for i, r := range records {
		choices = append(choices, newChoice(seed, d.Origins[i].Name, d.Origins[i].Weight, r))
	}
	return choices
}

func newChoice(seed Seed, name string, weight int, r Records) choice {
	return choice{records: r, name: siphash.Hash(seed[0], seed[1], []byte(name)), weight: float64(weight)}
}

// ClientsDiffer reports whether clients get different answers now.
func (a *Answers) ClientsDiffer() bool { return a.split != nil }

// For returns the records of a client. They follow from the seed, the site, the
// client and the decision alone, whatever the question's type: raising the
// share only adds clients to those that are diverted.
func (a *Answers) For(c Client) *Records {
	s := a.split
	if s == nil {
		return &a.Records
	}
	k := c.key()
	diverted := s.all || siphash.Hash(s.seed[0], s.seed[1], k[:]) < s.limit
	switch {
	case diverted:
		return s.choose(s.cdns, k)
	case s.origins == nil:
		return &a.Records
	}
	return s.choose(s.origins, k)
}

// choose chooses by weighted rendezvous: each choice draws a number for the
// client, and the highest wins. One that leaves moves its own clients only, and
// one that comes takes only what it gets (Thaler and Ravishankar, 1998; weights
// after Schindelhauer and Schomaker, 2005).
func (s *split) choose(choices []choice, k key) *Records {
	best, highest := 0, math.Inf(-1)
	for i := range choices {
		c := &choices[i]
		drawn := unit(siphash.Hash(s.seed[0]^c.name, s.seed[1], k[:]))
		if score := -c.weight / math.Log(drawn); score > highest {
			best, highest = i, score
		}
	}
	return &choices[best].records
}

// unit makes a number above 0 and below 1 of a hash.
func unit(hash uint64) float64 { return (float64(hash>>11) + 0.5) / (1 << 53) }
