package onboard

import (
	"context"
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Recorded returns providers for onboardings. What they set up is followed from then on:
// it is noted before they begin, and once they are done.
func (f *Follower) Recorded(all Providers) Providers { return recorded{all, f} }

type recorded struct {
	Providers
	f *Follower
}

// Provider implements Providers.
func (r recorded) Provider(cdn string) (Provider, bool) {
	by := r.f.cfg.InForce.Provision(cdn) // before the provider: if it is changed in between, another one is compared with
	p, thirdParty := r.Providers.Provider(cdn)
	return recorder{Provider: p, f: r.f, by: by}, thirdParty
}

// recorder is a provider that notes what it does.
type recorder struct {
	Provider
	f  *Follower
	by site.Provision // whose provider it is: there may be another one by the time that it is done
}

// Create implements Provider.
func (p recorder) Create(ctx context.Context, r Request) (words string, err error) {
	err = p.noted(ctx, r, func(s site.Setup, fence store.Fence) error {
		asks := p.asks(r)
		if s.Asked == "" {
			s.Asked = asks.written()
		}
		s.State, s.Wants = site.SetupChanging, asks.digest(p.by)
		if err := p.begins(ctx, fence, &s, r); err != nil {
			return err
		}
		words, err = p.Provider.Create(ctx, r)
		return err
	})
	return words, err
}

// Verify implements Provider.
func (p recorder) Verify(ctx context.Context, r Request) error {
	if err := p.Provider.Verify(ctx, r); err != nil {
		return err
	}
	return p.noted(ctx, r, func(s site.Setup, fence store.Fence) error {
		s.State, s.Asked, s.Has = site.SetupDone, p.asks(r).written(), s.Wants
		return p.f.put(ctx, fence, &s)
	})
}

// Remove implements Provider: what was asked for goes, and what is noted with it.
func (p recorder) Remove(ctx context.Context, r Request) (words string, err error) {
	err = p.noted(ctx, r, func(s site.Setup, fence store.Fence) error {
		if s.Version == 0 {
			words, err = p.Provider.Remove(ctx, r)
			return err
		}
		s.State, s.Wants = site.SetupLeaving, ""
		if err := p.begins(ctx, fence, &s, r); err != nil {
			return err
		}
		asked, err := requestOf(s)
		if err != nil {
			return err
		}
		asked.Onboarding, asked.Key, asked.Reach = r.Onboarding, r.Key, r.Reach
		if words, err = p.Provider.Remove(ctx, asked); err != nil {
			return err
		}
		return p.f.cfg.Setups.DropSetups(ctx, fence, []site.Setup{s})
	})
	return words, err
}

func (p recorder) asks(r Request) content { return contentOf(r.Site, r.CDN, p.by) }

// begins notes that something is done from now on.
func (p recorder) begins(ctx context.Context, fence store.Fence, s *site.Setup, r Request) error {
	*s = lasting(*s, keptFor(r.Site), time.Now())
	s.Customer = r.Site.Customer
	s.Has, s.Since, s.Tries, s.Words, s.Next, s.Mark = "", time.Now(), 0, "", time.Time{}, time.Time{}
	return p.f.put(ctx, fence, s)
}

// noted does something with the setup of a request, while nobody else is at it.
func (p recorder) noted(ctx context.Context, r Request, do func(site.Setup, store.Fence) error) error {
	fence, ours := p.f.cfg.Turn()
	if !ours {
		return errors.New("another server decides by now")
	}
	unlock, err := p.f.lock(ctx, r.name(), r.CDN.Name)
	if err != nil {
		return err
	}
	defer unlock()
	of, err := p.f.setupsOf(ctx, []string{r.name()})
	if err != nil {
		return err
	}
	is := site.Setup{Site: r.name(), CDN: r.CDN.Name}
	for _, s := range of[r.name()] {
		if s.CDN == is.CDN {
			is = s
		}
	}
	defer p.f.later(false, r.name()) // when the onboarding is over
	return do(is, fence)
}
