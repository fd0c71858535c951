package onboard

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// errOutdated says that a setup is not to be gone on with: something has changed, and it is
// compared anew.
var errOutdated = errors.New("it was changed meanwhile")

// work tries once to have a CDN have what it is to have, writes what came of that, and
// reports whether it could. Where it could not nothing is lost: what a provider was asked
// for is asked again.
func (f *Follower) work(ctx context.Context, fence store.Fence, s site.Setup) (wrote bool) {
	unlock, err := f.lock(ctx, s.Site, s.CDN)
	if err != nil {
		return false
	}
	defer unlock()
	words, err := f.try(ctx, fence, &s)
	if ctx.Err() != nil || errors.Is(err, errOutdated) {
		return false
	}
	s = tried(s, err, words, time.Now())
	if f.put(ctx, fence, &s) != nil {
		return false
	}
	f.tell(s)
	return true
}

// put writes a setup that nobody has changed since it was read.
func (f *Follower) put(ctx context.Context, fence store.Fence, s *site.Setup) error {
	n, err := f.cfg.Setups.PutSetups(ctx, fence, []site.Setup{*s})
	if err == nil && n == 0 {
		err = errOutdated
	}
	s.Version++
	return err
}

// try does what is to be done. A panic ends the try, not the process.
func (f *Follower) try(ctx context.Context, fence store.Fence, s *site.Setup) (words string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			f.cfg.Log.Errorf("cdn %q of site %q panicked: %v\n%s", s.CDN, s.Site, value, debug.Stack())
			words, err = "it panicked", fmt.Errorf("it panicked: %v", value)
		}
	}()
	present, standing, err := f.present(ctx, *s)
	switch {
	case err != nil:
	case standing.Busy:
		err = waitFor("an onboarding of the site is under way")
	case present == nil && standing.Stored: // it may be in force elsewhere
		err = waitFor("the site is in the store, and this server does not serve it")
	case s.Wants == "":
		words, err = f.remove(ctx, fence, s, present)
	default:
		words, err = f.create(ctx, fence, s, present)
	}
	if err != nil {
		words = err.Error()
	}
	return printable(words), err
}

// present returns the site of a setup as it is in force, and what is known of it, if the
// setup is as it was read.
func (f *Follower) present(ctx context.Context, s site.Setup) (*site.Site, store.SetupSite, error) {
	names := []string{s.Site}
	of, err := f.setupsOf(ctx, names)
	if err != nil {
		return nil, store.SetupSite{}, err
	}
	if !slices.ContainsFunc(of[s.Site], func(o site.Setup) bool { return o.CDN == s.CDN && o.Version == s.Version }) {
		return nil, store.SetupSite{}, errOutdated
	}
	standing, err := f.cfg.Setups.StandingOf(ctx, names)
	if err != nil {
		return nil, store.SetupSite{}, err
	}
	sites, _, err := f.cfg.InForce.Sites(ctx, names)
	return sites[s.Site], standing[s.Site], err
}

// create has the CDN be told, and waits until it says that it has it. What it has is not
// known from the moment on that it is told. Whatever is asked is written down before, also
// for another try: while the store takes nothing, nobody is asked.
func (f *Follower) create(ctx context.Context, fence store.Fence, s *site.Setup, present *site.Site) (string, error) {
	c, found := cdnOf(present, s.CDN)
	if !found {
		return "", errOutdated
	}
	by := f.cfg.InForce.Provision(s.CDN)
	asks := contentOf(present, c, by)
	if asks.digest(by) != s.Wants {
		return "", errOutdated
	}
	if s.Has = ""; s.Asked == "" {
		s.Asked = asks.written()
	}
	if err := f.put(ctx, fence, s); err != nil {
		return "", errOutdated
	}
	p, thirdParty := f.cfg.Providers.Provider(s.CDN)
	r := Request{Key: keyOf(*s, "create"), Site: present, CDN: c}
	asking := try{Steps: &Steps{Providers: f.cfg.Providers, Network: f.cfg.Network}}
	r.Reach = func(ctx context.Context) error { return asking.answers(ctx, present, c, thirdParty) }
	words, err := p.Create(ctx, r)
	if err == nil {
		err = p.Verify(ctx, r)
	}
	if err == nil {
		s.Asked = asks.written()
	}
	return words, err
}

// remove has the CDN forget the site, once no server leads anybody there any more, and
// resolvers have forgotten where it was.
func (f *Follower) remove(ctx context.Context, fence store.Fence, s *site.Setup, present *site.Site) (string, error) {
	if _, back := cdnOf(present, s.CDN); back {
		return "", errOutdated
	}
	if err := f.cfg.InForce.Served(ctx, s.Revision); err != nil {
		return "", err
	}
	from := s.Mark
	if from.IsZero() {
		from = time.Now()
	}
	if until := forgotten(*s, from); time.Now().Before(until) {
		return "", &Waiting{Words: "resolvers have the site's answers until " + until.UTC().Format(time.RFC3339), Until: until, Mark: from}
	}
	r, err := requestOf(*s)
	if err != nil {
		return "", err
	}
	if s.Has = ""; f.put(ctx, fence, s) != nil {
		return "", errOutdated
	}
	r.Key = keyOf(*s, "remove")
	p, _ := f.cfg.Providers.Provider(s.CDN)
	return p.Remove(ctx, r)
}

// keyOf is that of what is wanted now: the same for each try, and another one when the
// same is wanted again after something else.
func keyOf(s site.Setup, what string) string {
	return strings.Join([]string{"follow", s.Site, s.CDN, strconv.FormatInt(s.Since.UnixMicro(), 10), what}, "/")
}

// cdnOf returns what a site, which may be nil, says of a CDN.
func cdnOf(s *site.Site, name string) (c site.CDN, found bool) {
	for _, c := range cdnsOf(s) {
		if c.Name == name {
			return c, true
		}
	}
	return c, false
}

// tell tells the operator of what does not go on by itself, once.
func (f *Follower) tell(s site.Setup) {
	what := map[bool]string{true: "does not give up", false: "does not follow"}[s.Wants == ""]
	switch {
	case s.State == site.SetupRemoved && s.Words != "": // somebody has something to do
		f.cfg.Log.Infof("site %q has left: %s", s.Site, s.Words)
	case s.State == site.SetupRefused:
		f.cfg.Log.Errorf("cdn %q %s site %q: %s", s.CDN, what, s.Site, s.Words)
	case s.Tries == longTries && !s.Next.IsZero():
		f.cfg.Log.Errorf("cdn %q %s site %q since %s: %s", s.CDN, what, s.Site, s.Since.UTC().Format(time.RFC3339), s.Words)
	}
}
