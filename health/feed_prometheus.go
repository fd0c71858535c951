package health

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// textFormat is what the parser reads; without it some exporters answer in
// formats that are newer.
const textFormat = "text/plain;version=0.0.4"

// askPrometheus is the feed of kind "prometheus": a metric on a page in the
// text format of Prometheus. Query selects its series, which are added up; a
// counter counts by its rate, a histogram or summary by the mean of what was
// observed since the reading before. With Over it is the ratio of the two.
func askPrometheus(ctx context.Context, c *call) (site.Failure, error) {
	e, failure, err := c.exposition(ctx, []metric{c.metric()})
	if err != nil {
		return failure, err
	}
	return c.read(e)
}

// exposition gets what is wanted of the page at the target's URL.
func (c *call) exposition(ctx context.Context, wanted []metric) (exposition, site.Failure, error) {
	page, failure, err := c.page(ctx, c.url.String(), textFormat)
	if err != nil {
		return nil, failure, err
	}
	e, err := parseExposition(page, wanted)
	if err != nil {
		return nil, site.FailureProtocol, err
	}
	return e, "", nil
}

// metric is the one that was asked for.
func (c *call) metric() metric {
	return metric{signal: c.ask.Signal, query: c.ask.Query, over: c.ask.Over, scale: c.ask.Scale}
}

// read makes the reading of that metric.
func (c *call) read(e exposition) (site.Failure, error) {
	r, failure, err := e.reading(c.metric(), nil)
	if err != nil {
		return failure, err
	}
	c.result.Readings = []Reading{r}
	return "", nil
}
