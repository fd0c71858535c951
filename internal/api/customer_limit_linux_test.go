package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestACustomerHasHisShareHoweverManyUsersHeHas asks as each of fifty users.
func TestACustomerHasHisShareHoweverManyUsersHeHas(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const users = 50
		all := people{tokenOf("other"): everybody[tokenOf("other")], tokenOf("operator"): everybody[tokenOf("operator")]}
		for i := range users {
			all[tokenOf(fmt.Sprint("u", i))] = api.Caller{Name: fmt.Sprint("u", i), Role: site.RoleCustomerReadonly, Customer: "acme"}
		}
		c := api.New(api.Config{Engine: oneSite("a."), Log: new(journal), Tokens: all}).Unheard()
		asAll := func(times int) (answered int) {
			for i := range times {
				switch status, retry := knock(c, "192.0.2.1:1", tokenOf(fmt.Sprint("u", i%users))); {
				case status == 200:
					answered++
				case status != 429 || retry != "1":
					t.Fatalf("Expected to be told to wait, got %d, %q", status, retry)
				}
			}
			return answered
		}
		if got := asAll(1000); got != 400 {
			t.Errorf("Expected 400 answers in a row, got %d", got)
		}
		time.Sleep(time.Second)
		if got := asAll(1000); got != 100 {
			t.Errorf("Expected 100 answers a second, got %d", got)
		}
		for _, name := range []string{"other", "operator"} {
			if status, _ := knock(c, "192.0.2.1:1", tokenOf(name)); status != 200 {
				t.Errorf("Expected %s to be answered, got %d", name, status)
			}
		}
	})
}
