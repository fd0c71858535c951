package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askPromQL is the feed of kind "promql": the value of a query, in the signal's
// unit, by the HTTP API of Prometheus or whatever speaks it:
// https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries.
func askPromQL(ctx context.Context, c *call) (site.Failure, error) {
	page, failure, err := c.page(ctx, c.instantQuery(), "application/json")
	if err != nil {
		return failure, err
	}
	var answer queryAnswer
	if json.Unmarshal(page, &answer) != nil {
		return site.FailureProtocol, errors.New("reading the answer: not one of the API of Prometheus")
	}
	p, failure, err := answer.point(c.ask.Query)
	if err != nil {
		return failure, err
	}
	c.result.Readings = []Reading{{Signal: c.ask.Signal, At: p.at.Add(-c.ask.Delay), Value: p.value * scale(c.ask)}}
	return "", nil
}

// instantQuery adds the query to the target's URL, which may have a path and a
// query of its own.
func (c *call) instantQuery() string {
	u := *c.url
	u = *u.JoinPath("api/v1/query")
	values := u.Query()
	values.Set("query", c.ask.Query)
	u.RawQuery = values.Encode()
	return u.String()
}

// scale is the one that was asked for, for values without a name.
func scale(ask site.Ask) float64 {
	if ask.Scale == 0 {
		return 1
	}
	return ask.Scale
}

// queryAnswer is what we need of an answer.
type queryAnswer struct {
	Status    string
	ErrorType string
	Warnings  []json.RawMessage
	Data      struct {
		ResultType string
		Result     json.RawMessage
	}
}

// point returns the answer's one value. A query that finds nothing has none,
// and one that could not ask everywhere has a wrong one.
func (a queryAnswer) point(query string) (point, site.Failure, error) {
	switch {
	case a.Status != "success":
		return point{}, site.FailureStatus, fmt.Errorf("the query failed: %s", a.reason())
	case len(a.Warnings) > 0:
		return point{}, site.FailureInvalid, fmt.Errorf("the value of '%s' may be partial: it has %d warnings", query, len(a.Warnings))
	case a.Data.ResultType == "scalar":
		return decodePoint(a.Data.Result)
	case a.Data.ResultType == "vector":
		return decodeVector(a.Data.Result, query)
	}
	return point{}, site.FailureInvalid, fmt.Errorf("the value of '%s' is neither a number nor a vector", query)
}

// reason is the type of the error if it is one of the API's own words; the
// text of the error would be the answer's.
func (a queryAnswer) reason() string {
	switch a.ErrorType {
	case "timeout", "canceled", "execution", "bad_data", "internal", "unavailable", "not_found", "not_acceptable":
		return a.ErrorType
	}
	return "for an unknown reason"
}

func decodeVector(result json.RawMessage, query string) (point, site.Failure, error) {
	var vector []struct{ Value json.RawMessage }
	if json.Unmarshal(result, &vector) != nil {
		return point{}, site.FailureProtocol, errBadVector
	}
	switch len(vector) {
	case 0:
		return point{}, site.FailureContent, fmt.Errorf("no data for '%s'", query)
	case 1:
		return decodePoint(vector[0].Value)
	}
	return point{}, site.FailureInvalid, fmt.Errorf("'%s' gives %d series instead of one: write sum() around it", query, len(vector))
}

var errBadVector = errors.New("reading the value: not one of the API of Prometheus")

// point is a value at a time.
type point struct {
	at    time.Time
	value float64
}

// decodePoint reads [seconds, "value"]. A value may be NaN or infinite.
func decodePoint(text json.RawMessage) (point, site.Failure, error) {
	var seconds float64
	var digits string
	pair := []any{&seconds, &digits}
	if json.Unmarshal(text, &pair) != nil || len(pair) != 2 {
		return point{}, site.FailureProtocol, errBadVector
	}
	value, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return point{}, site.FailureInvalid, errors.New("the value is not a number")
	}
	return point{time.UnixMilli(int64(math.Round(seconds * 1e3))), value}, "", nil
}
