package health_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The tests of this file read the APIs of CDNs, of a server that answers as they do.

// fastlyAnswer is one of the real-time analytics of Fastly.
func fastlyAnswer(timestamp, delay float64, seconds ...string) string {
	return fmt.Sprintf(`{"Data": [%s], "Timestamp": %.0f, "AggregateDelay": %g}`, strings.Join(seconds, ","), timestamp, delay)
}

// fastlySecond is one second of it. Numbers that are zero are left out, as there.
func fastlySecond(recorded, requests, bytes, failed float64) string {
	return fastlyShielded(recorded, requests, requests, bytes, failed)
}

// fastlyShielded is a second in which the edge asked a shield as well, to which
// it sent a tenth of all bytes as headers.
func fastlyShielded(recorded, requests, edge, bytes, failed float64) string {
	more := ""
	for name, value := range map[string]float64{"status_5xx": failed, "edge_requests": edge, "edge_resp_header_bytes": bytes / 10, "edge_resp_body_bytes": bytes - bytes/10} {
		if value != 0 {
			more += fmt.Sprintf(`"%s": %g, `, name, value)
		}
	}
	return fmt.Sprintf(`{"recorded": %.0f, "datacenter": {"FRA": {"requests": %g}}, "aggregated": {%s"requests": %[2]g, "hits": 0, "resp_header_bytes": 7e9, "resp_body_bytes": 8e9, "miss_histogram": {}}}`,
		recorded, requests, more)
}

// cloudflareAnswer is one of the GraphQL Analytics API.
func cloudflareAnswer(zones ...string) string {
	return fmt.Sprintf(`{"data": {"viewer": {"zones": [%s]}}, "errors": null}`, strings.Join(zones, ","))
}

func cloudflareZone(tag string, rows ...string) string {
	return fmt.Sprintf(`{"zoneTag": %q, "httpRequestsAdaptiveGroups": [%s]}`, tag, strings.Join(rows, ","))
}

func cloudflareRow(status int, count, bytes float64) string {
	return fmt.Sprintf(`{"count": %g, "sum": {"edgeResponseBytes": %g}, "dimensions": {"edgeResponseStatus": %d}}`, count, bytes, status)
}

// bunnyHour is when the hour began that is to be read at a time: the last one that
// ended 10 minutes before.
func bunnyHour(now time.Time) time.Time {
	return now.UTC().Add(-10 * time.Minute).Truncate(time.Hour).Add(-time.Hour)
}

// bunnyAnswer is the statistics of bunny.net, of the hour that is to be read at a
// time, the one before and the one after.
func bunnyAnswer(now time.Time, bytes, requests, failed float64) string {
	last := bunnyHour(now)
	chart := func(value float64) string {
		return fmt.Sprintf(`{"%s": 1, "%s": %g, "%s": 5}`, last.Add(-time.Hour).Format("2006-01-02T15:04:05"), last.Format("2006-01-02T15:04:05"), value, last.Add(time.Hour).Format("2006-01-02T15:04:05"))
	}
	return fmt.Sprintf(`{"TotalBandwidthUsed": 9, "CacheHitRate": 90, "BandwidthUsedChart": %s, "RequestsServedChart": %s, "Error5xxChart": %s}`, chart(bytes), chart(requests), chart(failed))
}

// api is the API of a CDN over TLS, that wants a token.
func api(t *testing.T, header, token string, answer http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get(header) {
		case token:
			answer(w, r)
		case "":
			http.Error(w, "secret", http.StatusUnauthorized)
		default:
			http.Error(w, "secret", http.StatusForbidden)
		}
	}))
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// secretFile is a file with a token, and the newline of an editor.
func secretFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + path
}

// apiFeed is a map of services, with a header.
func apiFeed(list, url, headers string, services ...string) site.Target {
	return source("map", url, site.Ask{Map: list, SkipVerify: true, Headers: headers, Services: strings.Join(services, " ")})
}

type signals = map[site.Signal]float64

// wantReadings checks what a feed says, and how old that is.
func wantReadings(t *testing.T, to site.Target, oldest time.Time, want signals) {
	t.Helper()
	samples, rejected := metered(t, to, 1)
	got := signals{}
	for _, s := range samples {
		got[s.Signal] = s.Value
		if !s.At.Equal(oldest) && !oldest.IsZero() {
			t.Errorf("Expected %s at %s, got %s", s.Signal, oldest, s.At)
		}
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*b }
	if !maps.EqualFunc(got, want, near) || len(rejected) > 0 {
		t.Errorf("Expected %v, got %v, rejected %v", want, got, rejected)
	}
}

