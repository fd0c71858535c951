package api

import (
	"bytes"
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

// Client asks a Server. An error on the way to the server names the socket; one
// that the server gave is a *Problem.
type Client struct {
	path string
	http http.Client
}

// Dial returns a client of the socket at path. Every request is a connection of
// its own, so nothing is opened yet and nothing stays open.
func Dial(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Timeout:   probeLimit + 20*time.Second, // the server's own limit comes first
	}}
}

// States returns every site's state.
func (c *Client) States(ctx context.Context) ([]State, error) {
	var body statesBody
	err := c.ask(ctx, http.MethodGet, statesPath, nil, &body)
	return body.States, err
}

// CDNs returns the state of every watched CDN.
func (c *Client) CDNs(ctx context.Context) ([]CDNState, error) {
	var body cdnsBody
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

// Drain has a node of a CDN get no visitors, or get them again.
func (c *Client) Drain(ctx context.Context, cdn, node string, drain bool) error {
	body, err := json.Marshal(drainBody{cdn, node, drain})
	if err == nil {
		err = c.ask(ctx, http.MethodPost, drainPath, body, new(drainBody))
	}
	return err
}

// Probe has a URL, or all that is probed for a site, probed once.
func (c *Client) Probe(ctx context.Context, what string) (ProbeReport, error) {
	var report ProbeReport
	body, err := json.Marshal(probeBody{what})
	if err == nil {
		err = c.ask(ctx, http.MethodPost, probePath, body, &report)
	}
	return report, err
}

// ask sends one request and reads the answer into answer.
func (c *Client) ask(ctx context.Context, method, path string, body []byte, answer any) error {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return fmt.Errorf("asking socket '%s': %w%s", c.path, err, hint(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return c.problem(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("reading the answer of socket '%s': %w", c.path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://cdnredirect"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return nil, wrapped.Err // its URL is none that anybody asked for
	}
	return resp, err
}

// problem returns the error that the server gave.
func (c *Client) problem(resp *http.Response) error {
	p := new(Problem)
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(p); err != nil {
		return fmt.Errorf("reading the error of socket '%s', status %d: %w", c.path, resp.StatusCode, err)
	}
	return p
}

// hint says what is likely wrong. A peer who is refused sees nothing but a
// connection that ends, in one of several ways.
func hint(err error) string {
	switch {
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
