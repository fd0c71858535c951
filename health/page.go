package health

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// maxPage is the longest page that a feed reads, in bytes.
const maxPage = 4 << 20

// page gets a page by HTTP for a feed. Its status must be 2xx.
func (c *call) page(ctx context.Context, url, accept string) ([]byte, site.Failure, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, site.FailureProtocol, errors.New("reading the URL: not a valid one")
	}
	req.Close = true
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", accept)
	if err := c.addHeaders(req); err != nil {
		return nil, site.FailureLocal, err
	}
	conn, failure, err := c.connect(ctx, "tcp")
	if err != nil {
		return nil, failure, err
	}
	defer conn.Close()
	if c.url.Scheme == "https" {
		var secured *tls.Conn
		if secured, failure, err = c.secure(ctx, conn); err != nil {
			return nil, failure, err
		}
		conn = secured
	}
	if err := req.Write(conn); err != nil {
		return nil, unanswered(err), fmt.Errorf("sending the request: %w", err)
	}
	head, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return nil, unanswered(err), errors.New("reading the header: not valid HTTP")
	}
	c.lap(&c.result.Phases.FirstByte)
	defer c.lap(&c.result.Phases.Transfer)
	c.result.Status = head.StatusCode
	if head.StatusCode/100 != 2 {
		return nil, site.FailureStatus, fmt.Errorf("status %d is not a good one", head.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(head.Body, maxPage+1))
	c.result.Bytes = int64(len(body))
	if err != nil {
		return nil, site.FailureProtocol, fmt.Errorf("reading the body after %d bytes: %w", len(body), err)
	}
	if len(body) > maxPage {
		return nil, site.FailureProtocol, fmt.Errorf("the page has more than %d bytes", maxPage)
	}
	return body, "", nil
}

func (c *call) addHeaders(req *http.Request) error {
	for line := range strings.Lines(c.ask.Headers) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value, err := secret(strings.TrimSpace(value))
		if err != nil {
			return fmt.Errorf("header '%s': %w", name, err)
		}
		req.Header.Set(name, value)
	}
	return nil
}
