package api

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// PublishRequest asks for the draft to be published.
type PublishRequest struct {
	Base int64  `json:"base,omitempty" doc:"The revision that the draft was made on, as who asks has seen it; absent: any" example:"42" minimum:"0"`
	Why  string `json:"why" doc:"Why, for the history; 1000 octets at most" example:"another CDN" pattern:"\\S" patternDescription:"a reason"`
}

// ConfirmRequest asks for a revision to be served that servers hold back.
type ConfirmRequest struct {
	Revision int64  `json:"revision" doc:"The revision that servers hold back" example:"43" minimum:"0"`
	Why      string `json:"why,omitempty" doc:"Why, for the history; 1000 octets at most" example:"it is meant so"`
}

// RollbackRequest asks for an older revision's objects.
type RollbackRequest struct {
	To   int64  `json:"to" doc:"The revision whose objects are wanted; 0: before the first" example:"41" minimum:"0"`
	Base int64  `json:"base" doc:"The newest revision, as who asks has seen it" example:"43" minimum:"0"`
	Why  string `json:"why" doc:"Why, for the history; 1000 octets at most" example:"bad target" pattern:"\\S" patternDescription:"a reason"`
}

// AdoptRequest asks for a site of the Corefile to move into the store.
type AdoptRequest struct {
	Site string `json:"site" doc:"The first of the site's names" example:"www.example.org"`
	Why  string `json:"why" doc:"Why, for the history; 1000 octets at most" example:"to the store" pattern:"\\S" patternDescription:"a reason"`
}

// Publication is a revision that was made.
type Publication struct {
	Revision int64 `json:"revision" doc:"The number of the revision that was made" example:"43"`
	Changes  int   `json:"changes" doc:"How many objects it puts or removes" example:"2"`
}

// History is the newest revisions.
type History struct {
	Newest    int64      `json:"newest" doc:"The number of the newest revision; 0: there is none" example:"43"`
	Serves    int64      `json:"serves" doc:"The one that this server serves" example:"43"`
	Held      int64      `json:"held,omitempty" doc:"The one that it holds back" example:"44"`
	Revisions []Revision `json:"revisions" doc:"The revisions, the newest first" nullable:"false"`
}

// Revision is what was published together.
type Revision struct {
	Revision int64     `json:"revision" doc:"Its number" example:"43"`
	At       time.Time `json:"at" doc:"When it was published" example:"2026-01-02T03:04:05Z"`
	By       string    `json:"by,omitempty" doc:"Who published it; absent: somebody who is not of the caller's customer" example:"alice"`
	Changes  int       `json:"changes" doc:"How many objects it puts or removes, of those that the caller sees" example:"2"`
	Why      string    `json:"why,omitempty" doc:"Why; absent: as of by" example:"another CDN"`
}

// Refusals is what this server has of the configuration and does not serve.
type Refusals struct {
	Refused  []Refused  `json:"refused" doc:"The objects, in the order of kinds and names" nullable:"false"`
	Shadowed []Shadowed `json:"shadowed" doc:"The sites of the Corefile that one of the store stands in front of, in the order of names" nullable:"false"`
}

// Refused is an object that is not in force, or not with its newest text.
type Refused struct {
	Kind     site.ObjectKind `json:"kind" doc:"What kind of block it is" example:"site" enum:"class,origin,cdn,site"`
	Name     string          `json:"name" doc:"Its name" example:"www.example.org"`
	Revision int64           `json:"revision" doc:"The revision that it came with" example:"42"`
	Why      string          `json:"why" doc:"Why, with its place" example:"store/site/www.example.org@42:3: unknown class 'web'"`
}

// Shadowed is a site of the Corefile that one of the store stands in front of.
type Shadowed struct {
	Site  string `json:"site" doc:"The site, without a final dot" example:"www.example.org"`
	Place string `json:"place,omitempty" doc:"Its place in the Corefile, as file:line" example:"Corefile:12"`
}
