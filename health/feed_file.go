package health

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"

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
	page, info, err := readRegular(c.url.Path, maxPage)
	c.result.Bytes = int64(len(page))
	return page, info, err
}

// readRegular reads a regular file of at most limit bytes. Another one may never
// end, and a pipe would not even open without somebody who writes.
func readRegular(path string, limit int64) ([]byte, os.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("looking at the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("'%s' is no regular file", path)
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the file: %w", err)
	}
	if int64(len(content)) > limit {
		return nil, nil, fmt.Errorf("'%s' has more than %d bytes", path, limit)
	}
	return content, info, nil
}
