package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askFastly reads the real-time analytics of one service of Fastly, the newest ten
// seconds: https://www.fastly.com/documentation/reference/api/metrics-stats/realtime/.
func askFastly(ctx context.Context, c *call) (site.Failure, error) {
	u := c.url.JoinPath("v1/channel", c.service, "ts/h/limit/10")
	page, failure, err := c.page(ctx, u.String(), "application/json")
	if err != nil {
		return failure, err
	}
	c.result.Readings, failure, err = readFastly(page, c.ask.Behind(), time.Now())
	return failure, err
}

// readFastly reads an answer of a feed that is declared to be so far behind.
func readFastly(page []byte, declared time.Duration, now time.Time) ([]Reading, site.Failure, error) {
	var answer fastlySeconds
	if json.Unmarshal(page, &answer) != nil {
		return nil, site.FailureProtocol, errors.New("reading the answer: not one of the real-time analytics")
	}
	t, failure, err := answer.traffic(declared, now)
	if err != nil {
		return nil, failure, err
	}
	return t.readings(), "", nil
}

// fastlySeconds is an answer. It has only seconds in which anything happened, and
// of those that happened only what is not zero; the newest second is AggregateDelay
// before Timestamp. Requests and their failures are those of the edge and of the
// shields behind it; what visitors have is the edge's, and so are hits and misses.
type fastlySeconds struct {
	Error          string
	Timestamp      float64
	AggregateDelay *float64
	Data           []struct {
		Recorded   float64
		Aggregated struct {
			Requests *float64 `json:"requests"`
			Failed   float64  `json:"status_5xx"`
			Edge     float64  `json:"edge_requests"`
			Header   float64  `json:"edge_resp_header_bytes"`
			Body     float64  `json:"edge_resp_body_bytes"`
			Hits     float64  `json:"edge_hit_requests"`
			Misses   float64  `json:"edge_miss_requests"`
		}
	}
}

// fastlyIdle begins the error of a service that had no traffic in two minutes.
const fastlyIdle = "No data available"

// fastlySpan is over which seconds it is read.
const fastlySpan = 10 * time.Second

// fastlyMargin is how much further behind than declared an answer may be: less than
// it would take to be stale, at any period.
const fastlyMargin = 3 * time.Second

func (a fastlySeconds) traffic(declared time.Duration, now time.Time) (traffic, site.Failure, error) {
	behind, failure, err := a.behind(declared)
	switch {
	case err != nil:
		return traffic{}, failure, err
	case strings.HasPrefix(a.Error, fastlyIdle) && len(a.Data) == 0:
		return traffic{at: a.end(behind, now), over: fastlySpan}, "", nil
	case a.Error != "":
		return traffic{}, site.FailureStatus, errors.New("the API answers with an error: there must be such a service, and the token be allowed to read its analytics")
	case len(a.Data) == 0:
		return traffic{}, site.FailureContent, errors.New("no second is in the answer")
	}
	end := a.Timestamp - behind.Seconds()
	for _, d := range a.Data {
		end = max(end, d.Recorded)
	}
	return a.upTo(end)
}

// end is until when a service had no traffic.
func (a fastlySeconds) end(behind time.Duration, now time.Time) time.Time {
	if a.Timestamp == 0 {
		return now.Add(-behind)
	}
	return unix(a.Timestamp - behind.Seconds())
}

// behind is what the answer says of its delay: as declared where it says nothing.
func (a fastlySeconds) behind(declared time.Duration) (time.Duration, site.Failure, error) {
	if a.AggregateDelay == nil {
		return declared, "", nil
	}
	behind := time.Duration(max(-1, min(*a.AggregateDelay, 1e6)) * float64(time.Second))
	switch {
	case behind < 0:
		return 0, site.FailureInvalid, errors.New("the AggregateDelay is negative")
	case behind > site.Latest && declared <= site.Latest:
		return 0, site.FailureInvalid, fmt.Errorf("the statistics are %s behind: more than %s is too late to decide by", behind, site.Latest)
	case behind > declared+fastlyMargin:
		return 0, site.FailureInvalid, fmt.Errorf("the statistics are %s behind, and the feed's delay is %s: write 'delay %[1]s'", behind, declared)
	}
	return behind, "", nil
}

// upTo adds up the seconds up to end, in Unix time.
func (a fastlySeconds) upTo(end float64) (traffic, site.Failure, error) {
	t := traffic{at: unix(end), over: fastlySpan}
	for _, d := range a.Data {
		s := d.Aggregated
		switch {
		case d.Recorded <= end-fastlySpan.Seconds():
			continue
		case s.Requests == nil:
			return traffic{}, site.FailureContent, errors.New("a second lacks requests")
		case min(*s.Requests, s.Failed, s.Edge, s.Header, s.Body, s.Hits, s.Misses) < 0:
			return traffic{}, site.FailureInvalid, errors.New("a second has a negative number")
		}
		t.bytes, t.requests = t.bytes+s.Header+s.Body, t.requests+s.Edge
		t.failed, t.of = t.failed+s.Failed, t.of+*s.Requests
		t.hits, t.looked = t.hits+s.Hits, t.looked+s.Hits+s.Misses
	}
	return t, "", nil
}

// unix is a time in seconds. One that cannot be is long past, or still to come.
func unix(seconds float64) time.Time {
	return time.Unix(int64(max(0, min(seconds, maxUnix))), 0)
}

// maxUnix is a time that is still to come, in seconds.
const maxUnix = 1e11
