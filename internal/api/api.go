package api

import (
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Logger is where the API speaks to the operator; CoreDNS's plugin logger is one.
type Logger interface {
	Warningf(format string, v ...any)
	Errorf(format string, v ...any)
}

// Config is what an API needs.
type Config struct {
	Engine  Engine
	Store   Configuration // nil: all that is asked of it is ErrNoStore
	Log     Logger
	Tokens  Authenticator // nil: no token is good
	Keys    Keys          // nil: what has an Idempotency-Key is ErrNoStore
	Refused func()        // is told of every peer that a socket refuses for its user; nil: nobody is

	Resources // of the same store
}

// API is all that can be asked, whoever asks and whatever he comes by.
type API struct {
	Config
	mux        *http.ServeMux
	huma       huma.API
	operations map[string]operation // by method and path
	large      *rooms               // of large bodies
	asked      *limits[Caller]
	askedOf    *limits[string] // by customer
	failed     *limits[string] // by network
	feed       *feed
	streams    *crowd
	waiting    *crowd
	copying    sync.Mutex // held while a backup is made
}

// New returns the API of an engine and its store.
func New(cfg Config) *API {
	a := &API{Config: cfg, mux: http.NewServeMux(), operations: make(map[string]operation), large: newRooms(),
		asked: newLimits[Caller](askedRate, askedBurst), askedOf: newLimits[string](customerRate, customerBurst), failed: newLimits[string](failedRate, failedBurst),
		feed: newFeed(feedSize), waiting: newWaits(), streams: newCrowd("read %d streams", maxStreams, maxCustomersStreams, maxCustomerStreams, maxOwnStreams)}
	a.huma = huma.NewAPI(newDocument(), adapter{a})
	a.registerEngine()
	a.registerDraft()
	a.registerRevisions()
	a.registerServers()
	a.registerOverrides()
	a.registerJournal()
	a.registerEvents()
	a.registerDryRun()
	a.registerResources()
	a.mux.HandleFunc("/", a.nothing)
	return a
}

// adapter is how huma hands its operations to the mux.
type adapter struct{ *API }

// Handle implements huma.Adapter.
func (a adapter) Handle(op *huma.Operation, answer func(huma.Context)) {
	pattern := op.Method + " " + op.Path
	does := a.operations[pattern]
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		defer a.recovered(w, r)
		release, p := a.admit(does, w, r)
		if p != nil {
			send(w, p)
			return
		}
		defer release()
		if r, p = withKey(does, r); p != nil {
			send(w, p)
			return
		}
		answer(humago.NewContext(op, r, w))
	})
}

// ServeHTTP implements huma.Adapter.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// serve answers a request of somebody.
func (a *API) serve(w http.ResponseWriter, r *http.Request, who Caller) {
	keepPrivate(w)
	a.mux.ServeHTTP(w, r.WithContext(withCaller(r.Context(), who)))
}

// keepPrivate has nobody on the way keep an answer, or take it for something else.
func keepPrivate(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}
