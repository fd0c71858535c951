package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const pushPath = "/v1/push"

func (a *API) registerPush() {
	register(a, operation{id: "push-values", does: "POST " + pushPath, least: site.RoleCustomerAdmin, about: "Decisions",
		summary: "Say how a host is, for the feeds of the kind push that read it",
		text:    "A host of a customer's is known as CUSTOMER/HOST to feeds. Each push is newer than the one before: 409 says that it is not, 404 that no feed reads the host, and 422 that its time is not now, or that a value cannot be true."}, a.push)
}

// Pushes takes what hosts say of themselves.
type Pushes interface {
	// Push has the feeds of kind push read a push. One that none reads is
	// ErrNoReader, one that was taken or overtaken before ErrRepeated, and one that
	// cannot be ErrImprobable.
	Push(push site.Push) error
}

// PushRequest is what a host says of itself at one moment.
type PushRequest struct {
	Host     string                  `json:"host" doc:"The host, as feeds call it; of a customer's without the customer" example:"web1"`
	Epoch    int64                   `json:"epoch,omitempty" doc:"It is greater after the sequence began anew, such as the time of the host's start; absent: 0" example:"1767323045"`
	Sequence int64                   `json:"sequence" doc:"It is greater than that of the push before, of the same epoch" example:"7"`
	At       time.Time               `json:"at" doc:"The moment that the values are of: not more than a minute ago" example:"2026-01-02T03:04:05Z"`
	Values   map[site.Signal]float64 `json:"values" doc:"The value of each signal, in its unit" example:"{\"load\": 0.7, \"used_bandwidth\": 200000000}"`
}

type pushInput struct{ Body PushRequest }

// Resolve implements huma.Resolver.
func (in *pushInput) Resolve(huma.Context) (faults []error) {
	if err := site.CheckPusher(in.Body.Host); err != nil {
		faults = append(faults, &Fault{Location: "body.host", Message: err.Error()})
	}
	if len(in.Body.Values) == 0 {
		faults = append(faults, &Fault{Location: "body.values", Message: "there are no values"})
	}
	for signal := range in.Body.Values {
		if !slices.Contains(site.Signals(), signal) {
			faults = append(faults, &Fault{Location: "body.values", Message: fmt.Sprintf("unknown signal '%s': write one of %v", signal, site.Signals())})
		}
	}
	return faults
}

func (a *API) push(_ context.Context, who Caller, in *pushInput) (Done, error) {
	b := in.Body
	if !who.Role.Operates() {
		b.Host = who.Customer + "/" + b.Host
		if err := site.CheckPusher(b.Host); err != nil {
			return Done{}, Faults{&Fault{Location: "body.host", Message: err.Error()}}
		}
	}
	return Done{}, a.Pushes.Push(site.Push{Host: b.Host, Epoch: b.Epoch, Sequence: b.Sequence, At: b.At, Values: b.Values})
}
