package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	docs "github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// documents have one class. They remember what they were asked, and err with err.
type documents struct{ store }

func aClass() *docs.Class {
	return &docs.Class{Common: docs.Common{Kind: site.ObjectClass}, Head: docs.Head{Name: "web"}, Properties: docs.Properties{TTL: &docs.TTL{Full: "10s"}}}
}

func (d *documents) Documents(_ context.Context, q api.DocumentQuery, _ api.Caller) (int64, []api.ConfigObject, string, error) {
	found := []api.ConfigObject{{Name: "web", Revision: 42, Adopted: true, Document: aClass()}, {Name: "odd", Revision: 7, Why: "odd lines"}}
	return 43, found, "web", d.note("documents %+v", q)
}

func (d *documents) Document(_ context.Context, kind site.ObjectKind, name string, _ api.Caller) (api.ConfigObject, error) {
	return api.ConfigObject{Name: name, Revision: 42, Document: aClass()}, d.note("document %s %s", kind, name)
}

func (d *documents) PutDocument(_ context.Context, w api.DocumentWrite, by api.Caller) (api.Written, error) {
	return aWritten, d.note("put %s %s %q wants %d why %s wait %s by %s", w.Object.Kind, w.Object.Name, w.Object.Text, w.Wants, w.Why, w.Wait, by.Name)
}

func (d *documents) DeleteDocument(_ context.Context, w api.DocumentWrite, by api.Caller) (api.Written, error) {
	return aWritten, d.note("delete %s %s %q wants %d why %s wait %s by %s", w.Object.Kind, w.Object.Name, w.Object.Text, w.Wants, w.Why, w.Wait, by.Name)
}

var aWritten = api.Written{Revision: 43, Changed: true, Spread: aSpread}

// keepDocuments serves documents on a new socket until the test is over.
func keepDocuments(t *testing.T, d *documents) (path string) {
	t.Helper()
	path = filepath.Join(folder(t), "s")
	open(t, path, api.Config{Engine: oneSite("a."), Store: d, Log: new(journal), Resources: api.Resources{Documents: d}})
	return path
}

func TestDocumentsArriveUnchanged(t *testing.T) {
	d := new(documents)
	c := api.Dial(keepDocuments(t, d))
	ctx := soon(t)
	wants := func(asked string) {
		t.Helper()
		if got := d.called(); !slices.Equal(got, []string{strings.Replace(asked, "BY", me(t), 1)}) {
			t.Errorf("Expected %q to be asked, got %q", asked, got)
		}
	}
	list, err := c.Documents(ctx, api.DocumentQuery{Page: api.Page{Cursor: "a b", Limit: 5000}, Kind: site.ObjectClass, Prefix: "w", Customer: "acme"})
	if err != nil || list.Revision != 43 || list.Next != "web" || len(list.Documents) != 2 || string(*list.Documents[0].Document) != `{"kind":"class","name":"web","ttl":{"full":"10s"}}` ||
		list.Documents[1].Document != nil || list.Documents[1].Why != "odd lines" || !list.Documents[0].Adopted {
		t.Errorf("Expected both objects, got %+v, %v", list, err)
	}
	wants("documents {Page:{Cursor:a b Limit:1000} Kind:class Prefix:w Customer:acme}")
	doc, version, err := c.Document(ctx, site.ObjectClass, "a/b c")
	if err != nil || version != 42 || !reflect.DeepEqual(doc, docs.Document(aClass())) {
		t.Errorf("Expected the class, got %+v, %d, %v", doc, version, err)
	}
	wants("document class a/b c")
	for version, want := range map[api.Version]string{42: "42", api.NoVersion: "0", api.WhateverVersion: "-1", api.SomeVersion: "-2"} {
		written, err := c.PutDocument(ctx, aClass(), api.WriteRequest{Wants: version, Why: " new ", Wait: 5 * time.Second})
		if err != nil || !reflect.DeepEqual(written, aWritten) {
			t.Errorf("Expected %+v, got %+v, %v", aWritten, written, err)
		}
		wants(`put class web "class web {\n    ttl 10s\n}" wants ` + want + " why new wait 5s by BY")
	}
	if written, err := c.DeleteDocument(ctx, site.ObjectSite, "*.Example.org.", api.WriteRequest{Wants: 7, Why: "old"}); err != nil || !reflect.DeepEqual(written, aWritten) {
		t.Errorf("Expected %+v, got %+v, %v", aWritten, written, err)
	}
	wants(`delete site *.example.org "" wants 7 why old wait 0s by BY`)
	said(t, reflect.ValueOf(aWritten), "Written")
	d.err = fmt.Errorf("doing 'x': %w", api.ErrStale)
	var p *api.Problem
	if _, err := c.PutDocument(ctx, aClass(), api.WriteRequest{Why: "w"}); !errors.As(err, &p) || p.Status != 412 {
		t.Errorf("Expected status 412, got %v", err)
	}
}

