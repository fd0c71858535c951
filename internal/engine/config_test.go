//go:build linux

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// documentsIn is an engine with a store in which some objects are published.
func documentsIn(t *testing.T, objects ...site.Object) (api.Documents, *engine.Engine) {
	t.Helper()
	_, e := stored(t, t.TempDir(), objects...)
	return e.Resources().Documents, e
}

// aWrite is that of a site.
func aWrite(t *testing.T, name string, lines ...string) api.DocumentWrite {
	t.Helper()
	doc, err := document.Read(aSite(name, lines...))
	must(t, err)
	o, err := document.Object(doc)
	must(t, err)
	return api.DocumentWrite{Object: o, Document: doc, Wants: api.WhateverVersion, Why: "a test"}
}

// meant is a write that is meant for a version.
func meant(w api.DocumentWrite, version api.Version) api.DocumentWrite {
	w.Wants = version
	return w
}

// removed is one that has the object go.
func removed(w api.DocumentWrite) api.DocumentWrite {
	w.Object.Text, w.Document = "", nil
	return w
}

func TestWritesAreForTheVersionThatTheyAreMeantFor(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, _ := documentsIn(t, storedObject("a"), storedObject("b"))
	for i, c := range []struct {
		write api.DocumentWrite
		want  api.Written // of its revision, and whether one was made
		err   error
	}{
		{aWrite(t, "a"), api.Written{Revision: 1}, nil}, // as it is published
		{aWrite(t, "a", "ttl 10s"), api.Written{Revision: 2, Changed: true}, nil},
		{meant(aWrite(t, "a", "ttl 20s"), 1), api.Written{}, api.ErrStale},
		{meant(aWrite(t, "a", "ttl 20s"), 3), api.Written{}, api.ErrStale},
		{meant(aWrite(t, "a", "ttl 20s"), 2), api.Written{Revision: 3, Changed: true}, nil},
		{meant(aWrite(t, "a", "ttl 30s"), api.NoVersion), api.Written{}, api.ErrStale},
		{meant(aWrite(t, "a", "ttl 30s"), api.SomeVersion), api.Written{Revision: 4, Changed: true}, nil},
		{meant(aWrite(t, "new"), api.SomeVersion), api.Written{}, api.ErrStale},
		{meant(aWrite(t, "new"), api.NoVersion), api.Written{Revision: 5, Changed: true}, nil},
		{meant(removed(aWrite(t, "new")), 4), api.Written{}, api.ErrStale},
		{meant(removed(aWrite(t, "new")), 5), api.Written{Revision: 6, Changed: true}, nil},
		{removed(aWrite(t, "new")), api.Written{}, api.ErrNotFound},
		{removed(aWrite(t, "b")), api.Written{Revision: 7, Changed: true}, nil},
		{meant(aWrite(t, "b"), api.NoVersion), api.Written{Revision: 8, Changed: true}, nil},
	} {
		write := d.PutDocument
		if c.write.Document == nil {
			write = d.DeleteDocument
		}
		got, err := write(ctx, c.write, alice)
		if !errors.Is(err, c.err) || got.Revision != c.want.Revision || got.Changed != c.want.Changed {
			t.Errorf("%d: Expected %+v, %v, got %+v, %v", i, c.want, c.err, got, err)
		}
	}
}

// TestOneOfTwoWritersIsTold who both have seen the same version.
func TestOneOfTwoWritersIsTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, _ := documentsIn(t, storedObject("a"))
	for _, c := range []struct {
		version api.Version
		many    int
		want    int
	}{{1, 8, 1}, {api.WhateverVersion, 20, 20}} {
		errs := make(chan error)
		for i := range c.many {
			go func() {
				_, err := d.PutDocument(ctx, meant(aWrite(t, "a", fmt.Sprintf("ttl %ds", 10+int(c.version)+i)), c.version), alice)
				errs <- err
			}()
		}
		written := 0
		for range c.many {
			switch err := <-errs; {
			case err == nil:
				written++
			case !errors.Is(err, api.ErrStale):
				t.Errorf("Expected to be told of the other, got %v", err)
			}
		}
		if written != c.want {
			t.Errorf("Version %d: Expected %d to write, got %d", c.version, c.want, written)
		}
	}
}

// TestAnObjectOfAClosedCustomerIsNotTriedForEver, although that is a conflict, too.
func TestAnObjectOfAClosedCustomerIsNotTriedForEver(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, e := documentsIn(t, storedObject("a"))
	i := e.Resources().Identities
	must(t, second(i.PutCustomer(ctx, "acme", api.CustomerRequest{}, api.NoVersion, alice)))
	must(t, i.CloseCustomer(ctx, "acme", api.WhateverVersion, alice))
	w := aWrite(t, "b")
	w.Object.Customer = "acme"
	for _, version := range []api.Version{api.WhateverVersion, api.NoVersion} {
		_, err := d.PutDocument(ctx, meant(w, version), alice)
		if !errors.Is(err, api.ErrConflict) || errors.Is(err, api.ErrStale) || !strings.Contains(err.Error(), "was closed") {
			t.Errorf("Version %d: Expected the customer to be closed, got %v", version, err)
		}
	}
}

