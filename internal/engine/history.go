package engine

import (
	"context"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// History implements api.Configuration.
func (c configuration) History(ctx context.Context, limit int, who api.Caller) (api.History, error) {
	view, _, k, err := c.view(ctx, who)
	if err != nil {
		return api.History{}, err
	}
	revisions, err := view.History(ctx, 0, limit)
	if err != nil {
		return api.History{}, translated(err)
	}
	history := api.History{Serves: k.serves(), Held: k.heldNow()}
	for _, r := range revisions {
		history.Newest = max(history.Newest, r.Number)
		history.Revisions = append(history.Revisions, api.Revision{Revision: r.Number, At: r.At, By: r.Who, Changes: r.Changes, Why: r.Why})
	}
	return history, nil
}

// Diff implements api.Configuration.
func (c configuration) Diff(ctx context.Context, from, to api.Point, who api.Caller) (api.Diff, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.Diff{}, err
	}
	diff := api.Diff{From: from, To: to}
	first, err := c.revisionAt(ctx, from)
	if err != nil {
		return diff, err
	}
	last, err := c.revisionAt(ctx, to)
	if err != nil {
		return diff, err
	}
	found, err := view.Diff(ctx, first, last)
	if err != nil {
		return diff, translated(err)
	}
	diff.Changes = changesOf(found)
	for point, overlay := range map[*api.Point]func(c *api.Change, d api.Change){
		&from: func(c *api.Change, d api.Change) { c.Before, c.CustomerBefore = d.After, d.CustomerAfter },
		&to:   func(c *api.Change, d api.Change) { c.After, c.CustomerAfter = d.After, d.CustomerAfter },
	} {
		if *point == api.PointDraft {
			if err := c.overDraft(ctx, who, &diff, overlay); err != nil {
				return diff, err
			}
		}
	}
	diff.Changes = slices.DeleteFunc(diff.Changes, func(c api.Change) bool { return c.Before == c.After && c.CustomerBefore == c.CustomerAfter })
	sortChanges(diff.Changes)
	return diff, nil
}

// revisionAt returns the revision that a point is, or is made on.
func (c configuration) revisionAt(ctx context.Context, p api.Point) (int64, error) {
	if p >= 0 {
		return int64(p), nil
	}
	return c.newest(ctx)
}

// overDraft puts what the draft has over those of one side of a difference.
func (c configuration) overDraft(ctx context.Context, who api.Caller, diff *api.Diff, put func(c *api.Change, d api.Change)) error {
	draft, err := c.Draft(ctx, who)
	if err != nil {
		return err
	}
	places := make(map[objectName]int, len(diff.Changes))
	for i, c := range diff.Changes {
		places[objectName{c.Kind, c.Name}] = i
	}
	for _, d := range draft.Changes {
		i, found := places[objectName{d.Kind, d.Name}]
		if !found {
			i = len(diff.Changes)
			diff.Changes = append(diff.Changes, api.Change{Kind: d.Kind, Name: d.Name, Before: d.Before, After: d.Before, CustomerBefore: d.CustomerBefore, CustomerAfter: d.CustomerBefore})
		}
		put(&diff.Changes[i], d)
	}
	return nil
}
