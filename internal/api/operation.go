package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// operation is one thing that can be asked, and what it may cost.
type operation struct {
	id      string    // unique, for the document
	does    string    // method and path
	least   site.Role // empty: an operator
	open    bool      // whoever asks may do it, with a role or without one
	about   string    // a group of operations
	summary string
	text    string // the rest that people should know
	stored  bool   // it needs a store, and may take its time there
	large   bool   // its body may be large

	unchecked bool // its body is checked by its type alone
}

// Times that requests have.
const (
	bodyLimit   = 10 * time.Second // to come, unless they are large
	probeLimit  = time.Minute
	storeLimit  = 5 * time.Minute  // a backup before a migration may take that long
	answerLimit = 10 * time.Second // to be read, once it is there
)

// none is the input of what needs none.
type none struct{}

// Done is the answer of what has none.
type Done struct{}

// answer is how huma wants an answer.
type answer[T any] struct{ Body T }

func (a answer[T]) content() any { return a.Body }

// tagged is an answer with an ETag.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"The version, for If-Match" example:"\"42\""`
	Body T
}

func (t tagged[T]) content() any { return t.Body }

// register has an operation be answered by a function, whose types are those of the
// document.
func register[I, O any](a *API, op operation, do func(context.Context, Caller, *I) (O, error)) {
	registerAnswer(a, op, func(ctx context.Context, who Caller, in *I) (*answer[O], error) {
		body, err := do(ctx, who, in)
		return &answer[O]{body}, err
	})
}

// registerTagged does so where an answer has a version.
func registerTagged[I, O any](a *API, op operation, do func(context.Context, Caller, *I) (O, Version, error)) {
	registerAnswer(a, op, func(ctx context.Context, who Caller, in *I) (*tagged[O], error) {
		body, version, err := do(ctx, who, in)
		return &tagged[O]{version.tag(), body}, err
	})
}

func registerAnswer[I any, A interface{ content() any }](a *API, op operation, do func(context.Context, Caller, *I) (*A, error)) {
	a.operations[op.does] = op
	method, path, _ := strings.Cut(op.does, " ")
	huma.Register(a.huma, huma.Operation{
		OperationID: op.id, Method: method, Path: path, Tags: []string{op.about}, Summary: op.summary, Description: op.text,
		Extensions:      map[string]any{"x-least-role": op.leastRole()},
		MaxBodyBytes:    -1, // the reader knows
		BodyReadTimeout: op.bodyLimit(), SkipValidateBody: op.large || op.unchecked,
		Parameters: op.parameters(),
	}, func(ctx context.Context, in *I) (out *A, err error) {
		ctx, cancel, err := a.storeFor(ctx, op)
		if err != nil {
			return nil, problemOf(err)
		}
		defer cancel()
		who := callerOf(ctx)
		leave, p := a.mayWait(who, in)
		if p != nil {
			return nil, huma.ErrorWithHeaders(p, http.Header{"Retry-After": {"1"}})
		}
		defer leave()
		err = a.once(ctx, who, func() (body any, err error) {
			if out, err = do(ctx, who, in); err != nil {
				return nil, err
			}
			return (*out).content(), nil
		})
		if before := new(replay); errors.As(err, &before) {
			return nil, before
		}
		if err != nil {
			return nil, a.told(who, problemOf(err))
		}
		return out, nil
	})
}

// storeFor returns the time that an operation has in the store, if it needs that.
func (a *API) storeFor(ctx context.Context, op operation) (context.Context, context.CancelFunc, error) {
	if !op.stored {
		return ctx, func() {}, nil
	}
	if a.Store == nil {
		return nil, nil, ErrNoStore
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	return ctx, cancel, nil
}

// told is a problem as somebody may know it: what is wrong with the server, or with the
// store, is the operators' to know.
func (a *API) told(who Caller, p *Problem) *Problem {
	if p.Status < http.StatusInternalServerError || who.Role.Operates() {
		return p
	}
	a.Log.Warningf("answering %q: %s", who.Name, p.Detail)
	return problem(p.Status, "it is not possible at the moment: try again later")
}

// parameters are those that no input names.
func (op operation) parameters() []*huma.Param {
	if strings.HasPrefix(op.does, http.MethodGet) {
		return nil
	}
	return []*huma.Param{keyParameter}
}

// lets reports whether a caller may do it.
func (op operation) lets(who Caller) bool { return op.open || who.may(op.least) }

// leastRole is what the document says of that.
func (op operation) leastRole() string {
	if op.open {
		return "none"
	}
	return string(cmp.Or(op.least, site.RoleOperator))
}

// body is how many octets a body may have.
func (op operation) body() int64 {
	if op.large {
		return MaxDraft
	}
	return maxBody
}

// bodyLimit is how long it may take to come.
func (op operation) bodyLimit() time.Duration {
	if op.large {
		return storeLimit
	}
	return bodyLimit
}

// admit gives a request the room and the time that it may take, until release.
func (a *API) admit(op operation, w http.ResponseWriter, r *http.Request) (release func(), p *Problem) {
	if !op.lets(callerOf(r.Context())) {
		return nil, notThere(r)
	}
	if !strings.HasPrefix(op.does, r.Method+" ") { // a HEAD
		return nil, a.notAllowed(w, r)
	}
	if r.ContentLength > op.body() {
		return nil, problemOf(&http.MaxBytesError{Limit: op.body()})
	}
	r.Body = http.MaxBytesReader(w, r.Body, op.body())
	if op.stored {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(storeLimit + answerLimit)); err != nil {
			return nil, problemOf(err)
		}
	}
	if !op.large {
		return func() {}, nil
	}
	leave, err := a.large.enter(r.Context(), callerOf(r.Context()))
	switch {
	case errors.Is(err, errManyWait):
		return nil, tooMany(w, time.Second, err.Error())
	case errors.Is(err, errNoRoom):
		return nil, tooMany(w, bodyLimit, err.Error())
	case err != nil:
		return nil, problemOf(err)
	}
	body := hurry(w, r.Body)
	r.Body = body
	return func() {
		body.stop()
		leave()
	}, nil
}

// recovered has a panic end one request, not the process. One that is meant to break the
// connection goes on.
func (a *API) recovered(w http.ResponseWriter, r *http.Request) {
	if value := recover(); value == http.ErrAbortHandler {
		panic(value)
	} else if value != nil {
		a.Log.Errorf("%s panicked: %q\n%s", r.Pattern, fmt.Sprint(value), debug.Stack())
		send(w, problem(http.StatusInternalServerError, "the server's log says more"))
	}
}

// nothing answers what is no operation.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) { send(w, a.notAllowed(w, r)) }

// notThere says the same of what the caller may not do and of what nobody can.
func notThere(r *http.Request) *Problem {
	return problem(http.StatusNotFound, "there is nothing at '%s'", r.URL.Path)
}

// notAllowed says which methods a path has for the caller.
func (a *API) notAllowed(w http.ResponseWriter, r *http.Request) *Problem {
	var allowed []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPost, http.MethodPut} {
		_, pattern := a.mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL})
		if op, known := a.operations[pattern]; known && op.lets(callerOf(r.Context())) {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		return notThere(r)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return problem(http.StatusMethodNotAllowed, "'%s' wants %s", r.URL.Path, strings.Join(allowed, " or "))
}
