package document

import (
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Document is an object of the configuration: *Site, *Class, *Origin or *CDN.
type Document interface {
	// About returns what a document is, and whose; it may be changed by that.
	About() *Common
	kind() site.ObjectKind
}

// Common is what all documents have.
type Common struct {
	Kind     site.ObjectKind `json:"kind" enum:"site,class,origin,cdn" doc:"What the document is." example:"site"`
	Customer string          `json:"customer,omitempty" doc:"Whose it is; by default the operator's." example:"acme"`
}

// About implements Document.
func (c *Common) About() *Common { return c }

func (*Site) kind() site.ObjectKind   { return site.ObjectSite }
func (*Class) kind() site.ObjectKind  { return site.ObjectClass }
func (*Origin) kind() site.ObjectKind { return site.ObjectOrigin }
func (*CDN) kind() site.ObjectKind    { return site.ObjectCDN }

// KindOf returns what a document is, whatever it says itself.
func KindOf(doc Document) site.ObjectKind { return doc.kind() }

// Name returns the name that a document says.
func Name(doc Document) string {
	if s, ok := doc.(*Site); ok {
		return s.Name
	}
	return write(doc).lines[0].words[1].text
}

// New returns an empty document of a kind.
func New(kind site.ObjectKind) (Document, error) {
	about := Common{Kind: kind}
	switch kind {
	case site.ObjectSite:
		return &Site{Common: about}, nil
	case site.ObjectClass:
		return &Class{Common: about}, nil
	case site.ObjectOrigin:
		return &Origin{Common: about}, nil
	case site.ObjectCDN:
		return &CDN{Common: about}, nil
	}
	return nil, fmt.Errorf("unknown kind '%s': class, origin, cdn, site are known", kind)
}

// Object returns a document as the store keeps it, or Faults.
func Object(doc Document) (site.Object, error) {
	w := write(doc)
	if faults := w.faults(); faults != nil {
		return site.Object{}, faults
	}
	name, err := corefile.CheckHead(texts(w.lines[0].words), true)
	return site.Object{Kind: doc.kind(), Name: name, Customer: doc.About().Customer, Text: w.text()}, err
}

// Of returns an object as a document.
func Of(o site.Object) (Document, error) {
	doc, err := Read(o.Text)
	if err == nil {
		doc.About().Customer = o.Customer
	}
	return doc, err
}
