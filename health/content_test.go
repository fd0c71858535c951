package health_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestContent(t *testing.T) {
	const object = `{"status": "up", "queue": 3, "parts": [{"ok": true}, {"ok": false}], "word": "hush"}`
	long := strings.Repeat(" ", 64<<10)
	tests := []struct {
		name string
		body string
		ask  site.Ask
		want site.Failure
		says string
	}{
		{"Text", object, site.Ask{Body: `"up"`}, "", ""},
		{"NoText", object, site.Ask{Body: `"down"`}, site.FailureContent, `judging the body: '"down"' is not in it`},
		{"TextTooFar", long + "up", site.Ask{Body: "up"}, site.FailureContent, "'up' is not in it"},
		{"EmptyBody", "", site.Ask{Body: "up"}, site.FailureContent, "is not in it"},
		{"Pattern", object, site.Ask{Pattern: `"queue": [0-9]\b`}, "", ""},
		{"NoPattern", object, site.Ask{Pattern: `queue.*\d\d`}, site.FailureContent, `does not match 'queue.*\d\d'`},
		{"BadPattern", object, site.Ask{Pattern: `(`}, site.FailureLocal, "invalid pattern"},
		{"Condition", object, site.Ask{Condition: `status == "up" && queue < 5 && any(parts, .ok)`}, "", ""},
		{"NoCondition", object, site.Ask{Condition: `queue > 5`}, site.FailureContent, "'queue > 5' is not true"},
		{"MissingField", object, site.Ask{Condition: `stock == "up"`}, site.FailureContent, "is not true"},
		{"WrongType", object, site.Ask{Condition: `word > 5`}, site.FailureContent, "cannot be said"},
		{"NotBool", object, site.Ask{Condition: `queue`}, site.FailureContent, ""},
		{"NotJSON", "hush", site.Ask{Condition: `true`}, site.FailureContent, "not a JSON object"},
		{"NotAnObject", `["hush"]`, site.Ask{Condition: `true`}, site.FailureContent, "not a JSON object"},
		{"CutJSON", `{"a": "` + long + `"}`, site.Ask{Condition: `true`}, site.FailureContent, "not a JSON object of at most 65536 bytes"},
		{"BadCondition", object, site.Ask{Condition: `1 +`}, site.FailureLocal, "reading the condition '1 +'"},
		{"LoopInLoop", object, site.Ask{Condition: `all(parts, any(parts, .ok))`}, site.FailureLocal, "one loop within another"},
		{"Memory", object, site.Ask{Condition: `len(1..1000000000) > 0`}, site.FailureContent, ""},
		{"All", object, site.Ask{Body: "up", Pattern: "up", Condition: "queue > 1"}, "", ""},
		{"OneOfAll", object, site.Ask{Body: "up", Pattern: "up", Condition: "queue < 1"}, site.FailureContent, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := target(web(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tt.body) }))
			to.Ask = unique.Make(tt.ask)
			probe := newHTTP("")
			for range 2 { // the second time with what the first has compiled
				r := ask(t, probe, to)
				if tt.want == "" {
					wantGood(t, r)
					continue
				}
				wantFailure(t, r, tt.want, tt.says)
				if strings.Contains(r.Err.Error(), "hush") {
					t.Errorf("got error %q, which quotes the body", r.Err)
				}
			}
			if err := health.Check(tt.ask); (err != nil) != (tt.want == site.FailureLocal) {
				t.Errorf("got %v of checking it beforehand", err)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HEALTH_TOKEN", "from env")
	tests := []struct {
		name string
		ask  site.Ask
		want string // method and header
	}{
		{"Method", site.Ask{Method: "HEAD"}, "HEAD map[Connection:[close] User-Agent:[probe]]"},
		{"Post", site.Ask{Method: "POST"}, "POST map[Connection:[close] Content-Length:[0] User-Agent:[probe]]"},
		{"Headers", site.Ask{Headers: "X-A: 1\nX-B:2 \r\n"}, "GET map[Connection:[close] User-Agent:[probe] X-A:[1] X-B:[2]]"},
		{"Twice", site.Ask{Headers: "X-A: 1\nX-A: 2"}, "GET map[Connection:[close] User-Agent:[probe] X-A:[1 2]]"},
		{"Secrets", site.Ask{Headers: "X-A: env:HEALTH_TOKEN\nX-B: file:" + file}, "GET map[Connection:[close] User-Agent:[probe] X-A:[from env] X-B:[from file]]"},
		{"UserAgent", site.Ask{Headers: "user-agent: me"}, "GET map[Connection:[close] User-Agent:[me]]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			to := target(web(t, func(_ http.ResponseWriter, r *http.Request) { got = fmt.Sprint(r.Method, " ", r.Header) }))
			to.Ask = unique.Make(tt.ask)
			wantGood(t, ask(t, newHTTP("probe"), to))
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if err := health.Check(tt.ask); err != nil {
				t.Errorf("got %v of checking it beforehand", err)
			}
		})
	}
}

