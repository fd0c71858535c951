package api

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Onboardings takes sites from a text to visitors, and out of service. Its methods may be
// called from many goroutines at once. What a caller may not see is ErrNotFound.
type Onboardings interface {
	// Onboard begins an onboarding of a site that is not in the store. All that is wrong
	// with it is Faults, one that is not over ErrConflict.
	Onboard(ctx context.Context, req OnboardRequest, who Caller) (Onboarding, error)

	// Offboard begins an onboarding that takes a site of the store out of service.
	Offboard(ctx context.Context, req OffboardRequest, who Caller) (Onboarding, error)

	// Onboarding returns one.
	Onboarding(ctx context.Context, id string, who Caller) (Onboarding, error)

	// Onboardings lists them, the newest first.
	Onboardings(ctx context.Context, q OnboardingQuery, who Caller) (OnboardingList, error)

	// CancelOnboarding has one be undone. One that is over, or is undone already, is
	// ErrConflict.
	CancelOnboarding(ctx context.Context, id string, who Caller) error

	// WatchOnboarding returns one as soon as it has another version than the given one, or
	// is over; at the end of ctx as it is.
	WatchOnboarding(ctx context.Context, id string, version int64, who Caller) (Onboarding, error)
}

// OnboardRequest asks for a site to be taken from its text to visitors.
type OnboardRequest struct {
	Text     string         `json:"text" doc:"The block 'site NAME... { ... }', as it stands in a Corefile" example:"site shop.example.org class web {\n    origin 192.0.2.10\n}"`
	Customer string         `json:"customer,omitempty" doc:"Whose the site is; absent: the caller's customer, or the operator" example:"acme"`
	Proof    site.ProofKind `json:"proof,omitempty" enum:"txt,operator" doc:"How the customer shows that the names are his; default txt, and operator where the site is the operator's" example:"txt"`
	Why      string         `json:"why" doc:"The reason, for the history" example:"a new shop"`
}

// OffboardRequest asks for a site to be taken out of service.
type OffboardRequest struct {
	Site string `json:"site" doc:"The first of the site's names" example:"shop.example.org"`
	Why  string `json:"why" doc:"The reason, for the history" example:"the shop moves"`
}

// OnboardingQuery says which onboardings are wanted.
type OnboardingQuery struct {
	Site    string `query:"site" doc:"Of this site only" example:"shop.example.org"`
	Running bool   `query:"running" doc:"Only those that are not over" example:"true"`
	Before  string `query:"before" doc:"The ID of the last one that is known: those before it" example:"k5x3q7p2m4n6r8t9v1w2y3z4a5"`
	Limit   int    `query:"limit" default:"100" minimum:"1" doc:"How many at most; above 1000 is 1000" example:"100"`
}

// OnboardingList is some of them.
type OnboardingList struct {
	Onboardings []Onboarding `json:"onboardings" doc:"The newest first"`
}

// Onboarding is one operation that takes a site from a text to visitors, or out of service.
type Onboarding struct {
	ID        string               `json:"id" doc:"What it is called" example:"k5x3q7p2m4n6r8t9v1w2y3z4a5"`
	Kind      site.OnboardingKind  `json:"kind" enum:"onboard,offboard" doc:"Which way it goes" example:"onboard"`
	Site      string               `json:"site" doc:"The first of the site's names" example:"shop.example.org"`
	Customer  string               `json:"customer,omitempty" doc:"Whose the site is; absent: the operator's" example:"acme"`
	Proof     site.ProofKind       `json:"proof" enum:"txt,operator" doc:"How the customer shows that the names are his" example:"txt"`
	Records   []ProofRecord        `json:"records,omitempty" doc:"TXT records that show who controls the names, while they are asked for"`
	By        string               `json:"by" doc:"Who has asked for it" example:"alice"`
	Why       string               `json:"why" doc:"The reason, for the history" example:"a new shop"`
	State     site.OnboardingState `json:"state" enum:"running,undoing,done,undone,left" doc:"How it is: under way, or over" example:"running"`
	Cancelled string               `json:"cancelled,omitempty" doc:"Who has cancelled it" example:"alice"`
	Failure   string               `json:"failure,omitempty" doc:"Why it is undone, or was" example:"cdn edge: 'https://hooks.example.net/' answers to create with status 403"`
	Left      bool                 `json:"left,omitempty" doc:"Something that was to go could not be taken away: the steps say what" example:"true"`
	Began     time.Time            `json:"began" doc:"When it was asked for" example:"2026-01-02T03:04:05Z"`
	Changed   time.Time            `json:"changed" doc:"When it last went on" example:"2026-01-02T03:04:09Z"`
	Next      time.Time            `json:"next,omitzero" doc:"When something is tried again; absent: it is over" example:"2026-01-02T03:04:10Z"`
	Revision  int64                `json:"revision,omitempty" doc:"That it has published" example:"42"`
	Withdrawn int64                `json:"withdrawn,omitempty" doc:"The revision that has taken that back" example:"43"`
	Version   int64                `json:"version" doc:"Counts its changes" example:"7"`
	Steps     []OnboardingStep     `json:"steps" doc:"Its steps, in their order"`
}

// OnboardingStep is one step of it.
type OnboardingStep struct {
	Name  string         `json:"name" doc:"Such as check, proof, cdn, certificate, verify, publish, live" example:"proof"`
	CDN   string         `json:"cdn,omitempty" doc:"That the step is about" example:"edge"`
	State site.StepState `json:"state" enum:"pending,begun,waiting,done,failed,undoing,undone,left" doc:"How it is" example:"waiting"`
	Words string         `json:"words,omitempty" doc:"What is to be done, what went wrong, or what came of it" example:"set these records: _cdnredirect.shop.example.org TXT \"k5x3q7p2\""`
	Tries int            `json:"tries,omitempty" doc:"How often it was tried" example:"3"`
	Next  time.Time      `json:"next,omitzero" doc:"When it is tried again" example:"2026-01-02T03:04:10Z"`
}

// ProofRecord is a TXT record that shows who controls a name.
type ProofRecord struct {
	Name string `json:"name" doc:"Its name" example:"_cdnredirect.shop.example.org"`
	Text string `json:"text" doc:"What it is to say" example:"k5x3q7p2m4n6r8t9v1w2y3z4a5"`
}
