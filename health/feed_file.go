package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askFile is the feed of kind "file": as "prometheus", but the page is a file
// of this machine. It speaks for the moment at which it was last written,
// unless its series have times of their own: a file that nobody writes any more
// gives no new samples.
func askFile(_ context.Context, c *call) (site.Failure, error) {
	page, info, err := c.file()
	if err != nil {
		return site.FailureConnect, err
	}
	e, err := parseExposition(page, []metric{c.metric()})
	if err != nil {
		return site.FailureProtocol, err
	}
	failure, err := c.read(e)
	for i := range c.result.Readings {
		if r := &c.result.Readings[i]; r.At.IsZero() {
			r.At = info.ModTime()
		}
	}
	return failure, err
}

// file reads the file that the target's URL names.
func (c *call) file() ([]byte, os.FileInfo, error) {
	defer c.lap(&c.result.Phases.Transfer)
	info, err := os.Stat(c.url.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("looking for the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("it is no regular file") // a pipe would have us wait
	}
	file, err := os.Open(c.url.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the file: %w", err)
	}
	defer file.Close()
	page, err := io.ReadAll(io.LimitReader(file, maxPage+1))
	c.result.Bytes = int64(len(page))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the file: %w", err)
	}
	if len(page) > maxPage {
		return nil, nil, fmt.Errorf("the file has more than %d bytes", maxPage)
	}
	return page, info, nil
}
