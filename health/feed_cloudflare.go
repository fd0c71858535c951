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

// cloudflareZones is how many zones a query may have, see
// https://developers.cloudflare.com/analytics/graphql-api/limits/.
const cloudflareZones = 10

// cloudflareRows is how many rows of a zone are asked for: it has one for each
// status of the answer and of the cache.
const cloudflareRows = 1000

// cloudflareQuery asks for what visitors had of zones, by the status of the
// answer and that of the cache.
const cloudflareQuery = `query ($zones: [string!], $from: Time!, $to: Time!, $rows: uint64!) {
  viewer {
    zones(filter: {zoneTag_in: $zones}) {
      zoneTag
      httpRequestsAdaptiveGroups(limit: $rows, filter: {datetime_geq: $from, datetime_lt: $to, requestSource: "eyeball"}) {
        count
        sum { edgeResponseBytes }
        dimensions { edgeResponseStatus cacheStatus }
      }
    }
  }
}`

// askCloudflare reads the GraphQL Analytics API of Cloudflare, where services are
// zones: a whole minute that is far enough behind to be complete. Nothing changes
// by the query, so that it may be sent again.
// https://developers.cloudflare.com/analytics/graphql-api/
func askCloudflare(ctx context.Context, c *call) (site.Failure, error) {
	to := time.Now().Add(-c.ask.Behind()).Truncate(time.Minute)
	var all []told
	for zones := range slices.Chunk(strings.Fields(c.ask.Services), cloudflareZones) {
		page, failure, err := c.post(ctx, cloudflareBody(zones, to))
		if err != nil {
			return failure, err
		}
		more, failure, err := readCloudflare(page, zones, to)
		if err != nil {
			return failure, err
		}
		all = append(all, more...)
	}
	return c.sum(all)
}

func cloudflareBody(zones []string, to time.Time) []byte {
	variables := map[string]any{
		"zones": zones, "from": to.Add(-time.Minute).UTC().Format(time.RFC3339), "to": to.UTC().Format(time.RFC3339), "rows": cloudflareRows,
	}
	body, err := json.Marshal(map[string]any{"query": cloudflareQuery, "variables": variables})
	if err != nil {
		panic(err) // it is all text and numbers
	}
	return body
}

// cloudflareAnswer is one. That of 200 may hold errors,
// https://developers.cloudflare.com/analytics/graphql-api/errors/.
type cloudflareAnswer struct {
	Errors []struct {
		Extensions struct{ Code any }
	}
	Data struct {
		Viewer struct{ Zones []cloudflareZone }
	}
}

type cloudflareZone struct {
	ZoneTag string
	Groups  *[]struct {
		Count *float64
		Sum   struct{ EdgeResponseBytes *float64 }

		Dimensions struct {
			EdgeResponseStatus *float64
			CacheStatus        string
		}
	} `json:"httpRequestsAdaptiveGroups"`
}

// cloudflareHits says of what the cache was asked for whether it answered, see
// https://developers.cloudflare.com/cache/glossary/. The others, such as dynamic
// and bypass, say that it was not asked.
var cloudflareHits = map[string]bool{
	"hit": true, "stale": true, "updating": true, "ignored": true,
	"miss": false, "expired": false, "revalidated": false,
}

func readCloudflare(page []byte, zones []string, to time.Time) ([]told, site.Failure, error) {
	var answer cloudflareAnswer
	if json.Unmarshal(page, &answer) != nil {
		return nil, site.FailureProtocol, errors.New("reading the answer: not one of the GraphQL Analytics API")
	}
	if n := len(answer.Errors); n > 0 {
		return nil, site.FailureStatus, fmt.Errorf("the API answers with %d errors: %s", n, answer.reason())
	}
	var all []told
	for _, tag := range zones {
		i := slices.IndexFunc(answer.Data.Viewer.Zones, func(z cloudflareZone) bool { return z.ZoneTag == tag })
		if i < 0 {
			return nil, site.FailureContent, fmt.Errorf("service '%s' is not in the answer: the token must be allowed to read the analytics of that zone", tag)
		}
		t, failure, err := answer.Data.Viewer.Zones[i].traffic(to)
		if err != nil {
			return nil, failure, fmt.Errorf("service '%s': %w", tag, err)
		}
		all = append(all, told{tag, t.readings()})
	}
	return all, "", nil
}

// reason is the code of an error if it is a word that we know; its text would be
// the answer's.
func (a cloudflareAnswer) reason() string {
	for _, e := range a.Errors {
		switch e.Extensions.Code {
		case "authn", "authz":
			return fmt.Sprintf("%s: the token must be allowed to read the analytics of all zones", e.Extensions.Code)
		case "budget":
			return "budget: let 'every' be longer"
		case "internal", "quota", "unavailable":
			return fmt.Sprint(e.Extensions.Code)
		}
	}
	return "for an unknown reason"
}

// traffic adds up the rows. A zone without visitors has none.
func (z cloudflareZone) traffic(to time.Time) (traffic, site.Failure, error) {
	t := traffic{at: to, over: time.Minute}
	switch {
	case z.Groups == nil:
		return t, site.FailureContent, errors.New("it has no httpRequestsAdaptiveGroups")
	case len(*z.Groups) >= cloudflareRows:
		return t, site.FailureContent, fmt.Errorf("it has %d rows, and may have more", len(*z.Groups))
	}
	for _, g := range *z.Groups {
		count, bytes, status := g.Count, g.Sum.EdgeResponseBytes, g.Dimensions.EdgeResponseStatus
		switch {
		case count == nil || bytes == nil || status == nil:
			return t, site.FailureContent, errors.New("a row lacks count, edgeResponseBytes or edgeResponseStatus")
		case min(*count, *bytes) < 0:
			return t, site.FailureInvalid, errors.New("a row has a negative number")
		}
		t.bytes, t.requests = t.bytes+*bytes, t.requests+*count
		if *status >= 500 {
			t.failed += *count
		}
		t.cached(g.Dimensions.CacheStatus, *count)
	}
	return t, "", nil
}

// cached counts requests with a status of the cache.
func (t *traffic) cached(status string, count float64) {
	hit, looked := cloudflareHits[strings.ToLower(status)]
	if looked {
		t.looked += count
	}
	if hit {
		t.hits += count
	}
}
