package redirect

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Complaints are what servers say. Anybody on the Internet makes it say as
// much as they like of their handshakes and frames, so these are left out, and of the rest
// there is a line a minute.
type Complaints struct {
	log  Logger
	what string // such as "redirector '192.0.2.1:80'"

	mu   sync.Mutex
	last time.Time
}

// NewComplaints returns those of a server.
func NewComplaints(what string, log Logger) *Complaints { return &Complaints{log: log, what: what} }

// Write implements io.Writer.
func (c *Complaints) Write(p []byte) (int, error) {
	for _, theirs := range []string{"http: TLS handshake error", "http2: server connection error"} {
		if strings.HasPrefix(string(p), theirs) {
			return len(p), nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last) >= time.Minute {
		c.last = now
		c.log.Warningf("%s: %q (said once a minute at most)", c.what, strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// Printf implements fasthttp.Logger. What it says is mostly of single
// connections, and as little of our concern.
func (c *Complaints) Printf(format string, args ...any) {
	if !strings.HasPrefix(format, "error when serving connection") {
		fmt.Fprintf(c, format, args...)
	}
}
