package onboard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Configuration is what is in force, and what becomes of it.
type Configuration interface {
	// Check returns the site that the text of an onboarding makes with what is in force,
	// or all that is wrong with it: by itself, by its customer's plan, with the names of
	// others. Of an offboarding, it is wrong that the site is another one by now.
	Check(ctx context.Context, o site.Onboarding) (*site.Site, error)

	// Site returns the site that the text makes, and looks at nothing else.
	Site(ctx context.Context, o site.Onboarding) (*site.Site, error)

	// Publish makes a revision in which the site of an onboarding is in force, or that of an
	// offboarding is not, once: who calls it again gets the same one.
	Publish(ctx context.Context, o site.Onboarding) (revision int64, err error)

	// Withdraw makes a revision that takes back what Publish has made, once. It is ErrStays
	// if the site was changed since; 0 is where there is nothing to be taken back.
	Withdraw(ctx context.Context, o site.Onboarding) (revision int64, err error)

	// Live returns nil once all servers serve a revision, and the object of the onboarding
	// as that has it.
	Live(ctx context.Context, o site.Onboarding, revision int64) error
}

// Claims is which names are whose.
type Claims interface {
	// Proved reports whether the customer of an onboarding has a claim to a name already.
	Proved(ctx context.Context, o site.Onboarding, name string) (bool, error)

	// Claim makes names the customer's, who has proved that. It can be called again.
	Claim(ctx context.Context, o site.Onboarding, names []string) error

	// Release gives back the claims that an onboarding has made, or an offboarding's site
	// had. It can be called again.
	Release(ctx context.Context, o site.Onboarding) error
}

// Providers knows who sets up the CDN's side of sites.
type Providers interface {
	// Provider returns that of a CDN, and whether the CDN is somebody else's.
	Provider(cdn string) (p Provider, thirdParty bool)

	// Public reports whether a CDN is asked for a site at an address only if that is on
	// the public Internet.
	Public(s *site.Site, cdn string, addr netip.Addr) bool
}

// Names of steps.
const (
	stepCheck       = "check"
	stepProof       = "proof"
	stepCDN         = "cdn"
	stepCertificate = "certificate"
	stepVerify      = "verify"
	stepPublish     = "publish"
	stepLive        = "live"
	stepDrain       = "drain"
	stepRelease     = "release"
)

// StepsOf returns the steps of a new onboarding of a kind, for a site with these CDNs.
func StepsOf(kind site.OnboardingKind, cdns []site.CDN) []site.OnboardingStep {
	names, last := []string{stepCheck, stepProof}, []string{stepCertificate, stepVerify, stepPublish, stepLive}
	if kind == site.Offboard {
		names, last = []string{stepCheck, stepPublish, stepLive, stepDrain}, []string{stepRelease}
	}
	var steps []site.OnboardingStep
	add := func(name, cdn string) {
		steps = append(steps, site.OnboardingStep{Name: name, CDN: cdn, State: site.StepPending})
	}
	for _, name := range names {
		add(name, "")
	}
	for _, c := range cdns {
		add(stepCDN, c.Name)
	}
	for _, name := range last {
		add(name, "")
	}
	return steps
}

// Steps does the steps of onboardings. All fields must be set.
type Steps struct {
	Configuration Configuration
	Claims        Claims
	Network       Network
	Providers     Providers

	// Forgotten is when resolvers have forgotten the answers of a site, as it was before, that
	// no server has given since a moment; zero: nothing is known of it.
	Forgotten func(ctx context.Context, name string, from time.Time) (time.Time, error)
}

// try is one try of a step.
type try struct {
	*Steps
	o    *site.Onboarding
	step site.OnboardingStep
	undo bool
}

// doing is how each step is done, and undone; nil: there is nothing to do.
type doing struct {
	do, undo func(try, context.Context) (string, error)
}

var onboarding = map[string]doing{
	stepCheck:       {do: try.check},
	stepProof:       {do: try.prove, undo: try.release},
	stepCDN:         {do: try.create, undo: try.remove},
	stepCertificate: {do: try.certify},
	stepVerify:      {do: try.verify},
	stepPublish:     {do: try.publish, undo: try.withdraw},
	stepLive:        {do: try.live},
}

var offboarding = map[string]doing{
	stepCheck:   {do: try.check},
	stepPublish: {do: try.publish, undo: try.withdraw},
	stepLive:    {do: try.live},
	stepDrain:   {do: try.drain},
	stepCDN:     {do: try.remove, undo: try.create},
	stepRelease: {do: try.release, undo: try.claim},
}

