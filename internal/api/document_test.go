package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// file is the document as it is in the tree.
const file = "../../docs/openapi.json"

var write = flag.Bool("write", false, "write "+file+" instead of comparing it")

func document(t testing.TB) []byte {
	t.Helper()
	text, err := api.New(api.Config{Engine: oneSite("a."), Log: new(journal)}).Document()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheDocumentInTheTreeIsThatOfTheCode(t *testing.T) {
	text := document(t)
	if *write {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	there, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(there, text) {
		t.Error("Expected docs/openapi.json to be what the code says: run make openapi, and look at what it changes")
	}
}

// schema is the part of a schema that the tests look at.
type schema struct {
	Type                 any               `json:"type"`
	Ref                  string            `json:"$ref"`
	Description          string            `json:"description"`
	Examples             []any             `json:"examples"`
	Enum                 []any             `json:"enum"`
	Items                *schema           `json:"items"`
	Properties           map[string]schema `json:"properties"`
	Required             []string          `json:"required"`
	AdditionalProperties any               `json:"additionalProperties"`
}

// openAPI is the part of the document that the tests look at.
type openAPI struct {
	Paths      map[string]map[string]op `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

// op is one operation of it.
type op struct {
	ID         string `json:"operationId"`
	Summary    string `json:"summary"`
	Parameters []struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
		Schema      schema `json:"schema"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

func read(t testing.TB) (doc openAPI) {
	t.Helper()
	if err := json.Unmarshal(document(t), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestTheDocumentIsAReference: everything has a description, and every value an example.
func TestTheDocumentIsAReference(t *testing.T) {
	doc := read(t)
	ids := make(map[string]string)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if other, twice := ids[op.ID]; op.ID == "" || twice || op.Summary == "" {
				t.Errorf("%s %s: Expected an ID of its own and a summary, got %q (also %s) and %q", method, path, op.ID, other, op.Summary)
			}
			ids[op.ID] = path
			for _, p := range op.Parameters {
				described(t, op.ID+" "+p.Name, p.Schema)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		for field, property := range s.Properties {
			described(t, name+"."+field, property)
		}
	}
}

func described(t *testing.T, name string, s schema) {
	t.Helper()
	if s.Description == "" {
		t.Errorf("Expected %s to have a description", name)
	}
	if value := s.Ref == "" && (s.Items == nil || s.Items.Ref == ""); value && len(s.Examples) == 0 {
		t.Errorf("Expected %s to have an example", name)
	}
}

// TestAnswersMayGrow: what clients send is closed, and what they get is not.
func TestAnswersMayGrow(t *testing.T) {
	schemas := read(t).Components.Schemas
	for name, want := range map[string]any{"PublishRequest": false, "Source": false, "State": nil, "Problem": nil} {
		if got := schemas[name].AdditionalProperties; got != want {
			t.Errorf("Expected additionalProperties of %s to be %v, got %v", name, want, got)
		}
	}
}
