package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// onboarder is what onboardings reach of the engine, for package onboard.
type onboarder struct {
	*Engine
	tenancy tenancy

	mu        sync.Mutex
	providers map[string]provided // by CDN
	locks     onboard.Locks       // of the commands of CDNs
}

// provided is the provider of a CDN as long as its block says the same.
type provided struct {
	block    *site.WatchedCDN
	provider onboard.Provider
}

// tenancy is what customers may do, and which names are theirs.
type tenancy interface {
	onboard.Claims

	// Guardrails returns those of a customer's plan, and how many sites he has.
	Guardrails(ctx context.Context, customer string) (g site.Guardrails, sites int, err error)

	// Overlaps returns an error for each name that is somebody else's, or lies above or
	// below one that is.
	Overlaps(ctx context.Context, of site.Onboarding, names []string) (overlaps []error, err error)
}

// newOnboarder returns the runner of onboardings.
func (e *Engine) newOnboarder() *onboard.Runner {
	o := &onboarder{Engine: e, providers: make(map[string]provided)}
	o.tenancy = bounds{o}
	e.onboarder, e.follower = o, o.newFollower()
	return onboard.NewRunner(onboard.Config{
		Operations: o,
		Steps:      &onboard.Steps{Configuration: o, Claims: o.tenancy, Network: o, Providers: e.follower.Recorded(o), Forgotten: e.follower.Forgotten},
		Turn:       o.turn,
		Log:        e.cfg.Log,
	})
}

// turn says whether this server runs onboardings: the one that decides for all does.
func (o *onboarder) turn() (store.Fence, bool) {
	k := o.inForceKept()
	if k == nil || k.db == nil {
		return store.Fence{}, false
	}
	o.Engine.mu.Lock()
	defer o.Engine.mu.Unlock()
	if !o.sharing() {
		return store.Fence{}, true
	}
	return store.Fence{Server: k.cfg.Server, Term: o.term}, o.role == roleDecides
}

// at returns the store, and what of it is in force.
func (o *onboarder) at(ctx context.Context) (*Kept, *store.Store, error) {
	k := o.inForceKept()
	if k == nil || k.db == nil {
		return nil, nil, errors.New("there is no store")
	}
	db, err := k.db.get(ctx)
	return k, db, err
}

// DueOnboardings implements onboard.Operations.
func (o *onboarder) DueOnboardings(ctx context.Context, now time.Time, limit int) ([]site.Onboarding, error) {
	_, db, err := o.at(ctx)
	if err != nil {
		return nil, err
	}
	return db.DueOnboardings(ctx, now, limit)
}

// PutOnboarding implements onboard.Operations.
func (o *onboarder) PutOnboarding(ctx context.Context, fence store.Fence, of site.Onboarding) error {
	_, db, err := o.at(ctx)
	if err != nil {
		return err
	}
	return db.PutOnboarding(ctx, fence, of)
}

// objectOf is the object that an onboarding publishes.
func objectOf(of site.Onboarding) site.Object {
	return site.Object{Kind: site.ObjectSite, Name: of.Site, Customer: of.Customer, Text: of.Text}
}

// present returns the object of an onboarding as it is now, and the revision that is.
func (o *onboarder) present(ctx context.Context, of site.Onboarding) (revision int64, object site.Object, err error) {
	_, db, err := o.at(ctx)
	if err != nil {
		return 0, object, err
	}
	revision, objects, err := db.As(store.Viewer{Name: of.By, Operator: true}).Objects(ctx, site.ObjectSite, of.Site)
	if len(objects) > 0 {
		object = objects[0]
	}
	return revision, object, err
}

// Site implements onboard.Configuration.
func (o *onboarder) Site(ctx context.Context, of site.Onboarding) (*site.Site, error) {
	k, _, err := o.at(ctx)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.overlay.Build(objectOf(of))
}

// Check implements onboard.Configuration.
func (o *onboarder) Check(ctx context.Context, of site.Onboarding) (*site.Site, error) {
	_, object, err := o.present(ctx, of)
	switch {
	case err != nil:
		return nil, err
	case of.Kind == site.Offboard:
		if object.Revision != of.Base {
			return nil, onboard.Refuse(fmt.Errorf("site '%s' has changed since revision %d", of.Site, of.Base))
		}
		return o.Site(ctx, of)
	case object.Text != "":
		return nil, onboard.Refuse(fmt.Errorf("site '%s' is in the store already, since revision %d", of.Site, object.Revision))
	}
	s, faults, err := o.faults(ctx, of)
	if err == nil && faults != nil {
		err = onboard.Refuse(errors.Join(faults...))
	}
	return s, err
}

