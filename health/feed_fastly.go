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
	c.result.Readings, failure, err = readFastly(page, time.Now())
	return failure, err
}

func readFastly(page []byte, now time.Time) ([]Reading, site.Failure, error) {
	var answer fastlySeconds
	if json.Unmarshal(page, &answer) != nil {
		return nil, site.FailureProtocol, errors.New("reading the answer: not one of the real-time analytics")
	}
	t, failure, err := answer.traffic(now)
	if err != nil {
		return nil, failure, err
	}
	return t.readings(), "", nil
}

// fastlySeconds is an answer. It has only seconds in which anything happened, and
// of those that happened only what is not zero, but for these three numbers; the
// newest second is AggregateDelay before Timestamp.
type fastlySeconds struct {
	Error          string
	Timestamp      float64
	AggregateDelay *float64
	Data           []struct {
		Recorded   float64
		Aggregated struct {
			Requests *float64 `json:"requests"`
			Header   *float64 `json:"resp_header_bytes"`
			Body     *float64 `json:"resp_body_bytes"`
			Failed   float64  `json:"status_5xx"`
		}
	}
}

// fastlyIdle begins the error of a service that had no traffic in two minutes.
const fastlyIdle = "No data available"

// fastlySpan is over which seconds it is read.
const fastlySpan = 10 * time.Second

func (a fastlySeconds) traffic(now time.Time) (traffic, site.Failure, error) {
	behind, failure, err := a.behind()
	switch {
	case err != nil:
		return traffic{}, failure, err
	case strings.HasPrefix(a.Error, fastlyIdle) && len(a.Data) == 0:
		return traffic{at: now.Add(-behind), over: fastlySpan}, "", nil
	case a.Error != "":
		return traffic{}, site.FailureStatus, errors.New("the API answers with an error")
	case len(a.Data) == 0:
		return traffic{}, site.FailureContent, errors.New("no second is in the answer")
	}
	end := a.Timestamp - behind.Seconds()
	for _, d := range a.Data {
		end = max(end, d.Recorded)
	}
	return a.upTo(end)
}

// behind is what the answer says of its delay.
func (a fastlySeconds) behind() (time.Duration, site.Failure, error) {
	if a.AggregateDelay == nil {
		return site.Ask{Map: "fastly"}.Behind(), "", nil
	}
	behind := time.Duration(max(-1, min(*a.AggregateDelay, 1e6)) * float64(time.Second))
	switch {
	case behind < 0:
		return 0, site.FailureInvalid, errors.New("the AggregateDelay is negative")
	case behind > site.Latest:
		return 0, site.FailureInvalid, fmt.Errorf("the statistics are %s behind: more than %s is too late to decide by", behind, site.Latest)
	}
	return behind, "", nil
}

// upTo adds up the seconds up to end, in Unix time.
func (a fastlySeconds) upTo(end float64) (traffic, site.Failure, error) {
	t := traffic{at: time.Unix(int64(min(end, maxUnix)), 0), over: fastlySpan}
	for _, d := range a.Data {
		s := d.Aggregated
		switch {
		case d.Recorded <= end-fastlySpan.Seconds():
			continue
		case s.Requests == nil || s.Header == nil || s.Body == nil:
			return traffic{}, site.FailureContent, errors.New("a second lacks requests, resp_header_bytes or resp_body_bytes")
		case min(*s.Requests, *s.Header, *s.Body, s.Failed) < 0:
			return traffic{}, site.FailureInvalid, errors.New("a second has a negative number")
		}
		t.bytes, t.requests, t.failed = t.bytes+*s.Header+*s.Body, t.requests+*s.Requests, t.failed+s.Failed
	}
	return t, "", nil
}

// maxUnix is a time that is still to come, in seconds.
const maxUnix = 1e11
