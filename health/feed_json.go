package health

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askJSON is the feed of kind "json": a number, or a string that holds one, at
// a path in an answer in JSON, in the signal's unit. Paths are those of
// https://github.com/tidwall/gjson/blob/v1.20.0/SYNTAX.md.
func askJSON(ctx context.Context, c *call) (site.Failure, error) {
	answer, failure, err := c.json(ctx)
	if err != nil {
		return failure, err
	}
	found := answer.Get(c.ask.Query)
	if !found.Exists() {
		return site.FailureContent, fmt.Errorf("nothing is at '%s'", c.ask.Query)
	}
	value, err := number(found)
	if err != nil {
		return site.FailureInvalid, fmt.Errorf("reading '%s': %w", c.ask.Query, err)
	}
	c.result.Readings = []Reading{{Signal: c.ask.Signal, Value: value * scale(c.ask)}}
	return "", nil
}

// json gets the answer in JSON at the target's URL.
func (c *call) json(ctx context.Context) (gjson.Result, site.Failure, error) {
	page, failure, err := c.page(ctx, c.url.String(), "application/json")
	if err != nil {
		return gjson.Result{}, failure, err
	}
	if !gjson.ValidBytes(page) {
		return gjson.Result{}, site.FailureProtocol, errors.New("reading the answer: not JSON")
	}
	return gjson.ParseBytes(page), "", nil
}

var errNoNumber = errors.New("not a number")

func number(found gjson.Result) (float64, error) {
	text := found.Raw
	switch found.Type {
	case gjson.String:
		text = found.Str
	case gjson.Number:
	default:
		return 0, errNoNumber
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errNoNumber // without the text, which is the answer's
	}
	return value, nil
}
