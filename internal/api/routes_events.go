package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const eventsPath = "/v1/events"

// Bounds of streams of events.
const (
	maxStreams          = 32 // of all callers
	maxCustomersStreams = 24 // of all customers: the others are operators'
	maxCustomerStreams  = 8  // of all users of one
	maxOwnStreams       = 4  // of one user
	heartbeatEvery      = 15 * time.Second
	streamLimit         = 10 * time.Minute // so that a token that is no longer good does not open one for ever
)

const aboutEvents = `Server-sent events. Each decision is an event ` + "`decision`" + ` with a JournalEntry as its data, as in the journal. Now and then a comment says that the server is there. Who reads too slowly is sent an event ` + "`dropped`" + `, and the stream ends; so it does after 10 minutes in any case.

Come again then with the ID of the last event in ` + "`Last-Event-ID`" + `, as browsers do by themselves: what was decided meanwhile comes first, from the memory of the server or else from the journal. On another server, or after a restart, the last decisions before that may come once more. Where decisions are missing all the same, the first event is ` + "`lost`" + `.`

func (a *API) registerEvents() {
	op := operation{id: "stream-events", does: "GET " + eventsPath, least: site.RoleCustomerReadonly, about: "Decisions",
		summary: "Decisions as they are taken", text: aboutEvents}
	a.operations[op.does] = op
	method, path, _ := strings.Cut(op.does, " ")
	entry := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[JournalEntry](), true, "")
	huma.Register(a.huma, huma.Operation{
		OperationID: op.id, Method: method, Path: path, Tags: []string{op.about}, Summary: op.summary, Description: op.text,
		Extensions: map[string]any{"x-least-role": op.leastRole()},
		Responses: map[string]*huma.Response{"200": {
			Description: "A stream of events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: entry}},
		}},
	}, a.events)
}

type eventsInput struct {
	LastEventID string    `header:"Last-Event-ID" doc:"The ID of the last event that came" example:"1767323045123456.7"`
	Since       time.Time `query:"since" doc:"Begin with what was decided from then on; absent, and without Last-Event-ID: from now on" example:"2026-01-02T03:04:05Z"`

	last position
}

// Resolve implements huma.Resolver.
func (in *eventsInput) Resolve(huma.Context) []error {
	in.last = position{at: in.Since}
	if in.LastEventID == "" {
		return nil
	}
	micros, number, found := strings.Cut(in.LastEventID, ".")
	at, err := strconv.ParseInt(micros, 10, 64)
	n, err2 := strconv.ParseUint(number, 10, 64)
	if !found || err != nil || err2 != nil {
		return []error{&Fault{Location: "header.Last-Event-ID", Message: "expected the ID of an event", Value: in.LastEventID}}
	}
	in.last = position{time.UnixMicro(at), n}
	return nil
}

func (e *event) id() string { return fmt.Sprintf("%d.%d", e.At.UnixMicro(), e.number) }

// Decided has those who look on know of a decision on a site of a customer's. It is called
// by one goroutine at a time, and does not wait.
func (a *API) Decided(e JournalEntry, customer string) { a.feed.put(e, customer) }

func (a *API) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	who := callerOf(ctx)
	leave, p := a.streams.enter(who)
	if p != nil {
		return nil, huma.ErrorWithHeaders(p, http.Header{"Retry-After": {"10"}})
	}
	before, from, lost, err := a.missed(ctx, who, in.last)
	if err != nil {
		leave()
		return nil, problemOf(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer leave()
		_, w := humago.Unwrap(hc)
		s := &stream{w: w, c: http.NewResponseController(w)}
		if s.begin(); lost {
			s.say("lost", "", struct{}{})
		}
		for _, e := range before {
			s.say("decision", e.id(), e.JournalEntry)
		}
		ctx, cancel := context.WithTimeout(ctx, streamLimit)
		defer cancel()
		s.follow(ctx, a.feed, from, who)
	}}, nil
}

// missed returns what was decided since a position and is no longer in the feed, and the
// number in the feed behind which to go on. It reports whether anything is missing.
func (a *API) missed(ctx context.Context, who Caller, since position) (before []*event, from uint64, lost bool, err error) {
	if since.at.IsZero() {
		return nil, a.feed.last.Load(), false, nil
	}
	from, until, all := a.feed.since(since)
	if all {
		return nil, from, false, nil
	}
	if a.Store == nil {
		return nil, from, true, nil
	}
	entries, err := a.Store.Journal(ctx, JournalQuery{Since: since.at, Limit: mostJournal}, who)
	if errors.Is(err, ErrNoStore) {
		return nil, from, true, nil
	}
	for _, e := range slices.Backward(entries) {
		if until.IsZero() || e.At.Before(until) {
			before = append(before, &event{JournalEntry: e})
		}
	}
	return before, from, len(entries) == mostJournal, err
}

// stream is one that somebody reads.
type stream struct {
	w      http.ResponseWriter
	c      *http.ResponseController
	failed bool
}

func (s *stream) begin() {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.write("retry: 2000\n\n")
}

// follow sends what the caller sees behind a number in the feed, until ctx ends or he
// cannot be reached.
func (s *stream) follow(ctx context.Context, f *feed, n uint64, who Caller) {
	heartbeat := time.NewTicker(heartbeatEvery)
	defer heartbeat.Stop()
	for !s.failed {
		e, news, there := f.next(n)
		switch {
		case !there:
			s.say("dropped", "", struct{}{})
			return
		case e != nil:
			if n++; who.sees(e.customer) {
				s.say("decision", e.id(), e.JournalEntry)
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-heartbeat.C:
			s.write(": still here\n\n")
		}
	}
}

// say sends an event.
func (s *stream) say(kind, id string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // plain values
	}
	if id != "" {
		kind += "\nid: " + id
	}
	s.write("event: " + kind + "\ndata: " + string(text) + "\n\n")
}

// write sends a text, in the time that an answer has. Between two of them there is no
// deadline: over HTTP/2 its end would be that of the stream.
func (s *stream) write(text string) {
	if s.failed {
		return
	}
	_ = s.c.SetWriteDeadline(time.Now().Add(answerLimit))
	_, err := s.w.Write([]byte(text))
	if err == nil {
		err = s.c.Flush()
	}
	_ = s.c.SetWriteDeadline(time.Time{})
	s.failed = err != nil
}
