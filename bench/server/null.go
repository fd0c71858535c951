package main

import (
	"context"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

func init() { plugin.Register("null", setup) }

// setup reads: null RECORD
func setup(c *caddy.Controller) error {
	c.Next()
	record, err := dns.NewRR(strings.Join(c.RemainingArgs(), " "))
	if err != nil {
		return plugin.Error("null", err)
	}
	if record == nil {
		return plugin.Error("null", c.ArgErr())
	}
	h := null{answer: slices.Clip([]dns.RR{record})}
	dnsserver.GetConfig(c).AddPlugin(func(plugin.Handler) plugin.Handler { return h })
	return nil
}

// null answers every question with the same record. It is the least that a
// plugin can do, so what a query costs here is what CoreDNS itself costs.
type null struct{ answer []dns.RR }

// Name implements plugin.Handler.
func (h null) Name() string { return "null" }

// ServeDNS implements plugin.Handler.
func (h null) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m := new(dns.Msg)
	m.SetReply(r)
	m.Answer = h.answer
	w.WriteMsg(m)
	return dns.RcodeSuccess, nil
}
