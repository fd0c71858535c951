package onboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Network is how the world is asked.
type Network interface {
	// Addresses returns where visitors of a site are led who are sent to a CDN.
	Addresses(ctx context.Context, s *site.Site, c site.CDN) ([]netip.Addr, error)

	// Ask asks a target once.
	Ask(ctx context.Context, t site.Target) health.Result

	// Texts returns the TXT records of a name; none is no error.
	Texts(ctx context.Context, name string) ([]string, error)
}

// maxAddresses is how many addresses of a CDN are asked.
const maxAddresses = 16

// certify waits until each CDN has a certificate for each host, if visitors are to need one.
func (t try) certify(ctx context.Context) (string, error) {
	return t.everywhere(ctx, func(ctx context.Context, p place) (string, error) {
		check := p.site.CheckOf(p.cdn, p.addr, p.public)
		u, err := url.Parse(check.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "tls" {
			return "nobody asks for one: 'ready' says http", nil
		}
		ask := check.Ask.Value()
		check.Kind, check.URL, check.Host = "tls", "tls://"+u.Host, p.host
		check.Ask = unique.Make(site.Ask{SkipVerify: ask.SkipVerify, Days: ask.Days})
		return "", t.ask(ctx, check)
	})
}

// verify waits until each CDN answers for each host as the site wants it, and has our own
// pass on the challenges of authorities: certificates of the origin go on being renewed. That
// an origin may not be asked at all is said before anything that a CDN makes of it.
func (t try) verify(ctx context.Context) (string, error) {
	return t.everywhere(ctx, func(ctx context.Context, p place) (string, error) {
		err := t.page(ctx, p)
		if p.thirdParty {
			return "", err
		}
		if passed := t.challenge(ctx, p); err == nil || isFinal(passed) {
			err = passed
		}
		return "", err
	})
}

// answers waits until a CDN answers for the site.
func (t try) answers(ctx context.Context, s *site.Site, c site.CDN, thirdParty bool) error {
	_, err := t.at(ctx, s, c, thirdParty, func(ctx context.Context, p place) (string, error) { return "", t.page(ctx, p) })
	return err
}

// place is where a visitor could come.
type place struct {
	site       *site.Site
	cdn        site.CDN
	thirdParty bool
	addr       netip.Addr
	public     bool // it is asked only if it is on the public Internet
	host       string
}

// everywhere looks at each CDN of the site. It waits for all that is not well yet, and says so
// at once.
func (t try) everywhere(ctx context.Context, look func(context.Context, place) (string, error)) (words string, err error) {
	s, err := t.Configuration.Site(ctx, *t.o)
	if err != nil {
		return "", err
	}
	if !s.Ready.Asks() {
		return fmt.Sprintf("not asked: 'ready %s'", s.Ready.Level), nil
	}
	var missing []string
	for _, c := range s.CDNs {
		_, thirdParty := t.Providers.Provider(c.Name)
		said, err := t.at(ctx, s, c, thirdParty, look)
		switch {
		case isFinal(err):
			return "", fmt.Errorf("cdn %s: %w", c.Name, err)
		case err != nil:
			missing = append(missing, fmt.Sprintf("cdn %s: %v", c.Name, err))
		}
		words = said
	}
	if missing != nil {
		return "", waitFor("%s", strings.Join(missing, "\n"))
	}
	return words, nil
}

// at looks at each address of a CDN, for each host.
func (t try) at(ctx context.Context, s *site.Site, c site.CDN, thirdParty bool, look func(context.Context, place) (string, error)) (words string, err error) {
	addrs, err := t.Network.Addresses(ctx, s, c)
	if err != nil {
		return "", err
	}
	hosts := s.Hosts
	if s.Own() != nil {
		_, host := s.Led(c)
		hosts = []string{host}
	}
	for _, addr := range addrs[:min(len(addrs), maxAddresses)] {
		for _, host := range hosts {
			if words, err = look(ctx, place{s, c, thirdParty, addr, t.Providers.Public(s, c.Name, addr), host}); err != nil {
				return "", err
			}
		}
	}
	return words, nil
}

// page asks for what the site's checks ask for. A site whose checks end with the
// handshake is asked as one whose checks do not.
func (t try) page(ctx context.Context, p place) error {
	s := p.site
	if s.Ready.Level != site.ReadyProbe {
		s = probed(s)
	}
	check := s.CheckOf(p.cdn, p.addr, p.public)
	check.Host = p.host
	return t.ask(ctx, check)
}

// probed is a site with the checks that it would have by default.
func probed(s *site.Site) *site.Site {
	policy := *s.Policy
	policy.Ready = site.Ready{Level: site.ReadyProbe, Check: site.Source{Every: s.Ready.Check.Every, Timeout: s.Ready.Check.Timeout}}
	with := *s
	with.Policy = &policy
	with.FinishReady()
	return &with
}

func (t try) ask(ctx context.Context, target site.Target) error {
	r := t.Network.Ask(ctx, target)
	switch {
	case r.Failure == "":
		return nil
	case r.Err == nil:
		return errors.New(string(r.Failure))
	}
	return fmt.Errorf("for '%s': %w", target.Host, r.Err)
}

// challenge asks for a file that no authority has ever put anywhere: the CDN has to
// answer just as the origin does, in the same words as far as their number goes.
func (t try) challenge(ctx context.Context, p place) error {
	from, err := upstreamOf(p.site)
	if err != nil {
		return nil // its addresses are not known here
	}
	path := challenges + "cdnredirect-" + t.o.ID
	check := p.site.CheckOf(p.cdn, p.addr, p.public)
	origin, cdn := check, check
	origin.URL, origin.Public = from.url()+path, from.thirdParty || p.site.Customer != ""
	cdn.URL = plain(check.URL) + path
	for _, target := range []*site.Target{&origin, &cdn} {
		target.Kind, target.Host, target.Ask = "http", p.host, unique.Make(site.Ask{Status: anyStatus, Fresh: true, SkipVerify: from.anyCertificate})
	}
	want, got := t.Network.Ask(ctx, origin), t.Network.Ask(ctx, cdn)
	switch {
	case want.Failure == site.FailureForbidden: // by us, and it stands in the site
		return Refuse(fmt.Errorf("asking the origin: %w: give an address on the public Internet, with a port that probes of its kind may ask, or have an operator 'allow' its network", want.Err))
	case want.Failure != "":
		return fmt.Errorf("asking the origin for '%s': %w", path, want.Err)
	case got.Failure != "":
		return fmt.Errorf("asking for '%s': %w", path, got.Err)
	case got.Status != want.Status || got.Bytes != want.Bytes:
		return fmt.Errorf("'%s' is not passed on: the origin answers with status %d and %d bytes, the cdn with status %d and %d bytes",
			path, want.Status, want.Bytes, got.Status, got.Bytes)
	}
	return nil
}

// challenges is where authorities look (RFC 8555, section 8.3).
const challenges = "/.well-known/acme-challenge/"

var anyStatus, _ = site.ParseStatus("200-599")

// plain is where the same server is asked without TLS: authorities ask so.
func plain(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	if u.Scheme == "http" {
		return "http://" + u.Host
	}
	return "http://" + net.JoinHostPort(u.Hostname(), "80")
}
