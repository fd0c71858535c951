package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askBunny reads the statistics of one pull zone of bunny.net, the last whole hour
// that has been counted:
// https://docs.bunny.net/api-reference/core/statistics/get-statistics.
func askBunny(ctx context.Context, c *call) (site.Failure, error) {
	hour := bunnyHour(time.Now(), c.ask.Behind())
	u := *c.url
	values := u.Query()
	for name, value := range map[string]string{
		"dateFrom": hour.Format(time.RFC3339), "dateTo": hour.Add(time.Hour).Format(time.RFC3339), "pullZone": c.service,
		"hourly": "true", "loadBandwidthUsed": "true", "loadRequestsServed": "true", "loadErrors": "true",
	} {
		values.Set(name, value)
	}
	u.RawQuery = values.Encode()
	page, failure, err := c.page(ctx, u.String(), "application/json")
	if err != nil {
		return failure, err
	}
	c.result.Readings, failure, err = readBunny(page, hour)
	return failure, err
}

// bunnyHour is when the last hour began of which all is known at now, so far behind.
func bunnyHour(now time.Time, behind time.Duration) time.Time {
	return now.UTC().Add(-behind).Truncate(time.Hour)
}

// bunnyChart has numbers by the time at which their hour began.
type bunnyChart map[string]*float64

// bunnyStatistics is what we need of an answer.
type bunnyStatistics struct {
	Bytes    bunnyChart `json:"BandwidthUsedChart"`
	Requests bunnyChart `json:"RequestsServedChart"`
	Failed   bunnyChart `json:"Error5xxChart"`
	Pulled   bunnyChart `json:"PullRequestsPulledChart"`
}

// readBunny reads an hour. Its ratios are known only where the errors, and what was
// pulled from the origin, are: CacheHitRate is of the whole answer, and
// CacheHitRateChart was seen to be zero beside it. One request may be pulled in parts.
func readBunny(page []byte, hour time.Time) ([]Reading, site.Failure, error) {
	var answer bunnyStatistics
	if json.Unmarshal(page, &answer) != nil {
		return nil, site.FailureProtocol, errors.New("reading the answer: not the statistics of bunny.net")
	}
	t := traffic{at: hour.Add(time.Hour), over: time.Hour}
	var counted, asked, told bool
	t.bytes, counted = answer.Bytes.at(hour)
	t.requests, asked = answer.Requests.at(hour)
	t.failed, told = answer.Failed.at(hour)
	pulled, looked := answer.Pulled.at(hour)
	switch {
	case !counted || !asked:
		return nil, site.FailureContent, fmt.Errorf("the hour of %s is not in the answer", hour.Format(time.RFC3339))
	case min(t.bytes, t.requests, t.failed, pulled) < 0:
		return nil, site.FailureInvalid, errors.New("the hour has a negative number")
	}
	if looked {
		t.hits, t.looked = max(0, t.requests-pulled), t.requests
	}
	readings := t.readings()
	if !told {
		readings = slices.DeleteFunc(readings, func(r Reading) bool { return r.Signal == site.ErrorRatio })
	}
	return readings, "", nil
}

// at returns the number of an hour. Its time is in UTC, and may say so.
func (c bunnyChart) at(hour time.Time) (value float64, found bool) {
	for text, v := range c {
		at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(text, "Z"))
		if err == nil && at.Equal(hour) && v != nil {
			return *v, true
		}
	}
	return 0, false
}
