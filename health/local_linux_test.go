package health_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestLocal(t *testing.T) {
	syscallError := func(call string, err error) error {
		return fmt.Errorf("connecting: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError(call, err)})
	}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{syscallError("socket", syscall.EMFILE), true},
		{syscallError("socket", syscall.ENFILE), true},
		{syscallError("connect", syscall.EADDRNOTAVAIL), true},
		{syscallError("write", syscall.ENOBUFS), true},
		{syscallError("socket", syscall.ENOMEM), true},
		{syscallError("socket", syscall.EPERM), true},
		{syscallError("socket", syscall.EACCES), true},
		{syscallError("connect", syscall.EACCES), false},
		{syscallError("connect", syscall.EPERM), false},
		{syscallError("connect", syscall.ECONNREFUSED), false},
		{syscallError("connect", syscall.ENETUNREACH), false},
	} {
		if got := health.Local(tt.err); got != tt.want {
			t.Errorf("%v: got %t, want %t", tt.err, got, tt.want)
		}
	}
}

// A machine without ports left says nothing of the target: here those of the
// loopback network, which an address of documentation cannot use.
func TestNoPortsLeft(t *testing.T) {
	n := health.NewNetwork("")
	n.FromAddress(netip.MustParseAddr("192.0.2.1"))
	r := ask(t, n.Probes()["http"], target("http://127.0.0.1:1/"))
	wantFailure(t, r, site.FailureLocal, "connecting")
}

// Nor does a resolver that could not be asked.
func TestNoFilesForTheResolver(t *testing.T) {
	n := health.NewNetworkAsking(func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	})
	wantFailure(t, ask(t, n.Probes()["http"], target("http://origin.example.net:80")), site.FailureLocal, "resolving", "too many open files")
}

// TestNoFilesLeft takes all files that the process may have.
func TestNoFilesLeft(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	probe := health.NewNetwork("").Probes()["http"]
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: before.Max}); err != nil {
		missing(t, "limiting the number of files: %v", err)
	}
	literal, named := probe(t.Context(), target("http://127.0.0.1:1/")), probe(t.Context(), target("http://origin.example.net:1/"))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, literal, site.FailureLocal, "too many open files")
	wantFailure(t, named, site.FailureLocal, "too many open files")
}