func TestFastly(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	end := float64(now.Unix() - 9)
	answers := map[string]string{
		"one":   fastlyAnswer(end+9, 9, fastlySecond(end-10, 1e6, 1e6, 0), fastlySecond(end-9, 40, 1000, 3), fastlySecond(end, 60, 9000, 2)),
		"two":   fastlyAnswer(end+8, 9, fastlySecond(end-1, 100, 10000, 15)),
		"idle":  fmt.Sprintf(`{"Data": [], "Timestamp": %.0f, "Error": "No data available, please retry"}`, end+9),
		"unset": `{"Data": [], "Error": "No data available, please retry"}`,
		"old":   fmt.Sprintf(`{"Data": [], "Timestamp": %.0f, "AggregateDelay": 9, "Error": "No data available, please retry"}`, end+9-86400),

		"shielded": fastlyAnswer(end+9, 9, fastlyShielded(end, 100, 50, 10000, 10)),
		"header":   fastlyAnswer(end+9, 9, fastlySecond(end-1, 50, 10000, 0), fmt.Sprintf(`{"recorded": %.0f, "aggregated": {"requests": 50, "edge_requests": 50}}`, end)),
	}
	var asked []string
	url := api(t, "Fastly-Key", "k-1234", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI)
		_, path, _ := strings.Cut(r.URL.Path, "/v1/channel/")
		io.WriteString(w, answers[strings.TrimSuffix(path, "/ts/h/limit/10")])
	})
	headers := "Fastly-Key: " + secretFile(t, "k-1234")
	wantReadings(t, apiFeed("fastly", url+"/base/", headers, "one"), now.Add(-9*time.Second), signals{site.UsedBandwidth: 8000, site.Requests: 10, site.ErrorRatio: 0.05})
	if want := []string{"GET /base/v1/channel/one/ts/h/limit/10"}; !slices.Equal(asked, want) {
		t.Errorf("Expected %q, got %q", want, asked)
	}
	wantReadings(t, apiFeed("fastly", url, headers, "idle", "one", "two"), time.Time{}, signals{site.UsedBandwidth: 16000, site.Requests: 20, site.ErrorRatio: 0.1})
	samples, _ := metered(t, apiFeed("fastly", url, headers, "idle"), 1)
	if len(samples) != 2 || samples[0].Value != 0 || time.Since(samples[0].At) < 10*time.Second || time.Since(samples[0].At) > 15*time.Second {
		t.Errorf("Expected no traffic ten seconds ago, got %+v", samples)
	}
	nothing := signals{site.UsedBandwidth: 0, site.Requests: 0}
	wantReadings(t, apiFeed("fastly", url, headers, "old"), now.Add(-9*time.Second-24*time.Hour), nothing)
	wantReadings(t, apiFeed("fastly", url, headers, "unset"), time.Time{}, nothing)
	wantReadings(t, apiFeed("fastly", url, headers, "shielded"), now.Add(-9*time.Second), signals{site.UsedBandwidth: 8000, site.Requests: 5, site.ErrorRatio: 0.1})
	wantReadings(t, apiFeed("fastly", url, headers, "header"), now.Add(-9*time.Second), signals{site.UsedBandwidth: 8000, site.Requests: 10, site.ErrorRatio: 0})
}

