package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// keep serves a configuration on a new socket until the test is over.
func keep(t *testing.T, c api.Configuration) (path string) {
	t.Helper()
	path = filepath.Join(folder(t), "s")
	open(t, path, api.Config{Engine: oneSite("a."), Store: c, Log: new(journal)})
	return path
}

// call is one method of the client, and what it leads to.
type call struct {
	do    func(context.Context, *api.Client) (any, error)
	asked string // of the store; BY is who asks
	want  any
}

// calls are those of the whole client.
var calls = []call{
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Objects(ctx, "", "") }, `objects "" ""`, anObjects},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Objects(ctx, site.ObjectCDN, "") }, `objects "cdn" ""`, anObjects},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Objects(ctx, site.ObjectSite, "WWW.example.org.")
	}, `objects "site" "www.example.org"`, anObjects},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Draft(ctx) }, "draft by BY", aDraft},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.PutDraft(ctx, api.DraftTexts{Base: 41, Sources: []api.Source{{Name: "a.conf", Text: "class a {\n}"}, {Name: "-", Text: "b", Customer: "acme"}},
			Removed: []api.Named{{Kind: site.ObjectSite, Name: "a"}}})
	}, "put {Base:41 Sources:[{Name:a.conf Text:class a {\n} Customer:} {Name:- Text:b Customer:acme}] Removed:[{Kind:site Name:a}]} by BY", aPut},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Check(ctx, api.DraftTexts{Base: 41, Removed: []api.Named{{Kind: site.ObjectSite, Name: "a"}}})
	}, "check {Base:41 Sources:[] Removed:[{Kind:site Name:a}]} by BY", api.Checked{Base: 41, Changes: 2}},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return nil, c.DeleteDraft(ctx, site.ObjectSite, "*.Example.org.")
	}, "delete site *.example.org by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return nil, c.DeleteDraft(ctx, site.ObjectClass, "Web")
	}, "delete class Web by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) { return nil, c.DropDraft(ctx) }, "drop by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Publish(ctx, api.PublishRequest{Base: 41, Why: " new "})
	}, "publish {Base:41 Why:new} by BY", made},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return nil, c.Confirm(ctx, api.ConfirmRequest{Revision: 43, Why: "yes"})
	}, "confirm {Revision:43 Why:yes} by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return nil, c.Confirm(ctx, api.ConfirmRequest{Revision: 43})
	}, "confirm {Revision:43 Why:} by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Diff(ctx, 41, api.PointPublished)
	}, "diff 41 published by BY", aDiff},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Rollback(ctx, api.RollbackRequest{To: 0, Base: 43, Why: "bad"})
	}, "rollback {To:0 Base:43 Why:bad} by BY", made},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.History(ctx, 0) }, "history 20", aHistory},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.History(ctx, 5) }, "history 5", aHistory},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.History(ctx, 5000) }, "history 1000", aHistory},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Await(ctx, 43, 5*time.Second) }, "await 43 for 5s by BY", aSpread},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Await(ctx, 43, 0) }, "await 43 for 0s by BY", aSpread},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Servers(ctx) }, "servers", aFleet},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Refused(ctx) }, "refused", aRefusals},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Overrides(ctx) }, "overrides", []api.Override{anOver}},
	{func(ctx context.Context, c *api.Client) (any, error) {
		force := aForce
		force.Name = "WWW.example.org."
		return c.SetOverride(ctx, api.OverrideRequest{Force: force, For: api.Seconds(time.Hour), Why: "disks", Local: true})
	}, "override {Force:{Scope:site Name:www.example.org Action:share CDN:edge Share:0.25} For:1h0m0s Why:disks Local:true} by BY", anOver},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.SetOverride(ctx, api.OverrideRequest{Force: api.Force{Scope: site.ScopeAll, Action: site.OverrideFreeze}, For: 1, Why: "w"})
	}, "override {Force:{Scope:all Name: Action:freeze CDN: Share:0} For:0s Why:w Local:false} by BY", anOver},
	{func(ctx context.Context, c *api.Client) (any, error) { return nil, c.ClearOverride(ctx, "o 1&") }, "clear o 1& by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Adopt(ctx, api.AdoptRequest{Site: "WWW.example.org", Why: "w"})
	}, "adopt {Site:www.example.org Why:w} by BY", made},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Journal(ctx, api.JournalQuery{}) }, `journal "" 0001-01-01T00:00:00Z 100`, []api.JournalEntry{anEntry}},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Journal(ctx, api.JournalQuery{Site: "WWW.example.org.", Since: then, Limit: 20_000})
	}, `journal "www.example.org" 2026-01-02T03:04:05.0000006Z 10000`, []api.JournalEntry{anEntry}},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Migrate(ctx, true) }, "migrate true by BY", aMigration},
}

