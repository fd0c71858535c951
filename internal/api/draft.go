package api

import (
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Object is a published block of the configuration.
type Object struct {
	Kind     site.ObjectKind `json:"kind" doc:"What kind of block it is" example:"site" enum:"class,origin,cdn,site"`
	Name     string          `json:"name" doc:"Its name; of a site the first of its names, without a final dot" example:"www.example.org"`
	Text     string          `json:"text" doc:"The whole block, as it could stand in a Corefile" example:"site www.example.org class web {\n}\n"`
	Revision int64           `json:"revision" doc:"The revision that it came with" example:"42"`
	Customer string          `json:"customer,omitempty" doc:"Whose it is; absent: the operator's" example:"acme"`
	Adopted  bool            `json:"adopted" doc:"It stands in front of a site of the Corefile" example:"false"`
}

// Objects is what is published, or a part of it.
type Objects struct {
	Revision int64    `json:"revision" doc:"The newest revision; 0: nothing was ever published" example:"43"`
	Objects  []Object `json:"objects" doc:"The objects, in the order of kinds and names" nullable:"false"`
}

// Change is what becomes of an object.
type Change struct {
	Kind   site.ObjectKind `json:"kind" doc:"What kind of block it is" example:"site" enum:"class,origin,cdn,site"`
	Name   string          `json:"name" doc:"Its name" example:"www.example.org"`
	Before string          `json:"before,omitempty" doc:"Its text before; absent: it was not there" example:"site www.example.org class web {\n}\n"`
	After  string          `json:"after,omitempty" doc:"Its text afterwards; absent: it is not there any more" example:"site www.example.org class fast {\n}\n"`

	CustomerBefore string `json:"customer_before,omitempty" doc:"Whose it was; absent: the operator's, or it was not there" example:"acme"`
	CustomerAfter  string `json:"customer_after,omitempty" doc:"Whose it is afterwards; absent: the operator's, or it is not there any more" example:"acme"`
}

// Draft is what publishing would change.
type Draft struct {
	Base    int64    `json:"base" doc:"The revision that the draft was made on" example:"42"`
	Changes []Change `json:"changes" doc:"What publishing would change, in the order of kinds and names" nullable:"false"`
}

// DraftTexts is what is put into the draft.
type DraftTexts struct {
	Base    int64    `json:"base,omitempty" doc:"The revision that the texts were made on; absent: the one that is published now" example:"42" minimum:"0"`
	Sources []Source `json:"sources" doc:"The texts; each object may be in one of them"`
	Removed []Named  `json:"removed,omitempty" doc:"Objects that are published and shall not be there any more"`
}

// Named is what an object is known by.
type Named struct {
	Kind site.ObjectKind `json:"kind" enum:"class,origin,cdn,site" doc:"The kind of the object" example:"site"`
	Name string          `json:"name" doc:"Its name" example:"www.example.org"`
}

// Source is a text with blocks as they stand in a cdnredirect block of a Corefile.
type Source struct {
	Name string `json:"name" doc:"What errors call it: the name of a file, or '-'" example:"sites.conf" required:"false"`
	Text string `json:"text" doc:"Blocks as they stand in a cdnredirect block of a Corefile" example:"site www.example.org class web {\n}\n" required:"false"`

	Customer string `json:"customer,omitempty" doc:"Whose the objects are; absent: whose they are already, and new ones are the caller's" example:"acme"`
}

// Put is what became of texts.
type Put struct {
	Base    int64 `json:"base" doc:"The revision that the draft is made on now" example:"42"`
	Objects int   `json:"objects" doc:"How many objects the texts have, and are removed" example:"3"`
	Same    int   `json:"same" doc:"How many of them are published just so" example:"1"`
}

// Checked is what publishing texts would do.
type Checked struct {
	Base    int64 `json:"base" doc:"The revision that they were compared with" example:"42"`
	Changes int   `json:"changes" doc:"How many objects would be changed" example:"3"`
}

// Diff is what differs between two points.
type Diff struct {
	From    Point    `json:"from" doc:"The first point: a revision's number, 'published' or 'draft'" example:"41"`
	To      Point    `json:"to" doc:"The second point" example:"draft"`
	Changes []Change `json:"changes" doc:"What is different, in the order of kinds and names" nullable:"false"`
}
