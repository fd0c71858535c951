package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const aboutAPI = `What a program can see of a server of cdnredirect, and have it do.

Names of fields are in snake_case, durations are numbers of seconds, times are in the form of RFC 3339, and a measured value is in its signal's unit: seconds, bit/s, or a ratio of 0 to 1; null is none. Names of sites are in lower case, with a final dot where they are called canonical. Fields that a client does not know are to be passed over: there may be more of them one day. A field, or a parameter, that the server does not know is refused.

Who asks has a role, and each operation the least one that may do it, ` + "`x-least-role`" + `: an operator may do everything, an operator-readonly all that an operator may see, a customer-admin what concerns the sites of his customer, and a customer-readonly may see that. What a caller may not see or do is 404, as if it were not there.

Errors are problem details (RFC 9457): 400 for what is wrong by itself, 401 without a good token, 404 for what is not there, 405 for another method, 409 for what somebody else has changed in the meantime, for what something else stands in the way of, and where there is no store, 412 where a header If-Match or If-None-Match does not hold, 413 for a body above 64 KiB (64 MiB of a draft), 415 for a body that is not sent as JSON, 422 for an Idempotency-Key of another request, 429 for who asks too often, with Retry-After, 503 while the store is away, 504 for what takes too long, 507 where the store cannot take more. All faults of a request are said at once.

No answer holds a secret: URLs lose their user and their query on the way out. The texts of objects are what people wrote, and may hold what a Corefile may.`

// newDocument is what the API says of itself, before it has operations.
func newDocument() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "cdnredirect", Version: "1", Description: aboutAPI,
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName), SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "A token of a user. Over the control socket none is needed."},
			}},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": strictJSON, "json": strictJSON},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// Document returns the OpenAPI document.
func (a *API) Document() ([]byte, error) {
	a.openAnswers()
	text, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	return append(text, '\n'), err
}

// openAnswers takes back that answers have no other fields than those they have now.
func (a *API) openAnswers() {
	doc := a.huma.OpenAPI()
	asked := make(map[string]bool)
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Put, path.Post, path.Delete} {
			if op != nil && op.RequestBody != nil {
				for _, media := range op.RequestBody.Content {
					a.reach(media.Schema, asked)
				}
			}
		}
	}
	for name, schema := range doc.Components.Schemas.Map() {
		if !asked[name] {
			schema.AdditionalProperties = nil
		}
	}
}

// reach notes the names of the schemas that one leads to.
func (a *API) reach(schema *huma.Schema, names map[string]bool) {
	if schema == nil {
		return
	}
	if name, named := strings.CutPrefix(schema.Ref, "#/components/schemas/"); named && !names[name] {
		names[name] = true
		a.reach(a.huma.OpenAPI().Components.Schemas.Map()[name], names)
	}
	a.reach(schema.Items, names)
	for _, property := range schema.Properties {
		a.reach(property, names)
	}
}

// strictJSON refuses what is not known: it may be what the change was meant to be
// limited by.
var strictJSON = huma.Format{Marshal: writeJSON, Unmarshal: readJSON}

// writeJSON ignores that the peer has gone.
func writeJSON(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err == nil {
		_, _ = w.Write(body)
	}
	return err
}

func readJSON(body []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the object")
	}
	return nil
}
