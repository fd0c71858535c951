package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The paths of the API.
const (
	statesPath  = "/v1/states"
	cdnsPath    = "/v1/cdns"
	explainPath = "/v1/explain"
	probePath   = "/v1/probe"
	drainPath   = "/v1/drain"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(statesPath, s.route(http.MethodGet, s.states))
	mux.Handle(cdnsPath, s.route(http.MethodGet, s.cdns))
	mux.Handle(explainPath, s.route(http.MethodGet, s.explain))
	mux.Handle(drainPath, s.route(http.MethodPost, s.drain))
	mux.Handle(probePath, s.route(http.MethodPost, s.probe))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		send(w, problem(http.StatusNotFound, "there is nothing at '%s'", r.URL.Path))
	})
	return mux
}

// ask is what one route does: it returns a value for JSON, or an error.
type ask func(*http.Request) (any, error)

func (s *Server) route(method string, ask ask) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			send(w, problem(http.StatusMethodNotAllowed, "'%s' wants %s", r.URL.Path, method))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, err := s.attempt(r, ask)
		if err != nil {
			send(w, problemOf(err))
			return
		}
		write(w, http.StatusOK, "application/json", body)
	})
}

// attempt asks once; a panic ends the attempt, not the process.
func (s *Server) attempt(r *http.Request, ask ask) (body []byte, err error) {
	defer func() {
		if value := recover(); value != nil {
			s.log.Errorf("%s %s panicked: %v\n%s", r.Method, r.URL.Path, value, debug.Stack())
			err = problem(http.StatusInternalServerError, "the server's log says more")
		}
	}()
	answer, err := ask(r)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func send(w http.ResponseWriter, p *Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // two strings and a number
	}
	write(w, p.Status, "application/problem+json", body)
}

// write ignores an error: the peer has gone.
func write(w http.ResponseWriter, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// statesBody is an object, so that it may grow.
type statesBody struct {
	States []State `json:"states"`
}

func (s *Server) states(*http.Request) (any, error) {
	states := s.engine.States()
	if states == nil {
		states = []State{} // never null
	}
	return statesBody{states}, nil
}

// cdnsBody is one, too.
type cdnsBody struct {
	CDNs []CDNState `json:"cdns"`
}

func (s *Server) cdns(*http.Request) (any, error) {
	cdns := s.engine.CDNs()
	if cdns == nil {
		cdns = []CDNState{}
	}
	return cdnsBody{cdns}, nil
}

func (s *Server) explain(r *http.Request) (any, error) {
	query := r.URL.Query()
	name, err := site.CanonicalName(query.Get("name"))
	if err != nil {
		return nil, fmt.Errorf("reading name: %w: %w", ErrInvalid, err)
	}
	var client netip.Addr
	if text := query.Get("client"); text != "" {
		if client, err = netip.ParseAddr(text); err != nil {
			return nil, fmt.Errorf("reading client '%s': %w: %w", text, ErrInvalid, err)
		}
	}
	return s.engine.Explain(name, client)
}

// drainBody is what a request to drain a node holds.
type drainBody struct {
	CDN   string `json:"cdn"`
	Node  string `json:"node"`
	Drain bool   `json:"drain"`
}

func (s *Server) drain(r *http.Request) (any, error) {
	var body drainBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, fmt.Errorf("reading the body: %w: %w", ErrInvalid, err)
	}
	return body, s.engine.Drain(body.CDN, body.Node, body.Drain)
}

// probeBody is what a probe request holds.
type probeBody struct {
	What string `json:"what"` // a URL or a site's name
}

func (s *Server) probe(r *http.Request) (any, error) {
	what, err := readWhat(r)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w: %w", ErrInvalid, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), probeLimit)
	defer cancel()
	return s.engine.Probe(ctx, what)
}

// readWhat returns the URL as it is, or the canonical name.
func readWhat(r *http.Request) (string, error) {
	var body probeBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return "", err
	}
	if strings.Contains(body.What, "://") {
		return body.What, nil
	}
	return site.CanonicalName(body.What)
}
