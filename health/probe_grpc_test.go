package health_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// serveGRPC starts a real gRPC server and returns its address.
func serveGRPC(t *testing.T, health grpc_health_v1.HealthServer, options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	if health != nil {
		grpc_health_v1.RegisterHealthServer(server, health)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return l.Addr().String()
}

// failingHealth answers every Check with an error.
type failingHealth struct {
	grpc_health_v1.UnimplementedHealthServer
	err error
}

func (f failingHealth) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	return nil, f.err
}

func TestGRPC(t *testing.T) {
	healthy := grpchealth.NewServer() // "" is serving from the start
	healthy.SetServingStatus("shop", grpc_health_v1.HealthCheckResponse_SERVING)
	healthy.SetServingStatus("cart", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	outOfTime := failingHealth{err: status.Error(codes.DeadlineExceeded, "")}
	unavailable := failingHealth{err: status.Error(codes.Unavailable, "secret")}
	tests := []struct {
		name   string
		health grpc_health_v1.HealthServer
		asks   string
		want   site.Failure
		says   string
	}{
		{"Server", healthy, "", "", ""},
		{"Service", healthy, "shop", "", ""},
		{"NotServing", healthy, "cart", site.FailureStatus, "asking for the health of service 'cart': it is NOT_SERVING"},
		{"UnknownService", healthy, "post", site.FailureStatus, "service 'post': the server knows no such service"},
		{"NoHealth", nil, "", site.FailureStatus, "the server does not offer grpc.health.v1.Health"},
		{"Unavailable", unavailable, "", site.FailureStatus, "the server says Unavailable"},
		{"OutOfTime", outOfTime, "", site.FailureTimeout, "the server says DeadlineExceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := serveGRPC(t, tt.health)
			r := ask(t, probing(t, "grpc"), asked("grpc://"+address, site.Ask{Name: tt.asks}))
			if tt.want == "" {
				wantGood(t, r)
				if r.Protocol != "HTTP/2.0" || r.Bytes != 2 {
					t.Errorf("got protocol %q and %d bytes, want HTTP/2.0 and 2", r.Protocol, r.Bytes)
				}
			} else {
				wantFailure(t, r, tt.want, "probing 'grpc://"+address+"': ", tt.says)
				if strings.Contains(r.Err.Error(), "secret") {
					t.Errorf("got error %q, which quotes the answer", r.Err)
				}
			}
			if p := r.Phases; p.Connect <= 0 || p.TLS != 0 || p.FirstByte <= 0 {
				t.Errorf("got phases %+v, want connect and first byte", p)
			}
		})
	}
}

// What the server sees of a call.
func TestGRPCRequest(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	var seen metadata.MD
	calls := 0
	note := grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		calls++
		seen, _ = metadata.FromIncomingContext(ctx)
		return nil, status.Error(codes.Unavailable, "to be tried again")
	})
	address := serveGRPC(t, grpchealth.NewServer(), note)
	wantFailure(t, ask(t, probing(t, "grpc"), asked("grpc://"+address, site.Ask{})), site.FailureStatus)
	if calls != 1 {
		t.Errorf("got %d calls, want 1", calls)
	}
	if got := seen[":authority"]; len(got) != 1 || got[0] != "www.example.org" {
		t.Errorf("got authority %q", got)
	}
	if got := seen["user-agent"]; len(got) != 1 || got[0] != "probe/1.0 grpc-go/"+grpc.Version {
		t.Errorf("got user agent %q", got)
	}
}

func TestGRPCOverTLS(t *testing.T) {
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	const host = "www.example.org"
	tests := []struct {
		name string
		cert tls.Certificate
		ask  site.Ask
		want site.Failure
		says string
	}{
		{"Good", root().sign(t, host, soon), site.Ask{TLS: true}, "", ""},
		{"Expired", root().sign(t, host, past), site.Ask{TLS: true}, site.FailureTLS, "expired"},
		{"WrongName", root().sign(t, "www.example.net", soon), site.Ask{TLS: true}, site.FailureTLS, "not www.example.org"},
		{"Unverified", (*authority)(nil).sign(t, host, past), site.Ask{TLS: true, SkipVerify: true}, "", ""},
		{"Expiring", root().sign(t, host, soon), site.Ask{TLS: true, Days: 1}, site.FailureExpiry, "less than 1 days"},
		{"InPlainText", root().sign(t, host, soon), site.Ask{}, site.FailureProtocol, "asking for the health of service ''"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := &tls.Config{Certificates: []tls.Certificate{tt.cert}}
			address := serveGRPC(t, grpchealth.NewServer(), grpc.Creds(credentials.NewTLS(config)))
			r := ask(t, probing(t, "grpc"), asked("grpc://"+address, tt.ask))
			if tt.want == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, tt.want, tt.says)
			}
			if tt.ask.TLS && r.Phases.TLS <= 0 {
				t.Errorf("got phases %+v, want the time of the handshake", r.Phases)
			}
			if tt.want == "" && !r.Expires.Equal(expiry(t, tt.cert)) {
				t.Errorf("got expiry %s, want %s", r.Expires, expiry(t, tt.cert))
			}
		})
	}
}

// A web server is no gRPC server. It takes a request for one over TLS only if
// the scheme says so (RFC 9113, section 8.3.1).
func TestGRPCToAWebServer(t *testing.T) {
	for _, secured := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS=%t", secured), func(t *testing.T) {
			https := make(chan bool, 1)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				https <- r.TLS != nil
			}))
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.EnableHTTP2 = true
			if secured {
				server.Config.Protocols.SetHTTP2(true)
				server.StartTLS()
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			to := asked("grpc://"+server.Listener.Addr().String(), site.Ask{TLS: secured, SkipVerify: true})
			wantFailure(t, ask(t, probing(t, "grpc"), to), site.FailureProtocol, "unexpected HTTP status code received from server: 200")
			if got := <-https; got != secured {
				t.Errorf("got a request over TLS: %t, want %t", got, secured)
			}
		})
	}
}

func TestGRPCNotSpoken(t *testing.T) {
	for name, handle := range map[string]func(context.Context, net.Conn){
		"Garbage":  func(_ context.Context, conn net.Conn) { io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n") },
		"Nothing":  func(context.Context, net.Conn) {},
		"HTTP/1.1": func(_ context.Context, conn net.Conn) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			r := ask(t, probing(t, "grpc"), asked("grpc://"+serve(t, "127.0.0.1:0", handle), site.Ask{}))
			wantFailure(t, r, site.FailureProtocol, "asking for the health of service ''")
		})
	}
}
