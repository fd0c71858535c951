package api

import "time"

// JournalQuery says which decisions are wanted.
type JournalQuery struct {
	Site  string    // empty: of all sites
	Since time.Time // zero: of all times
	Limit int       // how many at most, the newest of them
}

// JournalEntry is a decision that was taken.
type JournalEntry struct {
	At       time.Time `json:"at" doc:"When it was taken" example:"2026-01-02T03:04:05.123456Z"`
	Site     string    `json:"site" doc:"The site, without a final dot" example:"www.example.org"`
	Epoch    uint64    `json:"epoch" doc:"The number of the decision among those of the site" example:"7"`
	Side     Side      `json:"side" doc:"Where visitors are served" example:"cdn" enum:"unknown,origin,cdn"`
	Share    float64   `json:"share" doc:"The share of the clients that are diverted, 0 to 1" example:"1"`
	CDNs     []string  `json:"cdns,omitempty" doc:"The CDNs that they are diverted to" example:"[\"edge\"]"`
	Server   string    `json:"server" doc:"The server that took it" example:"fra1"`
	Revision int64     `json:"revision" doc:"The revision of the configuration that it was taken by" example:"42"`
	Override string    `json:"override,omitempty" doc:"The ID of the override that decided" example:"KBZ3SJGGTBPXBJJ4"`
	Reason   string    `json:"reason" doc:"Why, in a line for people" example:"threshold: response_time 390ms is 130 % of the limit 300ms"`
}

// DecisionList is an object, so that it may grow.
type DecisionList struct {
	Decisions []JournalEntry `json:"decisions" doc:"The decisions, the newest first" nullable:"false"`
}
