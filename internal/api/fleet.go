package api

import "time"

// Servers is what is known of all servers.
type Servers struct {
	Here    Here          `json:"here" doc:"What the server that was asked thinks of itself"`
	Servers []ServerState `json:"servers" doc:"All servers, in the order of their names" nullable:"false"`
}

// Here is what the server that was asked thinks of itself.
type Here struct {
	Name  string    `json:"name" doc:"Its name" example:"fra1"`
	Store bool      `json:"store" doc:"It reaches the store" example:"true"`
	Alone bool      `json:"alone" doc:"It decides alone, because it does not" example:"false"`
	Since time.Time `json:"since" doc:"When it began to reach the store, or ceased to" example:"2026-01-02T03:04:05Z"`
	Why   string    `json:"why,omitempty" doc:"Why it does not reach the store, for people" example:"connection refused"`
}

// ServerState is how one server does.
type ServerState struct {
	Name     string     `json:"name" doc:"Its name" example:"fra1"`
	Version  string     `json:"version" doc:"Of the program" example:"0.1.0"`
	Schema   int        `json:"schema" doc:"The newest schema that it knows" example:"1"`
	Revision int64      `json:"revision" doc:"The revision that it serves" example:"42"`
	Held     int64      `json:"held,omitempty" doc:"A later revision that it holds back until it is confirmed" example:"43"`
	Why      string     `json:"why,omitempty" doc:"Why it holds that back" example:"it would leave too few sites: confirm it, or publish another"`
	Refused  int        `json:"refused" doc:"How many objects it does not serve" example:"0"`
	State    ServerRole `json:"state" doc:"What it does about decisions" example:"follows" enum:"decides,follows,alone,gone"`
	Age      Seconds    `json:"age" doc:"The age of what it said last" example:"0.4"`
}

// ServerRole is what a server does about decisions.
type ServerRole string

// The roles.
const (
	RoleDecides ServerRole = "decides" // for all that reach the store
	RoleFollows ServerRole = "follows"
	RoleAlone   ServerRole = "alone" // it decides for itself
	RoleGone    ServerRole = "gone"  // nothing was heard of it for a time
)

// Migration is how far the store's schema is.
type Migration struct {
	Schema  int           `json:"schema" doc:"The schema that the store has now" example:"1"`
	Known   int           `json:"known" doc:"The newest schema that this server knows" example:"2"`
	Pending []string      `json:"pending,omitempty" doc:"The names of the migrations that finishing would run" example:"[\"00002_customers\"]"`
	Ran     []string      `json:"ran,omitempty" doc:"The names of those that it did run" example:"[\"00002_customers\"]"`
	Servers []ServerState `json:"servers" doc:"All servers, in the order of their names" nullable:"false"`
}

// MigrateRequest asks how far the schema is.
type MigrateRequest struct {
	Finish bool `json:"finish" doc:"Run what older servers could not live with; otherwise it is only shown" example:"false" required:"false"`
}
