package api

import "time"

// Bounds of requests that wait for something to happen: each looks at the store now and
// then.
const (
	maxWaits          = 256 // of all callers
	maxCustomersWaits = 192 // of all customers: the others are operators'
	maxCustomerWaits  = 32  // of all users of one
	maxOwnWaits       = 16  // of one user
)

func newWaits() *crowd {
	return newCrowd("wait in %d requests", maxWaits, maxCustomersWaits, maxCustomerWaits, maxOwnWaits)
}

// mayWait counts a request that is to wait, before anything is done of it.
func (a *API) mayWait(who Caller, in any) (leave func(), p *Problem) {
	if w, may := in.(interface{ waits() time.Duration }); !may || w.waits() == 0 {
		return func() {}, nil
	}
	return a.waiting.enter(who)
}
