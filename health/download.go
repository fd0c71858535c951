package health

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Of a download, the first bytes come while TCP is still finding out how fast
// it may be. From so many on it is measured, over at least so many more.
const (
	warmUp      = 64 << 10
	minMeasured = 64 << 10
)

// askDownload is the probe of kind "download": it asks over HTTP/1.1 for the
// first Size bytes of the URL (RFC 9110, section 14) and measures how fast they
// come, in bit/s of the body. A server that ignores the range is cut off after
// as many.
func askDownload(ctx context.Context, c *call) (site.Failure, error) {
	size := c.ask.Size
	req, err := c.request(http.MethodGet, c.url, field{"Range", fmt.Sprintf("bytes=0-%d", size-1)})
	if err != nil {
		return site.FailureProtocol, err
	}
	req.http2, req.keep = false, false // HTTP/2 would measure its window, see maxUnread
	return c.fetch(ctx, req, func(head *http.Response, body *body) (site.Failure, error) {
		if head.StatusCode != http.StatusOK && head.StatusCode != http.StatusPartialContent {
			return site.FailureStatus, fmt.Errorf("status %d is not a good one", head.StatusCode)
		}
		return c.measure(io.LimitReader(body, size))
	})
}

// measure reads all of r and sets the goodput.
func (c *call) measure(r io.Reader) (site.Failure, error) {
	if _, err := io.Copy(io.Discard, io.LimitReader(r, warmUp)); err != nil {
		return "", errBody{err}
	}
	start := time.Now()
	n, err := io.Copy(io.Discard, r)
	took := time.Since(start)
	switch {
	case err != nil:
		return "", errBody{err}
	case n < minMeasured || took <= 0:
		return site.FailureContent, fmt.Errorf("%d bytes are too few to measure: it takes %d", c.result.Bytes, warmUp+minMeasured)
	}
	c.result.Goodput = float64(n) * 8 / took.Seconds()
	return "", nil
}
