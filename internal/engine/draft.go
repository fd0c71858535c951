package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Draft implements api.Configuration.
func (c configuration) Draft(ctx context.Context, who api.Caller) (api.Draft, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.Draft{}, err
	}
	base, changes, err := view.DiffDraft(ctx)
	if errors.Is(err, store.ErrNotFound) {
		base, err = c.newest(ctx)
		return api.Draft{Base: base}, err
	}
	draft := api.Draft{Base: base, Changes: changesOf(changes)}
	sortChanges(draft.Changes)
	return draft, translated(err)
}

func changesOf(differences []store.Difference) (changes []api.Change) {
	for _, d := range differences {
		changes = append(changes, changeOf(d))
	}
	return changes
}

// changeOf is a difference as the API has it. What is not there is nobody's.
func changeOf(d store.Difference) api.Change {
	c := api.Change{Kind: d.Kind, Name: d.Name, Before: d.Before.Text, After: d.After.Text}
	if c.Before != "" {
		c.CustomerBefore = d.Before.Customer
	}
	if c.After != "" {
		c.CustomerAfter = d.After.Customer
	}
	return c
}

func sortChanges(changes []api.Change) {
	slices.SortFunc(changes, func(a, b api.Change) int {
		return cmp.Or(compareKinds(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
}

// PutDraft implements api.Configuration.
func (c configuration) PutDraft(ctx context.Context, texts api.DraftTexts, who api.Caller) (api.Put, error) {
	view, _, k, err := c.view(ctx, who)
	if err != nil {
		return api.Put{}, err
	}
	objects, err := objectsOf(texts)
	if err == nil {
		err = notTooMany(ctx, view, objects, who)
	}
	if err == nil {
		err = owners(ctx, view, objects, who)
	}
	if err != nil {
		return api.Put{}, err
	}
	all, err := view.DraftWith(ctx, texts.Base, objects...)
	if err != nil {
		return api.Put{}, translated(err)
	}
	if err := notTooMany(ctx, view, all, who); err != nil {
		return api.Put{}, fmt.Errorf("with what is in the draft: %w", err)
	}
	sites, err := k.check(all, who)
	if err == nil {
		err = withinPlan(ctx, view, all, sites, who)
	}
	if err != nil {
		return api.Put{}, err
	}
	put, err := view.PutDraft(ctx, texts.Base, objects...)
	return api.Put{Base: put.Base, Objects: len(objects), Same: put.Same}, translated(err)
}

// objectName names an object.
type objectName struct {
	kind site.ObjectKind
	name string
}

// objectsOf returns the objects that are put, and those that are removed.
func objectsOf(texts api.DraftTexts) ([]site.Object, error) {
	objects, err := split(texts.Sources)
	for _, gone := range texts.Removed {
		objects = append(objects, site.Object{Kind: gone.Kind, Name: gone.Name})
	}
	return objects, err
}

// split returns the objects that some texts hold.
func split(sources []api.Source) (objects []site.Object, err error) {
	places := make(map[objectName]string)
	var faults api.Faults
	for _, source := range sources {
		found, err := corefile.Objects(source.Name, source.Text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for _, o := range found {
			key := objectName{o.Kind, o.Name}
			if other, twice := places[key]; twice {
				faults = append(faults, fmt.Errorf("%s: %s '%s' is in %s as well", source.Name, o.Kind, o.Name, other))
			}
			places[key] = source.Name
			o.Customer = source.Customer
			objects = append(objects, o)
		}
	}
	if faults != nil {
		return nil, faults
	}
	return objects, nil
}

// check says what is wrong with objects that somebody is about to publish, and which sites
// the others make.
func (k *Kept) check(objects []site.Object, who api.Caller) ([]*site.Site, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	refusals, sites := k.overlay.Try(objects)
	if refusals == nil {
		return sites, nil
	}
	var faults api.Faults
	wrong := make(map[string]bool)
	for _, refused := range refusals {
		faults = append(faults, toldTo(who, refused))
		wrong[refused.Name] = wrong[refused.Name] || refused.Kind == site.ObjectSite
	}
	return slices.DeleteFunc(sites, func(s *site.Site) bool { return wrong[strings.TrimSuffix(s.Name(), ".")] }), faults
}

// namesOf returns what sites are answered for: their names, and the hosts that their web
// servers know.
func namesOf(sites []*site.Site) []store.SiteNames {
	all := make([]store.SiteNames, len(sites))
	for i, s := range sites {
		all[i].Site = strings.TrimSuffix(s.Name(), ".")
		for _, name := range slices.Concat(s.Names, s.Hosts) {
			all[i].Names = append(all[i].Names, strings.TrimSuffix(name, "."))
		}
	}
	return all
}

// toldTo returns why an object is refused, as somebody may know it: of sites that are
// not his he learns nothing but that his do not go with them.
func toldTo(who api.Caller, refused corefile.Refusal) error {
	foreign := func(s *site.Site) bool { return s.Customer != who.Customer }
	if who.Role.Operates() || !slices.ContainsFunc(refused.With, foreign) {
		return refused.Err
	}
	return fmt.Errorf("%s '%s' does not go with what there is already: its names or hosts are taken, or lead to each other", refused.Kind, refused.Name)
}

// DeleteDraft implements api.Configuration.
func (c configuration) DeleteDraft(ctx context.Context, kind site.ObjectKind, name string, who api.Caller) error {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return err
	}
	return translated(view.DeleteDraft(ctx, kind, name))
}

// DropDraft implements api.Configuration.
func (c configuration) DropDraft(ctx context.Context, who api.Caller) error {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return err
	}
	if err := view.DropDraft(ctx); !errors.Is(err, store.ErrNotFound) {
		return translated(err)
	}
	return nil
}
