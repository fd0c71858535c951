package document

// OriginUse is an origin of a site: addresses, the name of an origin, or the next
// plugin.
type OriginUse struct {
	Next     bool     `json:"next,omitempty" line:"+next" doc:"The addresses are those that the next plugin has for the site's name."`
	Name     string   `json:"name,omitempty" line:"?" match:"[A-Za-z][A-Za-z0-9_-]*" doc:"The name of an origin." example:"fra"`
	Address  []string `json:"address,omitempty" line:"..." doc:"The site's own addresses." example:"192.0.2.10"`
	Priority *int     `json:"priority,omitempty" line:"priority" doc:"Lower ones are first; of an origin with a name." example:"1"`
	Weight   *int     `json:"weight,omitempty" line:"weight" doc:"Its part of the clients among those of one priority; of an origin with a name." example:"3"`
}

// CDNUse is a CDN of a site.
type CDNUse struct {
	Name     string `json:"name" line:"." doc:"The CDN's name." example:"edge"`
	Target   string `json:"target" line:"." doc:"Where the CNAME points; {name}, {label} and {host} stand for those of the site." example:"{name}.edge.example.net"`
	Priority *int   `json:"priority,omitempty" line:"priority" doc:"Lower ones are first." example:"1"`
	Weight   *int   `json:"weight,omitempty" line:"weight" doc:"Its part of the clients among those of one priority." example:"3"`
	Service  string `json:"service,omitempty" line:"service" doc:"What the CDN calls the site's part of it." example:"c0001"`
}

// Threshold is the limit of a signal.
type Threshold struct {
	Signal    string  `json:"signal" line:"!" doc:"The signal: response_time, error_ratio, available_bandwidth, used_bandwidth, hit_ratio, load, connections or requests." example:"response_time"`
	Statistic string  `json:"statistic,omitempty" line:"?" match:"p50|p90|p95|p99|mean|max|min|last" enum:"p50,p90,p95,p99,mean,max,min,last" doc:"Of the samples in the window." example:"p90"`
	Limit     string  `json:"limit" line:"." doc:"The limit, in the signal's unit: a duration, a bit rate, a percentage or a number." example:"300ms"`
	Recover   string  `json:"recover,omitempty" line:"recover" doc:"At or under which the site may return." example:"240ms"`
	Window    string  `json:"window,omitempty" line:"window" doc:"How far back samples count." example:"30s"`
	NoData    *NoData `json:"no_data,omitempty" line:"no_data" doc:"What is done without fresh data of this signal."`
}

// NoData says what is done without fresh data.
type NoData struct {
	Action string `json:"action" line:"." enum:"origin,cdn,stay" doc:"Where the site goes." example:"origin"`
	After  string `json:"after,omitempty" line:"after" doc:"For how long the last decision stays first." example:"10m"`
}

// Damping makes a site that flaps stay at the CDN for longer.
type Damping struct {
	Off      bool     `json:"off,omitempty" line:"+off" doc:"No damping."`
	HalfLife string   `json:"half_life,omitempty" line:"half_life" doc:"After which the penalty is half; 5 times failback_delay is the default." example:"10m"`
	Suppress *float64 `json:"suppress,omitempty" line:"suppress" doc:"The penalty from which on the return is blocked." example:"2.5"`
	Reuse    *float64 `json:"reuse,omitempty" line:"reuse" doc:"The penalty down to which it is." example:"0.75"`
	Max      string   `json:"max,omitempty" line:"max" doc:"For how long it is at most." example:"30m"`
}

// TTL is how long answers may be cached.
type TTL struct {
	Full     string `json:"full" line:"." doc:"The usual TTL." example:"30s"`
	Diverted string `json:"diverted,omitempty" line:"diverted" doc:"While the site is diverted." example:"20s"`
	Min      string `json:"min,omitempty" line:"min" doc:"While the decision may change soon." example:"10s"`
}

// Divert says which share of the clients is diverted.
type Divert struct {
	Mode  string `json:"mode" line:"!" enum:"all,fixed,none" doc:"All clients, a share of them, or none." example:"fixed"`
	Share string `json:"share,omitempty" line:"." for:"fixed" doc:"The share, of the mode fixed." example:"30%"`
}

// Answer is the form of a site's answers.
type Answer struct {
	Form  string `json:"form" line:"!" enum:"switch,cname,address" doc:"Addresses or a CNAME, a CNAME both ways, or addresses both ways." example:"switch"`
	Host  string `json:"host,omitempty" line:"." for:"cname" doc:"The origin's name, of the form cname." example:"origin.example.net"`
	Keyed bool   `json:"keyed,omitempty" line:"+keyed" doc:"Whether a share is accepted with the form switch."`
	Alias bool   `json:"alias,omitempty" line:"+alias" doc:"Whether an HTTPS record leads to the CDN, of the form address."`
}

// Redirect says where the redirector sends visitors.
type Redirect struct {
	Host   string        `json:"host" line:"." doc:"The host while the origin serves them." example:"origin.example.net"`
	CDNs   []RedirectCDN `json:"cdns,omitempty" line:"cdn" doc:"The hosts of those CDNs where it is not the target."`
	Status *int          `json:"status,omitempty" line:"status" doc:"302, the default, or 307." example:"307"`
	DNS    *RedirectDNS  `json:"dns,omitempty" line:"dns" doc:"What DNS says meanwhile."`
}

// RedirectCDN is the host of a CDN.
type RedirectCDN struct {
	CDN  string `json:"cdn" line:"." doc:"The CDN's name." example:"edge"`
	Host string `json:"host" line:"." doc:"The host." example:"www.edge.example.net"`
}

// RedirectDNS is what DNS says where visitors are redirected.
type RedirectDNS struct {
	Answer  string   `json:"answer" line:"!" enum:"follow,own" doc:"The usual answers, or always the redirector's addresses." example:"own"`
	Address []string `json:"address,omitempty" line:"..." for:"own" doc:"The redirector's addresses, of the answer own." example:"192.0.2.80"`
}
