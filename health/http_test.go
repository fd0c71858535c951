package health_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unique"

	"go.uber.org/goleak"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// web starts a real web server and returns its URL.
func web(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestHTTP(t *testing.T) {
	var seen *http.Request
	url := web(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		fmt.Fprint(w, "fine")
	})
	r := ask(t, newHTTP("probe/1.0"), target(url+"/health?deep=1"))
	wantGood(t, r)

	if r.Status != 200 || r.Bytes != 4 {
		t.Errorf("got status %d and %d bytes, want 200 and 4", r.Status, r.Bytes)
	}
	p := r.Phases
	if p.Resolve != 0 || p.Connect <= 0 || p.TLS != 0 || p.FirstByte <= 0 || p.Transfer <= 0 {
		t.Errorf("got phases %+v, want connect, first byte and transfer", p)
	}
	if got, want := seen.Method+" "+seen.RequestURI+" "+seen.Proto, "GET /health?deep=1 HTTP/1.1"; got != want {
		t.Errorf("got request %q, want %q", got, want)
	}
	if seen.Host != "www.example.org" {
		t.Errorf("got host %q", seen.Host)
	}
	want := http.Header{"User-Agent": {"probe/1.0"}, "Connection": {"close"}}
	if got := fmt.Sprint(seen.Header); got != fmt.Sprint(want) {
		t.Errorf("got header %s, want %s", got, want)
	}
}

func TestHTTPStatus(t *testing.T) {
	only200, err := site.ParseStatus("200")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		status int
		set    site.StatusSet
		want   site.Failure
	}{
		{"OK", 200, only200, ""},
		{"NoContent", 204, site.DefaultStatus(), ""},
		{"NotModified", 304, site.DefaultStatus(), ""},
		{"NotInSet", 204, only200, site.FailureStatus},
		{"NotFound", 404, site.DefaultStatus(), site.FailureStatus},
		{"Unavailable", 503, site.DefaultStatus(), site.FailureStatus},
		{"Unheard", 799, site.DefaultStatus(), site.FailureStatus},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := target(web(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) }))
			to.Ask = unique.Make(site.Ask{Status: tt.set})
			r := ask(t, newHTTP(""), to)
			if r.Failure != tt.want || r.Status != tt.status {
				t.Errorf("got failure %q and status %d (%v), want %q and %d", r.Failure, r.Status, r.Err, tt.want, tt.status)
			}
		})
	}
}

func TestF4RedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Bool
	other := web(t, func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	url := web(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	r := ask(t, newHTTP(""), target(url))
	wantGood(t, r)
	if r.Status != http.StatusFound || followed.Load() {
		t.Errorf("got status %d, followed %t", r.Status, followed.Load())
	}
}

func TestHTTPNewConnectionEveryTime(t *testing.T) {
	var mu sync.Mutex
	conns := map[string]bool{}
	url := web(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		conns[r.RemoteAddr] = true
	})
	probe := newHTTP("")
	for range 3 {
		wantGood(t, ask(t, probe, target(url)))
	}
	if len(conns) != 3 {
		t.Errorf("got connections %v, want 3", conns)
	}
}

// raw serves a fixed text after reading the request's header, then repeats
// more, if there is any, once a tick until the connection breaks.
func raw(t *testing.T, text, more string, tick time.Duration) string {
	return "http://" + serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		_, err := io.WriteString(conn, text)
		ticker := time.NewTicker(max(tick, 1))
		defer ticker.Stop()
		for more != "" && err == nil {
			if tick > 0 {
				<-ticker.C
			}
			_, err = io.WriteString(conn, more)
		}
	})
}

