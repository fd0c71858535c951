//go:build linux

package test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// traffic is what an agent sends over UDP. Nobody listens there: it is the wire
// that is to be busy.
type traffic struct {
	mu   sync.Mutex
	conn net.Conn
}

// send has the agent send so many bit/s from now on.
func (a *agent) send(t *testing.T, address string, rate int) {
	t.Helper()
	if err := a.call(fmt.Sprintf("/send?address=%s&rate=%d", address, rate), nil, nil); err != nil {
		t.Fatal(err)
	}
}

// change is the agent's side of it.
func (f *traffic) change(r *http.Request) ([]byte, error) {
	rate, err := strconv.Atoi(r.FormValue("rate"))
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("udp", net.JoinHostPort(r.FormValue("address"), "9"))
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		f.conn.Close()
	}
	f.conn = conn
	if rate > 0 {
		go pace(conn, float64(rate))
	}
	return nil, nil
}

// pace sends until the connection is closed. What it was too late for it sends
// later: in the long run the rate is kept.
func pace(conn net.Conn, rate float64) {
	packet := make([]byte, 1400)
	began, sent := time.Now(), 0.0
	for {
		for ; sent < rate*time.Since(began).Seconds(); sent += 8 * float64(len(packet)) {
			if _, err := conn.Write(packet); errors.Is(err, net.ErrClosed) {
				return // other errors are refusals
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// get is the agent's side of page, and of pageOf.
func get(r *http.Request) ([]byte, error) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.FormValue("url"), nil)
	if err != nil {
		return nil, err
	}
	req.Host = r.FormValue("host")
	resp, err := browser.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