// TestFastlyIsAsFarBehindAsItsFeedSays, or a little more.
func TestFastlyIsAsFarBehindAsItsFeedSays(t *testing.T) {
	for _, tt := range []struct {
		delay  time.Duration
		behind float64
		want   string
	}{
		{0, 13, ""},
		{0, 14, "service 'z': the statistics are 14s behind, and the feed's delay is 10s: write 'delay 14s'"},
		{0, 60, "the statistics are 1m0s behind, and the feed's delay is 10s: write 'delay 1m0s'"},
		{time.Minute, 60, ""},
		{time.Minute, 64, "the statistics are 1m4s behind, and the feed's delay is 1m0s: write 'delay 1m4s'"},
		{2 * time.Minute, 120, ""},
		{2 * time.Minute, 121, "the statistics are 2m1s behind: more than 2m0s is too late to decide by"},
		{5 * time.Minute, 300, ""},
		{5 * time.Minute, 304, "the statistics are 5m4s behind, and the feed's delay is 5m0s: write 'delay 5m4s'"},
	} {
		stamp := float64(time.Now().Unix())
		url := pages(t, fastlyAnswer(stamp, tt.behind, fastlySecond(stamp-tt.behind, 10, 1000, 0)))
		to := source("map", url, site.Ask{Map: "fastly", Services: "z", Delay: tt.delay})
		if tt.want != "" {
			wantFailure(t, read(t, to), site.FailureInvalid, tt.want)
			continue
		}
		wantReadings(t, to, time.Unix(int64(stamp-tt.behind), 0), signals{site.UsedBandwidth: 800, site.Requests: 1, site.ErrorRatio: 0})
	}
}

// zonesAsked is what is asked of Cloudflare.
type zonesAsked struct {
	Query     string
	Variables struct {
		Zones    []string
		From, To time.Time
		Rows     int
	}
}

func TestCloudflarePages(t *testing.T) {
	var pages []zonesAsked
	url := api(t, "Authorization", "Bearer t-1234", func(w http.ResponseWriter, r *http.Request) {
		var q zonesAsked
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("Expected a question in JSON, got %s %v, %v", r.Method, r.Header, err)
		}
		pages = append(pages, q)
		var zones []string
		for _, z := range slices.Backward(q.Variables.Zones) {
			zones = append(zones, cloudflareZone(z, cloudflareRow(200, 54, 5000), cloudflareRow(503, 6, 1000)))
		}
		zones[0] = cloudflareZone(q.Variables.Zones[len(zones)-1]) // nobody was there
		io.WriteString(w, cloudflareAnswer(zones...))
	})
	var ids []string
	for i := range 25 {
		ids = append(ids, fmt.Sprintf("zone%02d", i))
	}
	to := time.Now().Add(-5 * time.Minute).Truncate(time.Minute)
	wantReadings(t, apiFeed("cloudflare", url+"/client/v4/graphql", "Authorization: "+secretFile(t, "Bearer t-1234"), ids...), to,
		signals{site.UsedBandwidth: 22 * 6000 * 8 / 60., site.Requests: 22, site.ErrorRatio: 0.1})
	var sizes []int
	for _, p := range pages {
		sizes = append(sizes, len(p.Variables.Zones))
		if v := p.Variables; !v.To.Equal(to) || v.To.Sub(v.From) != time.Minute || v.Rows != 1000 || !strings.Contains(p.Query, "zoneTag_in: $zones") || !strings.Contains(p.Query, `requestSource: "eyeball"`) {
			t.Errorf("Expected a whole minute of visitors asked for, got %+v", p)
		}
	}
	if !slices.Equal(sizes, []int{10, 10, 5}) {
		t.Errorf("Expected pages of ten, got %v", sizes)
	}
}

func TestBunny(t *testing.T) {
	now := time.Now()
	var asked []string
	url := api(t, "AccessKey", "a-1234", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("pullZone"))
		last := bunnyHour(now)
		if q.Get("dateFrom") != last.Format(time.RFC3339) || q.Get("dateTo") != last.Add(time.Hour).Format(time.RFC3339) || q.Get("hourly") != "true" || q.Get("loadErrors") != "true" || r.URL.Path != "/statistics" {
			t.Errorf("Expected the last hour asked for, got %s", r.RequestURI)
		}
		io.WriteString(w, bunnyAnswer(now, 3600e3, 7200, 72))
	})
	wantReadings(t, apiFeed("bunny", url+"/statistics", "AccessKey: "+secretFile(t, "a-1234"), "11", "12"), bunnyHour(now).Add(time.Hour),
		signals{site.UsedBandwidth: 16000, site.Requests: 4, site.ErrorRatio: 0.01})
	if !slices.Equal(asked, []string{"11", "12"}) {
		t.Errorf("Expected each pull zone asked for, got %q", asked)
	}
}

// fastlyCached is a second in which the cache of the edge was asked for some of the
// requests, and those of shields for the misses among them.
func fastlyCached(recorded, edge, hits, misses float64) string {
	return fmt.Sprintf(`{"recorded": %.0f, "aggregated": {"requests": %g, "hits": %g, "miss": %g, "pass": 5, "hit_ratio": 0.123, "edge_requests": %g, "edge_hit_requests": %g, "edge_miss_requests": %g}}`,
		recorded, edge+misses, hits+misses, misses/2, edge, hits, misses)
}

