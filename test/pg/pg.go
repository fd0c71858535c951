//go:build unix

// Package pg starts a real PostgreSQL for tests.
package pg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing is the error of a machine without PostgreSQL.
var ErrMissing = errors.New("PostgreSQL is not installed: install postgresql")

// generous is how long a server may take for what takes a second.
const generous = time.Minute

// Server is a PostgreSQL server with a folder of its own. It listens on one
// port of 127.0.0.1, the same one each time that it is started, and trusts
// everybody there.
type Server struct {
	folder   string
	bin      string
	port     int
	settings []string
	said     transcript

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
	made  int           // databases
}

// Start runs a server until the test is over. It skips the test where there is
// no PostgreSQL, or fails it where nothing may be skipped. Settings are those
// of postgresql.conf, such as "ssl=on"; later ones win.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := New(settings...)
	Need(t, err)
	t.Cleanup(func() {
		s.Close()
		if t.Failed() {
			t.Logf("PostgreSQL said:\n%s", s.said.String())
		}
	})
	return s
}

// Need skips the test if PostgreSQL is missing, unless nothing may be skipped.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrMissing) && os.Getenv("CDNREDIRECT_REQUIRE_ALL") != "1":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// New is Start without a test: the caller calls Close.
func New(settings ...string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, bin: bin, settings: settings}
	if err := s.initialize(); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	if err := s.Start(); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return s, nil
}

// programs is where initdb and postgres are: nobody has them in the PATH.
func programs() (folder string, err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", ErrMissing
	}
	return filepath.Dir(path), nil
}

func (s *Server) initialize() error {
	owner, err := nonRoot()
	if err != nil {
		return err
	}
	if owner != nil {
		if err := os.Chown(s.folder, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	init := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	init.Dir, init.SysProcAttr = s.folder, &syscall.SysProcAttr{Credential: owner}
	if said, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, said)
	}
	s.port, err = freePort()
	return err
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// nonRoot is a user that PostgreSQL runs as if we are root; it refuses root.
func nonRoot() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
	}
	return nil, errors.New("there is no user that PostgreSQL could run as")
}

// freePort is one that nobody listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Start starts the server again after Stop or Kill, and waits until it answers.
func (s *Server) Start() error {
	owner, err := nonRoot()
	if err != nil {
		return err
	}
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port)}
	for _, setting := range append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories=" + s.folder, "fsync=off", "max_connections=200"}, s.settings...) {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.folder, &s.said, &s.said
	cmd.SysProcAttr = attributes(owner)
	ended := make(chan struct{})
	if err := startAndWait(cmd, ended); err != nil {
		return err
	}
	s.mu.Lock()
	s.cmd, s.ended = cmd, ended
	s.mu.Unlock()
	return s.await(ended)
}

// startAndWait starts a program, and closes ended when that is over. The thread that it
// is started from is nobody else's until then, who might end it: the program would end
// with it. The thread itself stays: others may have started programs from it.
func startAndWait(cmd *exec.Cmd, ended chan struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(ended)
		}
	}()
	return <-started
}

// await waits until the server answers.
func (s *Server) await(ended chan struct{}) error {
	for deadline := time.Now().Add(generous); ; time.Sleep(20 * time.Millisecond) {
		err := s.exec("SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("PostgreSQL has ended:\n%s", s.said.String())
		default:
		}
		if time.Now().After(deadline) {
			s.Close()
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, s.said.String())
		}
	}
}

func (s *Server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func (s *Server) dsn(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: s.Address(), Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Address is where the server listens.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Folder is the server's, which its user can read and write.
func (s *Server) Folder() string { return s.folder }

// Socket is the folder of the server's unix socket.
func (s *Server) Socket() string { return s.folder }

// DSN is of the database that the server began with.
func (s *Server) DSN() string { return s.dsn("postgres") }

// Database makes an empty database and returns its DSN.
func (s *Server) Database() (dsn string, err error) {
	s.mu.Lock()
	s.made++
	name := "test" + strconv.Itoa(s.made)
	s.mu.Unlock()
	return s.dsn(name), s.exec("CREATE DATABASE " + name)
}

// Stop ends the server in order, but does not wait for its clients.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Kill ends the server and all of its processes at once: a crash.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

func (s *Server) end(sig syscall.Signal) {
	s.Resume()
	process, ended := s.running()
	process.Signal(sig)
	select {
	case <-ended:
	case <-time.After(generous):
		process.Kill()
		<-ended
	}
}

// running is the process that was started last.
func (s *Server) running() (*os.Process, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process, s.ended
}

// Pause stops all processes of the server: it takes connections, but does not
// answer any more.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume goes on after Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	process, _ := s.running()
	process.Signal(sig)
	for _, pid := range children(process.Pid) {
		syscall.Kill(pid, sig)
	}
}

// Close ends the server and removes its folder.
func (s *Server) Close() {
	s.Kill()
	os.RemoveAll(s.folder)
}

// transcript is what the server says.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.text.String())
}

// Program is the path of another program of the same PostgreSQL, such as psql.
func (s *Server) Program(name string) string { return filepath.Join(s.bin, name) }

// Set adds settings for the next Start.
func (s *Server) Set(settings ...string) { s.settings = append(s.settings, settings...) }
