package engine_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestTheConsoleStaysOpenOverReloads: an old connection is answered still, and the address
// is free once no Corefile names it.
func TestTheConsoleStaysOpenOverReloads(t *testing.T) {
	t.Parallel()
	e, _ := newWorld().engine(t)
	said := &site.Console{Address: freeAddress(t)}
	must(t, e.Console(said))
	e.Offer(context.Background(), engine.Sites{})
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 20 * time.Second}
	ask := func() {
		t.Helper()
		resp, err := client.Get("http://" + said.Address.String() + "/v1/states")
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("Expected 401, got %d", resp.StatusCode)
		}
	}
	ask()
	must(t, e.Console(said))
	e.Offer(context.Background(), engine.Sites{})
	e.Promote()
	ask()
	must(t, e.Console(said))
	e.Offer(context.Background(), engine.Sites{})
	e.Drop()
	ask()
	must(t, e.Console(nil))
	e.Offer(context.Background(), engine.Sites{})
	e.Promote()
	l, err := net.Listen("tcp", said.Address.String())
	must(t, err)
	l.Close()
}

func TestAConsoleWithoutItsCertificateDoesNotOpen(t *testing.T) {
	t.Parallel()
	e, _ := newWorld().engine(t)
	said := &site.Console{Address: freeAddress(t), Certificate: site.KeyPair{Cert: "/nonexistent/c", Key: "/nonexistent/k"}}
	err := e.Console(said)
	want := "opening console '" + said.Address.String() + "': reading certificate '/nonexistent/c' with key '/nonexistent/k': open /nonexistent/c: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("Expected %q, got %v", want, err)
	}
	e.Withdraw()
}
