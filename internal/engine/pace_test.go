package engine

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/test/bubble"
)

func TestLongWorkRests(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		hurries := false
		p := pace{hurry: func() bool { return hurries }, began: time.Now()}
		took := func(work time.Duration) time.Duration {
			began := time.Now()
			time.Sleep(work)
			p.rest()
			return time.Since(began)
		}
		if got := took(stretch / 2); got != stretch/2 {
			t.Errorf("Expected a short stretch of work not to end with a rest, got %s", got)
		}
		if got := took(stretch / 2); got != stretch/2+restsFor*stretch {
			t.Errorf("Expected two of them to, got %s", got)
		}
		if got := took(time.Minute); got != time.Minute+restsFor*longest {
			t.Errorf("Expected a disk that was not there for a minute not to count as work, got %s", got)
		}
		if hurries = true; took(time.Second) != time.Second {
			t.Error("Expected no rest while somebody waits")
		}
		if hurries = false; took(stretch/2) != stretch/2 {
			t.Error("Expected work of before not to count any more")
		}
	})
}
