package site

import "strconv"

// Object is one piece of configuration in the store: a block as it could stand
// in a Corefile, such as "class web { ... }" or "site www.example.org { ... }".
type Object struct {
	Kind     ObjectKind
	Name     string // of a site the first of its names, in lower case, without a final dot
	Customer string // whose it is; empty: the operator's
	Text     string // the whole block; empty: the object was removed
	Adopted  bool   // it takes the place of a site of the same name in the Corefile
	Revision int64  // that it came with
}

// ObjectKind is the kind of an object.
type ObjectKind string

// ObjectKinds lists them.
func ObjectKinds() []ObjectKind {
	return []ObjectKind{ObjectClass, ObjectOrigin, ObjectCDN, ObjectSite}
}

// The kinds of objects, in the order in which they need each other.
const (
	ObjectClass  ObjectKind = "class"
	ObjectOrigin ObjectKind = "origin"
	ObjectCDN    ObjectKind = "cdn"
	ObjectSite   ObjectKind = "site"
)

// Place is what errors call the object's text, and sites of it their place in it.
func (o Object) Place() string {
	return "store/" + string(o.Kind) + "/" + o.Name + "@" + strconv.FormatInt(o.Revision, 10)
}
