package site

import (
	"slices"
	"time"
	"unique"
)

// Ask is what is asked of a target besides where it is, and what makes an
// answer a good one. Each kind of probe and feed reads the fields that it knows
// and leaves the others empty. It is comparable: equal asks of equal targets are
// one question, whichever sites put it.
type Ask struct {
	// Over TLS: probes http, tls, grpc and download, and feeds over HTTP.
	SkipVerify bool // accept any certificate
	Days       int  // a certificate that expires within so many days is a failure; 0: only one that has

	// Over HTTP: probes http and download, feeds prometheus, promql, json and map.
	Method    string    // empty: GET
	Headers   string    // lines "Name: value"; see Secret for the values
	Status    StatusSet // what counts as good
	Body      string    // text that the body must hold
	Pattern   string    // regular expression that the body must match
	Condition string    // expression that must be true of the body as JSON
	KeepAlive bool      // use the connection of the probe before
	HTTP2     bool      // HTTP/2 (RFC 9113), over TLS or not
	Fresh     bool      // nothing of the probe before is used, and nothing left for the next one

	// Probe tcp.
	Send   string // text to send; empty: nothing
	Expect string // text that the answer must hold; empty: no answer is awaited

	// Probe dns: what is asked, and probe grpc: whose health.
	Name string // domain name or service
	Type uint16 // of the question
	TLS  bool   // grpc over TLS

	// Probe download: how much, in bytes.
	Size int64

	// Feeds.
	Signal    Signal  // what the feed measures; empty with Map
	Map       string  // name of a ready-made list of signals
	Query     string  // what to look for: METRIC{labels}, QUERY, PATH or an index
	Over      string  // METRIC{labels} that Query is divided by
	Labels    string  // with Map, matchers that are added to every metric
	Scale     float64 // what a value is multiplied by; 0: what follows from its name
	Community string  // of SNMP; see Secret

	Delay    time.Duration // how far behind its values are; 0: not at all, or as Map says
	Services string        // of a CDN that {service} stands for in turn, sorted, with spaces between
}

// Asking is an Ask that all equal ones share: there may be very many targets.
type Asking = unique.Handle[Ask]

// Bounds of a download, in bytes: the first 64 KiB are not measured, and what is
// over in a moment measures nothing.
const (
	MinDownload     = 256 << 10
	DefaultDownload = 1 << 20
	MaxDownload     = 64 << 20
)

// maxDays is ten years.
const maxDays = 3650

// check checks what a kind needs to be told.
func (a Ask) check(property, kind string) error {
	switch {
	case a.Days < 0 || a.Days > maxDays:
		return wrong(property, "days %d is not from 0 to %d", a.Days, maxDays)
	case kind == "download" && (a.Size < MinDownload || a.Size > MaxDownload):
		return wrong(property, "size %d bytes is not from %d KiB to %d MiB", a.Size, MinDownload>>10, MaxDownload>>20)
	case a.Delay < 0 || a.Delay > maxDelay:
		return wrong(property, "delay %s is not from 0s to %s", a.Delay, maxDelay)
	case a.strayMark(kind):
		return wrong(property, "a placeholder for services may stand in the URL and in the query of promql, and nowhere else")
	case kind == "map" && len(MapSignals(a.Map)) == 0:
		return wrong(property, "map '%s' is not known", a.Map)
	case kinds[kind].feed && kind != "map" && kind != "fci" && !slices.Contains(Signals(), a.Signal):
		return wrong(property, "signal '%s' is not known", a.Signal)
	}
	return nil
}
