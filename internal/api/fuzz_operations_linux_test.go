package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// dice draw from what the fuzzer gives; afterwards every one is 0, which is the plainest
// choice.
type dice struct{ data []byte }

func (d *dice) roll(sides int) int {
	if len(d.data) == 0 {
		return 0
	}
	n := int(d.data[0]) % sides
	d.data = d.data[1:]
	return n
}

// text draws a text that nobody has thought of.
func (d *dice) text() string {
	n := min(d.roll(64), len(d.data))
	text := string(d.data[:n])
	d.data = d.data[n:]
	return text
}

// value draws a value for a schema, mostly one that it allows.
func (d *dice) value(s schema, all map[string]schema) any {
	if name, named := strings.CutPrefix(s.Ref, "#/components/schemas/"); named {
		s = all[name]
	}
	switch d.roll(8) {
	case 7:
		return []any{nil, true, -1, 1e300, d.text(), []any{}, map[string]any{}}[d.roll(7)]
	case 6, 5:
		if s.Properties == nil {
			return d.wild(s)
		}
	}
	switch {
	case s.Properties != nil:
		return d.object(s, all)
	case s.Items != nil:
		list := make([]any, 0, 3)
		for range d.roll(4) {
			list = append(list, d.value(*s.Items, all))
		}
		return list
	case len(s.Examples) > 0:
		return s.Examples[0]
	}
	return d.wild(s)
}

// wild draws a value of a schema's type.
func (d *dice) wild(s schema) any {
	switch {
	case len(s.Enum) > 0:
		return s.Enum[d.roll(len(s.Enum))]
	case s.Type == "boolean":
		return d.roll(2) == 1
	case s.Type == "integer":
		return []int64{0, 1, -1, 1 << 62}[d.roll(4)]
	case s.Type == "number":
		return []float64{0, 0.5, -1, 1e18}[d.roll(4)]
	}
	return []string{d.text(), "", "a..b", "his.example.org", strings.Repeat("x", 2000), "2001:db8::1"}[d.roll(6)]
}

func (d *dice) object(s schema, all map[string]schema) map[string]any {
	object := make(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if left := d.roll(8); left == 7 || left > 3 && !slices.Contains(s.Required, name) {
			continue
		}
		object[name] = d.value(s.Properties[name], all)
	}
	if d.roll(16) == 15 {
		object[d.text()] = 1
	}
	return object
}

// request draws a request for an operation.
func (d *dice) request(path string, o op, all map[string]schema) (target, body string) {
	query := url.Values{}
	for _, p := range o.Parameters {
		if p.In == "query" && d.roll(3) < 2 {
			text, _ := json.Marshal(d.value(p.Schema, all))
			query.Set(p.Name, strings.Trim(string(text), `"`))
		}
	}
	if d.roll(16) == 15 {
		query.Set(d.text(), d.text())
	}
	if content, has := o.RequestBody.Content["application/json"]; has {
		text, _ := json.Marshal(d.value(content.Schema, all))
		body = string(text)
	}
	if d.roll(16) == 15 {
		body += d.text()
	}
	return path + "?" + query.Encode(), body
}

// secret is of acme, and nobody else's to see.
const secret = "acmes-secret"

// private is an engine with a site of acme's.
func private() api.Engine {
	state := api.State{Site: "his.example.org.", Customer: "acme", Reason: secret}
	return fake{
		states:  func() []api.State { return []api.State{state} },
		explain: explained([]api.State{state}),
		cdns:    func() []api.CDNState { return []api.CDNState{{Reason: secret}} },
		drain:   func(string, string, bool) error { return api.ErrNoNode },
		probe:   func(context.Context, string) (api.ProbeReport, error) { return api.ProbeReport{}, nil },
		dryRun: func(q api.DryRunQuery) (api.DryRun, error) {
			if q.Client == netip.MustParseAddr("192.0.2.1") {
				return api.DryRun{Customer: "acme", Reason: secret}, nil
			}
			return api.DryRun{Customer: "acme", Reason: secret}, api.ErrInvalid
		},
	}
}

// tenant is a store of which everybody sees his own, and that is strict with what it is
// asked.
type tenant struct{ strict }

