// Package api lets programs see what the running server sees, and change what its
// store holds: HTTP and JSON. docs/openapi.json is the reference; `make openapi` writes
// it from the types and the operations here.
//
// Each operation is registered in one of the files routes_*.go, with its types for what
// is asked and answered; huma reads and checks requests by these. The types are the API:
// what a client has read once stays where it is, whatever becomes of the packages
// behind. Answers may get more fields.
package api