// TestFaultsHaveTheValuesThatTheyQuote, and no others: those may be secrets.
func TestFaultsHaveTheValuesThatTheyQuote(t *testing.T) {
	path := keepDocuments(t, new(documents))
	body := `{"kind": "class", "name": "web", "ttl": {"full": "x"}, "hosts": ["ok", "b..d"],
		"probes": [{"kind": "http", "target": "http://{origin}/", "headers": [{"name": "Authorization", "value": "s\u0000cret"}]}]}`
	_, _, p := exchange(t, path, "PUT", "/v1/config/class/web?why=w", body)
	want := map[string]any{"body.ttl.full": "x", "body.hosts[1]": "b..d", "body.probes[0].headers[0].value": nil}
	for _, fault := range p.Errors {
		if value, known := want[fault.Location]; !known || value != fault.Value || strings.Count(fault.Error(), "'x'") > 1 {
			t.Errorf("Expected the values of %v, got %+v", want, fault)
		}
	}
	if len(p.Errors) != len(want) {
		t.Errorf("Expected all of %v, got %s", want, wordsOf(p))
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	d := new(documents)
	path := keepDocuments(t, d)
	for _, c := range []struct {
		method, target, header, body string
		status                       int
		details                      []string
	}{
		{"PUT", "class/web", "", `{"kind": "class", "name": "web"}`, 400, []string{"query.why: required query parameter is missing"}},
		{"PUT", "class/web?why=w", "", ``, 400, []string{"request body is required"}},
		{"PUT", "class/web?why=w", "", `null`, 400, []string{"body: expected one document"}},
		{"PUT", "class/web?why=w", "", `{"name": "web"}`, 400, []string{"body.kind: it is missing"}},
		{"PUT", "class/web?why=w", "", `{"kind": "origin", "name": "web", "address": ["192.0.2.1"]}`, 400, []string{"body.kind: expected 'class', got 'origin'"}},
		{"PUT", "class/web?why=w", "", `{"kind": "class", "name": "other"}`, 400, []string{"body.name: expected 'web', as in the path, got 'other'"}},
		{"PUT", "class/web?why=w", "", `{"kind": "class", "name": "web", "ttl": {"full": "x", "mim": "1s"}, "enter": "2"}`, 400,
			[]string{"body.ttl.full: ", "'x'", "body.ttl.mim: unknown field 'mim'", "body.enter: '2' is no whole number"}},
		{"PUT", "class/web?why=w&wait=2h", "", `{"kind": "class", "name": "web"}`, 400, []string{"query.wait: expected a time from 0s to 1m, such as '5s', got '2h'"}},
		{"PUT", "class/web?why=w&wait=x", "If-Match: 42", `{"kind": "class"}`, 400, []string{"query.wait: ", "header.If-Match: expected an ETag", "body.name: it is missing"}},
		{"PUT", "class/web?why=w", `If-None-Match: "1"`, `{"kind": "class", "name": "web"}`, 400, []string{"header.If-None-Match: expected '*'"}},
		{"DELETE", "class/web?why=w", `If-Match: "0"`, "", 400, []string{"header.If-Match: expected an ETag"}},
		{"DELETE", "class/web?why=+", "", "", 400, []string{"query.why: expected string to be a reason"}},
		{"GET", "site/a..b", "", "", 404, []string{"site 'a..b': not found"}},
		{"GET", "zone/a", "", "", 404, []string{"there is nothing at '/v1/config/zone/a'"}},
		{"GET", "site?limit=0", "", "", 400, []string{"query.limit: expected number >= 1"}},
		{"PATCH", "site/a", "", "", 405, []string{"'/v1/config/site/a' wants DELETE or GET or PUT"}},
	} {
		req, err := http.NewRequestWithContext(soon(t), c.method, "http://s/v1/config/"+c.target, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if name, value, found := strings.Cut(c.header, ": "); found {
			req.Header.Set(name, value)
		}
		resp, err := over(t, path).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		p := new(api.Problem)
		if err != nil || resp.StatusCode != c.status || json.Unmarshal(body, p) != nil {
			t.Errorf("%s %s: Expected %d, got %d %s, %v", c.method, c.target, c.status, resp.StatusCode, body, err)
		}
		for _, detail := range c.details {
			if !strings.Contains(wordsOf(p), detail) {
				t.Errorf("%s %s %s: Expected %q, got %s", c.method, c.target, c.body, detail, body)
			}
		}
		if asked := d.called(); asked != nil {
			t.Errorf("%s %s: Expected nothing to be asked, got %q", c.method, c.target, asked)
		}
	}
}