// faults returns the site of a new text, and all that is wrong with it.
func (o *onboarder) faults(ctx context.Context, of site.Onboarding) (*site.Site, []error, error) {
	k, _, err := o.at(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, faults := k.faults(objectOf(of), asCaller(of))
	if s == nil || of.Customer == "" {
		return s, faults, nil
	}
	plan, sites, err := o.tenancy.Guardrails(ctx, of.Customer)
	if err != nil {
		return nil, nil, err
	}
	faults = append(faults, provision.Check(s, plan, sites)...)
	if !of.Operator {
		faults = append(faults, provision.Services(of.Text, "", plan.Services)...)
	}
	overlaps, err := o.tenancy.Overlaps(ctx, of, onboard.NamesOf(s))
	return s, append(faults, overlaps...), err
}

// faults returns the site that an object makes, and what is wrong with that in what is in force.
func (k *Kept) faults(object site.Object, who api.Caller) (s *site.Site, faults []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.overlay.Build(object)
	if err != nil {
		return nil, []error{err}
	}
	for _, refused := range k.overlay.Check([]site.Object{object}) {
		faults = append(faults, toldTo(who, refused))
	}
	return s, faults
}

// asCaller is who has begun an onboarding, and reads what becomes of it.
func asCaller(of site.Onboarding) api.Caller {
	if of.Operator && of.Customer == "" {
		return api.Caller{Name: of.By, Role: site.RoleOperator}
	}
	return api.Caller{Name: of.By, Role: site.RoleCustomerAdmin, Customer: of.Customer}
}

// Publish implements onboard.Configuration.
func (o *onboarder) Publish(ctx context.Context, of site.Onboarding) (int64, error) {
	revision, object, err := o.present(ctx, of)
	if err != nil {
		return 0, err
	}
	next := objectOf(of)
	switch {
	case of.Kind == site.Offboard:
		next.Text = ""
		if object.Revision != of.Base {
			return 0, onboard.Refuse(fmt.Errorf("site '%s' has changed since revision %d", of.Site, of.Base))
		}
	case object.Text != "":
		return 0, onboard.Refuse(fmt.Errorf("site '%s' is in the store already, since revision %d", of.Site, object.Revision))
	}
	if of.Kind == site.Onboard { // the plan, and how many sites there are, may be others by now
		if _, faults, err := o.faults(ctx, of); err != nil || faults != nil {
			return 0, cmp.Or(err, onboard.Refuse(errors.Join(faults...)))
		}
	}
	return o.publishFor(ctx, of, store.Publication{Base: revision, Objects: []site.Object{next}, Claims: answeredFor(of, next.Text != "")}, false)
}

// Withdraw implements onboard.Configuration.
func (o *onboarder) Withdraw(ctx context.Context, of site.Onboarding) (int64, error) {
	if of.Published == 0 {
		return 0, nil
	}
	revision, object, err := o.present(ctx, of)
	next := objectOf(of)
	switch {
	case err != nil:
		return 0, err
	case of.Kind == site.Offboard && object.Text != "":
		return 0, nil // somebody has brought it back
	case of.Kind == site.Offboard:
	case object.Text == "":
		return 0, nil // somebody has removed it
	case object.Revision != of.Published:
		return 0, fmt.Errorf("site '%s' has revision %d and not %d: %w", of.Site, object.Revision, of.Published, onboard.ErrStays)
	default:
		next.Text = ""
	}
	return o.publishFor(ctx, of, store.Publication{Base: revision, Objects: []site.Object{next}, Claims: answeredFor(of, next.Text != "")}, true)
}

// publishFor makes a revision in the name of who asked for an onboarding.
func (o *onboarder) publishFor(ctx context.Context, of site.Onboarding, p store.Publication, back bool) (int64, error) {
	_, db, err := o.at(ctx)
	if err != nil {
		return 0, err
	}
	p.Onboarding = &store.Onboards{ID: of.ID, Version: of.Version, Back: back}
	p.Why = fmt.Sprintf("%s (onboarding %s)", of.Why, of.ID)
	revision, err := db.As(store.Viewer{Name: of.By, Customer: of.Customer, Operator: of.Operator}).Publish(ctx, p)
	if err != nil {
		if errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrNotFound) {
			err = onboard.Refuse(err)
		}
		return 0, err
	}
	o.wakeUp()
	return revision, nil
}

// Live implements onboard.Configuration.
func (o *onboarder) Live(ctx context.Context, of site.Onboarding, revision int64) error {
	k, _, err := o.at(ctx)
	if err != nil {
		return err
	}
	if err := o.Served(ctx, revision); err != nil {
		return err
	}
	return k.refusal(of)
}

