package api

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// Engine is what the API asks. Its methods may be called from many goroutines
// at once, and what they return is not changed afterwards.
type Engine interface {
	// States returns the states of some sites, in the order of their names, and where those
	// behind them begin; empty: there are no more.
	States(q StateQuery) (states []State, next string)

	// CDNs returns the state of every watched CDN, in the order of their names.
	CDNs() []CDNState

	// Drain has a node of a CDN get no visitors while another is there, or get them
	// again, whatever the Corefile says, until the server ends. What is no node is
	// ErrNoNode.
	Drain(cdn, node string, drain bool) error

	// Explain says all about the site that answers name, which is canonical
	// (see site.CanonicalName), and what client would be answered. The zero
	// Addr asks for the answer that all clients get. A name that no site
	// answers is ErrUnknown.
	Explain(name string, client netip.Addr) (Explanation, error)

	// DryRun returns what a client would be answered now for a name. A name that no site
	// answers is ErrUnknown, and no client where clients differ ErrInvalid;
	// whose site it is is said with any other error, too.
	DryRun(ctx context.Context, q DryRunQuery) (DryRun, error)

	// Probe asks a URL, which holds "://", or everything that is probed and read
	// for the site with this canonical name, once and now. What it finds changes
	// no decision. A name that is no site's is ErrUnknown, a URL that cannot be
	// probed ErrInvalid; a probe that fails is a result. It returns soon after
	// ctx has ended.
	Probe(ctx context.Context, what string) (ProbeReport, error)
}

// What an Engine's errors may be; wrap them with what was asked for.
var (
	ErrUnknown = errors.New("no such site")
	ErrNoNode  = errors.New("no such node")
	ErrInvalid = errors.New("not a valid request")
)

// What a push may be refused for.
var (
	ErrNoReader   = errors.New("no feed reads it")
	ErrRepeated   = errors.New("it was pushed before")
	ErrImprobable = errors.New("it cannot be true now")
)

// Unknown is the ErrUnknown of a name, the same whether nobody has a site there or
// somebody whose it is.
func Unknown(name string) error { return fmt.Errorf("%w: '%s'", ErrUnknown, name) }