// hitsOf reads a map once, and returns the ratio of hits; NaN: it is not known.
func hitsOf(t *testing.T, list, services, url string) float64 {
	t.Helper()
	samples, rejected := metered(t, source("map", url, site.Ask{Map: list, Services: services}), 1)
	if len(rejected) > 0 {
		t.Errorf("Expected no rejections, got %+v", rejected)
	}
	for _, s := range samples {
		if s.Signal == site.HitRatio {
			return s.Value
		}
	}
	return none
}

// wantHitRatio checks one that may not be known.
func wantHitRatio(t *testing.T, what string, want, got float64) {
	t.Helper()
	if math.IsNaN(want) != math.IsNaN(got) || math.Abs(want-got) > 1e-9 {
		t.Errorf("%s: Expected a hit_ratio of %v, got %v", what, want, got)
	}
}

// TestHitRatioOfFastly is that of the edge, of what its cache was asked for: what it
// passes on has no part in it, nor have the shields.
func TestHitRatioOfFastly(t *testing.T) {
	stamp := float64(time.Now().Unix())
	answer := func(seconds ...string) string { return fastlyAnswer(stamp, 9, seconds...) }
	idle := fmt.Sprintf(`{"Data": [], "Timestamp": %.0f, "AggregateDelay": 9, "Error": "No data available, please retry"}`, stamp)
	passed := answer(fastlySecond(stamp-9, 1000, 5000, 0))
	for _, tt := range []struct {
		name     string
		services string
		pages    []string
		want     float64
	}{
		{"seconds", "a", []string{answer(fastlyCached(stamp-9, 200, 60, 20), fastlyCached(stamp-10, 200, 15, 5), fastlyCached(stamp-30, 9e6, 0, 9e6))}, 0.75},
		{"only hits", "a", []string{answer(fastlyCached(stamp-9, 10, 10, 0))}, 1},
		{"only misses", "a", []string{answer(fastlyCached(stamp-9, 10, 0, 10))}, 0},
		{"nothing for the cache", "a", []string{passed}, none},
		{"nobody there", "a", []string{idle}, none},
		{"weighed by what caches were asked for", "a b", []string{answer(fastlyCached(stamp-9, 9000, 90, 10)), answer(fastlyCached(stamp-9, 300, 0, 300))}, 0.225},
		{"beside what has no part in it", "a b c", []string{idle, answer(fastlyCached(stamp-9, 10, 6, 4)), passed}, 0.6},
		{"services with nothing for the cache", "a b", []string{passed, idle}, none},
	} {
		wantHitRatio(t, tt.name, tt.want, hitsOf(t, "fastly", tt.services, pages(t, tt.pages...)))
	}
	negative := source("map", pages(t, answer(fastlyCached(stamp-9, 10, 10, -1))), site.Ask{Map: "fastly", Services: "z"})
	wantFailure(t, read(t, negative), site.FailureInvalid, "service 'z': a second has a negative number")
}

// TestHitRatioOfCloudflare is of the states in which the cache was asked.
func TestHitRatioOfCloudflare(t *testing.T) {
	row := func(cache string, status int, count float64) string {
		return fmt.Sprintf(`{"count": %g, "sum": {"edgeResponseBytes": 1}, "dimensions": {"edgeResponseStatus": %d, "cacheStatus": %q}}`, count, status, cache)
	}
	zone := func(tag string, rows ...string) string { return cloudflareZone(tag, rows...) }
	unasked := []string{row("dynamic", 200, 500), row("bypass", 200, 50), row("none", 301, 5), row("", 200, 5), row("new", 200, 5), cloudflareRow(200, 5, 5)}
	hits := []string{row("hit", 200, 50), row("HIT", 304, 5), row("stale", 200, 3), row("updating", 200, 1), row("ignored", 200, 1)}
	misses := []string{row("miss", 200, 20), row("miss", 503, 5), row("expired", 200, 10), row("revalidated", 200, 5)}
	for _, tt := range []struct {
		name  string
		zones []string
		want  float64
	}{
		{"all states", []string{zone("a", slices.Concat(unasked, hits, misses)...), zone("b")}, 0.6},
		{"hits", []string{zone("a", hits...), zone("b", unasked...)}, 1},
		{"misses", []string{zone("a", misses...), zone("b", unasked...)}, 0},
		{"two zones", []string{zone("a", hits...), zone("b", row("miss", 200, 180))}, 0.25},
		{"not asked", []string{zone("a", unasked...), zone("b")}, none},
	} {
		var query string
		url := web(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			query = string(body)
			io.WriteString(w, cloudflareAnswer(tt.zones...))
		})
		wantHitRatio(t, tt.name, tt.want, hitsOf(t, "cloudflare", "a b", url))
		if !strings.Contains(query, "dimensions { edgeResponseStatus cacheStatus }") {
			t.Errorf("Expected the states of the cache asked for, got %s", query)
		}
	}
}

