package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// What a resolver is asked with: the size that needs no fragments (RFC 9715,
// section 3), and the time that one of them has.
const (
	resolverSize    = 1232
	resolverTimeout = 2 * time.Second
)

// NewResolver returns the exchange with recursive servers: they are asked one
// after the other until one answers, that which did last first. None stands for those of resolv.conf(5).
func NewResolver(servers []netip.AddrPort) Exchange {
	addresses := func() ([]string, error) { return systemResolvers("/etc/resolv.conf") }
	if len(servers) > 0 {
		fixed := make([]string, len(servers))
		for i, server := range servers {
			fixed[i] = server.String()
		}
		addresses = func() ([]string, error) { return fixed, nil }
	}
	var good atomic.Int64 // the server that answered last is asked first
	return func(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
		servers, err := addresses()
		if err != nil {
			return nil, err
		}
		q.SetEdns0(resolverSize, false)
		return askEach(ctx, q, servers, &good)
	}
}

// systemResolvers reads the file anew each time: systems change it at will.
func systemResolvers(path string) ([]string, error) {
	config, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the system's resolvers: %w", err)
	}
	addresses := make([]string, len(config.Servers))
	for i, server := range config.Servers {
		addresses[i] = net.JoinHostPort(server, config.Port)
	}
	return addresses, nil
}

func askEach(ctx context.Context, q *dns.Msg, servers []string, good *atomic.Int64) (*dns.Msg, error) {
	failed := errors.New("no resolver is known")
	first := int(good.Load())
	for i := range servers {
		n := (first + i) % len(servers)
		server := servers[n]
		m, err := askOne(ctx, q, server)
		if err == nil {
			good.Store(int64(n))
			return m, nil
		}
		failed = fmt.Errorf("asking the resolver %s: %w", server, err)
	}
	return nil, failed
}

// askOne asks over UDP, and over TCP where the answer does not fit.
func askOne(ctx context.Context, q *dns.Msg, server string) (*dns.Msg, error) {
	client := dns.Client{Net: "udp", Timeout: resolverTimeout}
	m, _, err := client.ExchangeContext(ctx, q, server)
	if err == nil && m.Truncated {
		client.Net = "tcp"
		m, _, err = client.ExchangeContext(ctx, q, server)
	}
	switch {
	case err != nil:
		return nil, err
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return nil, answered(m.Rcode)
	case !answers(m, q.Question[0]):
		return nil, errors.New("the answer is to another question")
	}
	return m, nil
}

// answers reports whether m has the question q: what is said of another name
// must not pass for the denial of this one.
func answers(m *dns.Msg, q dns.Question) bool {
	return len(m.Question) == 1 && m.Question[0].Qtype == q.Qtype && equalNames(m.Question[0].Name, q.Name)
}
