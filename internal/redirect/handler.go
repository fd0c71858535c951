package redirect

import (
	"io"
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

// ServeHTTP implements http.Handler, for HTTP/2.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := fromHTTP(r)
	a := h.answer(h.view.Load(), &q)
	header := w.Header()
	a.headers(func(name, value string) { header[name] = []string{value} })
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxBody)
	}
	w.WriteHeader(a.code)
	a.counter.Inc()
}