// TestHitRatioOfBunny follows from what was pulled in the hour: the ratios of the
// answer are of all of it, or zero.
func TestHitRatioOfBunny(t *testing.T) {
	now := time.Now()
	hour := bunnyHour(now).Format("2006-01-02T15:04:05Z")
	answer := func(requests, pulled float64) string {
		chart := fmt.Sprintf(`"CacheHitRateChart": {%q: 0}, "PullRequestsPulledChart": {%q: %g}, "Error5xxChart"`, hour, hour, pulled)
		return strings.Replace(bunnyAnswer(now, 1, requests, 0), `"Error5xxChart"`, chart, 1)
	}
	for _, tt := range []struct {
		name  string
		pages []string
		want  float64
	}{
		{"an hour", []string{answer(2000, 100)}, 0.95},
		{"nothing pulled", []string{answer(2000, 0)}, 1},
		{"pulled in parts", []string{answer(2000, 2001)}, 0},
		{"nobody there", []string{answer(0, 0)}, none},
		{"two zones", []string{answer(300, 30), answer(100, 100)}, 0.675},
		{"not told", []string{bunnyAnswer(now, 1, 2000, 0)}, none},
		{"no such hour", []string{strings.Replace(answer(2000, 100), hour+`": 100`, `2020-01-01T00:00:00": 100`, 1)}, none},
	} {
		services := strings.TrimSpace(strings.Repeat("1 ", len(tt.pages)))
		wantHitRatio(t, tt.name, tt.want, hitsOf(t, "bunny", services, pages(t, tt.pages...)))
	}
	without := strings.Replace(answer(100, 25), "Error5xxChart", "Other", 1)
	wantReadings(t, source("map", pages(t, without), site.Ask{Map: "bunny", Services: "1"}), time.Time{},
		signals{site.UsedBandwidth: 8. / 3600, site.Requests: 100. / 3600, site.HitRatio: 0.75})
	negative := source("map", pages(t, answer(5, -1)), site.Ask{Map: "bunny", Services: "1"})
	wantFailure(t, read(t, negative), site.FailureInvalid, "the hour has a negative number")
}

// TestAPIsWantTheirToken, and say nothing else without.
func TestAPIsWantTheirToken(t *testing.T) {
	url := api(t, "Token", "right", func(w http.ResponseWriter, _ *http.Request) { t.Error("Expected no answer") })
	for _, list := range []string{"fastly", "cloudflare", "bunny"} {
		for headers, status := range map[string]string{"": "401", "Token: wrong": "403"} {
			r := read(t, apiFeed(list, url, headers, "z"))
			wantFailure(t, r, site.FailureStatus, "status "+status+" is not a good one")
			if strings.Contains(r.Err.Error(), "secret") || r.Readings != nil {
				t.Errorf("Expected nothing of the answer, got %v", r.Err)
			}
		}
	}
}