// Served implements onboard.InForce. Servers that are gone load the newest revision when
// they come back.
func (o *onboarder) Served(ctx context.Context, revision int64) error {
	_, db, err := o.at(ctx)
	if err != nil {
		return err
	}
	servers, err := db.Servers(ctx)
	if err != nil {
		return err
	}
	states := make([]api.ServerState, len(servers))
	for i, s := range servers {
		states[i] = shownServer(s)
	}
	switch spread := spreadOf(states, revision); {
	case spread.Serving+spread.Behind == 0:
		return &onboard.Waiting{Words: "no server has said of late what it serves"}
	case spread.Behind > 0:
		return onboard.Inside(&onboard.Waiting{Words: behind(spread, revision)})
	}
	return nil
}

// behind says which servers do not serve a revision.
func behind(spread api.Spread, revision int64) string {
	var all []string
	for _, s := range spread.WaitingFor {
		if s.Held < revision {
			all = append(all, fmt.Sprintf("%s serves revision %d", s.Server, s.Revision))
			continue
		}
		all = append(all, fmt.Sprintf("%s holds revision %[2]d back: confirm it with 'cdnctl publish --confirm %[2]d'", s.Server, s.Held))
	}
	return fmt.Sprintf("revision %d is not served by all: %s", revision, strings.Join(all, ", "))
}

// refusal returns why the site of an onboarding is not in force, if this server refuses it.
func (k *Kept) refusal(of site.Onboarding) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.overlay.Refused() {
		if r.Kind == site.ObjectSite && r.Name == of.Site {
			return onboard.Refuse(r.Err)
		}
	}
	return nil
}

// Provider implements onboard.Providers. A CDN of which the Corefile and the store say
// nothing is somebody else's, and set up by people.
func (o *onboarder) Provider(cdn string) (p onboard.Provider, thirdParty bool) {
	block := o.block(cdn)
	o.mu.Lock()
	defer o.mu.Unlock()
	known, found := o.providers[cdn]
	if !found || known.block != block {
		said := site.Provision{}
		if block != nil {
			said = block.Provision
		}
		known = provided{block, o.locks.New(cdn, said, o.dial(block == nil || block.ThirdParty))}
		o.providers[cdn] = known
	}
	return known.provider, block == nil || block.ThirdParty
}

// Public implements onboard.Providers.
func (o *onboarder) Public(s *site.Site, cdn string, addr netip.Addr) bool {
	return o.block(cdn).AsksInPublic(s, addr)
}

// block returns the block of a CDN; nil: there is none.
func (o *onboarder) block(cdn string) *site.WatchedCDN {
	k := o.inForceKept()
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.overlay.Block(cdn)
}

// dial returns what reaches webhooks: those of other people are on the public Internet.
// nil: the network of a test has nothing to say of it.
func (o *onboarder) dial(public bool) onboard.Dialer {
	if n, can := o.cfg.Network.(interface {
		Dial(public bool) onboard.Dialer
	}); can {
		return n.Dial(public)
	}
	return nil
}

// Ask implements onboard.Network.
func (o *onboarder) Ask(ctx context.Context, t site.Target) health.Result {
	return o.probes[t.Kind](ctx, t)
}

// resolver returns the exchange with the resolvers.
func (o *onboarder) resolver() health.Exchange {
	o.Engine.mu.Lock()
	defer o.Engine.mu.Unlock()
	return o.current.resolve
}

// Texts implements onboard.Network.
func (o *onboarder) Texts(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxLook)
	defer cancel()
	return o.resolver().Texts(ctx, name)
}

// Addresses implements onboard.Network: those of nodes where we are the CDN's DNS, or what
// the target is resolved to.
func (o *onboarder) Addresses(ctx context.Context, s *site.Site, c site.CDN) (addrs []netip.Addr, err error) {
	name, _ := s.Led(c)
	if block := o.block(c.Name); block != nil && block.Zone != "" && dns.IsSubDomain(block.Zone, name) {
		for _, node := range block.Watch.Origins {
			addrs = append(addrs, node.Addresses...)
		}
		return addrs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxLook)
	defer cancel()
	for _, family := range []uint16{dns.TypeA, dns.TypeAAAA} {
		found, failed := o.resolver().Addresses(ctx, name, family)
		addrs = append(addrs, found.Addresses...)
		err = errors.Join(err, failed)
	}
	switch {
	case len(addrs) > 0:
		return addrs, nil
	case err != nil:
		return nil, err
	}
	return nil, &onboard.Waiting{Words: fmt.Sprintf("the target '%s' has no address", name)}
}
