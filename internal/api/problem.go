package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is an error of the API (RFC 9457), of type about:blank.
type Problem struct {
	Title  string   `json:"title" doc:"The status in words" example:"Bad Request"`
	Status int      `json:"status" doc:"The status of HTTP" example:"400"`
	Detail string   `json:"detail,omitempty" doc:"What is wrong, for people" example:"body.base: expected number >= 0, got -1"`
	Errors []*Fault `json:"errors,omitempty" doc:"Each thing that is wrong with the request, if they are several or their place is known"`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Location string `json:"location,omitempty" doc:"Where it is; absent: the message says it" example:"body.base"`
	Message  string `json:"message" doc:"What is wrong" example:"expected number >= 0"`
	Value    any    `json:"value,omitempty" doc:"What is there, unless it is long" example:"-1"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%s: %s", p.Title, p.Detail) }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func (f *Fault) Error() string {
	text := f.Message
	if f.Location != "" {
		text = f.Location + ": " + text
	}
	if f.Value != nil && !strings.Contains(f.Message, quoted(f.Value)) {
		text += fmt.Sprintf(", got '%v'", f.Value)
	}
	return text
}

// Bounds of what a problem says: an error may quote what it is about.
const (
	maxDetail = 4 << 10 // octets
	maxErrors = 100
	maxValue  = 200 // octets
)

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: shorten(fmt.Sprintf(format, args...), maxDetail)}
}

func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " ..."
}

// statuses are those of the errors that have one.
var statuses = []struct {
	err    error
	status int
}{
	{ErrUnknown, http.StatusNotFound},
	{ErrNoNode, http.StatusNotFound},
	{ErrNotFound, http.StatusNotFound},
	{ErrNoReader, http.StatusNotFound},
	{ErrRepeated, http.StatusConflict},
	{ErrImprobable, http.StatusUnprocessableEntity},
	{ErrUnproved, http.StatusUnprocessableEntity},
	{ErrInvalid, http.StatusBadRequest},
	{ErrNotInvited, http.StatusUnauthorized},
	{ErrNoStore, http.StatusConflict},
	{ErrStale, http.StatusPreconditionFailed},
	{ErrConflict, http.StatusConflict},
	{ErrUnderWay, http.StatusConflict},
	{ErrOtherRequest, http.StatusUnprocessableEntity},
	{ErrUnavailable, http.StatusServiceUnavailable},
	{ErrStorage, http.StatusInsufficientStorage},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
	{context.Canceled, http.StatusServiceUnavailable},
}

// problemOf gives an error its status.
func problemOf(err error) *Problem {
	var p *Problem
	var large *http.MaxBytesError
	var faults Faults
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &large):
		return problem(http.StatusRequestEntityTooLarge, "the body is too large: %s are possible", octets(large.Limit))
	case errors.As(err, &faults):
		p = problem(http.StatusBadRequest, "%v", err)
		if len(faults) > 1 || len(faults) == 1 && faultOf(faults[0]).Location != "" {
			p.list(faults)
		}
		return p
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return problem(s.status, "%v", err)
		}
	}
	return problem(http.StatusInternalServerError, "%v", err)
}

// list lists what is wrong.
func (p *Problem) list(faults []error) {
	for _, err := range faults[:min(len(faults), maxErrors)] {
		p.Errors = append(p.Errors, faultOf(err))
	}
	if more := len(faults) - maxErrors; more > 0 {
		p.Errors = append(p.Errors, &Fault{Message: fmt.Sprintf("%d more", more)})
	}
}

func init() {
	huma.NewError = func(status int, msg string, faults ...error) huma.StatusError {
		return problemOfRequest(status, msg, faults)
	}
}

// problemOfRequest is what huma finds wrong with a request. Whatever does not fit the
// document is 400 here, as it is where only we can see it.
func problemOfRequest(status int, msg string, faults []error) *Problem {
	for _, err := range faults {
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			return problemOf(large)
		}
	}
	switch status {
	case http.StatusUnprocessableEntity, http.StatusInternalServerError: // that is of a body that broke off
		status = http.StatusBadRequest
	}
	p := problem(status, "%s", msg)
	p.list(faults)
	switch len(p.Errors) {
	case 0:
	case 1:
		p.Detail = shorten(p.Errors[0].Error(), maxDetail)
	default:
		p.Detail = Faults(faults).Error()
	}
	return p
}

// faultOf returns what is wrong in the form of the API.
func faultOf(err error) *Fault {
	var f *Fault
	var detail *huma.ErrorDetail
	switch {
	case errors.As(err, &detail):
		f = &Fault{Location: detail.Location, Message: detail.Message, Value: detail.Value}
		if f.Location == "body" {
			f.Value = nil // all of it: there may be a secret
		}
	case !errors.As(err, &f):
		f = &Fault{Message: err.Error()}
	}
	return &Fault{Location: shorten(f.Location, maxValue), Message: shorten(f.Message, maxDetail), Value: brief(f.Value)}
}

// brief keeps a value short; what is no plain one is left out.
func brief(value any) any {
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.String:
		return shorten(v.String(), maxValue)
	case reflect.Bool, reflect.Float64, reflect.Int64, reflect.Int, reflect.Uint64:
		return value
	}
	return nil
}

// octets writes a bound as people do.
func octets(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// send answers with a problem, where huma does not.
func send(w http.ResponseWriter, p *Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // plain values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	w.Write(body)
}
