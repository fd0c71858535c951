package api

import "time"

// CDNState says how a CDN is that is watched or checked, and why.
type CDNState struct {
	Name      string    `json:"name" doc:"Its name in the configuration" example:"edge"`
	Operated  string    `json:"operated" doc:"Who runs it: 'own' or 'third-party'" example:"own" enum:"own,third-party"`
	Standing  Standing  `json:"standing" doc:"Whether it takes visitors" example:"ready" enum:"unknown,ready,out"`
	Full      bool      `json:"full" doc:"It gets no further sites while another CDN takes them" example:"false"`
	Part      float64   `json:"part" doc:"The part of its clients that it takes, 0 to 1" example:"1"`
	Since     time.Time `json:"since,omitzero" doc:"Since when it has its standing" example:"2026-01-02T03:04:05Z"`
	Ejections int       `json:"ejections" doc:"How many times it was out lately" example:"0"`
	Back      time.Time `json:"back,omitzero" doc:"When it comes back if all stays as it is" example:"2026-01-02T03:06:05Z"`
	Reason    string    `json:"reason" doc:"Why, in a line for people" example:"below: load 0.4 is 40 % of the limit 1"`
	Sites     int       `json:"sites" doc:"How many sites' visitors it has" example:"12"`
	NotReady  int       `json:"not_ready" doc:"How many sites it is not ready for, by its checks" example:"0"`

	Zone     string  `json:"zone,omitempty" doc:"The zone below which this server answers for it, canonical" example:"edge.example.net."`
	Capacity Number  `json:"capacity,omitempty" doc:"Its capacity in bit/s; absent: no bound is known. Of nodes the sum over those that serve and whose use is known" example:"10000000000"`
	Used     Number  `json:"used,omitempty" doc:"What of it is used, in bit/s" example:"1000000000"`
	Soft     Number  `json:"soft,omitempty" doc:"From how many bit/s on it is full" example:"8000000000"`
	Left     *Number `json:"left,omitempty" doc:"Its capacity less what is used, in bit/s; absent: nothing says what is used now" example:"9000000000"`

	Record     []Sample         `json:"record,omitempty" doc:"The newest sample of each signal, of the CDN as a whole"`
	Nodes      []NodeState      `json:"nodes,omitempty" doc:"Its nodes, where they are known"`
	Thresholds []ThresholdState `json:"thresholds" doc:"What each of its thresholds says"`
	Sources    []SourceState    `json:"sources" doc:"How each of its probes and feeds does"`
}

// NodeState says how one node of a CDN is.
type NodeState struct {
	Name      string         `json:"name" doc:"Its name in the configuration" example:"fra1"`
	Addresses []AddressState `json:"addresses" doc:"Its addresses, and how each of them is"`
	Standing  Standing       `json:"standing" doc:"Whether it takes visitors" example:"ready" enum:"unknown,ready,out"`
	Drained   bool           `json:"drained" doc:"It gets no visitors while another node is there, because somebody said so" example:"false"`
	Since     time.Time      `json:"since,omitzero" doc:"Since when it has its standing" example:"2026-01-02T03:04:05Z"`
	Reason    string         `json:"reason" doc:"Why, in a line for people" example:"below"`
	Weight    int            `json:"weight" doc:"Its part of the clients among all nodes; 0: it gets none" example:"10"`
	Capacity  Number         `json:"capacity,omitempty" doc:"Its capacity in bit/s; absent: no bound is known" example:"4000000000"`
	Record    []Sample       `json:"record,omitempty" doc:"The newest sample of each signal"`
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
	Priority int       `json:"priority" doc:"Lower ones come first" example:"1"`
	Part     float64   `json:"part" doc:"The part of its clients that it would take, 0 to 1" example:"1"`
	Taken    bool      `json:"taken" doc:"It is one of those that the site's decision names" example:"false"`
	Checked  time.Time `json:"checked,omitzero" doc:"When the latest check of it for the site began; absent: there was none that says anything" example:"2026-01-02T03:04:05Z"`
	Why      string    `json:"why" doc:"Why it takes the site's visitors or does not, in a line for people" example:"ready"`
}
