package redirect

import (
	"context"
	"crypto/tls"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// WatchFiles reads certificates and goes on looking at their files; config
// returns what is spoken now.
func WatchFiles(ctx context.Context, pairs []site.KeyPair, log Logger) (config func() *tls.Config, watch func(), err error) {
	f, err := newFiles(pairs, log)
	return f.config.Load, func() { f.watch(ctx) }, err
}
