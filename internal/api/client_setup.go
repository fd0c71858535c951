package api

import (
	"context"
	"net/http"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Setups lists a part of the setups: of a site, or in a state, if those are not empty.
func (c *Client) Setups(ctx context.Context, p Page, name string, state site.SetupState) (SetupList, error) {
	query := p.values()
	for key, value := range map[string]string{"site": name, "state": string(state)} {
		if value != "" {
			query.Set(key, value)
		}
	}
	return get[SetupList](ctx, c, setupsPath, query)
}

// RetrySetups has those of a site, or of all, be tried again.
func (c *Client) RetrySetups(ctx context.Context, r RetryRequest) (Retried, error) {
	return change[Retried](ctx, c, http.MethodPost, retryPath, maxBody, r)
}