func (tenant) shown(who api.Caller) string {
	if who.Role.Operates() || who.Customer == "acme" {
		return secret
	}
	return ""
}

func (s tenant) Objects(_ context.Context, kind site.ObjectKind, name string, who api.Caller) (api.Objects, error) {
	return api.Objects{Objects: []api.Object{{Text: s.shown(who)}}}, s.valid(name == "" || kind != "" && (kind != site.ObjectSite || canonical(name)), name)
}

func (s tenant) Draft(_ context.Context, who api.Caller) (api.Draft, error) {
	return api.Draft{Changes: []api.Change{{After: s.shown(who)}}}, nil
}

func (s tenant) DropDraft(context.Context, api.Caller) error { return nil }

func (s tenant) DeleteDraft(_ context.Context, kind site.ObjectKind, name string, _ api.Caller) error {
	return s.valid(name != "" && slices.Contains(site.ObjectKinds(), kind) && (kind != site.ObjectSite || canonical(name)), name)
}

func (s tenant) Diff(_ context.Context, from, to api.Point, who api.Caller) (api.Diff, error) {
	return api.Diff{Changes: []api.Change{{After: s.shown(who)}}}, s.valid(from >= api.PointDraft && to >= api.PointDraft, from)
}

func (s tenant) History(_ context.Context, limit int, who api.Caller) (api.History, error) {
	return api.History{Revisions: []api.Revision{{Why: s.shown(who)}}}, s.valid(limit > 0 && limit <= 1000, limit)
}

func (s tenant) Await(_ context.Context, revision int64, d time.Duration, who api.Caller) (api.Spread, error) {
	return api.Spread{ServedBy: []string{secret}}.Told(who), s.valid(revision >= 0 && d >= 0 && d <= time.Minute, revision)
}

func (s tenant) Journal(_ context.Context, q api.JournalQuery, who api.Caller) ([]api.JournalEntry, error) {
	return []api.JournalEntry{{Reason: s.shown(who)}}, s.valid(q.Limit > 0 && q.Limit <= 10_000 && (q.Site == "" || canonical(q.Site)), q)
}

func (tenant) Servers(context.Context) (api.Servers, error) {
	return api.Servers{Here: api.Here{Why: secret}}, nil
}
func (tenant) Refused(context.Context) (api.Refusals, error) { return api.Refusals{}, nil }
func (tenant) Overrides(context.Context) ([]api.Override, error) {
	return []api.Override{{Why: secret}}, nil
}
func (tenant) ClearOverride(context.Context, string, api.Caller) error { return api.ErrNotFound }

// FuzzOperations asks for every operation with what its schemas allow, and what they do
// not, as an operator and as another customer: nothing breaks, nothing wrong gets through,
// and he learns nothing of acme.
func FuzzOperations(f *testing.F) {
	doc := read(f)
	var does []string
	for path, methods := range doc.Paths {
		for method := range methods {
			does = append(does, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(does)
	for i := range does {
		f.Add(uint(i), []byte{})
		f.Add(uint(i), []byte{7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
		f.Add(uint(i), []byte(strings.Repeat("\x05\x03\x0f", 20)))
	}
	s := new(tenant)
	a := api.New(api.Config{Engine: private(), Store: s, Log: new(journal), Resources: api.Resources{
		Documents: new(documents), Identities: new(identities), Pushes: new(pushed), Beginning: new(first), Onboardings: visited{}, Setups: visited{}, Claims: claimed{}, Backups: saved{},
	}})
	a.Decided(api.JournalEntry{Reason: secret}, "acme")
	f.Fuzz(func(t *testing.T, i uint, data []byte) {
		method, path, _ := strings.Cut(does[i%uint(len(does))], " ")
		target, body := (&dice{data}).request(path, doc.Paths[path][strings.ToLower(method)], doc.Components.Schemas)
		s.t = t
		for _, who := range []api.Caller{everybody[tokenOf("operator")], everybody[tokenOf("other")]} {
			ctx, cancel := context.WithCancel(t.Context())
			if path == "/v1/events" {
				cancel() // the stream has no other end
			}
			w := newRecorder()
			a.As(who).ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body)))
			cancel()
			if w.Code >= 500 || w.Code == 405 {
				t.Errorf("%s %s %s: Expected an answer or a refusal, got %d %s", method, target, body, w.Code, w.Body)
			}
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %s %s: Expected JSON, got %q", method, target, body, w.Body)
			}
			if who.Customer == "other" && strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s %s %s: Expected nothing of acme, got %s", method, target, body, w.Body)
			}
		}
	})
}

