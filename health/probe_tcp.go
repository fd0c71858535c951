package health

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askTCP is the probe of kind "tcp": a connection, over which Send is sent and
// Expect awaited, within the first 64 KiB of the answer.
func askTCP(ctx context.Context, c *call) (site.Failure, error) {
	conn, failure, err := c.connect(ctx, "tcp")
	if err != nil {
		return failure, err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, c.ask.Send); err != nil {
		return site.FailureConnect, fmt.Errorf("sending %d bytes: %w", len(c.ask.Send), err)
	}
	if c.ask.Expect == "" {
		return "", nil
	}
	return c.expect(conn)
}

// expect reads until the text that is expected has come. Its errors leave the
// answer out, which is nobody's business but the target's.
func (c *call) expect(conn net.Conn) (site.Failure, error) {
	answer := bufio.NewReader(io.LimitReader(conn, maxBody))
	_, err := answer.Peek(1)
	c.lap(&c.result.Phases.FirstByte)
	if err == nil {
		c.result.Bytes, err = find(answer, c.ask.Expect)
		c.lap(&c.result.Phases.Transfer)
	}
	switch {
	case errors.Is(err, io.EOF):
		return site.FailureContent, fmt.Errorf("waiting for %.40q: not in the answer's %d bytes", c.ask.Expect, c.result.Bytes)
	case err != nil:
		return site.FailureConnect, fmt.Errorf("waiting for %.40q after %d bytes: %w", c.ask.Expect, c.result.Bytes, err)
	}
	return "", nil
}

// find reads until text has come, and returns how much it read.
func find(r io.Reader, text string) (int64, error) {
	var seen []byte
	chunk := make([]byte, 4<<10)
	for {
		n, err := r.Read(chunk)
		from := max(0, len(seen)-len(text)+1) // where it may begin, with its end in the chunk
		seen = append(seen, chunk[:n]...)
		if bytes.Contains(seen[from:], []byte(text)) {
			return int64(len(seen)), nil
		}
		if err != nil {
			return int64(len(seen)), err
		}
	}
}