func TestHTTPAnswers(t *testing.T) {
	const ok, chunk = "HTTP/1.1 200 OK\r\n", "1000\r\n"
	kilobytes := strings.Repeat("0123456789abcdef", 1<<8)
	tests := []struct {
		name       string
		text, more string
		want       site.Failure
		bytes      int64
		says       string
	}{
		{"ContentLength", ok + "Content-Length: 2\r\n\r\nhi", "", "", 2, ""},
		{"UntilClosed", ok + "\r\nhello", "", "", 5, ""},
		{"Chunked", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "", "", 3, ""},
		{"HTTP10", "HTTP/1.0 200 OK\r\n\r\nold", "", "", 3, ""},
		{"Interim", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n", "", "", 0, ""},
		{"F3EndlessBody", ok + "\r\n", kilobytes, "", 64 << 10, ""},
		{"F3EndlessChunks", ok + "Transfer-Encoding: chunked\r\n\r\n", chunk + kilobytes + "\r\n", "", 64 << 10, ""},
		{"F3HugeBody", ok + "Content-Length: 1000000000000\r\n\r\n", kilobytes, "", 64 << 10, ""},

		{"Garbage", "SSH-2.0-OpenSSH_9.9\r\n", "", site.FailureProtocol, 0, "reading the header: not valid HTTP"},
		{"BadHeader", ok + "no colon\r\n\r\n", "", site.FailureProtocol, 0, "reading the header: not valid HTTP"},
		{"Nothing", "", "", site.FailureProtocol, 0, "waiting for the answer: EOF"},
		{"HalfHeader", ok + "Content-Length: 1", "", site.FailureProtocol, 0, "unexpected EOF"},
		{"EndlessHeader", ok, "X-Filler: " + kilobytes + "\r\n", site.FailureProtocol, 0, "more than 65536 bytes"},
		{"EndlessInterim", "", "HTTP/1.1 103 Early Hints\r\n\r\n", site.FailureProtocol, 0, "more than 65536 bytes"},
		{"HalfBody", ok + "Content-Length: 9\r\n\r\nhalf", "", site.FailureProtocol, 4, "reading the body after 4 bytes: unexpected EOF"},
		{"BadChunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "", site.FailureProtocol, 0, "reading the body after 0 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := ask(t, newHTTP(""), target(raw(t, tt.text, tt.more, 0)))
			if tt.want == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, tt.want, tt.says)
			}
			if r.Bytes != tt.bytes {
				t.Errorf("got %d bytes, want %d", r.Bytes, tt.bytes)
			}
		})
	}
}

// mute accepts, reads and never answers.
func mute(_ context.Context, conn net.Conn) { io.Copy(io.Discard, conn) }

func TestHTTPTimeout(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
	tests := []struct {
		name  string
		url   func(t *testing.T) string
		phase func(health.Phases) time.Duration // the one that was cut short
	}{
		{"F1NeverAnswers", func(t *testing.T) string { return "http://" + serve(t, "127.0.0.1:0", mute) },
			func(p health.Phases) time.Duration { return p.FirstByte }},
		{"NeverShakesHands", func(t *testing.T) string { return "https://" + serve(t, "127.0.0.1:0", mute) },
			func(p health.Phases) time.Duration { return p.TLS }},
		{"F2SlowHeader", func(t *testing.T) string { return raw(t, "HTTP/1.1 200 OK\r\nX: ", "x", 10*time.Millisecond) },
			func(p health.Phases) time.Duration { return p.Transfer }},
		{"F2SlowBody", func(t *testing.T) string { return raw(t, ok, "x", 10*time.Millisecond) },
			func(p health.Phases) time.Duration { return p.Transfer }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := target(tt.url(t))
			to.Timeout = 500 * time.Millisecond
			r := ask(t, newHTTP(""), to)
			wantFailure(t, r, site.FailureTimeout, "probing '"+to.URL+"'")
			if r.Total < to.Timeout || r.Total > generous {
				t.Errorf("got total %s for timeout %s", r.Total, to.Timeout)
			}
			if tt.phase(r.Phases) <= 0 {
				t.Errorf("got phases %+v, want the one that was cut short", r.Phases)
			}
		})
	}
}

func TestHTTPCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := "http://" + serve(t, "127.0.0.1:0", func(ctx context.Context, conn net.Conn) {
		cancel()
		mute(ctx, conn)
	})
	if r := newHTTP("")(ctx, target(url)); r.Failure != site.FailureTimeout || r.Total > generous {
		t.Errorf("got failure %q after %s", r.Failure, r.Total)
	}
}

func TestHTTPConnect(t *testing.T) {
	closed := func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	reset := func(t *testing.T) string {
		return serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
			http.ReadRequest(bufio.NewReader(conn))
			conn.(*net.TCPConn).SetLinger(0)
		})
	}
	t.Run("Refused", func(t *testing.T) {
		r := ask(t, newHTTP(""), target("http://"+closed(t)+"/x"))
		wantFailure(t, r, site.FailureConnect, "/x': connecting: dial tcp 127.0.0.1:", "refused")
		if r.Phases.Connect <= 0 || r.Phases.FirstByte != 0 {
			t.Errorf("got phases %+v, want connect alone", r.Phases)
		}
	})
	t.Run("ResetBeforeTheAnswer", func(t *testing.T) {
		wantFailure(t, ask(t, newHTTP(""), target("http://"+reset(t))), site.FailureConnect, "reset")
	})
}

