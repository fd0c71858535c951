package api

import (
	"io"
	"net/http"
	"time"
)

// leastSpeed is how many octets of a large body have to come a second, from bodyLimit on:
// others wait for its room.
const leastSpeed = 256 << 10

// hurried is a body that has to come with some speed.
type hurried struct {
	io.ReadCloser
	c     *http.ResponseController
	began time.Time
	came  int64
	until time.Time // what has been said to the connection
}

func newHurried(w http.ResponseWriter, body io.ReadCloser) *hurried {
	return &hurried{ReadCloser: body, c: http.NewResponseController(w), began: time.Now()}
}

func (p *hurried) Read(b []byte) (int, error) {
	if until := p.began.Add(bodyLimit + time.Duration(p.came/leastSpeed)*time.Second); until != p.until {
		_ = p.c.SetReadDeadline(until)
		p.until = until
	}
	n, err := p.ReadCloser.Read(b)
	p.came += int64(n)
	return n, err
}
