package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Onboard implements api.Onboardings.
func (c configuration) Onboard(ctx context.Context, req api.OnboardRequest, who api.Caller) (api.Onboarding, error) {
	objects, err := corefile.Objects("text", req.Text)
	switch {
	case err != nil:
		return api.Onboarding{}, api.Faults{err}
	case len(objects) != 1 || objects[0].Kind != site.ObjectSite:
		return api.Onboarding{}, fmt.Errorf("%w: the text has to be one site", api.ErrInvalid)
	}
	o := site.Onboarding{Kind: site.Onboard, Site: objects[0].Name, Text: objects[0].Text, Customer: req.Customer, Proof: req.Proof, Why: req.Why, By: who.Name, Operator: who.Role.Operates()}
	if !who.Role.Operates() {
		o.Customer = who.Customer
	}
	switch {
	case o.Proof == "" && o.Customer == "":
		o.Proof = site.ProofOperator // of his own names
	case o.Proof == "":
		o.Proof = site.ProofTXT
	}
	s, faults, err := c.onboarder.faults(ctx, o)
	switch {
	case err != nil:
		return api.Onboarding{}, translated(err)
	case faults != nil:
		return api.Onboarding{}, api.Faults(faults)
	}
	return c.begin(ctx, o, s, who)
}

// Offboard implements api.Onboardings.
func (c configuration) Offboard(ctx context.Context, req api.OffboardRequest, who api.Caller) (api.Onboarding, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.Onboarding{}, err
	}
	object, err := view.Object(ctx, site.ObjectSite, strings.TrimSuffix(req.Site, "."))
	if err != nil {
		return api.Onboarding{}, translated(err)
	}
	o := site.Onboarding{
		Kind: site.Offboard, Site: object.Name, Text: object.Text, Customer: object.Customer, Base: object.Revision, Proof: site.ProofTXT, Why: req.Why,
	}
	s, err := c.onboarder.Site(ctx, o)
	if err != nil {
		return api.Onboarding{}, ofKind{api.ErrConflict, err}
	}
	return c.begin(ctx, o, s, who)
}

func (c configuration) begin(ctx context.Context, o site.Onboarding, s *site.Site, who api.Caller) (api.Onboarding, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.Onboarding{}, err
	}
	now := time.Now()
	o.Names, o.Steps = onboard.NamesOf(s), onboard.StepsOf(o.Kind, s.CDNs)
	o.Began, o.Changed, o.Next = now, now, now
	o, err = view.BeginOnboarding(ctx, o)
	if err != nil {
		return api.Onboarding{}, translated(err)
	}
	c.wakeUp()
	return shownOnboarding(o, who), nil
}

// Onboarding implements api.Onboardings.
func (c configuration) Onboarding(ctx context.Context, id string, who api.Caller) (api.Onboarding, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.Onboarding{}, err
	}
	o, err := view.Onboarding(ctx, id)
	if err != nil {
		return api.Onboarding{}, translated(err)
	}
	return shownOnboarding(o, who), nil
}

// Onboardings implements api.Onboardings.
func (c configuration) Onboardings(ctx context.Context, q api.OnboardingQuery, who api.Caller) (api.OnboardingList, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.OnboardingList{}, err
	}
	found, err := view.Onboardings(ctx, store.OnboardingQuery{Site: q.Site, Running: q.Running, Before: q.Before, Limit: q.Limit})
	if err != nil {
		return api.OnboardingList{}, translated(err)
	}
	list := api.OnboardingList{Onboardings: []api.Onboarding{}}
	for _, o := range found {
		list.Onboardings = append(list.Onboardings, shownOnboarding(o, who))
	}
	return list, nil
}

// CancelOnboarding implements api.Onboardings.
func (c configuration) CancelOnboarding(ctx context.Context, id string, who api.Caller) error {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return err
	}
	if err := view.CancelOnboarding(ctx, id); err != nil {
		return translated(err)
	}
	c.wakeUp()
	return nil
}

// watchEvery is how often an onboarding is looked at that somebody watches.
const watchEvery = 250 * time.Millisecond

// WatchOnboarding implements api.Onboardings.
func (c configuration) WatchOnboarding(ctx context.Context, id string, version int64, who api.Caller) (api.Onboarding, error) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var last api.Onboarding
	for {
		o, err := c.Onboarding(ctx, id, who)
		switch {
		case err != nil && last.ID != "" && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return last, nil
		case err != nil, o.Version != version, o.Next.IsZero():
			return o, err
		}
		last = o
		select {
		case <-ctx.Done():
			return last, nil
		case <-tick.C:
		}
	}
}

// forOperators is what customers read in the place of words that name the operator's
// programs, or servers.
func forOperators(step string) string {
	if step == "live" {
		return "not all servers serve it: the provider sees why"
	}
	return "the CDN's side is not done: the provider sees why"
}

func shownOnboarding(o site.Onboarding, who api.Caller) api.Onboarding {
	if !who.Role.Operates() {
		o = outside(o)
	}
	shown := api.Onboarding{
		ID: o.ID, Kind: o.Kind, Site: o.Site, Customer: o.Customer, Proof: o.Proof, By: o.By, Why: o.Why, State: o.State, Cancelled: o.Cancelled, Failure: o.Failure,
		Left: o.Left, Began: o.Began, Changed: o.Changed, Next: o.Next, Revision: o.Published, Withdrawn: o.Withdrawn, Version: o.Version,
	}
	for _, s := range o.Steps {
		shown.Steps = append(shown.Steps, api.OnboardingStep{Name: s.Name, CDN: s.CDN, State: s.State, Words: s.Words, Tries: s.Tries, Next: s.Next})
	}
	if o.Kind == site.Onboard && o.Proof == site.ProofTXT && o.State == site.OnboardingRuns {
		for _, r := range onboard.Records(&o) {
			shown.Records = append(shown.Records, api.ProofRecord{Name: r.Name, Text: r.Text})
		}
	}
	return shown
}

// outside is an onboarding without what is for operators.
func outside(o site.Onboarding) site.Onboarding {
	o.Steps = slices.Clone(o.Steps)
	for i, s := range o.Steps {
		if s.Inside {
			o.Steps[i].Words = forOperators(s.Name)
		}
	}
	if o.Inside {
		step, _, _ := strings.Cut(o.Failure, ": ")
		o.Failure = step + ": " + forOperators(step)
	}
	return o
}

var _ api.Onboardings = configuration{}
