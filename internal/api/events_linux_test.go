package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// decided returns a decision at a second.
func decided(site string, second int64) api.JournalEntry {
	return api.JournalEntry{Site: site, At: time.Unix(second, 0).UTC(), Reason: "a test"}
}

// reader is one stream of events.
type reader struct {
	t     *testing.T
	lines *bufio.Scanner
}

// stream opens one over a console.
func stream(t *testing.T, c *api.Console, who, query, last string) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(soon(t))
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+c.Addr().String()+"/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tokenOf(who))
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		resp.Body.Close()
	})
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("Expected a stream, got %d %v", resp.StatusCode, resp.Header)
	}
	r := &reader{t, bufio.NewScanner(resp.Body)}
	if got := r.next(); got != "retry: 2000" {
		t.Errorf("Expected to be told when to come again, got %q", got)
	}
	return r
}

// next returns the next event, its lines with spaces between them.
func (r *reader) next() string {
	r.t.Helper()
	var lines []string
	for r.lines.Scan() {
		if r.lines.Text() == "" {
			return strings.Join(lines, " ")
		}
		lines = append(lines, r.lines.Text())
	}
	r.t.Fatalf("Expected an event, got the end: %v", r.lines.Err())
	return ""
}

func (r *reader) expect(words ...string) {
	r.t.Helper()
	got := r.next()
	for _, word := range words {
		if !strings.Contains(got, word) {
			r.t.Errorf("Expected %q, got %q", word, got)
		}
	}
}

// serveFeed serves an API whose decisions the test takes.
func serveFeed(t *testing.T, cfg api.Config) (*api.API, *api.Console) {
	t.Helper()
	cfg.Engine, cfg.Log, cfg.Tokens = oneSite("a."), new(journal), everybody
	a := api.New(cfg)
	c, err := a.OpenConsole(free(t), complaint{new(journal)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.Use(nil)
	return a, c
}

func TestDecisionsComeToThoseWhoMaySeeThem(t *testing.T) {
	a, c := serveFeed(t, api.Config{})
	all, his := stream(t, c, "readonly", "", ""), stream(t, c, "acmes", "", "")
	a.Decided(decided("ours.example.org", 1), "")
	a.Decided(decided("others.example.org", 2), "other")
	a.Decided(decided("his.example.org", 3), "acme")
	for n, site := range []string{"ours.example.org", "others.example.org", "his.example.org"} {
		all.expect("event: decision", fmt.Sprintf("id: %d.%d", int64(n+1)*1_000_000, n+1), `"site":"`+site+`"`)
	}
	his.expect("id: 3000000.3", `"site":"his.example.org"`)
}

func TestAStreamGoesOnWhereItEnded(t *testing.T) {
	s := &past{}
	a, c := serveFeed(t, api.Config{Store: s})
	for i := range int64(3) {
		a.Decided(decided(fmt.Sprintf("s%d", i+1), i+1), "")
	}
	stream(t, c, "operator", "", "1000000.1").expect("id: 2000000.2")
	stream(t, c, "operator", "?since=1970-01-01T00:00:03Z", "").expect("id: 3000000.3")
	if s.asked != nil {
		t.Errorf("Expected nobody to ask the store for what is remembered, got %v", s.asked)
	}
	s.entries = []api.JournalEntry{decided("s1", 1), decided("p2", 0), decided("p1", 0)}
	r := stream(t, c, "operator", "?since=1970-01-01T00:00:00Z", "")
	for _, site := range []string{"p1", "p2", "s1", "s2", "s3"} {
		r.expect("event: decision", `"site":"`+site+`"`)
	}
}

// past is a store with a journal.
type past struct {
	api.Configuration
	entries []api.JournalEntry
	asked   []api.JournalQuery
}

func (p *past) Journal(_ context.Context, q api.JournalQuery, _ api.Caller) ([]api.JournalEntry, error) {
	p.asked = append(p.asked, q)
	return p.entries, nil
}

func TestWithoutAStoreSomethingMayBeLost(t *testing.T) {
	a, c := serveFeed(t, api.Config{})
	a.Decided(decided("s1", 5), "")
	r := stream(t, c, "operator", "?since=1970-01-01T00:00:01Z", "")
	r.expect("event: lost")
	r.expect("id: 5000000.1")
}

func TestAnIDThatIsNoneIsRefused(t *testing.T) {
	_, c := serveFeed(t, api.Config{})
	status, _, body := get(t, c, "/v1/events?since=yesterday", "Bearer "+tokenOf("operator"))
	if status != 400 || !strings.Contains(body, "query.since") {
		t.Errorf("Expected 400, got %d %s", status, body)
	}
}

func TestTheFifthStreamOfACallerIsRefused(t *testing.T) {
	_, c := serveFeed(t, api.Config{})
	for range 4 {
		stream(t, c, "acme", "", "")
	}
	status, header, body := get(t, c, "/v1/events", "Bearer "+tokenOf("acme"))
	if status != 429 || header.Get("Retry-After") == "" || !strings.Contains(body, "you read 4 streams already") {
		t.Errorf("Expected 429, got %d, %q, %s", status, header.Get("Retry-After"), body)
	}
}

// slow is a peer who reads nothing until he is told to.
type slow struct {
	*recorder
	goes chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	<-s.goes
	return s.recorder.Write(p)
}

// TestASlowReaderIsDroppedAndTold, and nobody waits for him.
func TestASlowReaderIsDroppedAndTold(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a := api.New(api.Config{Engine: oneSite("a."), Log: new(journal)})
		w := &slow{newRecorder(), make(chan struct{})}
		over := make(chan struct{})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			defer close(over)
			a.As(everybody[tokenOf("operator")]).ServeHTTP(w, request(ctx, "/v1/events"))
		}()
		time.Sleep(time.Second)
		for i := range int64(10_000) {
			a.Decided(decided("s", i), "")
		}
		close(w.goes)
		<-over
		if got := w.Body.String(); !strings.HasSuffix(got, "event: dropped\ndata: {}\n\n") {
			t.Errorf("Expected to be told, got %d octets that end with %q", len(got), got[max(0, len(got)-100):])
		}
	})
}

// TestAStreamShowsThatItLives, and ends after a while.
func TestAStreamShowsThatItLives(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		a := api.New(api.Config{Engine: oneSite("a."), Log: new(journal)})
		w, began := newRecorder(), time.Now()
		a.As(everybody[tokenOf("operator")]).ServeHTTP(w, request(context.Background(), "/v1/events"))
		if took := time.Since(began); took != 10*time.Minute {
			t.Errorf("Expected the stream to end after 10 minutes, got %s", took)
		}
		if beats := strings.Count(w.Body.String(), ": still here\n\n"); beats < 38 || beats > 40 {
			t.Errorf("Expected a comment every 15 s, got %d", beats)
		}
		if !w.write.IsZero() {
			t.Errorf("Expected no deadline between two events, got %s", w.write)
		}
	})
}

func request(ctx context.Context, path string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, "GET", path, http.NoBody)
	if err != nil {
		panic(err) // a test's own
	}
	return req
}