func TestWhatTheStoreIsAskedAndSaysArrivesUnchanged(t *testing.T) {
	s := new(store)
	path := keep(t, s)
	for _, c := range calls {
		got, err := c.do(soon(t), api.Dial(path))
		if err != nil || c.want != nil && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: Expected %+v, got %+v, %v", c.asked, c.want, got, err)
		}
		asked := s.called()
		if want := strings.Replace(c.asked, "BY", me(t), 1); !slices.Equal(asked, []string{want}) {
			t.Errorf("Expected the store to be asked %q, got %q", want, asked)
		}
		if c.want != nil {
			said(t, reflect.ValueOf(c.want), reflect.TypeOf(c.want).String())
		}
	}
}

func TestWithoutAStoreEveryRouteSaysSo(t *testing.T) {
	path := keep(t, nil)
	for _, c := range calls {
		_, err := c.do(soon(t), api.Dial(path))
		want := "Conflict: this server has no store: write 'store sqlite FILE' or 'store postgres DSN' in the Corefile"
		var p *api.Problem
		if err == nil || err.Error() != want || !errors.As(err, &p) || p.Status != 409 {
			t.Errorf("%s: Expected status 409 and %q, got %v", c.asked, want, err)
		}
	}
}

func TestErrorsOfTheStoreHaveAStatus(t *testing.T) {
	s := new(store)
	path := keep(t, s)
	for err, want := range map[error]int{
		api.ErrNoStore:           409,
		api.ErrNotFound:          404,
		api.ErrConflict:          409,
		api.ErrInvalid:           400,
		api.ErrUnavailable:       503,
		api.ErrStorage:           507,
		context.DeadlineExceeded: 504,
		io.ErrUnexpectedEOF:      500,
	} {
		s.err = fmt.Errorf("doing 'x': %w", err)
		for _, c := range calls {
			_, got := c.do(soon(t), api.Dial(path))
			var p *api.Problem
			if !errors.As(got, &p) || p.Status != want || p.Detail != s.err.Error() {
				t.Errorf("%s: Expected status %d and %q, got %v", c.asked, want, s.err, got)
			}
		}
	}
}

func TestWhatHasNoNameCannotBeRemoved(t *testing.T) {
	s := new(store)
	path := keep(t, s)
	for _, gone := range []api.Named{{Kind: "zone", Name: "a"}, {Kind: site.ObjectSite}} {
		_, err := api.Dial(path).PutDraft(soon(t), api.DraftTexts{Removed: []api.Named{gone}})
		if p := new(api.Problem); !errors.As(err, &p) || p.Status != 400 || s.called() != nil {
			t.Errorf("%v: Expected status 400, got %v", gone, err)
		}
	}
}

