package redirect

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// complaints are what the servers say. Anybody on the Internet makes it say as
// much as they like of their handshakes and frames, so these are left out, and of the rest
// there is a line a minute.
type complaints struct {
	log  Logger
	addr netip.AddrPort

	mu   sync.Mutex
	last time.Time
}

// Write implements io.Writer.
func (c *complaints) Write(p []byte) (int, error) {
	for _, theirs := range []string{"http: TLS handshake error", "http2: server connection error"} {
		if strings.HasPrefix(string(p), theirs) {
			return len(p), nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last) >= time.Minute {
		c.last = now
		c.log.Warningf("redirector '%s': %q (said once a minute at most)", c.addr, strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// Printf implements fasthttp.Logger. What it says is mostly of single
// connections, and as little of our concern.
func (c *complaints) Printf(format string, args ...any) {
	if !strings.HasPrefix(format, "error when serving connection") {
		fmt.Fprintf(c, format, args...)
	}
}
