package api

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// leastSpeed is how many octets of a large body have to come a second, from bodyLimit on:
// others wait for its room.
const leastSpeed = 256 << 10

// hurried is a body that has to come with some speed. Who reads one that does not is told
// that its time is over.
type hurried struct {
	io.ReadCloser
	c     *http.ResponseController
	began time.Time

	mu    sync.Mutex
	came  int64
	over  bool // it has come, or nobody reads it any more
	timer *time.Timer
}

func hurry(w http.ResponseWriter, body io.ReadCloser) *hurried {
	h := &hurried{ReadCloser: body, c: http.NewResponseController(w), began: time.Now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer = time.AfterFunc(bodyLimit, h.look)
	return h
}

func (h *hurried) Read(b []byte) (int, error) {
	n, err := h.ReadCloser.Read(b)
	h.mu.Lock()
	h.came += int64(n)
	h.mu.Unlock()
	if err != nil {
		h.stop()
	}
	return n, err
}

// look ends the reading, if too little has come by now.
func (h *hurried) look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	until := h.began.Add(bodyLimit + time.Duration(h.came/leastSpeed)*time.Second)
	left := time.Until(until)
	switch {
	case h.over:
	case left > 0:
		h.timer.Reset(left)
	default:
		_ = h.c.SetReadDeadline(until) // of a connection that is over there is none
	}
}

func (h *hurried) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	h.timer.Stop()
}
