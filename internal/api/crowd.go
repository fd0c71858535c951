package api

import (
	"cmp"
	"fmt"
	"net/http"
	"sync"
)

// crowd bounds how many do at once what goes on for long, and of whom.
type crowd struct {
	does      string // what they do, with their number
	most      int    // of all
	customers int    // of all customers: the others are operators
	customer  int    // of all users of one
	own       int    // of one user

	mu sync.Mutex
	of map[Caller]int // by user, by customer, and all of these
}

// Who is counted together, besides a user and a customer: no user has such a name.
var (
	everyone     = Caller{Name: " "}
	allCustomers = Caller{Name: " ", Customer: " "}
)

func newCrowd(does string, most, customers, customer, own int) *crowd {
	return &crowd{does: does, most: most, customers: customers, customer: customer, own: own, of: make(map[Caller]int)}
}

// enter counts one more, unless there are as many as there may be.
func (c *crowd) enter(who Caller) (leave func(), p *Problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counted := []Caller{who, everyone}
	full := cmp.Or(c.full("you", who, c.own), c.full("all together", everyone, c.most))
	if his := ownerOf(who); who.Customer != "" {
		counted = append(counted, his, allCustomers)
		full = cmp.Or(full, c.full("the users of '"+who.Customer+"'", his, c.customer), c.full("customers", allCustomers, c.customers))
	}
	if full != "" {
		return nil, problem(http.StatusTooManyRequests, "%s", full)
	}
	for _, one := range counted {
		c.of[one]++
	}
	return func() { c.leave(counted) }, nil
}

// full says who are too many for one more; empty: nobody is.
func (c *crowd) full(name string, who Caller, most int) string {
	if c.of[who] < most {
		return ""
	}
	return name + " " + fmt.Sprintf(c.does, most) + " already"
}

func (c *crowd) leave(counted []Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range counted {
		if c.of[one]--; c.of[one] == 0 {
			delete(c.of, one)
		}
	}
}
