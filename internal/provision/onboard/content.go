package onboard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// content is what of a site matters to the provider of a CDN, and what it takes to ask it
// for the same once more when the site itself is gone.
type content struct {
	Provider string   `json:"provider"` // its kind
	Hosts    []string `json:"hosts"`
	Target   string   `json:"target"`
	Scheme   string   `json:"scheme,omitempty"` // how the origins are asked
	Port     uint16   `json:"port,omitempty"`
	Any      bool     `json:"any,omitempty"`     // whatever certificate they have
	Origins  []source `json:"origins,omitempty"` // empty: their addresses are not known
}

// source is an address of an origin.
type source struct {
	Address netip.Addr `json:"address"`
	Weight  int        `json:"weight"`
	Backup  bool       `json:"backup,omitempty"`
}

// Kinds of providers.
const (
	kindWebhook = "webhook"
	kindManual  = "manual"
)

// contentOf is what the provider of a CDN's block is asked for.
func contentOf(s *site.Site, cdn site.CDN, by site.Provision) content {
	c := content{Provider: kindManual, Hosts: s.Hosts, Target: cdn.Target}
	switch {
	case by.Deploy != nil:
		c.Provider = "deploy " + string(by.Deploy.Kind)
	case by.Webhook != nil:
		c.Provider = kindWebhook
	default:
		return c // people are told of hosts and a target
	}
	from, err := upstreamOf(s)
	if err != nil {
		return c
	}
	c.Scheme, c.Port, c.Any = from.scheme, from.port, from.anyCertificate
	for _, one := range from.servers {
		c.Origins = append(c.Origins, source{one.addr, one.weight, one.backup})
	}
	return c
}

// written is the content as it is kept.
func (c content) written() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // it is texts and numbers
	}
	return string(text)
}

// digest tells what is asked of one provider from anything else, and from the same that
// is asked of another one.
func (c content) digest(by site.Provision) string {
	who := ""
	switch {
	case by.Deploy != nil:
		who = strings.Join(by.Deploy.Command, "\x00")
	case by.Webhook != nil:
		who = by.Webhook.URL
	}
	sum := sha256.Sum256([]byte(c.written() + "\x00" + who))
	return hex.EncodeToString(sum[:16])
}

// requestOf asks for what is kept of a setup.
func requestOf(s site.Setup) (Request, error) {
	var c content
	if err := json.Unmarshal([]byte(s.Asked), &c); err != nil {
		return Request{}, Refuse(fmt.Errorf("reading what was asked of the CDN: %w", err))
	}
	return Request{Site: c.site(s.Site), CDN: site.CDN{Name: s.CDN, Target: c.Target}}, nil
}

// site is one of which the same content is made.
func (c content) site(name string) *site.Site {
	s := site.New(name + ".")
	s.Hosts = c.Hosts
	s.Origins = []site.Origin{{Next: true}}
	if c.Origins == nil {
		return s
	}
	s.Origins = nil
	for _, o := range c.Origins {
		s.Origins = append(s.Origins, site.Origin{Addresses: []netip.Addr{o.Address}, Weight: o.Weight, Priority: map[bool]int{true: 1}[o.Backup]})
	}
	url := c.Scheme + "://" + net.JoinHostPort("{origin}", strconv.Itoa(int(c.Port))) + "/"
	s.Probes = []site.Source{{Kind: "http", URL: url, Ask: site.Ask{SkipVerify: c.Any}}}
	return s
}