// Nothing is sent of what would not be one request, and it does not count
// against the target.
func TestRequestsThatAreNotSent(t *testing.T) {
	t.Setenv("HEALTH_TOKEN", "hush\r\nX-B: hush")
	tests := map[string]struct {
		ask  site.Ask
		says string
	}{
		"Method":   {site.Ask{Method: "GET / HTTP/1.1\r\n"}, "is not a method"},
		"Name":     {site.Ask{Headers: "X A: 1"}, "'X A' is not the name of a header"},
		"NoColon":  {site.Ask{Headers: "X-A 1"}, "is not the name of a header"},
		"Host":     {site.Ask{Headers: "host: www.example.net"}, "'host' is not to be set"},
		"Length":   {site.Ask{Headers: "Content-Length: 5"}, "is not to be set"},
		"Value":    {site.Ask{Headers: "X-A: env:HEALTH_TOKEN"}, "reading the header 'X-A': "},
		"Variable": {site.Ask{Headers: "X-A: env:HEALTH_NONE"}, "no variable 'HEALTH_NONE'"},
		"File":     {site.Ask{Headers: "X-A: file:/nonexistent/token"}, "/nonexistent/token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			to := target("http://127.0.0.1:1/")
			to.Ask = unique.Make(tt.ask)
			r := ask(t, newHTTP(""), to)
			wantFailure(t, r, site.FailureLocal, tt.says)
			if strings.Contains(r.Err.Error(), "hush") || r.Phases != (health.Phases{}) {
				t.Errorf("got error %q, phases %+v", r.Err, r.Phases)
			}
		})
	}
	t.Run("Target", func(t *testing.T) {
		for _, host := range []string{"www.example.org\r\nX-A: 1", "a b"} {
			to := target("http://127.0.0.1:1/")
			to.Host = host
			wantFailure(t, ask(t, newHTTP(""), to), site.FailureProtocol, "is not a host")
		}
		for _, url := range []string{"http://127.0.0.1:1/?a b", "http:opaque", "/path", "path"} {
			wantFailure(t, ask(t, newHTTP(""), target(url)), site.FailureProtocol, "not a valid one")
		}
	})
}

func TestHostHeader(t *testing.T) {
	for _, tt := range []struct{ host, url, want string }{
		{"www.example.org", "http://192.0.2.1:8080/", "www.example.org"},
		{"", "http://192.0.2.1:80/", "192.0.2.1"},
		{"", "https://feed.example.net:443/", "feed.example.net"},
		{"", "https://feed.example.net:80/", "feed.example.net:80"},
		{"", "http://[2001:db8::1]:9100/", "[2001:db8::1]:9100"},
		{"", "http://[2001:db8::1]:80/", "[2001:db8::1]"},
		{"2001:db8::1", "http://[2001:db8::1]:80/", "[2001:db8::1]"},
	} {
		to := target(tt.url)
		to.Host = tt.host
		sent, err := health.Request(to, "GET")
		if want := "\r\nHost: " + tt.want + "\r\n"; err != nil || !strings.Contains(string(sent), want) {
			t.Errorf("%+v: got %q, %v", tt, sent, err)
		}
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("HEALTH_TOKEN", "hush\n")
	t.Setenv("HEALTH_EMPTY", "")
	for value, want := range map[string]string{
		"":                                   "",
		"plain: env:A":                       "plain: env:A",
		"env:HEALTH_TOKEN":                   "hush\n",
		"env:HEALTH_EMPTY":                   "",
		"file:" + write("one", "hush"):       "hush",
		"file:" + write("two", "hush\n\n"):   "hush\n",
		"file:" + write("three", "hush\r\n"): "hush",
	} {
		if got, err := health.Secret(value); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", value, got, err, want)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, write("large", strings.Repeat("x", 64<<10+1))} {
		if got, err := health.Secret("file:" + path); err == nil || got != "" {
			t.Errorf("%s: got %d bytes and no error", path, len(got))
		}
	}
	path := write("changes", "before")
	health.Secret("file:" + path)
	write("changes", "after")
	if got, err := health.Secret("file:" + path); got != "after" || err != nil {
		t.Errorf("got %q, %v after a change", got, err)
	}
}

// The answer may echo a header that holds a secret.
func TestErrorsHideHeaders(t *testing.T) {
	echo := raw(t, "HTTP/1.1 200 OK\r\nhush hush\r\n\r\n", "", 0)
	to := target(echo)
	to.Ask = unique.Make(site.Ask{Headers: "X-Token: hush"})
	if r := ask(t, newHTTP(""), to); r.Failure != site.FailureProtocol || strings.Contains(r.Err.Error(), "hush") {
		t.Errorf("got failure %q: %v", r.Failure, r.Err)
	}
}

// Whoever writes the body must not decide how long the condition takes.
func TestConditionsWithLoops(t *testing.T) {
	for condition, good := range map[string]bool{
		`any(parts, .name in ["a", "b"] && lower(.state) startsWith "up")`: true,
		`count(filter(parts, len(.name) > 3)) > 1`:                         true,
		`status in names && "a" in sort(names)`:                            true,
		`sum(map(filter(parts, .ok), int(.weight))) > 3`:                   true,
		`len(uniq(names)) > 3`:                                             false,
		`names | uniq() | len() > 3`:                                       false,
		`any(parts, .name in names)`:                                       false,
		`any(parts, .name not in names)`:                                   false,
		`all(parts, len(sort(names)) > 3)`:                                 false,
		`all(parts, len(flatten(names)) > 3)`:                              false,
		`all(parts, max(names) > 3)`:                                       false,
		`all(map(filter(parts, .ok), count(names, # > 1)), # > 3)`:         false,
		`all(map(filter(parts, .ok), names | indexOf("a")), # > 3)`:        false,
		`all(sortBy(parts, any(names, # == "a")), .ok)`:                    false,
		`any(parts, {let n = names; any(n, .ok)})`:                         false,
	} {
		if err := health.Check(site.Ask{Condition: condition}); (err == nil) != good {
			t.Errorf("%s: got %v", condition, err)
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	for _, ask := range []site.Ask{{Body: "up"}, {Pattern: "up"}, {Condition: "up"}} {
		ask.Method = "HEAD"
		if err := health.Check(ask); err == nil || !strings.Contains(err.Error(), "HEAD has no body") {
			t.Errorf("%+v: got %v", ask, err)
		}
	}
}