func TestAPIFailures(t *testing.T) {
	now := time.Now()
	stamp := float64(now.Unix())
	good := fastlySecond(stamp-9, 1, 1, 0)
	last := bunnyHour(now).Format(time.RFC3339)
	many := strings.TrimSuffix(strings.Repeat(cloudflareRow(200, 1, 1)+",", 1000), ",")
	for _, c := range []struct {
		list, page string
		want       site.Failure
		says       string
	}{
		{"fastly", `<html>secret</html>`, site.FailureProtocol, "service 'z': reading the answer: not one of the real-time analytics"},
		{"fastly", `{"Data": "secret"}`, site.FailureProtocol, "not one of the real-time analytics"},
		{"fastly", `{"Error": "secret"}`, site.FailureStatus, "service 'z': the API answers with an error: there must be such a service, and the token be allowed to read its analytics"},
		{"fastly", `{"Error": "No data available", "Data": [` + good + `]}`, site.FailureStatus, "the API answers with an error"},
		{"fastly", `{}`, site.FailureContent, "no second is in the answer"},
		{"fastly", `{"Data": [], "Timestamp": 1}`, site.FailureContent, "no second is in the answer"},
		{"fastly", fastlyAnswer(stamp, -1, good), site.FailureInvalid, "the AggregateDelay is negative"},
		{"fastly", fastlyAnswer(stamp, 121, good), site.FailureInvalid, "the statistics are 2m1s behind: more than 2m0s is too late to decide by"},
		{"fastly", fastlyAnswer(stamp+3600, 9, good), site.FailureInvalid, "service 'z': used_bandwidth: its time is in the future"},
		{"fastly", fastlyAnswer(1e300, 9, good), site.FailureInvalid, "its time is in the future"},
		{"fastly", fastlyAnswer(stamp, 9, fastlySecond(stamp-9, -1, 1, 0)), site.FailureInvalid, "a second has a negative number"},
		{"fastly", fastlyAnswer(stamp, 9, fastlySecond(stamp-9, 1, 1, 2)), site.FailureInvalid, "error_ratio: its value is a ratio above 1"},
		{"fastly", fastlyAnswer(stamp, 9, fmt.Sprintf(`{"recorded": %.0f, "aggregated": {"edge_requests": 1}}`, stamp-9)), site.FailureContent, "service 'z': a second lacks requests"},
		{"fastly", fastlyAnswer(stamp, 9, fastlyShielded(stamp-9, 1, 1, -1, 0)), site.FailureInvalid, "a second has a negative number"},
		{"fastly", strings.Replace(fastlyAnswer(stamp, 9, good), `"requests": 1`, `"requests": 1e309`, 2), site.FailureProtocol, "not one of the real-time analytics"},
		{"cloudflare", `<html>secret</html>`, site.FailureProtocol, "not one of the GraphQL Analytics API"},
		{"cloudflare", `{"data": null, "errors": [{"message": "secret"}, {}]}`, site.FailureStatus, "the API answers with 2 errors: for an unknown reason"},
		{"cloudflare", `{"data": null, "errors": [{"extensions": {"code": 5}}, {"message": "secret", "extensions": {"code": "authz"}}]}`, site.FailureStatus, "the API answers with 2 errors: authz: the token must be allowed to read the analytics of all zones"},
		{"cloudflare", `{"data": null, "errors": [{"extensions": {"code": "secret"}}]}`, site.FailureStatus, "the API answers with 1 errors: for an unknown reason"},
		{"cloudflare", `{"data": null, "errors": [{"extensions": {"code": "budget"}}]}`, site.FailureStatus, "the API answers with 1 errors: budget: let 'every' be longer"},
		{"cloudflare", `{"data": null}`, site.FailureContent, "service 'z' is not in the answer: the token must be allowed to read the analytics of that zone"},
		{"cloudflare", cloudflareAnswer(cloudflareZone("secret")), site.FailureContent, "service 'z' is not in the answer"},
		{"cloudflare", cloudflareAnswer(`{"zoneTag": "z"}`), site.FailureContent, "service 'z': it has no httpRequestsAdaptiveGroups"},
		{"cloudflare", cloudflareAnswer(cloudflareZone("z", many)), site.FailureContent, "it has 1000 rows, and may have more"},
		{"cloudflare", cloudflareAnswer(cloudflareZone("z", `{"count": 5}`)), site.FailureContent, "a row lacks count, edgeResponseBytes or edgeResponseStatus"},
		{"cloudflare", cloudflareAnswer(cloudflareZone("z", cloudflareRow(200, 5, -5))), site.FailureInvalid, "a row has a negative number"},
		{"bunny", `<html>secret</html>`, site.FailureProtocol, "not the statistics of bunny.net"},
		{"bunny", `{"Message": "secret"}`, site.FailureContent, "service 'z': the hour of " + last + " is not in the answer"},
		{"bunny", bunnyAnswer(now.Add(-2*time.Hour), 1, 1, 0), site.FailureContent, "the hour of " + last + " is not in the answer"},
		{"bunny", strings.ReplaceAll(bunnyAnswer(now, 77, 1, 0), "77", "null"), site.FailureContent, "is not in the answer"},
		{"bunny", bunnyAnswer(now, -1, 1, 0), site.FailureInvalid, "the hour has a negative number"},
	} {
		t.Run(c.list+" "+c.says, func(t *testing.T) {
			r := read(t, source("map", pages(t, c.page), site.Ask{Map: c.list, Services: "z"}))
			wantFailure(t, r, c.want, c.says)
			if r.Readings != nil || strings.Contains(r.Err.Error(), "secret") {
				t.Errorf("Expected nothing of the answer, got %v, %v", r.Readings, r.Err)
			}
		})
	}
}

