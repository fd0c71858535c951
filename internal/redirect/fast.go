package redirect

import (
	"errors"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// maxBody is how much of a body is read, in octets. Some clients take it amiss
// when they are answered while they still send.
const maxBody = 64 << 10

// newFast returns the server of HTTP/1, which costs half as much as that of
// net/http. It has no patience for requests that are not quite right.
func (s *Server) newFast() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:       s.fast,
		ErrorHandler:  s.fastError,
		ExpectHandler: s.expect,
		Concurrency:   1 << 20, // the door bounds them

		ReadTimeout:        requestLimit,
		WriteTimeout:       responseLimit,
		IdleTimeout:        idleLimit,
		ReadBufferSize:     maxHeader,
		MaxRequestBodySize: maxBody,
		ReduceMemoryUsage:  true, // of connections without a request

		Logger:                       s.complaints,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		CloseOnShutdown:              true,
		DisablePreParseMultipartForm: true,
	}
}

// fast answers a request over HTTP/1. A panic stays with it.
func (s *Server) fast(c *fasthttp.RequestCtx) {
	defer func() {
		if value := recover(); value != nil {
			s.log.Errorf("redirector '%s' panicked: %v\n%s", s.addr, value, debug.Stack())
			c.Error("", http.StatusInternalServerError)
			c.Response.Header.Set("Cache-Control", "no-store")
		}
	}()
	h := s.handler
	q := fromFast(c)
	a := answer{code: http.StatusBadRequest, counter: h.metrics.invalid}
	switch head := &c.Request.Header; {
	case !framed(head):
		c.SetConnectionClose()
	case q.host != "" || !head.IsHTTP11() || absolute(q.target):
		a = h.answer(h.view.Load(), &q)
	}
	a.headers(func(name, value string) { c.Response.Header.Set(name, value) })
	c.SetStatusCode(a.code)
	a.counter.Inc()
}

// expect has a body sent that will be read, and else answers at once.
func (s *Server) expect(c *fasthttp.RequestCtx) int {
	if c.Request.Header.ContentLength() <= maxBody {
		return http.StatusContinue
	}
	s.fast(c)
	return c.Response.StatusCode()
}

// fastError answers what could not be read as a request to its end.
func (s *Server) fastError(c *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var late net.Error
	c.Response.Header.Set("Cache-Control", "no-store")
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge) && c.Request.Header.ContentLength() > maxBody:
		s.fast(c) // the rest does not matter
	case errors.Is(err, fasthttp.ErrBodyTooLarge): // and the header is forgotten
		c.SetStatusCode(http.StatusRequestEntityTooLarge)
	case errors.As(err, &small):
		c.SetStatusCode(http.StatusRequestHeaderFieldsTooLarge)
	case errors.As(err, &late) && late.Timeout():
		c.SetStatusCode(http.StatusRequestTimeout)
	default:
		c.SetStatusCode(http.StatusBadRequest)
	}
}
