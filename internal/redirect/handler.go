package redirect

import (
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/cdnredirect/cdnredirect/internal/route"
)

// Handler answers the requests at one address. Until Use it knows no site.
type Handler struct {
	metrics *Metrics
	view    atomic.Pointer[View]
}

// View is what a Handler goes by: it is replaced as a whole.
type View struct {
	Table   *route.Table
	Secure  bool           // requests come by TLS
	Trust   []netip.Prefix // proxies whose X-Forwarded-* are believed
	Explain []netip.Prefix // of operators, who are told why
}

// NewHandler returns a handler that counts in m.
func NewHandler(m *Metrics) *Handler {
	h := &Handler{metrics: m}
	h.Use(&View{Table: route.NewTable()})
	return h
}

// Use makes v what requests are answered by from now on.
func (h *Handler) Use(v *View) { h.view.Store(v) }

// Headers that never change. Nobody writes into them.
var (
	noStore = []string{"no-store"}
	closing = []string{"close"}
	methods = []string{"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
	shortly = []string{"1"} // second
)

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := h.answer(h.view.Load(), r)
	header := w.Header()
	header["Cache-Control"] = noStore
	switch a.code {
	case http.StatusFound, http.StatusTemporaryRedirect:
		header["Location"] = []string{a.location}
	case http.StatusOK, http.StatusMethodNotAllowed:
		header["Allow"] = methods
	case http.StatusServiceUnavailable:
		header["Retry-After"] = shortly
	}
	if a.why != "" {
		header["Cdnredirect-Decision"] = []string{a.why}
	}
	if r.ContentLength != 0 && !drain(r) {
		leave(w, r)
	}
	w.WriteHeader(a.code)
	a.counter.Inc()
}