// saved is a store with one line in it.
type saved struct{}

func (saved) Backup(_ context.Context, w io.Writer, _ api.Caller) error {
	_, err := io.WriteString(w, `{"dump":"`+secret+`"}`)
	return err
}

// visited has one onboarding, and one setup, of acme's.
type visited struct{}

func (visited) seen(who api.Caller) (api.Onboarding, error) {
	if !who.Role.Operates() && who.Customer != "acme" {
		return api.Onboarding{}, fmt.Errorf("an onboarding: %w", api.ErrNotFound)
	}
	return api.Onboarding{ID: "o", Why: secret, Steps: []api.OnboardingStep{}}, nil
}

func (v visited) Setups(_ context.Context, q api.SetupQuery, who api.Caller) ([]api.Setup, bool, error) {
	if _, err := v.seen(who); err != nil || q.Limit > 1000 {
		return nil, false, nil
	}
	return []api.Setup{{Site: "his.example.org", CDN: "edge", Words: secret}}, true, nil
}

func (v visited) RetrySetups(_ context.Context, _, _ string, who api.Caller) (int64, error) {
	_, err := v.seen(who)
	return 1, err
}

func (v visited) Onboard(_ context.Context, _ api.OnboardRequest, who api.Caller) (api.Onboarding, error) {
	return v.seen(who)
}

func (v visited) Offboard(_ context.Context, _ api.OffboardRequest, who api.Caller) (api.Onboarding, error) {
	return v.seen(who)
}

func (v visited) Onboarding(_ context.Context, _ string, who api.Caller) (api.Onboarding, error) {
	return v.seen(who)
}

func (v visited) Onboardings(_ context.Context, q api.OnboardingQuery, who api.Caller) (api.OnboardingList, error) {
	if o, err := v.seen(who); err == nil && q.Limit <= 1000 {
		return api.OnboardingList{Onboardings: []api.Onboarding{o}}, nil
	}
	return api.OnboardingList{Onboardings: []api.Onboarding{}}, nil
}

func (v visited) CancelOnboarding(_ context.Context, _ string, who api.Caller) error {
	_, err := v.seen(who)
	return err
}

func (v visited) WatchOnboarding(_ context.Context, _ string, _ int64, who api.Caller) (api.Onboarding, error) {
	return v.seen(who)
}

// claimed has one claim, of acme's, and everybody's are as they ask.
type claimed struct{}

func (claimed) seen(customer string, who api.Caller) (api.Claim, error) {
	if !who.Role.Operates() && (customer != who.Customer || who.Customer != "acme") {
		return api.Claim{}, fmt.Errorf("a claim: %w", api.ErrNotFound)
	}
	return api.Claim{Record: &api.ProofRecord{Text: secret}}, nil
}

func (c claimed) Claims(_ context.Context, _ string, _ api.Page, who api.Caller) ([]api.Claim, string, error) {
	if one, err := c.seen(who.Customer, who); err == nil {
		return []api.Claim{one}, "acme/a", nil
	}
	return nil, "", nil
}

func (c claimed) BeginClaim(_ context.Context, r api.ClaimRequest, who api.Caller) (api.Claim, error) {
	if !canonical(r.Name) || r.Customer == "" || r.Proof == site.ProofOperator && !who.Role.Operates() {
		panic(fmt.Sprintf("it is asked to begin %+v", r))
	}
	return c.seen(r.Customer, who)
}

func (c claimed) ProveClaim(_ context.Context, customer, name string, who api.Caller) (api.Claim, error) {
	if !canonical(name) || customer == "" {
		panic("it is asked to prove '" + name + "' of '" + customer + "'")
	}
	return c.seen(customer, who)
}

func (c claimed) ReleaseClaim(_ context.Context, customer, _ string, who api.Caller) error {
	_, err := c.seen(customer, who)
	return err
}
