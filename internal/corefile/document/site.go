package document

// Site is names that are answered, and all that decides how.
type Site struct {
	Common
	SiteHead `line:"site"`
	Properties
}

// SiteHead is the first line of a site.
type SiteHead struct {
	Name  string   `json:"name" line:"." doc:"The site's name: a DNS name in one of the served zones; *.NAME is a wildcard." example:"www.example.org"`
	Names []string `json:"names,omitempty" line:"..." doc:"Further names that get the same answers." example:"example.org"`
	Class string   `json:"class,omitempty" line:"class" doc:"The class whose properties the site has, beside its own." example:"web"`
}

// Class is properties that many sites share.
type Class struct {
	Common
	Head `line:"class"`
	Properties
}

// Head is the first line of an object that has a plain name.
type Head struct {
	Name string `json:"name" line:"." doc:"The name." example:"web"`
}

// Origin is where several sites are served below their thresholds.
type Origin struct {
	Common
	Head       `line:"origin"`
	Address    []string    `json:"address,omitempty" line:"address" doc:"The IPv4 and IPv6 addresses." example:"192.0.2.10,2001:db8::10"`
	Capacity   string      `json:"capacity,omitempty" line:"capacity" doc:"The bit rate that its line can carry." example:"10Gbit"`
	Operated   string      `json:"operated,omitempty" line:"operated" enum:"own,third-party" doc:"Who operates it; own is the default." example:"own"`
	Feeds      []Feed      `json:"feeds,omitempty" line:"feed" doc:"Feeds that its sites share."`
	Thresholds []Threshold `json:"thresholds,omitempty" line:"threshold" doc:"Thresholds that hold for all of its sites, beside their own."`
}

// CDN is a CDN that is watched.
type CDN struct {
	Common
	Head        `line:"cdn"`
	Operated    string   `json:"operated,omitempty" line:"operated" enum:"own,third-party" doc:"Who operates it; third-party is the default." example:"own"`
	Hosts       []string `json:"hosts,omitempty" line:"host" doc:"The Host header and TLS server name of its probes; by default the host of their URLs." example:"edge.example.net"`
	DNS         string   `json:"dns,omitempty" line:"dns" doc:"The zone in which the names of an own CDN are answered with its nodes' addresses." example:"edge.example.net"`
	Nodes       []Node   `json:"nodes,omitempty" line:"node" doc:"The nodes of an own CDN."`
	TTL         *TTL     `json:"ttl,omitempty" line:"ttl" doc:"The TTL of the answers in its zone."`
	CDNCapacity `line:"capacity"`
	Probes      []Probe     `json:"probes,omitempty" line:"probe" doc:"What the CDN is asked, one of each kind."`
	Feeds       []Feed      `json:"feeds,omitempty" line:"feed" doc:"What is read of the CDN, one of each signal."`
	Thresholds  []Threshold `json:"thresholds,omitempty" line:"threshold" doc:"When the CDN is out, one of each signal."`
	Webhook     *Webhook    `json:"webhook,omitempty" line:"webhook" doc:"Who sets sites up at the CDN, by requests."`
	Manual      string      `json:"manual,omitempty" line:"manual" doc:"What somebody is told to do who sets a site up at the CDN by hand; {name}, {host} and {target} stand for the site's." example:"Add {host} in the portal"`
}

// Webhook is a service that sets sites up at a CDN.
type Webhook struct {
	URL    string `json:"url" line:"." doc:"Where the requests go." example:"https://hooks.example.net/sites"`
	Secret string `json:"secret,omitempty" line:"secret" doc:"Where the secret is kept that they are signed by: the path of a file, or env:NAME." example:"env:HOOK_SECRET"`
}

// CDNCapacity is what a CDN may be sent.
type CDNCapacity struct {
	Capacity string `json:"capacity,omitempty" line:"." doc:"The bit rate that the CDN may be sent; it needs a feed of used_bandwidth." example:"20Gbit"`
	Soft     string `json:"soft,omitempty" line:"soft" doc:"The bit rate from which on it gets no new visitors; 80 % of the capacity is the default." example:"16Gbit"`
}

// Node is a node of an own CDN.
type Node struct {
	Name     string   `json:"name" line:"." doc:"The node's name." example:"fra1"`
	Address  []string `json:"address" line:"..." doc:"Its IPv4 and IPv6 addresses." example:"198.51.100.1"`
	Capacity string   `json:"capacity,omitempty" line:"capacity" doc:"The bit rate that it can carry." example:"10Gbit"`
	Drain    bool     `json:"drain,omitempty" line:"+drain" doc:"Whether it gets no further visitors."`
}

// Properties are those of a site, and of a class.
type Properties struct {
	Hosts         []string    `json:"hosts,omitempty" line:"host" doc:"The names that the web server knows; by default the site's names." example:"www.example.org"`
	Origins       []OriginUse `json:"origins,omitempty" line:"origin" doc:"Where the site is served below its thresholds, in order of preference."`
	CDNs          []CDNUse    `json:"cdns,omitempty" line:"cdn" doc:"Where its visitors go at or above a threshold, in order of preference."`
	Probes        []Probe     `json:"probes,omitempty" line:"probe" doc:"What is asked of the origin, one of each kind."`
	Feeds         []Feed      `json:"feeds,omitempty" line:"feed" doc:"What is read of the origin, one of each signal."`
	Thresholds    []Threshold `json:"thresholds,omitempty" line:"threshold" doc:"The limits of what is measured, one of each signal."`
	Enter         *int        `json:"enter,omitempty" line:"enter" doc:"New samples in a row at or above a threshold that divert; 3 is the default." example:"3"`
	FailbackDelay string      `json:"failback_delay,omitempty" line:"failback_delay" doc:"Time at or under the recover level before the return; 120s is the default." example:"120s"`
	Damping       *Damping    `json:"damping,omitempty" line:"damping" doc:"How a site that flaps stays at the CDN for longer."`
	TTL           *TTL        `json:"ttl,omitempty" line:"ttl" doc:"The TTL of its answers."`
	Divert        *Divert     `json:"divert,omitempty" line:"divert" doc:"Which share of the clients is diverted."`
	NoData        *NoData     `json:"no_data,omitempty" line:"no_data" doc:"What is done without fresh data."`
	Answer        *Answer     `json:"answer,omitempty" line:"answer" doc:"The form of its answers."`
	HTTPS         []string    `json:"https,omitempty" line:"https" doc:"Parameters of its HTTPS record at the origin, as in a zone file." example:"alpn=h2"`
	Hides         []string    `json:"hides,omitempty" line:"hides" doc:"Types of data of the next plugin that the site may hide." example:"MX,TXT"`
	Ready         *Ready      `json:"ready,omitempty" line:"ready" doc:"What must hold of a CDN before visitors are sent there."`
	Warmup        []string    `json:"warmup,omitempty" line:"warmup" doc:"URLs that are fetched through a CDN before the first visitor." example:"https://{target}/"`
	Redirect      *Redirect   `json:"redirect,omitempty" line:"redirect" doc:"Where the redirector sends visitors over HTTP."`
}
