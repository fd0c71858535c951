package health_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestPromQL(t *testing.T) {
	const before, after = `{"status":"success","data":`, `}`
	for _, c := range []struct {
		name, answer string
		scale, want  float64
	}{
		{"vector", before + `{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1435781451.781,"1.5"]}]}` + after, 0, 1.5},
		{"scalar", before + `{"resultType":"scalar","result":[1435781451.781,"1.5"]}` + after, 0, 1.5},
		{"scale", before + `{"resultType":"scalar","result":[1435781451.781,"1.5"]}` + after, 8, 12},
		{"infos", before + `{"resultType":"scalar","result":[1435781451.781,"1"]},"infos":["might not be a counter"]` + after, 0, 1},
		{"NaN", before + `{"resultType":"scalar","result":[1435781451.781,"NaN"]}` + after, 0, none},
		{"+Inf", before + `{"resultType":"scalar","result":[1435781451.781,"+Inf"]}` + after, 0, none},
		{"negative", before + `{"resultType":"scalar","result":[1435781451.781,"-1"]}` + after, 0, none},
		{"the future", before + `{"resultType":"scalar","result":[32503680000,"1"]}` + after, 0, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := source("promql", pages(t, c.answer), site.Ask{Signal: site.Load, Query: "q", Scale: c.scale})
			samples, rejected := metered(t, to, 1)
			wantValue(t, samples, rejected, c.want)
			if len(samples) == 1 && !samples[0].At.Equal(time.UnixMilli(1435781451781)) {
				t.Errorf("the sample is of %s", samples[0].At)
			}
			if len(samples)+len(rejected) != 1 {
				t.Errorf("got samples %+v and rejections %+v, want one", samples, rejected)
			}
		})
	}
}

// What Prometheus does not know is a failure, never 0; nor is what it knows
// only a part of a value.
func TestPromQLFailures(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		want         site.Failure
		says         string
	}{
		{"nothing found", `{"status":"success","data":{"resultType":"vector","result":[]}}`, site.FailureContent, "no data for 'up > 1'"},
		{"two series", `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}`, site.FailureInvalid, "2 series instead of one: write sum()"},
		{"partial", `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]},"warnings":["secret"]}`, site.FailureInvalid, "1 warnings"},
		{"range", `{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"1"]]}]}}`, site.FailureInvalid, "neither a number nor a vector"},
		{"string", `{"status":"success","data":{"resultType":"string","result":[1,"1"]}}`, site.FailureInvalid, "neither a number nor a vector"},
		{"error", `{"status":"error","errorType":"timeout","error":"secret"}`, site.FailureStatus, "the query failed: timeout"},
		{"unknown error", `{"status":"error","errorType":"secret","error":"secret"}`, site.FailureStatus, "unknown reason"},
		{"1e309", `{"status":"success","data":{"resultType":"scalar","result":[1,"1e309"]}}`, site.FailureInvalid, "not a number"},
		{"empty value", `{"status":"success","data":{"resultType":"scalar","result":[1,""]}}`, site.FailureInvalid, "not a number"},
		{"text", `{"status":"success","data":{"resultType":"scalar","result":[1,"secret"]}}`, site.FailureInvalid, "not a number"},
		{"no value", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}`, site.FailureProtocol, "not one of the API"},
		{"half a value", `{"status":"success","data":{"resultType":"scalar","result":[1]}}`, site.FailureProtocol, "not one of the API"},
		{"null", `{"status":"success","data":{"resultType":"scalar","result":[1,null]}}`, site.FailureInvalid, "not a number"},
		{"no result", `{"status":"success","data":{"resultType":"vector"}}`, site.FailureProtocol, "not one of the API"},
		{"HTML", `<html>secret</html>`, site.FailureProtocol, "not one of the API"},
		{"empty", ``, site.FailureProtocol, "not one of the API"},
		{"other JSON", `{"secret":1}`, site.FailureStatus, "the query failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, source("promql", pages(t, c.answer), site.Ask{Signal: site.Load, Query: "up > 1"}))
			wantFailure(t, r, c.want, c.says)
			if r.Readings != nil || strings.Contains(r.Err.Error(), "secret") {
				t.Errorf("got readings %+v, error %q that quotes the answer", r.Readings, r.Err)
			}
		})
	}
}

func TestPromQLDown(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	to := source("promql", server.URL+"/", site.Ask{Signal: site.Load, Query: "q"})
	r := read(t, to)
	wantFailure(t, r, site.FailureStatus, "503")
	server.Close()
	wantFailure(t, read(t, to), site.FailureConnect)
}

// The query is added to a path and a query of the URL's own, which proxies
// before many a Prometheus want.
func TestPromQLURL(t *testing.T) {
	var path, query, tenant string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, query, tenant = r.URL.Path, r.URL.Query().Get("query"), r.URL.Query().Get("tenant")
		w.Write([]byte(`{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`))
	}))
	r := read(t, source("promql", server.URL+"/select/0?tenant=a", site.Ask{Signal: site.Load, Query: `rate(m{a="b&c"}[1m]) + 1`}))
	server.Close()
	wantGood(t, r)
	if path != "/select/0/api/v1/query" || query != `rate(m{a="b&c"}[1m]) + 1` || tenant != "a" {
		t.Errorf("asked for path %q, query %q, tenant %q", path, query, tenant)
	}
}
