package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds of what a peer may take.
const (
	maxConns  = 64
	maxHeader = 16 << 10 // octets
	maxAtOnce = 100      // of one connection over HTTP/2
)

// closeLimit is how long Close waits for requests that are under way, whose
// contexts have ended by then.
const closeLimit = 2 * time.Second

// Server is the API on one unix socket. Its methods may be called from any
// goroutine.
type Server struct {
	path   string
	file   fs.FileInfo // as it was made
	api    *API
	http   *http.Server
	stop   context.CancelFunc // ends the contexts of all requests
	served chan struct{}      // closed when nothing is accepted any more
	closed sync.Once
}

// Listen serves a new API on a socket; see API.Listen.
func Listen(path string, cfg Config) (*Server, error) { return New(cfg).Listen(path) }

// Listen makes the socket at path, which must be absolute and in a folder that
// exists, and serves it until Close. The file that a dead process has left is
// replaced; a living server's is an error, and so is anything but a socket.
func (a *API) Listen(path string) (*Server, error) {
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("opening socket '%s': %w", path, err)
	}
	file, err := os.Lstat(path)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("looking at the new socket '%s': %w", path, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{path: path, file: file, api: a, stop: stop, served: make(chan struct{})}
	s.http = newHTTP(ctx, s, complaints{s})
	s.http.ConnContext = withPeer
	go s.serve(newGuard(l, a.Config))
	return s, nil
}

// Serves reports whether the file at path is this server's.
func (s *Server) Serves(path string) bool {
	now, err := os.Lstat(path)
	return err == nil && path == s.path && os.SameFile(now, s.file)
}

// Close ends all requests and removes the file, unless somebody has put
// another one in its place. It may be called again.
func (s *Server) Close() (err error) {
	s.closed.Do(func() { err = s.close() })
	return err
}

// close removes the file while the listener is open: until then the system
// gives the file's number to no other, so it cannot be mistaken.
func (s *Server) close() error {
	var removed error
	if s.Serves(s.path) {
		removed = os.Remove(s.path)
	}
	s.stop()
	err := shutdown(s.http)
	<-s.served
	if err := errors.Join(removed, err); err != nil {
		return fmt.Errorf("closing socket '%s': %w", s.path, err)
	}
	return nil
}

func (s *Server) serve(l *guard) {
	defer close(s.served)
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.api.Log.Errorf("serving socket '%s': %v", s.path, err)
	}
}

// shutdown waits a moment for requests that are under way.
func shutdown(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close() // of a peer that has been silent since it came
	}
	return err
}

// newHTTP returns a server whose requests' contexts end with ctx.
func newHTTP(ctx context.Context, handler http.Handler, complaints io.Writer) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      probeLimit + answerLimit,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxAtOnce, WriteByteTimeout: answerLimit},
		ErrorLog:          log.New(complaints, "", 0),

		DisableGeneralOptionsHandler: true, // nobody is answered who is not known
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.api.serve(w, r, Caller{Name: peerOf(r), Role: site.RoleOperator})
}

// complaints are what net/http says of its peers.
type complaints struct{ *Server }

// Write implements io.Writer.
func (c complaints) Write(p []byte) (int, error) {
	c.api.Log.Warningf("socket '%s': %q", c.path, strings.TrimSpace(string(p)))
	return len(p), nil
}
