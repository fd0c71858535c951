package api

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Setups is how the CDNs' side of onboarded sites follows what is in force. Its methods
// may be called from many goroutines at once. What a caller may not see is ErrNotFound.
type Setups interface {
	// Setups returns a part of them, in the order of sites and CDNs, and whether there are
	// more.
	Setups(ctx context.Context, q SetupQuery, who Caller) (part []Setup, more bool, err error)

	// RetrySetups has those of a site, or of all if that is empty, that were refused, or that
	// wait, be tried now: at one CDN, or at all if that is empty. It returns how many they are.
	RetrySetups(ctx context.Context, name, cdn string, who Caller) (int64, error)
}

// SetupQuery says which setups are wanted.
type SetupQuery struct {
	Site      string // empty: of all sites
	State     site.SetupState
	AfterSite string // they are behind this one
	AfterCDN  string
	Limit     int
}

// Setup is the side of a site at one CDN, as it was set up for an onboarding, and how that
// follows later changes.
type Setup struct {
	Site     string          `json:"site" doc:"The first of the site's names" example:"shop.example.org"`
	CDN      string          `json:"cdn" doc:"The CDN" example:"edge"`
	Customer string          `json:"customer,omitempty" doc:"Whose the site is; absent: the operator's" example:"acme"`
	State    site.SetupState `json:"state" enum:"done,changing,leaving,removed,refused" doc:"Whether the CDN has the site as it is in force (done), is being told of a change (changing), is to forget it (leaving), has forgotten a site that is in force without it (removed), or will have none of a change (refused)" example:"changing"`
	Words    string          `json:"words,omitempty" doc:"What came of the last try; for a customer whether there was one" example:"'https://hooks.example.net/' answers to create with status 503"`
	Since    time.Time       `json:"since" doc:"Since when it is to be so" example:"2026-01-02T03:04:05Z"`
	Revision int64           `json:"revision,omitempty" doc:"The revision in force then" example:"42"`
	Tries    int             `json:"tries,omitempty" doc:"How often it was tried in vain" example:"3"`
	Next     time.Time       `json:"next,omitzero" doc:"When it is tried again; absent: not by itself" example:"2026-01-02T03:05:05Z"`
}

// SetupList is an object, so that it may grow.
type SetupList struct {
	Setups []Setup `json:"setups" doc:"In the order of sites and CDNs" nullable:"false"`
	Next   string  `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"shop.example.org edge"`
}

// RetryRequest asks for what was refused to be tried again.
type RetryRequest struct {
	Site string `json:"site,omitempty" doc:"The first of the site's names; absent: of all sites, which 'all' has to say" example:"shop.example.org"`
	All  bool   `json:"all,omitempty" doc:"Of all sites; then there is no 'site'" example:"false"`
	CDN  string `json:"cdn,omitempty" doc:"At this CDN only; absent: at all" example:"edge"`
}

// Retried is how many setups are tried again.
type Retried struct {
	Setups int64 `json:"setups" doc:"How many are tried again; 0: there is nothing to do" example:"1"`
}
