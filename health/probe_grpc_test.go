package health_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
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
		{"Unavailable", unavailable, "", site.FailureStatus, "the status is Unavailable"},
		{"OutOfTime", outOfTime, "", site.FailureTimeout, "the status is DeadlineExceeded"},
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
		{"Expiring", root().sign(t, host, soon), site.Ask{TLS: true, Days: 1}, site.FailureExpiry, "within 1 days"},
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

// A web server that speaks HTTP/2 is no gRPC server.
func TestGRPCToAWebServer(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "hush")
		w.WriteHeader(http.StatusNotFound)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	to := asked("grpc://"+server.Listener.Addr().String(), site.Ask{TLS: true, SkipVerify: true})
	r := ask(t, probing(t, "grpc"), to)
	wantFailure(t, r, site.FailureProtocol, "no proper answer, which is Unimplemented")
	if strings.Contains(r.Err.Error(), "hush") {
		t.Errorf("got error %q, which quotes the answer", r.Err)
	}
}

// The scheme says whether there is TLS (RFC 9113, section 8.3.1).
func TestGRPCScheme(t *testing.T) {
	config := &tls.Config{
		Certificates: []tls.Certificate{root().sign(t, "www.example.org", time.Now().Add(time.Hour))},
		NextProtos:   []string{"h2"},
	}
	for want, secured := range map[string]bool{"http": false, "https": true} {
		t.Run(want, func(t *testing.T) {
			schemes := make(chan string, 1)
			address := serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
				if secured {
					conn = tls.Server(conn, config)
				}
				schemes <- schemeOf(conn)
			})
			r := ask(t, probing(t, "grpc"), asked("grpc://"+address, site.Ask{TLS: secured}))
			wantFailure(t, r, site.FailureProtocol)
			if got := <-schemes; got != want {
				t.Errorf("got scheme %q, want %q", got, want)
			}
		})
	}
}

// schemeOf reads the first request of a connection.
func schemeOf(conn net.Conn) string {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return err.Error()
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return err.Error()
		}
		if request, ok := frame.(*http2.MetaHeadersFrame); ok {
			return request.PseudoValue("scheme")
		}
	}
}

// largeHealth is serving, but says so at length.
type largeHealth struct {
	grpc_health_v1.UnimplementedHealthServer
	header, message int // bytes
}

func (l largeHealth) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	grpc.SetHeader(ctx, metadata.Pairs("filler", strings.Repeat("x", l.header)))
	answer := &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}
	filler := protowire.AppendTag(nil, 999, protowire.BytesType)
	answer.ProtoReflect().SetUnknown(protowire.AppendBytes(filler, make([]byte, l.message)))
	return answer, nil
}

func TestGRPCAnswersAreBounded(t *testing.T) {
	tests := []struct {
		name   string
		health largeHealth
		want   site.Failure
		says   string
	}{
		{"Fits", largeHealth{header: 60 << 10, message: 60 << 10}, "", ""},
		{"Header", largeHealth{header: 70 << 10}, site.FailureProtocol, "no proper answer, which is Internal"},
		{"Message", largeHealth{message: 70 << 10}, site.FailureStatus, "the status is ResourceExhausted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := ask(t, probing(t, "grpc"), asked("grpc://"+serveGRPC(t, tt.health), site.Ask{}))
			if tt.want == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, tt.want, tt.says)
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
