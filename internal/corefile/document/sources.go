package document

// Probe is what is asked of a target, and timed.
type Probe struct {
	Kind   string `json:"kind" line:"!" enum:"http,download,tls,tcp,dns,grpc,icmp" doc:"How it asks." example:"http"`
	Target string `json:"target" line:"." doc:"Whom: a URL, HOST:PORT or HOST; {origin} is each address in turn, in a CDN {node}." example:"http://{origin}:80/healthz"`
	Name   string `json:"name,omitempty" line:"." for:"dns" doc:"The name that is asked for, of the kind dns." example:"www.example.org"`
	Period
	TLSOptions
	HTTPOptions
	KeepAlive *bool  `json:"keep_alive,omitempty" line:"keep_alive" doc:"Use the connection of the probe before; of the kind http." example:"true"`
	Size      string `json:"size,omitempty" line:"size" doc:"How much of the file is read, of the kind download." example:"1MiB"`
	Send      string `json:"send,omitempty" line:"send" doc:"Text that is sent, of the kind tcp." example:"QUIT\\r\\n"`
	Expect    string `json:"expect,omitempty" line:"expect" doc:"Text that must come back, of the kind tcp." example:"220"`
	Type      string `json:"type,omitempty" line:"type" doc:"The type that is asked for, of the kind dns." example:"AAAA"`
	Service   string `json:"service,omitempty" line:"service" doc:"Whose health is asked for, of the kind grpc." example:"web"`
	TLS       *bool  `json:"tls,omitempty" line:"tls" doc:"Over TLS, of the kind grpc." example:"true"`
}

// Period is when a source is asked.
type Period struct {
	Every   string `json:"every,omitempty" line:"every" doc:"The period; 10s is the usual default." example:"10s"`
	Timeout string `json:"timeout,omitempty" line:"timeout" doc:"The time for an answer; half the period is the default." example:"4s"`
}

// TLSOptions are what is asked of certificates.
type TLSOptions struct {
	TLSVerify *bool `json:"tls_verify,omitempty" line:"tls_verify" doc:"Whether certificates must be valid; they must by default." example:"false"`
	Days      *int  `json:"days,omitempty" line:"days" doc:"A certificate that expires within so many days is a failure." example:"14"`
}

// HTTPOptions are what is asked over HTTP, and what makes an answer good.
type HTTPOptions struct {
	Method  string   `json:"method,omitempty" line:"method" enum:"GET,HEAD,OPTIONS,POST" doc:"The method of the request." example:"HEAD"`
	Status  string   `json:"status,omitempty" line:"status" doc:"Which status is good; 200-399 is the default." example:"200-299,304"`
	Body    string   `json:"body,omitempty" line:"body" doc:"Text that the body has." example:"all is well"`
	Match   string   `json:"match,omitempty" line:"match" doc:"Regular expression (RE2) that the body matches." example:"(?i)ok"`
	JSON    string   `json:"json,omitempty" line:"json" doc:"Expression that is true of the body as JSON." example:"status == 'ok'"`
	HTTP2   *bool    `json:"http2,omitempty" line:"http2" doc:"Speak HTTP/2." example:"true"`
	Headers []Header `json:"headers,omitempty" line:"header" doc:"Headers of the request."`
}

// Header is a header of a request.
type Header struct {
	Name  string `json:"name" line:"." doc:"The header's name." example:"Authorization"`
	Value string `json:"value" line:"." empty:"yes" doc:"Its value; env:NAME and file:PATH keep a secret elsewhere." example:"env:TOKEN"`
}

// Feed reads statistics that somebody else keeps.
type Feed struct {
	Signal  string `json:"signal,omitempty" line:"?" match:"\\w+_(time|ratio|bandwidth)|load|connections|requests" for:"prometheus,promql,json,snmp,file,redirector,push" doc:"The signal that it gives; map and fci give several." example:"used_bandwidth"`
	Kind    string `json:"kind" line:"!" enum:"prometheus,promql,json,snmp,file,redirector,push,map,fci" doc:"How it reads." example:"prometheus"`
	Map     string `json:"map,omitempty" line:"." for:"map" doc:"Whose signals these are: node_exporter, nginx, haproxy, varnish, trafficserver, fastly, cloudflare or bunny." example:"node_exporter"`
	Source  string `json:"source,omitempty" line:"." for:"prometheus,promql,json,snmp,file,push,map,fci" doc:"What is read: a URL, of snmp HOST or HOST:PORT, of file a path, of push the host that pushes." example:"http://192.0.2.10:9100/metrics"`
	Query   string `json:"query,omitempty" line:"." for:"prometheus,promql,json,file" doc:"What is looked for: METRIC{labels}, of promql a query, of json a path." example:"node_load1"`
	IfIndex *int   `json:"ifindex,omitempty" line:"ifindex" for:"snmp" doc:"The interface, of snmp." example:"2"`
	Period
	Over      string   `json:"over,omitempty" line:"over" doc:"METRIC{labels} that it is divided by." example:"cpus"`
	Scale     *float64 `json:"scale,omitempty" line:"scale" doc:"What values are multiplied by." example:"8"`
	Labels    string   `json:"labels,omitempty" line:"labels" doc:"Labels that the metrics of a map must have." example:"device=\"eth0\""`
	Community string   `json:"community,omitempty" line:"community" doc:"The community, of snmp; env:NAME and file:PATH keep a secret elsewhere." example:"public"`
	Delay     string   `json:"delay,omitempty" line:"delay" doc:"How far behind it is." example:"30s"`
	TLSVerify *bool    `json:"tls_verify,omitempty" line:"tls_verify" doc:"Whether certificates must be valid; they must by default." example:"false"`
	Headers   []Header `json:"headers,omitempty" line:"header" doc:"Headers of the request."`
}

// Ready says what must hold of a CDN before visitors are sent there.
type Ready struct {
	Level  string `json:"level" line:"!" enum:"none,resolve,tls,probe" doc:"How much must hold." example:"probe"`
	Target string `json:"target,omitempty" line:"?" match:".*[{:/].*" doc:"Whom it asks: {target}:PORT of tls, a URL of probe; {target} is each address of the CDN." example:"https://{target}/healthz"`
	Period
	TLSOptions
	HTTPOptions
}
