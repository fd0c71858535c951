package health_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// FuzzF8Request: whatever is written in a configuration is sent as one request, as
// net/http reads it, or not at all.
func FuzzF8Request(f *testing.F) {
	f.Add("GET", "http://192.0.2.1:80/a?b=c", "www.example.org", "X-A: 1\nX-B: 2")
	f.Add("POST", "http://192.0.2.1:80/a\r\nX: y", "www.example.org\r\nX: y", "X-A: 1\r\nX-B: 2\r\n\r\n")
	f.Add("GET /", "http://[::1%25lo]:80/%0d%0a", "[::1]:80", ": x\n")
	f.Fuzz(func(t *testing.T, method, url, host, headers string) {
		if strings.Contains(headers, "env:") || strings.Contains(headers, "file:") {
			return // a secret of this machine
		}
		to := target(url)
		to.Host, to.Ask = host, unique.Make(site.Ask{Headers: headers})
		sent, err := health.Request(to, method)
		if err != nil {
			return
		}
		rest := bufio.NewReader(bytes.NewReader(sent))
		got, err := http.ReadRequest(rest)
		if err != nil {
			t.Fatalf("%q is not a request: %v", sent, err)
		}
		if got.Method != method || rest.Buffered() > 0 {
			t.Errorf("%q reads as method %q, with %d bytes left", sent, got.Method, rest.Buffered())
		}
		if lines := strings.Count(headers, "\n") + 5; strings.Count(string(sent), "\r\n") > lines+2 {
			t.Errorf("%q has more lines than %q", sent, headers)
		}
	})
}
