package redirect

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/prometheus/client_golang/prometheus"
)

// answer is what a request gets.
type answer struct {
	code     int
	counter  prometheus.Counter
	location string // of a redirect
	why      string // for operators; empty: nothing
}

// answer decides. It takes no lock and does no I/O.
func (h *Handler) answer(v *View, r *request) answer {
	m := h.metrics
	target, host, valid := r.split()
	entry := v.Table.Host(hostOf(host))
	switch {
	case r.method == http.MethodConnect:
		return answer{code: http.StatusMethodNotAllowed, counter: m.method}
	case !valid:
		return answer{code: http.StatusBadRequest, counter: m.invalid}
	case entry == nil:
		return answer{code: http.StatusMisdirectedRequest, counter: m.unknown}
	case target == "*":
		return answer{code: http.StatusOK, counter: m.options}
	}
	entry.Requested()
	answers := entry.Answers()
	way := wayOf(r.lines)
	switch {
	case way.round:
		return answer{code: http.StatusLoopDetected, counter: m.loop}
	case answers == nil:
		return answer{code: http.StatusServiceUnavailable, counter: m.undecided}
	}
	client := v.client(r)
	records := answers.Redirect.Of(client)
	to, cdn := records.Host, records.CDN != ""
	if way.cdn { // it must not be sent to itself
		to, cdn = entry.Redirect().Host, false
	}
	a := answer{code: records.Code, counter: m.redirected(cdn, records.Code)}
	a.location = v.scheme(r) + to + target
	if contains(v.Explain, client) {
		a.why = why(entry, answers, records, way.cdn)
	}
	return a
}

// headers sets those of the answer.
func (a *answer) headers(set func(name, value string)) {
	set("Cache-Control", "no-store")
	switch a.code {
	case http.StatusFound, http.StatusTemporaryRedirect:
		set("Location", a.location)
	case http.StatusOK, http.StatusMethodNotAllowed:
		set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	case http.StatusServiceUnavailable:
		set("Retry-After", "1") // second
	}
	if a.why != "" {
		set("Cdnredirect-Decision", a.why)
	}
}

// why tells an operator what the client's side follows from.
func why(entry *route.Entry, answers *route.Answers, records *route.Records, byCDN bool) string {
	d, decision := answers.Decision, records.Summary()
	if byCDN {
		decision = "origin, as a CDN asks"
	}
	return fmt.Sprintf("site=%q; epoch=%d; decision=%q; reason=%q", entry.Name(), d.Epoch, decision, d.Reason)
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}
