package engine

import (
	"context"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// Refused implements api.Configuration.
func (c configuration) Refused(context.Context) (api.Refusals, error) {
	k := c.inForceKept()
	if k == nil || k.db == nil {
		return api.Refusals{}, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var refusals api.Refusals
	for _, r := range k.overlay.Refused() {
		refusals.Refused = append(refusals.Refused, api.Refused{Kind: r.Kind, Name: r.Name, Revision: r.Revision, Why: r.Err.Error()})
	}
	for _, s := range k.overlay.Shadowed() {
		refusals.Shadowed = append(refusals.Shadowed, api.Shadowed{Site: strings.TrimSuffix(s.Name(), "."), Place: s.Place})
	}
	return refusals, nil
}
