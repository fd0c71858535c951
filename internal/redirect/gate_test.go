package redirect_test

import (
	"bytes"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// exhausted is a socket of a process that has no file left, until it is closed.
type exhausted struct {
	net.Listener
	fails, asked int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.asked++; e.asked > e.fails {
		return nil, net.ErrClosed
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
}

// TestNoFileLeft waits, longer each time, and goes on.
func TestNoFileLeft(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		began := time.Now()
		l := &exhausted{fails: 10}
		var said bytes.Buffer
		if err := redirect.Accept(l, &said); !errors.Is(err, net.ErrClosed) || l.asked != 11 {
			t.Errorf("Expected the end after 11 attempts, got %v after %d", err, l.asked)
		}
		// 5 ms, doubled up to 640 ms, and then a second each.
		if took := time.Since(began); took != 3275*time.Millisecond {
			t.Errorf("Expected 3.275 s, got %s", took)
		}
		if want := "accepting: accept tcp: too many open files"; !bytes.HasPrefix(said.Bytes(), []byte(want)) {
			t.Errorf("Expected %q, got %q", want, said.String())
		}
	})
}