func TestFaultsAreListed(t *testing.T) {
	s := new(store)
	path := keep(t, s)
	put := func(faults api.Faults) *api.Problem {
		s.err = fmt.Errorf("putting: %w", faults)
		_, err := api.Dial(path).PutDraft(soon(t), api.DraftTexts{Sources: []api.Source{{}}})
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != 400 {
			t.Fatalf("Expected status 400, got %v", err)
		}
		return p
	}
	if p := put(nil); p.Detail != "putting: not a valid request" || p.Errors != nil {
		t.Errorf("Expected the plain error, got %+v", p)
	}
	one, two := errors.New("a.conf:1: bad"), errors.New("a.conf:9: worse")
	if p := put(api.Faults{one}); p.Detail != "putting: a.conf:1: bad" || p.Errors != nil {
		t.Errorf("Expected the one fault as the detail, got %+v", p)
	}
	if p := put(api.Faults{one, two}); p.Detail != "putting: several things are wrong" || !reflect.DeepEqual(p.Errors, []*api.Fault{{Message: one.Error()}, {Message: two.Error()}}) {
		t.Errorf("Expected both faults, got %+v", p)
	}
	long := fmt.Errorf("a.conf:3: %s", strings.Repeat("\u00e9\x01", 5000))
	p := put(slices.Repeat(api.Faults{long}, 300))
	if first := p.Errors[0].Message; len(p.Errors) != 101 || p.Errors[100].Message != "200 more" || len(first) > 4200 || !strings.HasSuffix(first, " ...") {
		t.Errorf("Expected 100 shortened faults and how many more, got %d", len(p.Errors))
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	s := new(store)
	path := keep(t, s)
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct {
		method, target, body string
		status               int
		detail               string
	}{
		{"GET", "/v1/objects?kind=zone", "", 400, `query.kind: expected value to be one of "class, origin, cdn, site", got 'zone'`},
		{"GET", "/v1/objects?name=x", "", 400, "query.kind: a name needs its kind: class, origin, cdn or site"},
		{"GET", "/v1/objects?kind=site&name=a..b", "", 400, "'a..b' is not a domain name"},
		{"PUT", "/v1/draft", "", 400, "request body is required"},
		{"PUT", "/v1/draft", "x", 400, "body: invalid character 'x'"},
		{"PUT", "/v1/draft", "{}", 400, "there are no sources"},
		{"PUT", "/v1/draft", `{"base": -1, "sources": [{}]}`, 400, "body.base: expected number >= 0, got '-1'"},
		{"PUT", "/v1/draft", `{"sources": [{"text": 1}]}`, 400, "cannot unmarshal number"},
		{"DELETE", "/v1/draft?name=x", "", 400, "query.kind: a name needs its kind"},
		{"DELETE", "/v1/draft?kind=cdn", "", 400, "query.name: there is no name"},
		{"DELETE", "/v1/draft?kind=", "", 400, "query.kind: a name needs its kind"},
		{"DELETE", "/v1/draft?nam=x", "", 400, "query.nam: unknown query parameter"},
		{"POST", "/v1/publish", "", 400, "request body is required"},
		{"POST", "/v1/publish", `{"base": 1}`, 400, "body: expected required property why to be present"},
		{"POST", "/v1/publish", `{"base": 1, "why": " \n"}`, 400, "body.why: expected string to be a reason"},
		{"POST", "/v1/adopt", `{"site": "www.example.org", "why": " \u000b\u00a0"}`, 400, "body.why: expected a reason"},
		{"POST", "/v1/publish", `{"base": -1, "why": "x"}`, 400, "body.base: expected number >= 0, got '-1'"},
		{"POST", "/v1/publish", `{"base": 1.5, "why": "x"}`, 400, "body.base: expected integer, got '1.5'"},
		{"POST", "/v1/publish", `{"why": "` + long[:1001] + `"}`, 400, "the why has 1001 octets, and 1000 at most are possible"},
		{"POST", "/v1/publish", `{"why": "` + long + `"}`, 413, "the body is too large: 64 KiB are possible"},
		{"POST", "/v1/publish", `{"why": "x", "only": "www"}`, 400, "body.only: unexpected property"},
		{"POST", "/v1/publish", `{"why": "x"} {}`, 400, "there is more behind the object"},
		{"POST", "/v1/publish", `{"why": "x"} x`, 400, "there is more behind the object"},
		{"POST", "/v1/confirm", `{"revision": -1}`, 400, "body.revision: expected number >= 0, got '-1'"},
		{"POST", "/v1/confirm", `{"why": " "}`, 400, "body: expected required property revision to be present"},
		{"POST", "/v1/confirm", `[]`, 400, "body: expected object"},
		{"GET", "/v1/diff?from=x", "", 400, "query.from: 'x' is no revision: write its number, 'published' or 'draft'"},
		{"GET", "/v1/diff?to=-1", "", 400, "query.to: '-1' is no revision"},
		{"POST", "/v1/rollback", `{"to": -1, "why": "x"}`, 400, "body.to: expected number >= 0, got '-1'"},
		{"POST", "/v1/rollback", `{"base": -1, "why": "x"}`, 400, "body.base: expected number >= 0, got '-1'"},
		{"POST", "/v1/rollback", `{}`, 400, "body: expected required property to to be present"},
		{"POST", "/v1/rollback", `"`, 400, "body: unexpected EOF"},
		{"GET", "/v1/history?limit=0", "", 400, "query.limit: expected number >= 1, got '0'"},
		{"GET", "/v1/history?limit=x", "", 400, "query.limit: invalid integer, got 'x'"},
		{"POST", "/v1/overrides", `{"for": 0, "why": "x"}`, 400, "body.for: expected number > 0, got '0'"},
		{"POST", "/v1/overrides", `{"for": -1, "why": "x"}`, 400, "body.for: expected number > 0, got '-1'"},
		{"POST", "/v1/overrides", `{"for": 1e300, "why": "x", "scope": "all", "action": "freeze"}`, 400, "1e300 seconds are too many"},
		{"POST", "/v1/overrides", `{"for": 1}`, 400, "body: expected required property why to be present"},
		{"POST", "/v1/overrides", `{"for": 1, "why": "x", "scope": "site"}`, 400, "'' is not a domain name"},
		{"POST", "/v1/overrides", `{"for": "1h"}`, 400, "body.for: expected number, got '1h'"},
		{"DELETE", "/v1/overrides", "", 400, "query.id: required query parameter is missing"},
		{"POST", "/v1/adopt", `{"site": "a..b", "why": "x"}`, 400, "'a..b' is not a domain name"},
		{"POST", "/v1/adopt", `{"site": "a.example.org"}`, 400, "body: expected required property why to be present"},
		{"POST", "/v1/adopt", `{`, 400, "body: unexpected EOF"},
		{"GET", "/v1/journal?site=a..b", "", 400, "'a..b' is not a domain name"},
		{"GET", "/v1/journal?since=yesterday", "", 400, "query.since: invalid date/time"},
		{"GET", "/v1/journal?limit=-5", "", 400, "query.limit: expected number >= 1, got '-5'"},
		{"POST", "/v1/migrate", "", 400, "request body is required"},
	} {
		status, _, p := exchange(t, path, c.method, c.target, c.body)
		if status != c.status || p.Status != c.status || !strings.Contains(wordsOf(p), c.detail) {
			t.Errorf("%s %s %.60s: Expected %d with %q, got %d: %v", c.method, c.target, c.body, c.status, c.detail, status, p)
		}
		if asked := s.called(); asked != nil {
			t.Errorf("%s %s %.60s: Expected the store not to be asked, got %q", c.method, c.target, c.body, asked)
		}
	}
}

func TestEveryPathNamesItsMethods(t *testing.T) {
	path := keep(t, new(store))
	for target, want := range map[string]string{
		"objects": "GET", "draft": "DELETE, GET, PUT", "publish": "POST", "confirm": "POST", "diff": "GET", "rollback": "POST", "history": "GET",
		"revisions/43": "GET", "claims": "GET, POST", "claims/a": "DELETE", "claims/a/prove": "POST",
		"servers": "GET", "refused": "GET", "overrides": "DELETE, GET, POST", "adopt": "POST", "journal": "GET", "migrate": "POST",
	} {
		status, header, p := exchange(t, path, "PATCH", "/v1/"+target, "{}")
		detail := fmt.Sprintf("'/v1/%s' wants %s", target, strings.ReplaceAll(want, ", ", " or "))
		if status != 405 || header.Get("Allow") != want || p.Detail != detail {
			t.Errorf("%s: Expected 405, %q and %q, got %d, %q and %v", target, want, detail, status, header.Get("Allow"), p)
		}
	}
}

// nothing is a configuration in which there is nothing.
type nothing struct{ api.Configuration }

func (nothing) Objects(context.Context, site.ObjectKind, string, api.Caller) (o api.Objects, err error) {
	return
}
func (nothing) Draft(context.Context, api.Caller) (d api.Draft, err error) { return }
func (nothing) Diff(context.Context, api.Point, api.Point, api.Caller) (d api.Diff, err error) {
	return
}
func (nothing) History(context.Context, int, api.Caller) (h api.History, err error) { return }
func (nothing) Servers(context.Context) (s api.Servers, err error)                  { return }
func (nothing) Refused(context.Context) (r api.Refusals, err error)                 { return }
func (nothing) Overrides(context.Context) (o []api.Override, err error)             { return }
func (nothing) Journal(context.Context, api.JournalQuery, api.Caller) (j []api.JournalEntry, err error) {
	return
}

func TestListsOfTheStoreAreNeverNull(t *testing.T) {
	path := keep(t, nothing{})
	for target, want := range map[string]string{
		"objects":   `{"revision":0,"objects":[]}`,
		"draft":     `{"base":0,"changes":[]}`,
		"diff":      `{"from":"0","to":"0","changes":[]}`,
		"history":   `{"newest":0,"serves":0,"revisions":[]}`,
		"servers":   `{"here":{"name":"","store":false,"alone":false,"since":"0001-01-01T00:00:00Z"},"servers":[]}`,
		"refused":   `{"refused":[],"shadowed":[]}`,
		"overrides": `{"overrides":[]}`,
		"journal":   `{"decisions":[]}`,
	} {
		resp, err := over(t, path).Get("http://s/v1/" + target)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != want {
			t.Errorf("%s: Expected %s, got %s, %v", target, want, body, err)
		}
	}
}

func TestALargeDraftIsTakenWhole(t *testing.T) {
	s := new(store)
	text := strings.Repeat("# \u00e9 <&>\n", 200_000)
	if _, err := api.Dial(keep(t, s)).PutDraft(soon(t), api.DraftTexts{Sources: []api.Source{{Name: "a", Text: text}}}); err != nil {
		t.Fatal(err)
	}
	if asked := s.called(); len(asked) != 1 || !strings.Contains(asked[0], text) {
		t.Errorf("Expected the whole text, got %d calls", len(asked))
	}
}

func TestADraftThatIsTooLargeIsRefused(t *testing.T) {
	path := keep(t, new(store))
	_, err := api.Dial(path).PutDraft(soon(t), api.DraftTexts{Sources: []api.Source{{Text: strings.Repeat("x", api.MaxDraft)}}})
	if err == nil || !strings.HasSuffix(err.Error(), "octets, and 64 MiB at most are possible: send it in parts") {
		t.Errorf("Expected the client to say what is possible, got %v", err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "PUT /v1/draft HTTP/1.1\r\nHost: s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", api.MaxDraft+1)
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), " 413 ") || !strings.Contains(string(answer), "the body is too large: 64 MiB are possible") {
		t.Errorf("Expected the server to say so before it reads, got %s, %v", answer, err)
	}
}