// TestBunnyGetsTimeToCountAnHour: of one that has just ended something is missing,
// and what is read of it first would stay.
func TestBunnyGetsTimeToCountAnHour(t *testing.T) {
	hour := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for minute, want := range map[int]time.Duration{0: -2 * time.Hour, 9: -2 * time.Hour, 10: -time.Hour, 59: -time.Hour} {
		if got := health.BunnyHour(hour.Add(time.Duration(minute)*time.Minute), time.Hour+10*time.Minute); !got.Equal(hour.Add(want)) {
			t.Errorf("Minute %d: Expected the hour of %s, got %s", minute, hour.Add(want), got)
		}
	}
}

// TestBunnyWithoutErrors has no ratio of them: that is not zero.
func TestBunnyWithoutErrors(t *testing.T) {
	page := strings.Replace(bunnyAnswer(time.Now(), 3600, 3600, 0), "Error5xxChart", "Other", 1)
	page = strings.ReplaceAll(page, `00:00"`, `00:00Z"`)
	wantReadings(t, source("map", pages(t, page), site.Ask{Map: "bunny", Services: "1"}), time.Time{}, signals{site.UsedBandwidth: 8, site.Requests: 1})
}

// TestServicesAreSummed over the feeds that people write themselves.
func TestServicesAreSummed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad/n" {
			http.Error(w, "secret", http.StatusInternalServerError)
			return
		}
		numbers := map[string]string{"/a/n": "3", "/b/n": "4", "/neg/n": "-1"}
		fmt.Fprintf(w, `{"n": %s, "of": %q}`, numbers[r.URL.Path], r.URL.RawQuery)
	}))
	t.Cleanup(server.Close)
	of := func(signal site.Signal, services string) site.Target {
		return source("json", server.URL+"/{service}/n?of={service}", site.Ask{Signal: signal, Query: "n", Services: services})
	}
	sums := signals{site.UsedBandwidth: 7, site.Connections: 7, site.Requests: 7, site.Load: 4, site.ResponseTime: 4, site.AvailableBandwidth: 3}
	for signal, want := range sums {
		wantReadings(t, of(signal, "a b"), time.Time{}, signals{signal: want})
	}
	parts := of(site.HitRatio, "a b").Ask.Value()
	parts.Scale = 0.1 // whose requests nobody tells
	wantReadings(t, source("json", server.URL+"/{service}/n", parts), time.Time{}, signals{site.HitRatio: 0.3})
	wantFailure(t, read(t, of(site.Load, "a bad b")), site.FailureStatus, "service 'bad': status 500 is not a good one")
	wantFailure(t, read(t, of(site.Requests, "a neg")), site.FailureInvalid, "service 'neg': requests: its value is negative")
	wantFailure(t, read(t, of(site.ErrorRatio, "a")), site.FailureInvalid, "service 'a': error_ratio: its value is a ratio above 1")
}

