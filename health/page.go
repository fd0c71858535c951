package health

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// maxPage is how large a page of statistics may be, in bytes, both as it is sent
// and decompressed: what is sent may decompress to nothing, without end.
const maxPage = 4 << 20

// page gets what a feed reads at a URL of the target's own host. accept is the
// header of that name, empty for none. The connection is kept for the next
// reading.
func (c *call) page(ctx context.Context, text, accept string) ([]byte, site.Failure, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != c.url.Scheme || u.Host != c.url.Host {
		return nil, site.FailureForbidden, errors.New("reading the URL: not one of the target's own host")
	}
	var more []field
	if accept != "" {
		more = append(more, field{"Accept", accept})
	}
	req, err := c.request(http.MethodGet, u, more...)
	if err != nil {
		return nil, site.FailureProtocol, err
	}
	return c.content(ctx, req)
}

// post gets what a feed reads at the target's URL for a question in JSON that
// changes nothing.
func (c *call) post(ctx context.Context, body []byte) ([]byte, site.Failure, error) {
	req, err := c.request(http.MethodPost, c.url, field{"Accept", "application/json"}, field{"Content-Type", "application/json"})
	if err != nil {
		return nil, site.FailureProtocol, err
	}
	req.body = body
	return c.content(ctx, req)
}

// content gets the whole of an answer.
func (c *call) content(ctx context.Context, req *request) (content []byte, failure site.Failure, err error) {
	req.fields = append(req.fields, field{"Accept-Encoding", "gzip"})
	req.keep = true
	failure, err = c.fetch(ctx, req, func(head *http.Response, body *body) (failure site.Failure, err error) {
		if head.StatusCode < 200 || head.StatusCode > 299 {
			return c.refused(head)
		}
		content, failure, err = readPage(head.Header.Get("Content-Encoding"), body)
		return failure, err
	})
	return content, failure, err
}

// readPage reads a page to its end, which comes early if it is too large.
func readPage(encoding string, body io.Reader) ([]byte, site.Failure, error) {
	sent := &io.LimitedReader{R: body, N: maxPage + 1}
	r := io.Reader(sent)
	if encoding == "gzip" {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, "", errBody{err}
		}
		r = unzipped
	}
	content, err := io.ReadAll(io.LimitReader(r, maxPage+1))
	switch {
	case len(content) > maxPage || sent.N == 0:
		return nil, site.FailureContent, fmt.Errorf("reading the page: more than %d bytes", maxPage)
	case err != nil:
		return nil, "", errBody{err}
	}
	return content, "", nil
}