func TestAWriteWaitsUntilItIsServed(t *testing.T) {
	t.Parallel()
	d, e := documentsIn(t, storedObject("a"))
	w := aWrite(t, "a", "ttl 10s")
	w.Wait = 20 * time.Second
	written, err := d.PutDocument(context.Background(), w, alice)
	must(t, err)
	if !slices.Equal(written.ServedBy, []string{"one"}) || written.WaitingFor != nil {
		t.Errorf("Expected the server to serve it, got %+v", written)
	}
	if s, _ := e.States(api.StateQuery{Page: api.Page{Limit: 10}, Sees: func(string) bool { return true }}); len(s) != 1 || time.Duration(s[0].TTL) != 10*time.Second {
		t.Errorf("Expected the new TTL, got %+v", s)
	}
}

// TestFaultsOfADocumentHaveTheirFields, those with the other objects, too.
func TestFaultsOfADocumentHaveTheirFields(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, _ := documentsIn(t, storedObject("a"))
	for lines, want := range map[string]string{
		"origin fra":                  "body.origins[1]",
		"threshold load 3":            "body.thresholds[1]",
		"answer cname a.example.org.": "body",
	} {
		_, err := d.PutDocument(ctx, aWrite(t, "new", lines), alice)
		var faults api.Faults
		var fault *api.Fault
		if !errors.Is(err, api.ErrInvalid) || !errors.As(err, &faults) || !errors.As(faults[0], &fault) || !strings.HasPrefix(fault.Location, want) {
			t.Errorf("%s: Expected a fault of %s, got %v, %+v", lines, want, err, fault)
		}
	}
	if _, err := d.Document(ctx, site.ObjectSite, "new.example.org", alice); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected nothing to be published, got %v", err)
	}
}

func TestDocumentsInParts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	his := storedObject("b1")
	his.Customer = "acme"
	d, _ := documentsIn(t, storedObject("a1"), storedObject("a2"), his, storedObject("b2"))
	list := func(q api.DocumentQuery, who api.Caller) (names, next string) {
		t.Helper()
		q.Kind = site.ObjectSite
		revision, found, next, err := d.Documents(ctx, q, who)
		must(t, err)
		for _, o := range found {
			names += strings.TrimSuffix(o.Name, ".example.org") + " "
			if o.Revision != 1 || document.Name(o.Document) != o.Name || revision != 1 {
				t.Errorf("Expected the document of %s at revision 1, got %+v", o.Name, o)
			}
		}
		return strings.TrimSpace(names), next
	}
	for _, c := range []struct {
		q           api.DocumentQuery
		who         api.Caller
		names, next string
	}{
		{api.DocumentQuery{Page: api.Page{Limit: 10}}, alice, "a1 a2 b1 b2", ""},
		{api.DocumentQuery{Page: api.Page{Limit: 3}}, alice, "a1 a2 b1", "b1.example.org"},
		{api.DocumentQuery{Page: api.Page{Limit: 3, Cursor: "b1.example.org"}}, alice, "b2", ""},
		{api.DocumentQuery{Page: api.Page{Limit: 1}, Prefix: "b"}, alice, "b1", "b1.example.org"},
		{api.DocumentQuery{Page: api.Page{Limit: 10}, Prefix: "B"}, alice, "", ""},
		{api.DocumentQuery{Page: api.Page{Limit: 10}, Customer: "acme"}, alice, "b1", ""},
		{api.DocumentQuery{Page: api.Page{Limit: 10}}, ofAcme, "b1", ""},
		{api.DocumentQuery{Page: api.Page{Limit: 10}, Customer: "acme"}, ofOther, "", ""},
	} {
		if names, next := list(c.q, c.who); names != c.names || next != c.next {
			t.Errorf("%+v of %s: Expected %q and %q, got %q and %q", c.q, c.who.Name, c.names, c.next, names, next)
		}
	}
}

// TestACustomersDocumentIsHisAlone, also once the operator has changed it.
func TestACustomersDocumentIsHisAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	his := storedObject("his")
	his.Customer = "acme"
	d, _ := documentsIn(t, his, storedObject("ours"))
	_, err := d.PutDocument(ctx, aWrite(t, "his", "ttl 10s"), alice)
	must(t, err)
	_, err = d.PutDocument(ctx, aWrite(t, "his", "ttl 20s"), ofAcme)
	must(t, err)
	o, err := d.Document(ctx, site.ObjectSite, "his.example.org", ofAcme)
	if err != nil || o.Document.About().Customer != "acme" || o.Revision != 3 {
		t.Errorf("Expected the site to stay his, got %+v, %v", o, err)
	}
	for name, who := range map[string]api.Caller{"ours": ofAcme, "his": ofOther} {
		for what, err := range map[string]error{
			"read":   second(d.Document(ctx, site.ObjectSite, name+".example.org", who)),
			"put":    second(d.PutDocument(ctx, aWrite(t, name, "ttl 30s"), who)),
			"delete": second(d.DeleteDocument(ctx, removed(aWrite(t, name)), who)),
		} {
			if !errors.Is(err, api.ErrNotFound) || strings.Contains(err.Error(), "acme") {
				t.Errorf("%s, %s, %s: Expected nothing to be there, got %v", who.Name, what, name, err)
			}
		}
	}
	reads := api.Caller{Name: "r", Role: site.RoleCustomerReadonly, Customer: "acme"}
	if _, err := d.PutDocument(ctx, aWrite(t, "his"), reads); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected who may only read to write nothing, got %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
