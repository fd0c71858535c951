package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// URLConfig says how a server is asked that is somewhere else.
type URLConfig struct {
	URL   string         // https://HOST:PORT; http:// to this machine only
	Token string         // empty: none is shown
	Roots *x509.CertPool // whom certificates are to be of; nil: the system's
}

// DialURL returns a client of the server at a URL; nothing is opened yet. Neither an
// error here nor one of the client's ever says the token.
func DialURL(cfg URLConfig) (*Client, error) {
	base, err := checkURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("server '%s': %w", cfg.URL, err)
	}
	if cfg.Token != "" && !tokenForm.MatchString(cfg.Token) {
		return nil, fmt.Errorf("server '%s': what is there is no token: one is cdr_ and 43 characters", cfg.URL)
	}
	transport := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is this server's alone
	return &Client{where: "server '" + base + "'", base: base, token: cfg.Token, http: http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// checkURL returns the URL of a server without a slash at its end.
func checkURL(text string) (string, error) {
	u, err := url.Parse(text)
	var wrong *url.Error
	switch {
	case errors.As(err, &wrong):
		return "", wrong.Err
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "", errors.New("write a URL such as https://cdn.example.org:8443")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("a user, a query or a fragment has no place in it")
	case u.Scheme == "http" && !isHere(u.Hostname()):
		return "", errors.New("http:// is possible to this machine only: a token would be seen on the way")
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// isHere reports whether a host is this machine.
func isHere(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Unreachable returns a client that has nobody to ask, and says why.
func Unreachable(why error) *Client { return &Client{broken: why} }
