package engine

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/miekg/dns"
)

// zoneEvery is how often the next plugin is asked for a zone's SOA.
const zoneEvery = time.Minute

// zone is one of a generation, and whether its SOA is looked up.
type zone struct {
	*route.Zone
	looked bool
}

// zone returns a zone of the generation.
func (g *Generation) zone(name string) *route.Zone {
	z := g.zones[name]
	if z == nil {
		mname := ""
		if ns := g.wiring.NS[name]; len(ns) > 0 {
			mname = ns[0]
		}
		z = &zone{Zone: route.NewZone(name, mname)}
		g.zones[name] = z
	}
	return z.Zone
}

// lookZone returns the look for the SOA that a zone has in the next plugin:
// negative answers of ours are to carry its data.
func (e *Engine) lookZone(z *route.Zone, next health.Exchange) look {
	return func(ctx context.Context) time.Duration {
		soa, err := next.SOA(ctx, z.Name)
		e.cfg.Metrics.looked("zone", err)
		if err != nil {
			return retryPause
		}
		if soa != nil {
			own := *soa
			own.Hdr.Name = dns.CanonicalName(soa.Hdr.Name)
			z.SetSOA(&own)
		}
		return zoneEvery
	}
}
