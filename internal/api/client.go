package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"
)

// Client asks a Server. An error on the way to the server names the socket, or the URL;
// one that the server gave is a *Problem.
type Client struct {
	where  string // for people
	base   string // of all URLs
	user   string // who asks; empty: whom the system knows, or whose the token is
	token  string // empty: none is shown
	broken error  // nil: there is somebody to ask
	http   http.Client
}

// Dial returns a client of the socket at path. Every request is a connection of
// its own, so nothing is opened yet and nothing stays open.
func Dial(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{where: "socket '" + path + "'", base: socketBase, http: http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// socketBase is that of URLs over a socket, whose name says nothing.
const socketBase = "http://cdnredirect"

// As has all changes over a socket be recorded as made by the user of that name; what is
// no name of a user is not said. Elsewhere the token says who it is.
func (c *Client) As(user string) *Client {
	if userName.MatchString(user) && c.base == socketBase {
		c.user = user
	}
	return c
}

// States returns a part of the states.
func (c *Client) States(ctx context.Context, q StateQuery) (StateList, error) {
	query := q.values()
	for name, value := range map[string]string{"prefix": q.Prefix, "customer": q.Customer} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return get[StateList](ctx, c, statesPath, query)
}

// CDNs returns the state of every watched CDN.
func (c *Client) CDNs(ctx context.Context) ([]CDNState, error) {
	var body CDNList
	err := c.ask(ctx, http.MethodGet, cdnsPath, nil, &body)
	return body.CDNs, err
}

// Explain says all about the site that answers name, and what client would be
// answered; the zero Addr: any.
func (c *Client) Explain(ctx context.Context, name string, client netip.Addr) (Explanation, error) {
	query := url.Values{"name": {name}}
	if client.IsValid() {
		query.Set("client", client.String())
	}
	var explanation Explanation
	err := c.ask(ctx, http.MethodGet, explainPath+"?"+query.Encode(), nil, &explanation)
	return explanation, err
}

// DryRun returns what a client would be answered now, and why.
func (c *Client) DryRun(ctx context.Context, req DryRunRequest) (DryRun, error) {
	var run DryRun
	body, err := json.Marshal(req)
	if err == nil {
		err = c.ask(ctx, http.MethodPost, dryRunPath, body, &run)
	}
	return run, err
}

// Drain has a node of a CDN get no visitors, or get them again.
func (c *Client) Drain(ctx context.Context, cdn, node string, drain bool) error {
	body, err := json.Marshal(DrainRequest{cdn, node, drain})
	if err == nil {
		err = c.ask(ctx, http.MethodPost, drainPath, body, new(DrainRequest))
	}
	return err
}

// Probe has a URL, or all that is probed for a site, probed once.
func (c *Client) Probe(ctx context.Context, what string) (ProbeReport, error) {
	var report ProbeReport
	body, err := json.Marshal(ProbeRequest{what})
	if err == nil {
		err = c.ask(ctx, http.MethodPost, probePath, body, &report)
	}
	return report, err
}

// Push says how a host is.
func (c *Client) Push(ctx context.Context, p PushRequest) error {
	_, err := change[Done](ctx, c, http.MethodPost, pushPath, maxBody, p)
	return err
}

// grace is how long the client waits beyond the server's own limit.
const grace = 20 * time.Second

// ask sends one request and reads the answer into answer.
func (c *Client) ask(ctx context.Context, method, path string, body []byte, answer any) error {
	return c.askFor(ctx, probeLimit, method, path, body, answer)
}

// askFor is ask with the time that the server takes at most.
func (c *Client) askFor(ctx context.Context, limit time.Duration, method, path string, body []byte, answer any) error {
	_, err := c.exchange(ctx, request{method: method, path: path, body: body, limit: limit}, answer)
	return err
}

// exchange sends one request, reads the answer into answer, and returns its headers.
func (c *Client) exchange(ctx context.Context, r request, answer any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit+grace)
	defer cancel()
	if c.broken != nil {
		return nil, c.broken
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w%s", c.where, err, c.hint(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, c.problem(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.where, err)
	}
	return resp.Header, nil
}

func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	req, err := r.http(ctx, c.base)
	if err != nil {
		return nil, err
	}
	if c.user != "" {
		req.Header.Set(userHeader, c.user)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return nil, wrapped.Err // its URL is none that anybody asked for
	}
	return resp, err
}

// maxProblem is how many octets an error may have.
const maxProblem = 4 << 20

// problem returns the error that the server gave.
func (c *Client) problem(resp *http.Response) error {
	p := new(Problem)
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxProblem)).Decode(p); err != nil {
		return fmt.Errorf("reading the error of %s, status %d: %w", c.where, resp.StatusCode, err)
	}
	return p
}

// hint says what is likely wrong. A peer who is refused sees nothing but a
// connection that ends, in one of several ways.
func (c *Client) hint(err error) string {
	switch {
	case c.base != socketBase:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return ": is CoreDNS running, with 'socket' and this path in its Corefile?"
	case errors.Is(err, fs.ErrPermission):
		return ": run this as root or as the user of CoreDNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return ": the process that made the socket is gone; is CoreDNS running?"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), os.Geteuid() == 0:
		return ""
	}
	return ": the server lets in root and the user of CoreDNS only"
}