// TestADraftOfUnknownLengthIsBounded sends more than there may be, in chunks.
func TestADraftOfUnknownLengthIsBounded(t *testing.T) {
	s := new(store)
	endless := io.MultiReader(strings.NewReader(`{"sources": [{"text": "`), xs{})
	w := newRecorder()
	api.Handler(api.Config{Store: s, Log: new(journal)}).ServeHTTP(w, httptest.NewRequest("PUT", "/v1/draft", endless))
	if asked := s.called(); w.Code != 413 || asked != nil || !strings.Contains(w.Body.String(), "the body is too large: 64 MiB are possible") {
		t.Errorf("Expected status 413, got %d, %s", w.Code, w.Body)
	}
}

// xs never ends.
type xs struct{}

func (xs) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// busy is a configuration whose PutDraft takes a moment.
type busy struct {
	api.Configuration
	now, most atomic.Int32
}

func (b *busy) PutDraft(context.Context, api.DraftTexts, api.Caller) (api.Put, error) {
	n := b.now.Add(1)
	defer b.now.Add(-1)
	b.most.Store(max(b.most.Load(), n))
	time.Sleep(20 * time.Millisecond)
	return api.Put{}, nil
}

func TestOneLargeBodyIsInMemoryAtATime(t *testing.T) {
	b := new(busy)
	path := keep(t, b)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := api.Dial(path).PutDraft(soon(t), api.DraftTexts{Sources: []api.Source{{Text: "x"}}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most := b.most.Load(); most != 1 {
		t.Errorf("Expected one at a time, got %d", most)
	}
}

// TestAChangeMayTakeItsTime looks at the deadlines of a request that puts a draft,
// which may be large, and of one that changes the schema, which may take long.
func TestAChangeMayTakeItsTime(t *testing.T) {
	handler := api.Handler(api.Config{Store: new(store), Log: new(journal)})
	for _, c := range []struct {
		method, target, body string
		read                 time.Duration // that it takes to come, at least
	}{
		{"PUT", "/v1/draft", `{"sources": [{}]}`, 4 * time.Minute},
		{"POST", "/v1/migrate", `{}`, 5 * time.Second},
	} {
		w, now := newRecorder(), time.Now()
		handler.ServeHTTP(w, httptest.NewRequest(c.method, c.target, strings.NewReader(c.body)))
		if w.Code != 200 || w.write.Sub(now) < 4*time.Minute || w.read.Sub(now) < c.read || w.read.Sub(now) > 12*c.read {
			t.Errorf("%s %s: Expected minutes to be granted for the answer, and %s for the body, got %d, %s to read, %s to write", c.method, c.target, c.read, w.Code, w.read, w.write)
		}
	}
}

func TestTheStoresContextEndsWithItsPeer(t *testing.T) {
	ctx, cancel := context.WithCancel(soon(t))
	ended := make(chan struct{})
	path := keep(t, gone{cancel: cancel, ended: ended})
	if _, err := api.Dial(path).Servers(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Expected the peer's own error, got %v", err)
	}
	select {
	case <-ended:
	case <-soon(t).Done():
		t.Error("Expected the context to end")
	}
}

// gone is a configuration whose peer goes while it works.
type gone struct {
	api.Configuration
	cancel context.CancelFunc
	ended  chan struct{}
}

func (g gone) Servers(ctx context.Context) (api.Servers, error) {
	g.cancel()
	<-ctx.Done()
	close(g.ended)
	return api.Servers{}, ctx.Err()
}

func TestAForceSaysItself(t *testing.T) {
	for force, want := range map[api.Force]string{
		{Scope: site.ScopeAll, Name: "x", Action: site.OverrideOrigin}:                 "all: origin",
		{Scope: site.ScopeCDN, Name: "edge", Action: site.OverrideCDN, CDN: "big"}:     "cdn edge: cdn big",
		{Scope: site.ScopeClass, Name: "web", Action: site.OverrideShare, Share: 0.07}: "class web: share 7%",
		{Scope: site.ScopeOrigin, Name: "fra", Action: site.OverrideFreeze}:            "origin fra: freeze",
	} {
		if got := force.Target() + ": " + force.Decision(); got != want {
			t.Errorf("Expected %q, got %q", want, got)
		}
	}
}
