package health

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// maxWait is how long a server can have a feed wait.
const maxWait = time.Hour

// demanded returns until when an answer wants to be left alone (RFC 9110, section
// 10.2.3); the zero time: it does not.
func demanded(head *http.Response, now time.Time) time.Time {
	if head.StatusCode != http.StatusTooManyRequests && head.StatusCode != http.StatusServiceUnavailable {
		return time.Time{}
	}
	text := head.Header.Get("Retry-After")
	until, err := http.ParseTime(text)
	if seconds, bad := strconv.ParseUint(text, 10, 31); bad == nil || errors.Is(bad, strconv.ErrRange) {
		until, err = now.Add(min(time.Duration(seconds)*time.Second, maxWait)), nil
	}
	switch {
	case err != nil || !until.After(now):
		return time.Time{}
	case until.After(now.Add(maxWait)):
		return now.Add(maxWait)
	}
	return until
}

// refused is the failure of an answer with a bad status, and notes what it demands.
func (c *call) refused(head *http.Response) (site.Failure, error) {
	c.wait = demanded(head, time.Now())
	if c.wait.IsZero() {
		return site.FailureStatus, fmt.Errorf("status %d is not a good one", head.StatusCode)
	}
	return site.FailureStatus, fmt.Errorf("status %d is not a good one: %w", head.StatusCode, errWait{c.wait})
}

// errWait says that a server wants to be left alone.
type errWait struct{ until time.Time }

func (e errWait) Error() string {
	return fmt.Sprintf("the server is not to be asked again before %s", e.until.UTC().Format(time.RFC3339))
}
