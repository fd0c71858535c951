package health

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// maxWarmed is how much of an answer is read, in bytes, so that a CDN fetches all
// of it: some fetch no more than they are asked for.
const maxWarmed = 16 << 20

// askWarmup gets a page as a visitor does, to its end, so that the CDN has it when
// visitors come.
func askWarmup(ctx context.Context, c *call) (site.Failure, error) {
	req, err := c.request(http.MethodGet, c.url)
	if err != nil {
		return site.FailureProtocol, err
	}
	return c.fetch(ctx, req, func(head *http.Response, body *body) (site.Failure, error) {
		if !c.accepts(head.StatusCode) {
			return site.FailureStatus, fmt.Errorf("status %d is not a good one", head.StatusCode)
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(body, maxWarmed)); err != nil {
			return "", errBody{err}
		}
		return "", nil
	})
}
