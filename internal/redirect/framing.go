package redirect

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// framed reports whether it is beyond doubt where a request ends. fasthttp takes
// more than RFC 9112, section 6 allows; a proxy before us, which shares a
// connection among visitors, may read such a request otherwise, and take its rest
// for the next one.
func framed(h *fasthttp.RequestHeader) bool {
	raw := h.RawHeaders()
	if protocol := string(h.Protocol()); protocol != "HTTP/1.1" && protocol != "HTTP/1.0" || len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') {
		return false
	}
	var lengths, codings int
	chunked := true
	for len(raw) > 0 {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte("\n"))
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			lengths++
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			codings++
			chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		}
	}
	return codings == 0 && lengths <= 1 || codings == 1 && lengths == 0 && chunked && h.IsHTTP11()
}
