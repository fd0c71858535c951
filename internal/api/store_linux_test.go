package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// store is a configuration in which every field says something. It remembers
// what it was asked, and errs with err.
type store struct {
	err   error
	mu    sync.Mutex
	asked []string
}

// called returns what the store was asked since the last time.
func (s *store) called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *store) note(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
	return s.err
}

var then = time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)

var (
	aChange = api.Change{Kind: site.ObjectSite, Name: "www.example.org", Before: "site a {\n}\n", After: "site b {\n}\n", CustomerBefore: "acme", CustomerAfter: "other"}
	aServer = api.ServerState{Name: "fra1", Version: "v1", Schema: 3, Revision: 42, Held: 43, Why: "shrinks",
		Refused: 2, State: api.RoleFollows, Age: api.Seconds(time.Second)}
	aRefused  = api.Refused{Kind: site.ObjectSite, Name: "www.example.org", Revision: 42, Why: "store/site/www.example.org@42:3"}
	aForce    = api.Force{Scope: site.ScopeSite, Name: "www.example.org", Action: site.OverrideShare, CDN: "edge", Share: 0.25}
	anObjects = api.Objects{Revision: 42, Objects: []api.Object{{Kind: site.ObjectCDN, Name: "edge", Text: "cdn edge {\n}\n", Revision: 7, Customer: "acme", Adopted: true}}}
	aDraft    = api.Draft{Base: 41, Changes: []api.Change{aChange}}
	aPut      = api.Put{Base: 41, Objects: 3, Same: 1}
	made      = api.Publication{Revision: 43, Changes: 2}
	aDiff     = api.Diff{From: 41, To: api.PointDraft, Changes: []api.Change{aChange}}
	aHistory  = api.History{Newest: 43, Serves: 42, Held: 43, Revisions: []api.Revision{{Revision: 43, At: then, By: "alice", Changes: 2, Why: "new"}}}
	aSpread   = api.Spread{Serving: 1, Behind: 1, Settled: true, ServedBy: []string{"fra1"}, WaitingFor: []api.Waiting{{Server: "ams1", Revision: 42, Held: 43, Why: "too few"}},
		Refusing: []api.Refusing{{Server: "fra1", Objects: 2}}}
	aFleet    = api.Servers{Here: api.Here{Name: "fra1", Store: true, Alone: true, Since: then, Why: "refused"}, Servers: []api.ServerState{aServer}}
	aRefusals = api.Refusals{Refused: []api.Refused{aRefused}, Shadowed: []api.Shadowed{{Site: "www.example.org", Place: "Corefile:3"}}}
	anOver    = api.Override{ID: "o1", Force: aForce, By: "alice", Why: "new disks", Since: then, Until: then, Left: api.Seconds(time.Hour), Local: true,
		Sites: 3, Untouched: []api.Untouched{{Site: "b.example.org", Why: "has no such CDN"}}, Warnings: []string{"not ready"}}
	anEntry = api.JournalEntry{At: then, Site: "www.example.org", Epoch: 7, Side: api.Side(site.SideCDN), Share: 0.5, CDNs: []string{"edge"},
		Server: "fra1", Revision: 42, Override: "o1", Reason: "down"}
	aMigration = api.Migration{Schema: 3, Known: 4, Pending: []string{"b"}, Ran: []string{"a"}, Servers: []api.ServerState{aServer}}
)

func (s *store) Objects(_ context.Context, kind site.ObjectKind, name string, _ api.Caller) (api.Objects, error) {
	return anObjects, s.note("objects %q %q", kind, name)
}

func (s *store) Draft(_ context.Context, by api.Caller) (api.Draft, error) {
	return aDraft, s.note("draft by %s", by.Name)
}

func (s *store) PutDraft(_ context.Context, texts api.DraftTexts, by api.Caller) (api.Put, error) {
	return aPut, s.note("put %+v by %s", texts, by.Name)
}

func (s *store) Check(_ context.Context, texts api.DraftTexts, by api.Caller) (api.Checked, error) {
	return api.Checked{Base: 41, Changes: 2}, s.note("check %+v by %s", texts, by.Name)
}

func (s *store) DeleteDraft(_ context.Context, kind site.ObjectKind, name string, by api.Caller) error {
	return s.note("delete %s %s by %s", kind, name, by.Name)
}

func (s *store) DropDraft(_ context.Context, by api.Caller) error {
	return s.note("drop by %s", by.Name)
}

func (s *store) Publish(_ context.Context, req api.PublishRequest, by api.Caller) (api.Publication, error) {
	return made, s.note("publish %+v by %s", req, by.Name)
}

func (s *store) Confirm(_ context.Context, req api.ConfirmRequest, by api.Caller) error {
	return s.note("confirm %+v by %s", req, by.Name)
}

func (s *store) Diff(_ context.Context, from, to api.Point, by api.Caller) (api.Diff, error) {
	return aDiff, s.note("diff %s %s by %s", from, to, by.Name)
}

func (s *store) Rollback(_ context.Context, req api.RollbackRequest, by api.Caller) (api.Publication, error) {
	return made, s.note("rollback %+v by %s", req, by.Name)
}

func (s *store) History(_ context.Context, limit int, _ api.Caller) (api.History, error) {
	return aHistory, s.note("history %d", limit)
}

func (s *store) Await(_ context.Context, revision int64, d time.Duration, by api.Caller) (api.Spread, error) {
	return aSpread, s.note("await %d for %s by %s", revision, d, by.Name)
}

func (s *store) Servers(context.Context) (api.Servers, error) { return aFleet, s.note("servers") }

func (s *store) Refused(context.Context) (api.Refusals, error) { return aRefusals, s.note("refused") }

func (s *store) Overrides(context.Context) ([]api.Override, error) {
	return []api.Override{anOver}, s.note("overrides")
}

func (s *store) SetOverride(_ context.Context, req api.OverrideRequest, by api.Caller) (api.Override, error) {
	return anOver, s.note("override %+v by %s", req, by.Name)
}

func (s *store) ClearOverride(_ context.Context, id string, by api.Caller) error {
	return s.note("clear %s by %s", id, by.Name)
}

func (s *store) Adopt(_ context.Context, req api.AdoptRequest, by api.Caller) (api.Publication, error) {
	return made, s.note("adopt %+v by %s", req, by.Name)
}

func (s *store) Journal(_ context.Context, q api.JournalQuery, _ api.Caller) ([]api.JournalEntry, error) {
	return []api.JournalEntry{anEntry}, s.note("journal %q %s %d", q.Site, q.Since.Format(time.RFC3339Nano), q.Limit)
}

func (s *store) Migrate(_ context.Context, finish bool, by api.Caller) (api.Migration, error) {
	return aMigration, s.note("migrate %t by %s", finish, by.Name)
}

// recorder is an answer without a connection. It remembers its deadlines.
type recorder struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func newRecorder() *recorder { return &recorder{ResponseRecorder: httptest.NewRecorder()} }

func (r *recorder) SetReadDeadline(t time.Time) error {
	r.read = t
	return nil
}

func (r *recorder) SetWriteDeadline(t time.Time) error {
	r.write = t
	return nil
}
