package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// Places of a console: in all, and for one address.
const (
	places     = 256
	placesEach = 128
)

// connect opens a connection to a console from an address of loopback.
func connect(t *testing.T, c *api.Console, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", c.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// statusOver asks over a connection with a token, and returns the status; 0: the connection is over.
func statusOver(t *testing.T, conn net.Conn, token string) int {
	t.Helper()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, "GET /v1/states HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+token+"\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("Expected an answer, or the end")
	}
	if err != nil {
		return 0
	}
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// ended counts the connections that the other end has closed.
func ended(conns []net.Conn) (n int) {
	for _, conn := range conns {
		conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			n++
		}
	}
	return n
}

// TestF33ConnectionsAreBounded has one address open more connections than there are
// places, and say nothing: it has half of them, the latest. Others do not wait for it.
func TestF33ConnectionsAreBounded(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	var silent []net.Conn
	for range 2 * places {
		silent = append(silent, connect(t, c, "127.0.0.1"))
	}
	if got := statusOver(t, connect(t, c, "127.0.0.2"), tokenOf("operator")); got != 200 {
		t.Errorf("Expected another address to be answered, got %d", got)
	}
	first, last := silent[:len(silent)-placesEach], silent[len(silent)-placesEach:]
	if got := ended(first); got != len(first) {
		t.Errorf("Expected the first %d to have lost their places, %d have", len(first), got)
	}
	if got := ended(last); got != 0 {
		t.Errorf("Expected the last %d to be there still, %d are not", placesEach, got)
	}
	if got := statusOver(t, connect(t, c, "127.0.0.1"), tokenOf("operator")); got != 200 {
		t.Errorf("Expected somebody at the same address to be answered, got %d", got)
	}
}

// TestF33StrangersDoNotHoldTheConsole has them come from several addresses, until all
// places are theirs: who is known keeps his, and whoever comes is answered.
func TestF33StrangersDoNotHoldTheConsole(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	known := connect(t, c, "127.0.0.5")
	if got := statusOver(t, known, tokenOf("operator")); got != 200 {
		t.Fatalf("Expected an answer, got %d", got)
	}
	var silent []net.Conn
	for i := range 3 * placesEach {
		silent = append(silent, connect(t, c, []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}[i%3]))
	}
	if got := statusOver(t, connect(t, c, "127.0.0.4"), tokenOf("acme")); got != 200 {
		t.Errorf("Expected whoever comes to be answered, got %d", got)
	}
	if got := statusOver(t, known, tokenOf("operator")); got != 200 {
		t.Errorf("Expected who is known to keep his place, got %d", got)
	}
	if got, want := ended(silent), len(silent)-places+2; got != want {
		t.Errorf("Expected %d strangers to have lost their places, got %d", want, got)
	}
}