func TestHTTPNames(t *testing.T) {
	loopback, loopback6 := netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(web(t, func(http.ResponseWriter, *http.Request) {}), "http://"))
	tests := []struct {
		name  string
		rcode int
		addrs []netip.Addr
		want  site.Failure
		says  string
	}{
		{"Found", noError, []netip.Addr{loopback}, "", ""},
		{"SecondAnswers", noError, []netip.Addr{loopback6, loopback}, "", ""},
		{"NXDOMAIN", nxDomain, nil, site.FailureResolve, "resolving 'origin.example.net': "},
		{"SERVFAIL", servFail, nil, site.FailureResolve, "resolving 'origin.example.net': "},
		{"NoAddress", noError, nil, site.FailureResolve, "no such host"},
		{"Silent", silent, nil, site.FailureTimeout, "resolving"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := target("http://origin.example.net:" + port)
			if tt.rcode == silent {
				to.Timeout = 500 * time.Millisecond
			}
			r := ask(t, asking(t, tt.rcode, tt.addrs...), to)
			if tt.want == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, tt.want, tt.says)
			}
			if r.Phases.Resolve <= 0 {
				t.Errorf("got phases %+v, want the time of the look-up", r.Phases)
			}
		})
	}
}

// At most four addresses are tried: the fifth would have answered.
func TestHTTPAddressesAreBounded(t *testing.T) {
	var addrs []netip.Addr
	for i := range 20 {
		addrs = append(addrs, netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)}))
	}
	for i, want := range map[int]site.Failure{3: "", 4: site.FailureConnect} {
		t.Run(addrs[i].String(), func(t *testing.T) {
			good := serve(t, addrs[i].String()+":0", func(_ context.Context, conn net.Conn) {
				http.ReadRequest(bufio.NewReader(conn))
				io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			})
			_, port, _ := net.SplitHostPort(good)
			probe := asking(t, noError, addrs...)
			if r := ask(t, probe, target("http://many.example.net:"+port)); r.Failure != want {
				t.Errorf("got failure %q (%v), want %q", r.Failure, r.Err, want)
			}
		})
	}
}

func TestHTTPIgnoresProxies(t *testing.T) {
	var proxied atomic.Bool
	proxy := web(t, func(http.ResponseWriter, *http.Request) { proxied.Store(true) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(web(t, func(http.ResponseWriter, *http.Request) {}), "http://"))
	probe := asking(t, noError, netip.MustParseAddr("127.0.0.1"))
	wantGood(t, ask(t, probe, target("http://origin.example.net:"+port)))
	if proxied.Load() {
		t.Error("the proxy of the environment was used")
	}
}

func TestHTTPIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		missing(t, "listening on ::1: %v", err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	wantFailure(t, ask(t, newHTTP(""), target(server.URL)), site.FailureStatus, "probing 'http://[::1]:", "status 404 is not a good one")
}

// A query may hold a token: it must not be in any error.
func TestHTTPErrorHidesQuery(t *testing.T) {
	const query = "/path?token=hush%2Chush"
	echo := "http://" + serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		io.WriteString(conn, line)
	})
	tests := map[string]string{
		"Status":   web(t, http.NotFound) + query,
		"Echo":     echo + query,
		"Refused":  "http://127.0.0.1:1" + query,
		"TLS":      strings.Replace(echo, "http:", "https:", 1) + query,
		"BadHost":  "http://[::1" + query,
		"BadBytes": "http://127.0.0.1" + query + "\x00",
		"User":     "http://hush:hush@127.0.0.1:1" + query,
	}
	for name, url := range tests {
		t.Run(name, func(t *testing.T) {
			r := ask(t, newHTTP(""), target(url))
			if r.Err == nil || strings.Contains(r.Err.Error(), "hush") {
				t.Errorf("got error %v", r.Err)
			}
		})
	}
}

// Whatever does not answer, be it the server or the DNS, holds nothing of ours
// once the probe is over.
func TestHTTPLeavesNothingBehind(t *testing.T) {
	mutes := serve(t, "127.0.0.1:0", mute)
	dead := asking(t, silent)
	for name, tt := range map[string]struct {
		probe health.Probe
		url   string
	}{
		"HTTP":  {newHTTP(""), "http://" + mutes},
		"HTTPS": {newHTTP(""), "https://" + mutes},
		"DNS":   {dead, "http://origin.example.net"},
	} {
		t.Run(name, func(t *testing.T) {
			ignore := goleak.IgnoreCurrent()
			to := target(tt.url)
			to.Timeout = 50 * time.Millisecond
			var probes sync.WaitGroup
			for range 50 {
				probes.Go(func() {
					if r := tt.probe(t.Context(), to); r.Failure != site.FailureTimeout {
						t.Errorf("got failure %q: %v", r.Failure, r.Err)
					}
				})
			}
			probes.Wait()
			goleak.VerifyNone(t, ignore)
		})
	}
}

func TestProbes(t *testing.T) {
	url := web(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.UserAgent()) })
	probes := health.NewNetwork("four").Probes()
	if probes["http"] == nil {
		t.Fatal("there is no probe http")
	}
	if r := ask(t, probes["http"], target(url)); r.Bytes != 4 {
		t.Errorf("got %d bytes, want the user agent's 4", r.Bytes)
	}
}
