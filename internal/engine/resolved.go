package engine

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// resolved is what a name was last resolved to. A family whose lookup fails
// keeps what it had.
type resolved struct {
	v4, v6 site.Found
	heard  bool // the latest look heard of an address, if only of one family
}

// look asks for both families and reports what came of it. Nobody else may use
// r meanwhile.
func (r *resolved) look(ctx context.Context, x health.Exchange, name string) (resolved, error) {
	next := *r
	next.heard = false
	var failed error
	for family, found := range map[uint16]*site.Found{dns.TypeA: &next.v4, dns.TypeAAAA: &next.v6} {
		answer, err := x.Addresses(ctx, name, family)
		if err != nil {
			failed = both(failed, err)
			found.Aliases = answer.Aliases
			continue
		}
		slices.SortFunc(answer.Addresses, netip.Addr.Compare)
		*found = answer
		next.heard = next.heard || len(answer.Addresses) > 0
	}
	return next, failed
}

// both returns two errors as one, in a line; the first may be nil.
func both(a, b error) error {
	if a == nil {
		return b
	}
	return fmt.Errorf("%w; %w", a, b)
}

// found returns both families together.
func (r resolved) found() site.Found {
	switch {
	case len(r.v4.Addresses) == 0:
		return r.v6
	case len(r.v6.Addresses) == 0:
		return r.v4
	}
	return site.Found{
		Addresses: slices.Concat(r.v4.Addresses, r.v6.Addresses),
		TTL:       min(r.v4.TTL, r.v6.TTL),
	}
}

// aliases returns where CNAMEs led, by either family.
func (r resolved) aliases() []string { return slices.Concat(r.v4.Aliases, r.v6.Aliases) }

// empty reports whether there is no address.
func (r resolved) empty() bool { return len(r.v4.Addresses)+len(r.v6.Addresses) == 0 }

// sameFound reports whether two results say the same.
func sameFound(a, b site.Found) bool {
	return a.TTL == b.TTL && slices.Equal(a.Addresses, b.Addresses)
}

// within returns a pause of at least low and at most high.
func within(pause, low, high time.Duration) time.Duration { return max(low, min(pause, high)) }
