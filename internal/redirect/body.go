package redirect

import (
	"io"
	"net/http"
	"time"
)

// maxBody is how much of a body is read, in octets. Some clients take it amiss
// when they are answered while they still send.
const maxBody = 64 << 10

// drain reads a request's body, which goes nowhere, and reports whether that was
// all of it. It reads nothing of one that says it is too long.
func drain(r *http.Request) bool {
	if r.ContentLength > maxBody {
		return false
	}
	_, err := io.CopyN(io.Discard, r.Body, maxBody+1)
	return err == io.EOF
}

// leave has the connection of a request end behind the answer, without a look at
// the rest of the body. HTTP/2 ends the stream by itself.
func leave(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header()["Connection"] = closing
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
	}
}
