package health

import (
	"context"
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/tidwall/gjson"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// document gets what is wanted of an object in JSON, at a path in the answer,
// that has numbers by their names. They become metrics, with underscores for the
// dots of their names.
func (c *call) document(ctx context.Context, path string, wanted []metric) (exposition, site.Failure, error) {
	answer, failure, err := c.json(ctx)
	if err != nil {
		return nil, failure, err
	}
	kinds := make(map[string]kind)
	for _, m := range wanted {
		for _, query := range m.selectors() {
			kinds[query] = m.kind
		}
	}
	e := make(exposition)
	answer.Get(path).ForEach(func(key, value gjson.Result) bool {
		name := strings.ReplaceAll(key.Str, ".", "_")
		if kind, is := kinds[name]; is {
			e[name] = unlabeled(name, kind, value)
		}
		return true
	})
	return e, "", nil
}

// unlabeled makes a metric without labels. What is not a number there becomes
// NaN, so that it is rejected and counted, not passed over.
func unlabeled(name string, k kind, found gjson.Result) *dto.MetricFamily {
	value, err := number(found)
	if err != nil {
		value = math.NaN()
	}
	if k == counter {
		return &dto.MetricFamily{Name: &name, Type: dto.MetricType_COUNTER.Enum(), Metric: []*dto.Metric{{Counter: &dto.Counter{Value: &value}}}}
	}
	return &dto.MetricFamily{Name: &name, Type: dto.MetricType_GAUGE.Enum(), Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}}
}