// TestASumIsAsOldAsItsOldestPart, whichever of them is read last.
func TestASumIsAsOldAsItsOldestPart(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	ages := map[string]time.Duration{"a": 20 * time.Second, "b": 40 * time.Second, "c": 10 * time.Second}
	url := web(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"status": "success", "data": {"resultType": "scalar", "result": [%d, "0.5"]}}`, now.Add(-ages[r.URL.Query().Get("query")]).Unix())
	})
	for _, signal := range []site.Signal{site.Connections, site.ErrorRatio, site.HitRatio} {
		for _, ids := range []string{"a b c", "b c a", "c a b"} {
			samples, _ := metered(t, source("promql", url, site.Ask{Signal: signal, Query: "{service}", Services: ids}), 1)
			if len(samples) != 1 || !samples[0].At.Equal(now.Add(-40*time.Second)) {
				t.Errorf("%s of %s: Expected a sample of 40 seconds ago, got %+v", signal, ids, samples)
			}
		}
	}
}

// TestAServiceStandsInNoPath: a dot in it would be one of the path.
func TestAServiceStandsInNoPath(t *testing.T) {
	to := source("json", pages(t, `{"n": {"a": {"b": 5}}}`), site.Ask{Signal: site.Load, Query: "n.{service}", Services: "a.b"})
	if r := read(t, to); r.Err == nil || r.Readings != nil {
		t.Errorf("Expected nothing at the path as it is written, got %+v", r)
	}
}

func TestServicesInAQuery(t *testing.T) {
	var queries []string
	url := web(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.Query().Get("query"))
		fmt.Fprintf(w, `{"status": "success", "data": {"resultType": "scalar", "result": [%d, "5"]}}`, time.Now().Unix())
	})
	to := source("promql", url, site.Ask{Signal: site.Connections, Query: `sum(open{s="{service}"})`, Services: "a b", Delay: time.Minute})
	samples, _ := metered(t, to, 1)
	if !slices.Equal(queries, []string{`sum(open{s="a"})`, `sum(open{s="b"})`}) {
		t.Errorf("Expected a query for each, got %q", queries)
	}
	if len(samples) != 1 || samples[0].Value != 10 || time.Since(samples[0].At) < time.Minute {
		t.Errorf("Expected 10 connections a minute ago, got %+v", samples)
	}
}

func TestServicesOfAdvertisements(t *testing.T) {
	url := pages(t, limits(60, limit("egress", 10, 8, 4)), limits(0, limit("egress", 20, 16, 12), limit("requests", 5, 4, 1)))
	wantReadings(t, source("fci", url+"/{service}", site.Ask{Services: "a b"}), time.Time{}, signals{site.UsedBandwidth: 16, site.AvailableBandwidth: 6, site.Load: 0.6})
	wantFailure(t, read(t, source("json", pages(t, `{"n": 1}`)+"/{service}", site.Ask{Signal: "unheard", Query: "n", Services: "a"})), site.FailureContent, "no signal is told of every service")
}

func TestServicesKeepTheirConnection(t *testing.T) {
	url, conns := counting(t, nil, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"n": 1}`) })
	n := network(t)
	wantGood(t, ask(t, n.Probes()["json"], source("json", url+"/{service}", site.Ask{Signal: site.Load, Query: "n", Services: "a b c d e"})))
	if conns.Load() != 1 {
		t.Errorf("Expected one connection, got %d", conns.Load())
	}
}

// TestReadingServicesBeginsAfreshOnce in ten readings, however many services they
// have.
func TestReadingServicesBeginsAfreshOnce(t *testing.T) {
	url, conns := counting(t, nil, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"n": 1}`) })
	n := network(t)
	services := strings.TrimSpace(strings.Repeat("a b c d e f ", 4))
	for i := range 11 {
		wantGood(t, ask(t, n.Probes()["json"], source("json", url+"/{service}", site.Ask{Signal: site.Load, Query: "n", Services: services})))
		if want := int32(1 + i/10); conns.Load() != want {
			t.Errorf("Reading %d: Expected %d connections, got %d", i+1, want, conns.Load())
		}
	}
}

// TestDelay: values without a time of their own are as old as the feed is behind.
func TestDelay(t *testing.T) {
	deliver := make(chan site.Sample, 1)
	s := health.NewScheduler(health.Config{Probes: health.NewNetwork("test/1").Probes(), Deliver: func(_ site.Target, samples []site.Sample) {
		select {
		case deliver <- samples[0]:
		default:
		}
	}})
	s.Set(map[site.Target]time.Duration{source("json", pages(t, `{"n": 1}`), site.Ask{Signal: site.Load, Query: "n", Delay: 90 * time.Second}): time.Second})
	go s.Run(t.Context())
	behind := time.Since((<-deliver).At)
	if behind < 90*time.Second || behind > 95*time.Second {
		t.Errorf("Expected a sample of 90 seconds ago, got %s", behind)
	}
}
