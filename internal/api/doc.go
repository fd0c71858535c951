// Package api lets operators see what the running server sees: HTTP and JSON
// over a unix socket that only root and the server's own user may use.
//
//	GET  /v1/states                     {"states": [State...]}
//	GET  /v1/explain?name=N[&client=A]  Explanation
//	POST /v1/probe {"what": URL|SITE}   ProbeReport
//
// Errors are problem details (RFC 9457). Names of fields are in snake_case,
// durations are numbers of seconds, times are in the form of RFC 3339, and a
// measured value is in its signal's unit: seconds, bit/s, or a ratio of 0 to 1;
// null is none. An empty list may be null, except that of the states.
//
// The types here are the API: what a client has read once stays where it is,
// whatever becomes of the packages behind. They hold no secret: URLs lose their
// user and their query on the way out.
package api
