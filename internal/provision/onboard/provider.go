package onboard

import (
	"context"
	"net"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Provider sets up the CDN's side of sites. Each call may come again, with the same key,
// although it was done before: then there is nothing left to do. What is of no use to try
// again is an error of Refuse; what somebody has still to do, or has not done yet, is a
// *Waiting.
type Provider interface {
	Create(ctx context.Context, r Request) (words string, err error)
	Verify(ctx context.Context, r Request) error
	Remove(ctx context.Context, r Request) (words string, err error)
}

// Request is what is asked of a provider.
type Request struct {
	Onboarding string // its ID; empty: the site was changed otherwise
	Key        string // the same for each try of one call
	Site       *site.Site
	CDN        site.CDN

	Reach func(ctx context.Context) error // asks the CDN for the site, as its visitors would
}

// name is the site's, without its final dot.
func (r Request) name() string { return strings.TrimSuffix(r.Site.Name(), ".") }

// target is where visitors are led, without a final dot.
func (r Request) target() string { return strings.TrimSuffix(r.CDN.Target, ".") }

// Dialer connects as net.Dialer does.
type Dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// New returns the provider that a CDN's block names. Without one, people do it. Webhooks
// are reached by dial.
func New(cdn string, p site.Provision, dial Dialer) Provider { return new(Locks).New(cdn, p, dial) }

// New is the function New for CDNs whose blocks may change: the commands of one CDN have
// one lock, whichever block they are of.
func (l *Locks) New(cdn string, p site.Provision, dial Dialer) Provider {
	switch {
	case p.Deploy != nil:
		return &own{cdn: cdn, Deploy: *p.Deploy, locks: l}
	case p.Webhook != nil:
		return newWebhook(*p.Webhook, dial)
	}
	return manual{cdn: cdn, text: p.Manual}
}
