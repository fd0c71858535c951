package api

import (
	"fmt"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// OverrideRequest asks for an override.
type OverrideRequest struct {
	Force
	For   Seconds `json:"for" doc:"For how long: it ends by itself then" example:"7200" exclusiveMinimum:"0"`
	Why   string  `json:"why" doc:"Why, for the others; 1000 octets at most" example:"new disks" pattern:"\\S" patternDescription:"a reason"`
	Local bool    `json:"local,omitempty" doc:"Set it on this server, without waiting for the store" example:"false"`
}

// Force is what is decided for whom.
type Force struct {
	Scope  site.OverrideScope  `json:"scope" doc:"Which sites it is for" example:"site" enum:"site,class,origin,cdn,all"`
	Name   string              `json:"name,omitempty" doc:"The name of what the scope says; absent with 'all'" example:"www.example.org"`
	Action site.OverrideAction `json:"action" doc:"What it does: nobody is diverted, everybody is to one CDN, a share is, or all stays as it is" example:"cdn" enum:"origin,cdn,share,freeze"`
	CDN    string              `json:"cdn,omitempty" doc:"The CDN, with the action 'cdn'" example:"edge"`
	Share  float64             `json:"share,omitempty" doc:"The share of the clients, 0 to 1, with the action 'share'" example:"0.25" minimum:"0" maximum:"1"`
}

// Target says for whom, such as "site www.example.org".
func (f Force) Target() string {
	if f.Scope == site.ScopeAll {
		return string(f.Scope)
	}
	return fmt.Sprintf("%s %s", f.Scope, f.Name)
}

// Decision says what, such as "cdn edge".
func (f Force) Decision() string {
	switch f.Action {
	case site.OverrideCDN:
		return fmt.Sprintf("%s %s", f.Action, f.CDN)
	case site.OverrideShare:
		return fmt.Sprintf("%s %s%%", f.Action, strconv.FormatFloat(f.Share*100, 'g', 6, 64))
	}
	return string(f.Action)
}

// Override is one that is in force.
type Override struct {
	ID string `json:"id" doc:"Its ID" example:"KBZ3SJGGTBPXBJJ4"`
	Force
	By    string    `json:"by" doc:"Who set it" example:"alice"`
	Why   string    `json:"why" doc:"Why" example:"new disks"`
	Since time.Time `json:"since" doc:"When it was set" example:"2026-01-02T03:04:05Z"`
	Until time.Time `json:"until" doc:"When it ends by itself" example:"2026-01-02T05:04:05Z"`
	Left  Seconds   `json:"left" doc:"From now to that" example:"7200"`
	Local bool      `json:"local" doc:"It was set on this server, and the store has not got it yet" example:"false"`

	Sites     int         `json:"sites" doc:"How many sites' answers it decides" example:"1"`
	Untouched []Untouched `json:"untouched,omitempty" doc:"Other sites that its scope holds; the first of them if they are many"`
	Warnings  []string    `json:"warnings,omitempty" doc:"What people should know, such as of a CDN that is not ready" example:"[\"cdn edge is not ready for www.example.org: its certificate is not the site's\"]"`
}

// Untouched is a site that an override does not decide, and why not.
type Untouched struct {
	Site string `json:"site" doc:"The site, without a final dot" example:"www.example.org"`
	Why  string `json:"why" doc:"Why the override does not decide it" example:"another override counts for it"`
}

// StateOverride is the override that counts for a site.
type StateOverride struct {
	ID     string              `json:"id" doc:"Its ID" example:"KBZ3SJGGTBPXBJJ4"`
	Action site.OverrideAction `json:"action" doc:"What it does" example:"cdn" enum:"origin,cdn,share,freeze"`
	By     string              `json:"by" doc:"Who set it" example:"alice"`
	Until  time.Time           `json:"until" doc:"When it ends by itself" example:"2026-01-02T05:04:05Z"`
	Why    string              `json:"why" doc:"Why" example:"new disks"`
}

// Measured is what a site's measurements would have answered.
type Measured struct {
	Side   Side    `json:"side" doc:"Where visitors would be served" example:"origin" enum:"unknown,origin,cdn"`
	Share  float64 `json:"share" doc:"The share of the clients that would be diverted, 0 to 1" example:"0"`
	Reason string  `json:"reason" doc:"Why, in a line for people" example:"below: response_time 210ms is 70 % of the limit 300ms"`
}
