package health

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// askGRPC is the probe of kind "grpc": the health of the service Name by the
// standard protocol, grpc.health.v1.Health/Check. The connection is made here,
// as every probe's is, and gRPC gets it ready for use.
func askGRPC(ctx context.Context, c *call) (site.Failure, error) {
	conn, failure, err := c.connect(ctx, "tcp")
	if err != nil {
		return failure, err
	}
	defer conn.Close()
	creds := insecure.NewCredentials()
	if c.ask.TLS {
		secured, failure, err := c.secure(ctx, conn, "h2")
		if err != nil {
			return failure, err
		}
		if failure, err := c.unexpired(); err != nil {
			return failure, err
		}
		conn, creds = secured, alreadySecured{creds}
	}
	return c.check(ctx, conn, creds)
}

// check makes the one call of Check.
func (c *call) check(ctx context.Context, conn net.Conn, creds credentials.TransportCredentials) (site.Failure, error) {
	defer c.lap(&c.result.Phases.FirstByte)
	client, err := grpc.NewClient("passthrough:///"+c.url.Host, c.options(conn, creds)...)
	if err != nil {
		return site.FailureProtocol, fmt.Errorf("preparing gRPC: %w", err)
	}
	defer client.Close()
	request := &grpc_health_v1.HealthCheckRequest{Service: c.ask.Name}
	var header, trailer metadata.MD
	answer, err := grpc_health_v1.NewHealthClient(client).Check(ctx, request, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		return c.unwell(err, len(header)+len(trailer) > 0)
	}
	c.result.Protocol, c.result.Bytes = "HTTP/2.0", int64(proto.Size(answer))
	if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return site.FailureStatus, fmt.Errorf("asking for the health of service '%s': it is %s", c.ask.Name, answer.Status)
	}
	return "", nil
}

// options have gRPC use conn and nothing else: no proxy, no second connection,
// nothing larger than an answer may be. There are no retries either: they come
// with a service configuration, which "passthrough" does not look up.
func (c *call) options(conn net.Conn, creds credentials.TransportCredentials) []grpc.DialOption {
	conns := make(chan net.Conn, 1)
	conns <- conn
	dial := func(context.Context, string) (net.Conn, error) {
		select {
		case conn := <-conns:
			return conn, nil
		default:
			return nil, errors.New("the connection has broken")
		}
	}
	return []grpc.DialOption{
		grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(creds),
		grpc.WithAuthority(c.target.Host),
		grpc.WithUserAgent(c.userAgent),
		grpc.WithMaxHeaderListSize(maxHeader),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxBody)),
	}
}

// alreadySecured are the credentials of a connection whose handshake is done;
// they only tell gRPC that the scheme is https.
type alreadySecured struct {
	credentials.TransportCredentials
}

func (alreadySecured) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

func (a alreadySecured) Clone() credentials.TransportCredentials { return a }

// unwell says what came instead of an answer. A status is the server's own word
// only if it answered; the text that comes with it is left out, as it may quote
// the answer, which may be an echo of a secret.
func (c *call) unwell(err error, answered bool) (site.Failure, error) {
	code := status.Code(err)
	says := fmt.Sprintf("the status is %s", code)
	switch {
	case !answered:
		return site.FailureProtocol, fmt.Errorf("asking for the health of service '%s': no proper answer, which is %s", c.ask.Name, code)
	case code == codes.DeadlineExceeded: // the server knows our deadline, and may be the first to see it pass
		return site.FailureTimeout, fmt.Errorf("asking for the health of service '%s': %s", c.ask.Name, says)
	case code == codes.NotFound:
		says = "the server knows no such service"
	case code == codes.Unimplemented:
		says = "the server does not offer grpc.health.v1.Health"
	}
	return site.FailureStatus, fmt.Errorf("asking for the health of service '%s': %s", c.ask.Name, says)
}
