package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// Audit implements api.Identities.
func (i identities) Audit(ctx context.Context, before int64, limit int, who api.Caller) (entries []api.AuditEntry, more bool, err error) {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return nil, false, err
	}
	found, err := view.Audit(ctx, before, limit+1)
	found, more = partOf(found, limit)
	for _, e := range found {
		entries = append(entries, api.AuditEntry(e))
	}
	return entries, more, translated(err)
}
