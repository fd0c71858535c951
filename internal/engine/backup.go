package engine

import (
	"context"
	"io"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// Backup implements api.Backups.
func (c configuration) Backup(ctx context.Context, w io.Writer, who api.Caller) error {
	_, db, _, err := c.view(ctx, who)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := db.Dump(ctx, w, began); err != nil {
		return translated(err)
	}
	c.cfg.Log.Infof("%s has made a backup, in %s", who.Name, time.Since(began).Round(time.Millisecond))
	return nil
}
