package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Journal implements api.Configuration.
func (c configuration) Journal(ctx context.Context, q api.JournalQuery, who api.Caller) ([]api.JournalEntry, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return nil, err
	}
	found, err := view.Journal(ctx, store.JournalQuery{Site: q.Site, Since: q.Since, Limit: q.Limit})
	entries := make([]api.JournalEntry, 0, len(found))
	for _, e := range found {
		entries = append(entries, shownEntry(e))
	}
	return entries, translated(err)
}

func shownEntry(e store.Entry) api.JournalEntry {
	return api.JournalEntry{
		At: e.At, Site: e.Site, Epoch: e.Epoch, Side: api.Side(e.Side), Share: e.Share, CDNs: e.CDNs, Server: e.Server,
		Revision: e.Revision, Override: e.Override, Reason: e.Detail,
	}
}