// TestF33TheKnownAreBounded fills all places of an address with who is known there: the
// next one is sent away, and others are answered.
func TestF33TheKnownAreBounded(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	var known []net.Conn
	for range placesEach {
		conn := connect(t, c, "127.0.0.1")
		if got := statusOver(t, conn, tokenOf("operator")); got != 200 {
			t.Fatalf("Expected an answer, got %d", got)
		}
		known = append(known, conn)
	}
	if got := statusOver(t, connect(t, c, "127.0.0.1"), tokenOf("operator")); got != 0 {
		t.Errorf("Expected one more to be sent away, got %d", got)
	}
	if got := statusOver(t, connect(t, c, "127.0.0.2"), tokenOf("operator")); got != 200 {
		t.Errorf("Expected another address to be answered, got %d", got)
	}
	if got := ended(known); got != 0 {
		t.Errorf("Expected those who are known to stay, %d are gone", got)
	}
	known[0].Close()
	for deadline := time.Now().Add(20 * time.Second); statusOver(t, connect(t, c, "127.0.0.1"), tokenOf("operator")) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("Expected his place to be free again")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// waiting is a connection over which somebody asks for what does not come.
func waiting(t *testing.T, c *api.Console, from, token string) net.Conn {
	t.Helper()
	conn := connect(t, c, from)
	io.WriteString(conn, "GET /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+token+"\r\n\r\n")
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestF33ACustomerDoesNotHoldTheConsole however many addresses he has: of his connections
// over which nothing is asked the oldest ends for a new one, and his others stay.
func TestF33ACustomerDoesNotHoldTheConsole(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	busy := waiting(t, c, "127.0.0.1", tokenOf("acme"))
	var his []net.Conn
	for i := range 2 * placesEach {
		conn := connect(t, c, []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}[i%3])
		if got := statusOver(t, conn, tokenOf([]string{"acme", "acmes"}[i%2])); got != 200 {
			t.Fatalf("Expected an answer, got %d", got)
		}
		his = append(his, conn)
		time.Sleep(6 * time.Millisecond) // he may ask so often
	}
	if got, want := ended(his), len(his)-places/4+1; got != want {
		t.Errorf("Expected %d of his connections to have ended, got %d", want, got)
	}
	if ended([]net.Conn{busy}) != 0 {
		t.Error("Expected the one that is busy to stay")
	}
	for who, from := range map[string]string{"operator": "127.0.0.4", "other": "127.0.0.5"} {
		if got := statusOver(t, connect(t, c, from), tokenOf(who)); got != 200 {
			t.Errorf("Expected %s to be answered, got %d", who, got)
		}
	}
}

// TestF33CustomersDoNotHoldTheConsole together: there are places that only operators have.
func TestF33CustomersDoNotHoldTheConsole(t *testing.T) {
	all := people{tokenOf("operator"): everybody[tokenOf("operator")]}
	for i := range 8 {
		name := fmt.Sprint("c", i)
		all[tokenOf(name)] = api.Caller{Name: name, Role: site.RoleCustomerReadonly, Customer: name}
	}
	c, _ := openConsole(t, api.Config{Tokens: all}, nil)
	var theirs []net.Conn
	for i := range places {
		conn := connect(t, c, fmt.Sprintf("127.0.0.%d", i%8+1))
		if got := statusOver(t, conn, tokenOf(fmt.Sprint("c", i%8))); got != 200 {
			t.Fatalf("Expected an answer, got %d", got)
		}
		theirs = append(theirs, conn)
	}
	if got := ended(theirs); got != places/4 {
		t.Errorf("Expected %d of them to have ended, got %d", places/4, got)
	}
	for range places / 4 {
		if got := statusOver(t, connect(t, c, "127.0.0.9"), tokenOf("operator")); got != 200 {
			t.Fatalf("Expected an operator to be answered, got %d", got)
		}
	}
}

// pipes is a listener at the other end of pipes.
type pipes struct {
	conns chan net.Conn
	done  context.Context
	close context.CancelFunc
}

func newPipes() *pipes {
	ctx, cancel := context.WithCancel(context.Background())
	return &pipes{make(chan net.Conn), ctx, cancel}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
func (p *pipes) Close() error   { p.close(); return nil }

func (p *pipes) connect() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// TestF33WithoutATokenNobodyStays asks again and again over one connection, with and
// without a token: each time in time, so that no other limit ends it.
func TestF33WithoutATokenNobodyStays(t *testing.T) {
	for token, want := range map[string]time.Duration{tokenOf("nobody"): 16 * time.Second, tokenOf("operator"): time.Minute} {
		bubble.Test(t, func(t *testing.T) {
			l := newPipes()
			c := api.New(api.Config{Engine: oneSite("a."), Log: new(journal), Tokens: everybody}).ConsoleOver(l)
			conn := l.connect()
			began := time.Now()
			for time.Since(began) < time.Minute && statusOver(t, conn, token) != 0 {
				time.Sleep(2 * time.Second)
			}
			if got := time.Since(began); got != want {
				t.Errorf("%.10s: Expected the connection to last for %s, got %s", token, want, got)
			}
			conn.Close()
			if err := c.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
				t.Error(err)
			}
		})
	}
}
