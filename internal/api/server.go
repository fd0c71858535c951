package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Bounds of what a peer may ask of the server.
const (
	maxConns   = 64
	maxHeader  = 16 << 10 // octets
	maxBody    = 64 << 10 // octets
	probeLimit = time.Minute
)

// closeLimit is how long Close waits for requests that are under way, whose
// contexts have ended by then.
const closeLimit = 2 * time.Second

// Logger is where the server speaks to the operator; CoreDNS's plugin logger is one.
type Logger interface {
	Warningf(format string, v ...any)
	Errorf(format string, v ...any)
}

// Config is what a Server needs.
type Config struct {
	Engine  Engine
	Log     Logger
	Refused func() // is told of every peer that is refused for its user; nil: nobody is
}

// Server is the API on one unix socket. Its methods may be called from any
// goroutine.
type Server struct {
	path   string
	file   fs.FileInfo // as it was made
	log    Logger
	engine Engine
	http   *http.Server
	stop   context.CancelFunc // ends the contexts of all requests
	served chan struct{}      // closed when nothing is accepted any more
	closed sync.Once
}

// Listen makes the socket at path, which must be absolute and in a folder that
// exists, and serves it until Close. The file that a dead process has left is
// replaced; a living server's is an error, and so is anything but a socket.
func Listen(path string, cfg Config) (*Server, error) {
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
	s := &Server{path: path, file: file, log: cfg.Log, engine: cfg.Engine, stop: stop, served: make(chan struct{})}
	s.http = s.newHTTP(ctx)
	go s.serve(newGuard(l, cfg))
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
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close() // of a peer that has been silent since it came
	}
	<-s.served
	if err := errors.Join(removed, err); err != nil {
		return fmt.Errorf("closing socket '%s': %w", s.path, err)
	}
	return nil
}

func (s *Server) serve(l *guard) {
	defer close(s.served)
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.log.Errorf("serving socket '%s': %v", s.path, err)
	}
}

func (s *Server) newHTTP(ctx context.Context) *http.Server {
	return &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      probeLimit + 10*time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(complaints{s}, "", 0),
	}
}

// complaints are what net/http says of its peers.
type complaints struct{ *Server }

// Write implements io.Writer.
func (c complaints) Write(p []byte) (int, error) {
	c.log.Warningf("socket '%s': %s", c.path, strings.TrimSpace(string(p)))
	return len(p), nil
}
