package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// WriteRequest is what is said of a write of one object.
type WriteRequest struct {
	Wants Version
	Why   string
	Wait  time.Duration // for the servers; 0: it is not waited
}

func (w WriteRequest) query() string {
	query := url.Values{"why": {w.Why}}
	if w.Wait > 0 {
		query.Set("wait", w.Wait.String())
	}
	return "?" + query.Encode()
}

func objectPath(kind site.ObjectKind, name string) string {
	return configPath + string(kind) + "/" + url.PathEscape(name)
}

// Documents returns a part of the objects of a kind.
func (c *Client) Documents(ctx context.Context, q DocumentQuery) (list DocumentList[json.RawMessage], err error) {
	query := q.values()
	for name, value := range map[string]string{"prefix": q.Prefix, "customer": q.Customer} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return get[DocumentList[json.RawMessage]](ctx, c, configPath+string(q.Kind), query)
}

// values are a page as a query.
func (p Page) values() url.Values {
	query := url.Values{}
	if p.Cursor != "" {
		query.Set("cursor", p.Cursor)
	}
	if p.Limit != 0 {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	return query
}

// Document returns one object, and its version.
func (c *Client) Document(ctx context.Context, kind site.ObjectKind, name string) (document.Document, Version, error) {
	var body json.RawMessage
	version, err := c.tagged(ctx, request{method: http.MethodGet, path: objectPath(kind, name)}, &body)
	if err != nil {
		return nil, 0, err
	}
	doc, err := document.ParseJSON(body)
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s '%s': %w", kind, name, err)
	}
	return doc, version, nil
}

// PutDocument publishes an object by itself.
func (c *Client) PutDocument(ctx context.Context, doc document.Document, w WriteRequest) (written Written, err error) {
	body, err := json.Marshal(doc)
	if err != nil {
		return written, err
	}
	path := objectPath(document.KindOf(doc), document.Name(doc))
	_, err = c.tagged(ctx, request{method: http.MethodPut, path: path + w.query(), body: body, headers: w.Wants.headers()}, &written)
	return written, err
}

// DeleteDocument publishes that an object is gone.
func (c *Client) DeleteDocument(ctx context.Context, kind site.ObjectKind, name string, w WriteRequest) (written Written, err error) {
	_, err = c.tagged(ctx, request{method: http.MethodDelete, path: objectPath(kind, name) + w.query(), headers: w.Wants.headers()}, &written)
	return written, err
}

// tagged asks for what has a version, or for what has none any more.
func (c *Client) tagged(ctx context.Context, r request, answer any) (Version, error) {
	r.limit = storeLimit
	header, err := c.exchange(ctx, r, answer)
	tag := header.Get("ETag")
	if err != nil || tag == "" {
		return 0, err
	}
	version, err := parseTag(tag)
	if err != nil {
		return 0, fmt.Errorf("reading the ETag '%s': %w", tag, err)
	}
	return version, nil
}

// request is what is asked.
type request struct {
	method, path string
	body         []byte
	headers      map[string]string
	limit        time.Duration // that the server takes at most
}

func (r request) http(ctx context.Context, base string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	return req, nil
}
