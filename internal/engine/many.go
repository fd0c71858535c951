package engine

import (
	"context"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// How many objects a customer puts into a draft, or has checked, at once. All that is
// wrong with them is looked for while others wait.
const (
	mostObjects = 20_000 // whose plan does not say how many sites he has
	fewObjects  = 1000   // that may be more than his plan has sites: all that is wrong with so few is said
)

// notTooMany refuses objects of which a customer cannot have so many, before any is looked
// at. Operators have as many as they like.
func notTooMany(ctx context.Context, view *store.View, objects []site.Object, who api.Caller) error {
	if who.Role.Operates() || len(objects) <= fewObjects {
		return nil
	}
	there := 0
	for _, o := range objects {
		if o.Text != "" {
			there++
		}
	}
	n := max(there, len(objects)-there)
	plan, sites, err := guardrailsOf(ctx, view, who.Customer)
	switch {
	case err != nil:
		return translated(err)
	case plan.MaxSites == 0 && n > mostObjects:
		return fmt.Errorf("%w: these are %d objects, and %d at once are possible", api.ErrInvalid, n, mostObjects)
	case plan.MaxSites > 0 && n > max(plan.MaxSites, sites, fewObjects):
		return fmt.Errorf("%w: these are %d sites, and the plan has %d", api.ErrInvalid, n, plan.MaxSites)
	}
	return nil
}
