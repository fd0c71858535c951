package api

// Spread is how far a revision has come among the servers that are alive. Which these are
// is told to operators.
type Spread struct {
	Serving    int        `json:"serving,omitempty" doc:"How many servers that are alive serve the revision, or a later one; absent: none" example:"2"`
	Behind     int        `json:"behind,omitempty" doc:"How many that are alive do not; absent: none" example:"1"`
	Settled    bool       `json:"settled,omitempty" doc:"Every server that is alive, and there is one, serves the revision, or holds it back until an operator confirms it" example:"true"`
	ServedBy   []string   `json:"served_by,omitempty" doc:"For operators, the servers that serve it" example:"[\"fra1\"]"`
	WaitingFor []Waiting  `json:"waiting_for,omitempty" doc:"For operators, the servers that are alive and do not"`
	Refusing   []Refusing `json:"refusing,omitempty" doc:"For operators, the servers that serve it and cannot use some objects"`
}

// Waiting is a server that does not serve a revision.
type Waiting struct {
	Server   string `json:"server" doc:"Its name" example:"ams1"`
	Revision int64  `json:"revision" doc:"The revision that it serves" example:"42"`
	Held     int64  `json:"held,omitempty" doc:"The revision that it holds back; absent: none" example:"43"`
	Why      string `json:"why,omitempty" doc:"Why it holds that back; absent: it was too slow" example:"it would leave too few sites: confirm it, or publish another"`
}

// Refusing is a server that cannot use some objects.
type Refusing struct {
	Server  string `json:"server" doc:"Its name" example:"ams1"`
	Objects int    `json:"objects" doc:"How many" example:"2"`
}

// Told is a spread as somebody may know it.
func (s Spread) Told(who Caller) Spread {
	if !who.Role.Operates() {
		s.ServedBy, s.WaitingFor, s.Refusing = nil, nil, nil
	}
	return s
}
