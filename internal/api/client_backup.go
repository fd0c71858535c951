package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Backup returns a backup, which is made while it is read. The caller closes it. An error
// of reading, or a last line that is missing, says that it is not whole.
func (c *Client) Backup(ctx context.Context) (io.ReadCloser, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	ctx, cancel := context.WithTimeout(ctx, backupLimit+grace)
	resp, err := c.send(ctx, request{method: http.MethodGet, path: backupPath})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("asking %s: %w%s", c.where, err, c.hint(err))
	}
	if resp.StatusCode != http.StatusOK {
		defer cancel()
		defer resp.Body.Close()
		return nil, c.problem(resp)
	}
	return &limitedBody{resp.Body, cancel}, nil
}

// limitedBody is an answer whose time ends with it.
type limitedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b *limitedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
