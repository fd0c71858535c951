package health_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// blackhole listens on addr, but has a queue that is full: the kernel drops
// every further attempt to connect, as a firewall would.
func blackhole(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		conn, err := net.DialTimeout("tcp", addr.String(), 200*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
	}
	missing(t, "the queue of %s does not fill up", addr)
}

func TestHTTPBlackhole(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	good := netip.MustParseAddrPort(server.Listener.Addr().String())
	dead := netip.MustParseAddr("127.0.2.1")
	blackhole(t, netip.AddrPortFrom(dead, good.Port()))
	to := target("http://origin.example.net:" + strconv.Itoa(int(good.Port())))

	t.Run("NextAddress", func(t *testing.T) {
		to.Timeout = 2 * time.Second
		r := ask(t, asking(t, noError, dead, good.Addr()), to)
		wantGood(t, r)
		if r.Phases.Connect < to.Timeout/3 {
			t.Errorf("got connect %s: the first address had less than its share of %s", r.Phases.Connect, to.Timeout)
		}
	})
	t.Run("NoOther", func(t *testing.T) {
		to.Timeout = 500 * time.Millisecond
		r := ask(t, asking(t, noError, dead), to)
		wantFailure(t, r, site.FailureTimeout, "connecting: dial tcp 127.0.2.1:")
	})
}
