package site

import "slices"

// Provision is who sets up the CDN's side of sites: at most one of them. The zero value
// is people, with the usual text.
type Provision struct {
	Deploy  *Deploy
	Webhook *Webhook
	Manual  string // what people are told to do; with {name}, {host} and {target}
}

// On reports whether anything is said of it.
func (p Provision) On() bool { return p != Provision{} }

// validate checks it, of a CDN that may be somebody else's.
func (p Provision) validate(thirdParty bool) error {
	var said []string
	for name, is := range map[string]bool{"deploy": p.Deploy != nil, "webhook": p.Webhook != nil, "manual": p.Manual != ""} {
		if is {
			said = append(said, name)
		}
	}
	slices.Sort(said)
	switch {
	case len(said) > 1:
		return wrong(said[1], "'%s' sets up the CDN's side of sites already", said[0])
	case p.Deploy != nil && thirdParty:
		return wrong("deploy", "deploy configures nodes of your own: write 'operated own'")
	}
	return nil
}

// Deploy hands configuration of a CDN's nodes to a command of the operator's.
type Deploy struct {
	Kind    DeployKind
	Command []string // the absolute path of a program, and its arguments
}

// DeployKind is what runs on the nodes.
type DeployKind string

// The kinds.
const (
	DeployNginx   DeployKind = "nginx"
	DeployVarnish DeployKind = "varnish"
)

// Webhook asks an HTTP server.
type Webhook struct {
	URL    string
	Secret string // "file:PATH" or "env:NAME"; empty: requests are not signed
}
