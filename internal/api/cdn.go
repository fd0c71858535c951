package api

import "time"

// CDNState says how a CDN is that is watched or checked, and why.
type CDNState struct {
	Name      string    `json:"name"`
	Operated  string    `json:"operated"` // "own" or "third-party"
	Standing  Standing  `json:"standing"`
	Full      bool      `json:"full"`           // it gets no further sites while another CDN takes them
	Part      float64   `json:"part"`           // of its clients that it takes, 0 to 1
	Since     time.Time `json:"since,omitzero"` // of Standing
	Ejections int       `json:"ejections"`      // times that it was out lately
	Back      time.Time `json:"back,omitzero"`  // when it comes back if all stays as it is
	Reason    string    `json:"reason"`         // in a line, for people
	Sites     int       `json:"sites"`          // whose visitors it has
	NotReady  int       `json:"not_ready"`      // sites that it is not ready for, by its checks

	Zone     string  `json:"zone,omitempty"`     // below which we answer for it
	Capacity Number  `json:"capacity,omitempty"` // bit/s; 0: no bound is known; of nodes the sum over those that serve and whose use is known
	Used     Number  `json:"used,omitempty"`     // of it
	Soft     Number  `json:"soft,omitempty"`     // bit/s from which on it is full
	Left     *Number `json:"left,omitempty"`     // capacity less what is used; absent: nothing says what is used now

	Record     []Sample         `json:"record,omitempty"` // the newest of each signal, of a CDN as a whole
	Nodes      []NodeState      `json:"nodes,omitempty"`  // of one whose nodes are known
	Thresholds []ThresholdState `json:"thresholds"`
	Sources    []SourceState    `json:"sources"`
}

// NodeState says how one node of a CDN is.
type NodeState struct {
	Name      string         `json:"name"`
	Addresses []AddressState `json:"addresses"`
	Standing  Standing       `json:"standing"`
	Drained   bool           `json:"drained"`
	Since     time.Time      `json:"since,omitzero"` // of Standing
	Reason    string         `json:"reason"`
	Weight    int            `json:"weight"`             // its part of the clients among all nodes; 0: it gets none
	Capacity  Number         `json:"capacity,omitempty"` // bit/s
	Record    []Sample       `json:"record,omitempty"`   // the newest of each signal
}

// Standing says whether a CDN, or a node of one, takes visitors.
type Standing string

// The standings.
const (
	StandingUnknown Standing = "unknown" // nothing was heard of it yet: it may be better than an origin that is out
	StandingReady   Standing = "ready"
	StandingOut     Standing = "out"
)

// Candidate says whether one of a site's CDNs takes its visitors, and why not.
type Candidate struct {
	CDN
	Priority int       `json:"priority"`
	Part     float64   `json:"part"`             // of its clients that it would take, 0 to 1
	Taken    bool      `json:"taken"`            // it is one of those that the site's decision names
	Checked  time.Time `json:"checked,omitzero"` // when the latest check of it for the site began; absent: there was none that says anything
	Why      string    `json:"why"`              // in a line, for people
}
