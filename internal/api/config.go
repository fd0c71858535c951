package api

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Documents is what the API asks of what is published, one object at a time and as a
// document. As of a Configuration, what the caller may not see is not there for him.
type Documents interface {
	// Documents returns a part of the objects of a kind, by name, and the cursor of
	// the next part; empty: there is none.
	Documents(ctx context.Context, q DocumentQuery, who Caller) (revision int64, found []ConfigObject, next string, err error)

	// Document returns one object. One that is no document is ErrConflict.
	Document(ctx context.Context, kind site.ObjectKind, name string, who Caller) (ConfigObject, error)

	// PutDocument publishes an object by itself, if it is not published just so.
	// What is wrong with it together with the others is Faults, each with the place
	// in the body. One that is not what the caller wants to be there is ErrStale.
	PutDocument(ctx context.Context, w DocumentWrite, who Caller) (Written, error)

	// DeleteDocument publishes that an object is gone.
	DeleteDocument(ctx context.Context, w DocumentWrite, who Caller) (Written, error)
}

// DocumentQuery says which objects of a kind are wanted.
type DocumentQuery struct {
	Page
	Kind     site.ObjectKind
	Prefix   string // of their names; empty: all
	Customer string // whose; empty: everybody's
}

// ConfigObject is an object that is published.
type ConfigObject struct {
	Name     string
	Revision int64 // that it came with
	Adopted  bool
	Document document.Document // nil: it cannot be said as one
	Why      string            // that is so
}

// DocumentWrite is what is to become of an object.
type DocumentWrite struct {
	Object   site.Object       // without a text it goes
	Document document.Document // that it was made of
	Wants    Version
	Why      string
	Wait     time.Duration // for the servers; 0: it is not waited
}

// Written is what became of a write.
type Written struct {
	Revision int64 `json:"revision" doc:"The revision that the object has now, or that removed it" example:"43"`
	Changed  bool  `json:"changed" doc:"A revision was made: it was not published just so" example:"true"`
	Spread         // after 'wait'
}

// DocumentList is a part of the objects of a kind.
type DocumentList[D any] struct {
	Revision  int64                  `json:"revision" doc:"The newest revision; 0: nothing was ever published" example:"43"`
	Documents []PublishedDocument[D] `json:"documents" doc:"The objects, in the order of names" nullable:"false"`
	Next      string                 `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"shop.example.org"`
}

// PublishedDocument is an object with what is known of it.
type PublishedDocument[D any] struct {
	Name     string `json:"name" doc:"Its name; of a site the first of its names, without a final dot" example:"www.example.org"`
	Revision int64  `json:"revision" doc:"The revision that it came with, which is its ETag" example:"42"`
	Adopted  bool   `json:"adopted" doc:"It stands in front of a site of the Corefile" example:"false"`
	Document *D     `json:"document,omitempty" doc:"The object; absent: its text cannot be said as a document"`
	Why      string `json:"why,omitempty" doc:"Why it cannot" example:"text:2: 'x' has no place in a document"`
}
