//go:build linux

package test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// agentSocket is the environment variable that makes the test binary an agent
// which listens on the unix socket of that name.
const agentSocket = "CDNREDIRECT_TEST_AGENT"

// agent is this test binary once more, inside a network namespace. The test
// talks to it by HTTP over a unix socket, for which namespaces do not matter:
// it asks DNS servers there, and is the origin.
type agent struct {
	*process
	http *http.Client
}

// startAgent starts an agent in a namespace.
func startAgent(t *testing.T, ns namespace) *agent {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder(t), "agent")
	cmd := ns.command(self)
	cmd.Env = append(os.Environ(), agentSocket+"="+socket)
	a := &agent{process: launch(t, cmd), http: overSocket(socket)}
	awaitTrue(t, "the agent to listen", func() bool { return a.call("/", nil, nil) == nil })
	return a
}

// overSocket returns an HTTP client that finds every host at a unix socket.
func overSocket(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// call posts a body to the agent and reads the answer into out.
func (a *agent) call(path string, body []byte, out *[]byte) error {
	resp, err := a.http.Post("http://agent"+path, "", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &net.OpError{Op: path, Err: errorText(text)}
	}
	if out != nil {
		*out = text
	}
	return nil
}

type errorText string

func (e errorText) Error() string { return string(e) }

// ask asks a DNS server in the namespace, over UDP, and says in a line what
// came of it.
func (a *agent) ask(server, name string, qtype uint16) string {
	wire, err := question(name, qtype).Pack()
	if err != nil {
		return "no question: " + err.Error()
	}
	if err := a.call("/exchange?server="+url.QueryEscape(server), wire, &wire); err != nil {
		return "no answer: " + err.Error()
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return "no answer: " + err.Error()
	}
	return summary(m)
}

// serveOrigin makes the agent the web server at an address.
func (a *agent) serveOrigin(t *testing.T, address, port string) {
	t.Helper()
	if err := a.call("/origin?address="+url.QueryEscape(address)+"&port="+port, nil, nil); err != nil {
		t.Fatal(err)
	}
}

// killOrigin has the agent refuse connections at an address where it was the web server.
func (a *agent) killOrigin(t *testing.T, address string) {
	t.Helper()
	if err := a.call("/kill?address="+url.QueryEscape(address), nil, nil); err != nil {
		t.Fatal(err)
	}
}

// slow sets how long the origin takes for an answer from now on.
func (a *agent) slow(t *testing.T, delay time.Duration) {
	t.Helper()
	if err := a.call("/slow?delay="+delay.String(), nil, nil); err != nil {
		t.Fatal(err)
	}
}

// runAgent is the agent's side.
func runAgent(socket string) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, agentHandler()))
}

func agentHandler() http.Handler {
	web := newOrigin("")
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(http.ResponseWriter, *http.Request) {})
	handle(mux, "/origin", func(r *http.Request) ([]byte, error) {
		web.port = r.FormValue("port")
		return nil, web.open(r.FormValue("address"))
	})
	handle(mux, "/kill", func(r *http.Request) ([]byte, error) {
		web.kill(r.FormValue("address"))
		return nil, nil
	})
	handle(mux, "/way", (&ways{open: make(map[string]*way)}).change)
	handle(mux, "/slow", func(r *http.Request) ([]byte, error) {
		delay, err := time.ParseDuration(r.FormValue("delay"))
		web.slow(delay)
		return nil, err
	})
	handle(mux, "/exchange", relay)
	handle(mux, "/get", get)
	handle(mux, "/send", new(traffic).change)
	return mux
}

// handle answers with what f returns.
func handle(mux *http.ServeMux, path string, f func(*http.Request) ([]byte, error)) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		body, err := f(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Write(body)
	})
}

// relay asks the DNS message in the body of a server.
func relay(r *http.Request) ([]byte, error) {
	wire, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	q := new(dns.Msg)
	if err := q.Unpack(wire); err != nil {
		return nil, err
	}
	m, err := client{"udp", r.FormValue("server")}.exchange(q)
	if err != nil {
		return nil, err
	}
	return m.Pack()
}
