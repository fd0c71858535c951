package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Problem is an error of the API (RFC 9457), of type about:blank.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"` // of HTTP
	Detail string `json:"detail,omitempty"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%s: %s", p.Title, p.Detail) }

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// problemOf gives an error its status.
func problemOf(err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, ErrUnknown), errors.Is(err, ErrNoNode):
		return problem(http.StatusNotFound, "%v", err)
	case errors.Is(err, ErrInvalid):
		return problem(http.StatusBadRequest, "%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusGatewayTimeout, "%v", err)
	case errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, "%v", err)
	}
	return problem(http.StatusInternalServerError, "%v", err)
}