// Do implements Doer.
func (s *Steps) Do(ctx context.Context, o *site.Onboarding, step int, undo bool) (string, error) {
	t := try{Steps: s, o: o, step: o.Steps[step], undo: undo}
	table := onboarding
	if o.Kind == site.Offboard {
		table = offboarding
	}
	of, known := table[t.step.Name]
	if !known {
		return "", Refuse(fmt.Errorf("unknown step '%s': it was begun by a newer version of the program", t.step.Name))
	}
	f := of.do
	if undo {
		f = of.undo
	}
	if f == nil {
		return "", nil
	}
	return f(t, ctx)
}

// check holds the text against what is in force. A CDN that was added to a class since
// would have no step.
func (t try) check(ctx context.Context) (string, error) {
	s, err := t.Configuration.Check(ctx, *t.o)
	if err != nil {
		return "", err
	}
	want := StepsOf(t.o.Kind, s.CDNs)
	same := func(a, b site.OnboardingStep) bool { return a.Name == b.Name && a.CDN == b.CDN }
	if !slices.EqualFunc(want, t.o.Steps, same) {
		return "", Refuse(errors.New("the CDNs of the site are others by now: begin again"))
	}
	return "", nil
}

func (t try) claim(ctx context.Context) (string, error) {
	return "", t.Claims.Claim(ctx, *t.o, t.o.Names)
}

func (t try) release(ctx context.Context) (string, error) {
	return "", t.Claims.Release(ctx, *t.o)
}

func (t try) publish(ctx context.Context) (words string, err error) {
	if t.o.Published == 0 {
		if t.o.Published, err = t.Configuration.Publish(ctx, *t.o); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("revision %d", t.o.Published), nil
}

// live waits until all servers serve what was published.
func (t try) live(ctx context.Context) (string, error) {
	return "", t.Configuration.Live(ctx, *t.o, t.o.Published)
}

// withdraw takes back what was published. What is behind it is taken away only when
// nobody is sent there any more.
func (t try) withdraw(ctx context.Context) (words string, err error) {
	if t.o.Withdrawn == 0 {
		if t.o.Withdrawn, err = t.Configuration.Withdraw(ctx, *t.o); err != nil || t.o.Withdrawn == 0 {
			return "", err
		}
	}
	words = fmt.Sprintf("revision %d", t.o.Withdrawn)
	if t.step.Mark.IsZero() {
		if err := t.Configuration.Live(ctx, *t.o, t.o.Withdrawn); err != nil {
			return "", err
		}
	}
	if t.o.Kind == site.Offboard {
		return words, nil // it is back
	}
	_, err = t.drain(ctx)
	return words, err
}

// drain waits until nobody has the answers any more that led to the CDNs.
func (t try) drain(ctx context.Context) (string, error) {
	s, err := t.Configuration.Site(ctx, *t.o)
	if err != nil {
		return "", err
	}
	from := t.step.Mark
	if from.IsZero() {
		from = time.Now()
	}
	until, err := t.Forgotten(ctx, t.o.Site, from)
	if err != nil {
		return "", err
	}
	if least := from.Add(keptFor(s)); least.After(until) {
		until = least
	}
	if time.Now().Before(until) {
		return "", &Waiting{Words: "resolvers have the site's answers until " + until.UTC().Format(time.RFC3339), Until: until, Mark: from}
	}
	return "", nil
}

// leastCached is for how long some resolvers keep every answer. It is a variable for tests.
var leastCached = 5 * time.Second

// create has the CDN's side set up, and waits until the provider says that it is.
func (t try) create(ctx context.Context) (string, error) {
	p, r, err := t.provider(ctx, "create")
	if err != nil {
		return "", err
	}
	words, err := p.Create(ctx, r)
	if err == nil {
		err = p.Verify(ctx, r)
	}
	return words, err
}

func (t try) remove(ctx context.Context) (string, error) {
	p, r, err := t.provider(ctx, "remove")
	if err != nil {
		return "", err
	}
	return p.Remove(ctx, r)
}

// provider returns whoever sets up the step's CDN, and what is asked for. An action that
// undoes has another key than the same one that does.
func (t try) provider(ctx context.Context, what string) (Provider, Request, error) {
	s, err := t.Configuration.Site(ctx, *t.o)
	if err != nil {
		return nil, Request{}, err
	}
	i := slices.IndexFunc(s.CDNs, func(c site.CDN) bool { return c.Name == t.step.CDN })
	if i < 0 {
		return nil, Request{}, Refuse(fmt.Errorf("the site has no cdn '%s' any more", t.step.CDN))
	}
	p, thirdParty := t.Providers.Provider(t.step.CDN)
	key := []string{t.o.ID, stepCDN, t.step.CDN, what}
	return p, Request{
		Onboarding: t.o.ID, Key: strings.Join(key, "/"), Site: s, CDN: s.CDNs[i],
		Reach: func(ctx context.Context) error { return t.answers(ctx, s, s.CDNs[i], thirdParty) },
	}, nil
}
