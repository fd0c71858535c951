package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// store is a configuration in which two servers serve revision 42. It remembers
// what it was asked, and errs with err.
type store struct {
	err     error
	servers func() []api.ServerState
	empty   bool

	mu    sync.Mutex
	asked []string
}

func (s *store) note(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
	return s.err
}

var then = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const (
	oldSite = "site www.example.org class web {\n\torigin fra\n\tcdn edge {name}.edge.example.net\n}\n"
	newSite = "site www.example.org class web {\n\torigin fra\n\tcdn bigcdn www.bigcdn.example\n}\n"
)

func theChanges() []api.Change {
	return []api.Change{
		{Kind: site.ObjectCDN, Name: "old", Before: "cdn old {\n    operated own\n}"},
		{Kind: site.ObjectCDN, Name: "bigcdn", After: "cdn bigcdn {\n    operated third-party\n}\n"},
		{Kind: site.ObjectSite, Name: "www.example.org", Before: oldSite, After: newSite},
	}
}

func (s *store) Objects(_ context.Context, kind site.ObjectKind, name string, _ api.Caller) (api.Objects, error) {
	return api.Objects{Revision: 42, Objects: []api.Object{
		{Kind: site.ObjectClass, Name: "web", Text: "class web {\n\tttl 30s\n}", Revision: 7},
		{Kind: site.ObjectSite, Name: "www.example.org", Text: oldSite, Revision: 42, Adopted: true},
	}}, s.note("objects %q %q", kind, name)
}

func (s *store) Draft(context.Context, api.Caller) (api.Draft, error) {
	if s.empty {
		return api.Draft{Base: 42}, s.note("draft")
	}
	return api.Draft{Base: 41, Changes: theChanges()}, s.note("draft")
}

func (s *store) PutDraft(_ context.Context, texts api.DraftTexts, _ api.Caller) (api.Put, error) {
	return api.Put{Base: 41, Objects: 3, Same: 2}, s.note("put %+v", texts)
}

func (s *store) Check(_ context.Context, texts api.DraftTexts, _ api.Caller) (api.Checked, error) {
	return api.Checked{Base: 42, Changes: 2}, s.note("check %+v", texts)
}

func (s *store) DeleteDraft(_ context.Context, kind site.ObjectKind, name string, _ api.Caller) error {
	return s.note("delete %s %s", kind, name)
}

func (s *store) DropDraft(_ context.Context, by api.Caller) error {
	return s.note("drop by %s", by.Name)
}

func (s *store) publication() api.Publication {
	if s.empty {
		return api.Publication{Revision: 43, Changes: 1}
	}
	return api.Publication{Revision: 43, Changes: 2}
}

func (s *store) Publish(_ context.Context, req api.PublishRequest, _ api.Caller) (api.Publication, error) {
	return s.publication(), s.note("publish %+v", req)
}

func (s *store) Confirm(_ context.Context, req api.ConfirmRequest, _ api.Caller) error {
	return s.note("confirm %+v", req)
}

func (s *store) Diff(_ context.Context, from, to api.Point, _ api.Caller) (api.Diff, error) {
	if s.empty {
		return api.Diff{From: 42, To: to}, s.note("diff %s %s", from, to)
	}
	return api.Diff{From: 42, To: to, Changes: theChanges()}, s.note("diff %s %s", from, to)
}

func (s *store) Rollback(_ context.Context, req api.RollbackRequest, _ api.Caller) (api.Publication, error) {
	return s.publication(), s.note("rollback %+v", req)
}

func (s *store) History(_ context.Context, limit int, _ api.Caller) (api.History, error) {
	return api.History{Newest: 43, Serves: 42, Held: 43, Revisions: []api.Revision{
		{Revision: 43, At: then.Add(time.Hour), By: "bob (uid 0)", Changes: 12, Why: "clean up"},
		{Revision: 42, At: then, By: "alice", Changes: 1, Why: "new CDN"},
		{Revision: 41, At: then, By: "alice", Changes: 3, Why: "first"},
	}}, s.note("history %d", limit)
}

func (s *store) Await(_ context.Context, revision int64, d time.Duration, who api.Caller) (api.Spread, error) {
	err := s.note("await %d for %s", revision, d.Round(time.Second))
	servers := serving(43, 43)
	if s.servers != nil {
		servers = s.servers()
	}
	return spread(servers, revision).Told(who), err
}

// spread says how far a revision has come among servers.
func spread(servers []api.ServerState, revision int64) (s api.Spread) {
	settled := true
	for _, one := range servers {
		switch {
		case one.State == api.RoleGone:
		case one.Revision < revision:
			s.Behind++
			s.WaitingFor = append(s.WaitingFor, api.Waiting{Server: one.Name, Revision: one.Revision, Held: one.Held, Why: one.Why})
			settled = settled && one.Held >= revision
		default:
			s.Serving++
			s.ServedBy = append(s.ServedBy, one.Name)
			if one.Refused > 0 {
				s.Refusing = append(s.Refusing, api.Refusing{Server: one.Name, Objects: one.Refused})
			}
		}
	}
	s.Settled = settled && s.Serving+s.Behind > 0
	return s
}

func (s *store) Servers(context.Context) (api.Servers, error) {
	servers := serving(43, 43)
	if s.servers != nil {
		servers = s.servers()
	}
	return api.Servers{Here: api.Here{Name: "fra1", Store: !s.empty, Alone: s.empty, Since: then, Why: "connection refused"}, Servers: servers}, s.note("servers")
}

// serving returns servers that serve some revisions, and one that is gone.
func serving(ams, fra int64) []api.ServerState {
	return []api.ServerState{
		{Name: "ams1", Version: "v1.2.0", Schema: 4, Revision: ams, State: api.RoleDecides, Age: ms(300)},
		{Name: "fra1", Version: "v1.1.0", Schema: 3, Revision: fra, State: api.RoleFollows, Age: ms(1200)},
		{Name: "old", Version: "v1.0.0", Schema: 3, Revision: 7, State: api.RoleGone, Age: ms(3_600_000)},
	}
}

func (s *store) Refused(context.Context) (api.Refusals, error) {
	if s.empty {
		return api.Refusals{}, s.note("refused")
	}
	return api.Refusals{
		Refused: []api.Refused{
			{Kind: site.ObjectCDN, Name: "edge", Revision: 7, Why: "Corefile:9 has it, too"},
			{Kind: site.ObjectSite, Name: "www.example.org", Revision: 42, Why: "store/site/www.example.org@42:3 - unknown origin 'fra'"},
		},
		Shadowed: []api.Shadowed{{Site: "a.example.org", Place: "Corefile:12"}, {Site: "b.example.org"}},
	}, s.note("refused")
}

func anOverride() api.Override {
	return api.Override{
		ID: "o1", Force: api.Force{Scope: site.ScopeClass, Name: "web", Action: site.OverrideCDN, CDN: "edge"}, By: "alice", Why: "new disks",
		Since: then, Until: then.Add(2 * time.Hour), Left: ms(6_000_400), Sites: 2, Warnings: []string{"edge is not ready for www.example.org"},
		Untouched: []api.Untouched{{Site: "b.example.org", Why: "has no cdn 'edge'"}},
	}
}

func (s *store) Overrides(context.Context) ([]api.Override, error) {
	if s.empty {
		return nil, s.note("overrides")
	}
	return []api.Override{anOverride(), {
		ID: "o2", Force: api.Force{Scope: site.ScopeAll, Action: site.OverrideShare, Share: 0.25}, By: "bob (uid 0)", Why: "load test",
		Since: then, Until: then, Left: ms(-5), Local: true,
	}}, s.note("overrides")
}

func (s *store) SetOverride(_ context.Context, req api.OverrideRequest, _ api.Caller) (api.Override, error) {
	return anOverride(), s.note("override %+v", req)
}

func (s *store) ClearOverride(_ context.Context, id string, _ api.Caller) error {
	return s.note("clear %s", id)
}

func (s *store) Adopt(_ context.Context, req api.AdoptRequest, _ api.Caller) (api.Publication, error) {
	return s.publication(), s.note("adopt %+v", req)
}

func (s *store) Journal(_ context.Context, q api.JournalQuery, _ api.Caller) ([]api.JournalEntry, error) {
	return []api.JournalEntry{
		{At: then.Add(time.Minute), Site: "www.example.org", Epoch: 8, Side: api.Side(site.SideCDN), Share: 1, CDNs: []string{"edge", "big"}, Server: "fra1", Revision: 42, Reason: "down: connection refused"},
		{At: then, Site: "www.example.org", Epoch: 7, Side: api.Side(site.SideOrigin), Server: "ams1", Revision: 41, Override: "o1", Reason: "new disks"},
	}, s.note("journal %q %t %d", q.Site, q.Since.IsZero(), q.Limit)
}

func (s *store) Migrate(_ context.Context, finish bool, _ api.Caller) (api.Migration, error) {
	m := api.Migration{Schema: 3, Known: 4, Pending: []string{"00004_drop_old"}, Servers: serving(42, 42)}
	if finish {
		m.Schema, m.Pending, m.Ran = 4, nil, m.Pending
	}
	return m, s.note("migrate %t", finish)
}

// changing runs a command line against a store.
func changing(t *testing.T, s *store, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return against(t, api.Config{Engine: fake{state: state()}, Store: s, Log: silent{}}, args...)
}

// asking fails unless a command line is good and asks the store what it should.
func asking(t *testing.T, want string, args ...string) (stdout string) {
	t.Helper()
	s := new(store)
	code, out, complaint := changing(t, s, args...)
	if asked := strings.Join(s.asked, "; "); code != 0 || complaint != "" || asked != want {
		t.Errorf("%q: Expected the store to be asked %q, got %d, %q and %q", args, want, code, complaint, asked)
	}
	return out
}

func TestGet(t *testing.T) {
	out := asking(t, `objects "" ""`, "get")
	expect(t, 0, 0, out, `
# revision 42

class web {
	ttl 30s
}

# It stands in front of a site of the Corefile.
site www.example.org class web {
	origin fra
	cdn edge {name}.edge.example.net
}
`)
	asking(t, `objects "class" ""`, "get", "class")
	asking(t, `objects "site" "www.example.org"`, "get", "site", "WWW.example.org")
}

func TestDraft(t *testing.T) {
	out := asking(t, "draft", "draft")
	expect(t, 0, 0, out, "3 changes, made on revision 41\n"+diffText("published"))
	code, out, _ := changing(t, &store{empty: true}, "draft")
	expect(t, code, 0, out, "the draft is empty\n")
}

// diffText is what becomes of the changes, from a state on.
func diffText(from string) string {
	return strings.ReplaceAll(`--- cdn old (FROM)
+++ /dev/null
@@ -1,3 +0,0 @@
-cdn old {
-    operated own
-}
--- /dev/null
+++ cdn bigcdn (draft)
@@ -0,0 +1,3 @@
+cdn bigcdn {
+    operated third-party
+}
--- site www.example.org (FROM)
+++ site www.example.org (draft)
@@ -1,4 +1,4 @@
 site www.example.org class web {
 	origin fra
-	cdn edge {name}.edge.example.net
+	cdn bigcdn www.bigcdn.example
 }
`, "FROM", from)
}

func TestDiff(t *testing.T) {
	code, out, complaint := changing(t, new(store), "diff")
	expect(t, code, 1, out, diffText("42"))
	if complaint != "" {
		t.Errorf("Expected nothing but the output, got %q", complaint)
	}
	for _, c := range []struct{ args, want string }{
		{"diff", "diff published draft"},
		{"diff 41", "diff 41 draft"},
		{"diff 41 published", "diff 41 published"},
		{"diff 0 42", "diff 0 42"},
	} {
		s := &store{empty: true}
		code, out, _ := changing(t, s, strings.Fields(c.args)...)
		expect(t, code, 0, out, "")
		if !slices.Equal(s.asked, []string{c.want}) {
			t.Errorf("%s: Expected the store to be asked %q, got %q", c.args, c.want, s.asked)
		}
	}
}

func TestDraftPut(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.conf"), filepath.Join(dir, "b.conf")
	write(t, a, "class web {\n}\n")
	write(t, b, "größe\r\n")
	out := asking(t, fmt.Sprintf("put {Base:40 Sources:[{Name:%s Text:class web {\n}\n Customer:} {Name:%s Text:größe\r\n Customer:}] Removed:[]}", a, b), "draft", "put", "--base", "40", a, b)
	expect(t, 0, 0, out, "1 change of 3 objects in the draft, which is made on revision 41\n")

	stdin(t, a)
	asking(t, "put {Base:0 Sources:[{Name:- Text:class web {\n}\n Customer:}] Removed:[]}", "draft", "put", "-")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// stdin has the standard input be a file until the test is over.
func stdin(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdin
	os.Stdin = file
	t.Cleanup(func() {
		os.Stdin = old
		file.Close()
	})
}

func TestDraftPutRefusesWhatCannotBeSent(t *testing.T) {
	dir := t.TempDir()
	none, bad, large := filepath.Join(dir, "none"), filepath.Join(dir, "bad"), filepath.Join(dir, "large")
	write(t, bad, "class web {\xff}\n")
	write(t, large, "")
	if err := os.Truncate(large, api.MaxDraft+1); err != nil { // a hole
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		none:  "reading '" + none + "': open " + none + ": no such file or directory",
		bad:   "reading '" + bad + "': it is not UTF-8",
		large: "reading '" + large + "': that is more than the 64 MiB that are possible at once: put it in parts",
	} {
		s := new(store)
		code, _, complaint := changing(t, s, "draft", "put", path)
		if code != 2 || complaint != "cdnctl: "+want+"\n" || s.asked != nil {
			t.Errorf("Expected exit code 2 and %q, got %d, %q and %q", want, code, complaint, s.asked)
		}
	}
}

// TestWhatIsGotCanBePut has the text of every object go out and in again, also
// one that a terminal would not get.
func TestWhatIsGotCanBePut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "all.conf")
	write(t, path, asking(t, `objects "" ""`, "get"))
	s := new(store)
	if code, _, complaint := changing(t, s, "draft", "put", path); code != 0 {
		t.Fatal(complaint)
	}
	for _, text := range []string{"class web {\n\tttl 30s\n}\n", oldSite} {
		if !strings.Contains(s.asked[0], text) {
			t.Errorf("Expected %q, got %q", text, s.asked[0])
		}
	}
}

func TestDraftDeleteAndDrop(t *testing.T) {
	t.Setenv("SUDO_USER", "")
	expect(t, 0, 0, asking(t, "delete site www.example.org", "draft", "delete", "site", "WWW.example.org"), "")
	asking(t, "delete cdn edge", "draft", "delete", "cdn", "edge")
	t.Setenv("SUDO_USER", "alice")
	asking(t, fmt.Sprintf("drop by alice (uid %d)", os.Geteuid()), "draft", "drop")
}

func TestTheOperatorIsWhoCalledSudo(t *testing.T) {
	t.Setenv("SUDO_USER", "alice")
	if got := operator(); got != "alice" {
		t.Errorf("Expected alice, got %q", got)
	}
	t.Setenv("SUDO_USER", "")
	if got := operator(); got == "alice" {
		t.Errorf("Expected the user of this process, got %q", got)
	}
}

func TestPublish(t *testing.T) {
	out := asking(t, "publish {Base:0 Why:new CDN}", "publish", "-m", " new CDN ")
	expect(t, 0, 0, out, "revision 43 is published: 2 changes\n")
	code, out, _ := changing(t, &store{empty: true}, "publish", "-m", "x")
	expect(t, code, 0, out, "revision 43 is published: 1 change\n")
}

func TestPublishConfirm(t *testing.T) {
	out := asking(t, "confirm {Revision:43 Why:}", "publish", "--confirm", "43")
	expect(t, 0, 0, out, "revision 43 is let through\n")
	out = asking(t, "confirm {Revision:43 Why:yes}; await 43 for 10s", "publish", "--confirm", "43", "-m", "yes", "--wait")
	expect(t, 0, 0, out, "revision 43 is let through\nrevision 43 is served by ams1, fra1\n")
}

func TestRollback(t *testing.T) {
	out := asking(t, "history 1; rollback {To:41 Base:43 Why:bad}; await 43 for 10s", "rollback", "41", "-m", "bad", "--wait")
	expect(t, 0, 0, out, "revision 43 is published: 2 changes\nrevision 43 is served by ams1, fra1\n")
}

func TestAdopt(t *testing.T) {
	out := asking(t, "adopt {Site:www.example.org Why:w}; await 43 for 10s", "adopt", "www.example.org.", "-m", "w", "--wait")
	expect(t, 0, 0, out, "revision 43 is published: 2 changes\nrevision 43 is served by ams1, fra1\n")
}

func TestWaitEnds(t *testing.T) {
	held := serving(43, 42)
	held[1].Held, held[1].Why = 43, "12 of 20 sites would go"
	later := serving(44, 43)
	later[0].Refused = 2
	for name, c := range map[string]struct {
		servers []api.ServerState
		code    int
		want    string
	}{
		"all": {serving(43, 44), 0, "revision 43 is served by ams1, fra1\n"},
		"later, with refused objects": {later, 0,
			"revision 43 is served by ams1, fra1\nams1 refuses 2 objects: 'cdnctl refused' says there which\n"},
		"held back": {held, 1,
			"fra1 holds revision 43 back: 12 of 20 sites would go ('cdnctl publish --confirm 43' lets it through)\nrevision 43 is served by ams1\n"},
		"too late":        {serving(43, 42), 1, "fra1 still serves revision 42 after 300ms\nrevision 43 is served by ams1\n"},
		"nobody is there": {serving(43, 43)[2:], 1, "revision 43 is served by no server\n"},
	} {
		s := &store{servers: func() []api.ServerState { return c.servers }}
		code, out, complaint := changing(t, s, "publish", "-m", "x", "--wait", "--timeout", "300ms")
		if want := "revision 43 is published: 2 changes\n" + c.want; code != c.code || out != want || complaint != "" {
			t.Errorf("%s: Expected exit code %d and\n%s\ngot %d, %q and\n%s", name, c.code, want, code, complaint, out)
		}
	}
}

// TestWaitOfACustomer shows how many servers there are, and not which.
func TestWaitOfACustomer(t *testing.T) {
	bob := api.Caller{Name: "bob", Role: site.RoleCustomerAdmin, Customer: "acme"}
	held := serving(43, 42)
	held[1].Held, held[1].Why = 43, "12 of 20 sites would go"
	for name, c := range map[string]struct {
		servers []api.ServerState
		code    int
		want    string
	}{
		"all":             {serving(43, 44), 0, "revision 43 is served by 2 servers\n"},
		"held back":       {held, 1, "revision 43 is served by 1 server, and not by 1, until an operator confirms it\n"},
		"too late":        {serving(42, 42), 1, "revision 43 is served by no server, and not by 2 after 300ms\n"},
		"nobody is there": {serving(43, 43)[2:], 1, "revision 43 is served by no server\n"},
	} {
		s := &customers{store: store{servers: func() []api.ServerState { return c.servers }}, who: bob}
		code, out, complaint := against(t, api.Config{Engine: fake{}, Store: s, Log: silent{}}, "publish", "-m", "x", "--wait", "--timeout", "300ms")
		if want := "revision 43 is published: 2 changes\n" + c.want; code != c.code || out != want || complaint != "" {
			t.Errorf("%s: Expected exit code %d and\n%s\ngot %d, %q and\n%s", name, c.code, want, code, complaint, out)
		}
	}
}

// customers is a store that takes whoever asks for somebody of a customer's: a socket lets
// operators in only.
type customers struct {
	store
	who api.Caller
}

func (c *customers) Await(ctx context.Context, revision int64, d time.Duration, _ api.Caller) (api.Spread, error) {
	return c.store.Await(ctx, revision, d, c.who)
}

// TestWaitAsksAgain where the server does not wait as long at once.
func TestWaitAsksAgain(t *testing.T) {
	s := new(store)
	looks := 0
	s.servers = func() []api.ServerState {
		looks++
		return serving(43, min(43, 41+int64(looks)))
	}
	code, out, _ := changing(t, s, "publish", "-m", "x", "--wait", "--timeout", "10m")
	expect(t, code, 0, out, "revision 43 is published: 2 changes\nrevision 43 is served by ams1, fra1\n")
	if got, want := strings.Join(s.asked[1:], "; "), "await 43 for 1m0s; await 43 for 1m0s"; got != want {
		t.Errorf("Expected to be asked %q, got %q", want, got)
	}
}

// TestWaitLooksAgain has the servers come one after the other.
func TestWaitLooksAgain(t *testing.T) {
	looks := 0
	s := &store{servers: func() []api.ServerState {
		looks++
		if looks == 1 {
			panic("a server that cannot be asked for a moment")
		}
		return serving(43, min(43, 40+int64(looks)))
	}}
	code, out, _ := changing(t, s, "publish", "-m", "x", "--wait")
	expect(t, code, 0, out, "revision 43 is published: 2 changes\nrevision 43 is served by ams1, fra1\n")
	if looks != 3 {
		t.Errorf("Expected three looks, got %d", looks)
	}
}

func TestWaitSaysWhatKeepsItFromLooking(t *testing.T) {
	s := &store{servers: func() []api.ServerState { panic("broken") }}
	code, _, complaint := changing(t, s, "publish", "-m", "x", "--wait", "--timeout", "300ms")
	if code != 3 || complaint != "cdnctl: Internal Server Error: the server's log says more\n" {
		t.Errorf("Expected exit code 3 and the error, got %d and %q", code, complaint)
	}
}

func TestWaitCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &store{servers: func() []api.ServerState {
		cancel()
		return serving(43, 42)
	}}
	path := filepath.Join(t.TempDir(), "s")
	server, err := api.Listen(path, api.Config{Store: s, Log: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var complaint strings.Builder
	code := run(ctx, []string{"--socket", path, "publish", "-m", "x", "--wait", "--timeout", "10m"}, new(strings.Builder), &complaint)
	if code != 3 || complaint.String() != "cdnctl: waiting for revision 43: context canceled\n" {
		t.Errorf("Expected exit code 3, got %d and %q", code, complaint.String())
	}
}

func TestHistory(t *testing.T) {
	out := asking(t, "history 20", "history")
	expect(t, 0, 0, out, `
REVISION  AT                    WHO          CHANGES  HERE       WHY
43        2026-01-02T04:04:05Z  bob (uid 0)  12       held back  clean up
42        2026-01-02T03:04:05Z  alice        1        served     new CDN
41        2026-01-02T03:04:05Z  alice        3        -          first
`)
	asking(t, "history 5", "history", "-n", "5")
}

func TestServers(t *testing.T) {
	servers := serving(42, 41)
	servers[0].Held, servers[0].Why = 43, "12 of 20 sites would go"
	servers[1].Refused = 2
	code, out, _ := changing(t, &store{servers: func() []api.ServerState { return servers }}, "servers")
	expect(t, code, 0, out, `
SERVER  VERSION  SCHEMA  REVISION  HELD BACK  REFUSED  STATE    SEEN        WHY
ams1    v1.2.0   4       42        43         0        decides  300ms ago   12 of 20 sites would go
fra1    v1.1.0   3       41        -          2        follows  1.2s ago
old     v1.0.0   3       7         -          0        gone     1h0m0s ago

fra1, which says this, has the store since 2026-01-02T03:04:05Z
`)
	_, out, _ = changing(t, &store{empty: true}, "servers")
	if want := "\nfra1, which says this, is without the store since 2026-01-02T03:04:05Z, and decides alone: connection refused\n"; !strings.HasSuffix(out, want) {
		t.Errorf("Expected %q, got\n%s", want, out)
	}
}

func TestRefused(t *testing.T) {
	expect(t, 0, 0, asking(t, "refused", "refused"), `
KIND  NAME             REVISION  WHY
cdn   edge             7         Corefile:9 has it, too
site  www.example.org  42        store/site/www.example.org@42:3 - unknown origin 'fra'

SHADOWED       COREFILE
a.example.org  Corefile:12
b.example.org  -
`)
	code, out, _ := changing(t, &store{empty: true}, "refused")
	expect(t, code, 0, out, "KIND  NAME  REVISION  WHY\n")
}

func TestOverrideSet(t *testing.T) {
	out := asking(t, "override {Force:{Scope:class Name:web Action:cdn CDN:edge Share:0} For:2h0m0s Why:new disks Local:false}",
		"override", "set", "class", "web", "cdn", "edge", "--for", "2h", "-m", "new disks")
	expect(t, 0, 0, out, `
override o1: cdn edge for class web until 2026-01-02T05:04:05Z, on 2 sites

ID  SITE           NOTE
o1  -              edge is not ready for www.example.org
o1  b.example.org  not touched: has no cdn 'edge'
`)
	for words, want := range map[string]string{
		"site WWW.example.org. origin": "{Scope:site Name:www.example.org Action:origin CDN: Share:0}",
		"origin fra freeze":            "{Scope:origin Name:fra Action:freeze CDN: Share:0}",
		"cdn edge share 12.5%":         "{Scope:cdn Name:edge Action:share CDN: Share:0.125}",
		"cdn cdn cdn cdn":              "{Scope:cdn Name:cdn Action:cdn CDN:cdn Share:0}",
		"all share 0%":                 "{Scope:all Name: Action:share CDN: Share:0}",
		"all share 100%":               "{Scope:all Name: Action:share CDN: Share:1}",
	} {
		args := append([]string{"override", "set"}, strings.Fields(words)...)
		asking(t, "override {Force:"+want+" For:30m0s Why:w Local:true}", append(args, "--for", "30m", "-m", "w", "--local")...)
	}
}

func TestOverrideList(t *testing.T) {
	expect(t, 0, 0, asking(t, "overrides", "override", "list"), `
ID  SCOPE      ACTION     BY           SINCE                 ENDS IN  WHERE  SITES  WHY
o1  class web  cdn edge   alice        2026-01-02T03:04:05Z  1h40m0s  store  2      new disks
o2  all        share 25%  bob (uid 0)  2026-01-02T03:04:05Z  0s       local  0      load test

ID  SITE           NOTE
o1  -              edge is not ready for www.example.org
o1  b.example.org  not touched: has no cdn 'edge'
`)
	code, out, _ := changing(t, &store{empty: true}, "override", "list")
	expect(t, code, 0, out, "ID  SCOPE  ACTION  BY  SINCE  ENDS IN  WHERE  SITES  WHY\n")
}

func TestOverrideClear(t *testing.T) {
	expect(t, 0, 0, asking(t, "clear o1", "override", "clear", "o1"), "")
}

func TestJournal(t *testing.T) {
	expect(t, 0, 0, asking(t, `journal "" true 100`, "journal"), `
AT                    SITE             EPOCH  SIDE    SHARE  CDN       SERVER  REVISION  REASON
2026-01-02T03:05:05Z  www.example.org  8      cdn     100%   edge,big  fra1    42        down: connection refused
2026-01-02T03:04:05Z  www.example.org  7      origin  0%     -         ams1    41        override o1: new disks
`)
	asking(t, `journal "www.example.org" false 5`, "journal", "WWW.example.org", "--since", "2h", "-n", "5")
}

func TestMigrate(t *testing.T) {
	expect(t, 0, 0, asking(t, "migrate false", "migrate"), `
the store has schema 3, this server knows 4
pending  00004_drop_old

SERVER  VERSION  SCHEMA  STATE
ams1    v1.2.0   4       decides
fra1    v1.1.0   3       follows
old     v1.0.0   3       gone
`)
	out := asking(t, "migrate true", "migrate", "--finish")
	if want := "the store has schema 4, this server knows 4\nran      00004_drop_old\n"; !strings.HasPrefix(out, want) {
		t.Errorf("Expected %q, got\n%s", want, out)
	}
}

// TestListsAsJSONAreTheAPIs reads every list back into the API's type.
func TestListsAsJSONAreTheAPIs(t *testing.T) {
	for args, c := range map[string]struct {
		into any
		code int
	}{
		"draft": {new(api.Draft), 0}, "diff": {new(api.Diff), 1}, "history": {new(api.History), 0},
		"servers": {new(api.Servers), 0}, "refused": {new(api.Refusals), 0}, "override list": {new([]api.Override), 0},
		"journal": {new([]api.JournalEntry), 0}, "migrate": {new(api.Migration), 0},
	} {
		code, out, _ := changing(t, new(store), append(strings.Fields(args), "-o", "json")...)
		decoder := json.NewDecoder(strings.NewReader(out))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(c.into); err != nil || code != c.code {
			t.Errorf("%s: Expected JSON and exit code %d, got %d, %v: %s", args, c.code, code, err, out)
		}
		var back strings.Builder
		if err := writeJSON(&back, c.into); err != nil || back.String() != out {
			t.Errorf("%s: Expected the same back, got %v, %s", args, err, back.String())
		}
	}
}

// commands are those that ask the store, each with good arguments.
var commands = []string{
	"get", "get -o yaml", "export", "site", "class delete a -m x", "draft", "draft delete site a", "draft drop", "diff", "publish -m x", "publish --confirm 43", "rollback 41 -m x", "history", "servers", "refused",
	"override set all freeze --for 1h -m x", "override list", "override clear o1", "adopt a -m x", "journal", "migrate",
}

func TestWithoutAStoreEveryCommandSaysSo(t *testing.T) {
	want := "cdnctl: Conflict: this server has no store: write 'store sqlite FILE' or 'store postgres DSN' in the Corefile\n"
	for _, args := range commands {
		if code, out, complaint := cdnctl(t, fake{}, strings.Fields(args)...); code != 3 || out != "" || complaint != want {
			t.Errorf("%s: Expected exit code 3 and %q, got %d, %q and %q", args, want, code, complaint, out)
		}
	}
}

func TestErrorsOfTheStoreAreShown(t *testing.T) {
	for _, args := range commands {
		s := &store{err: fmt.Errorf("doing 'x\x1b': %w", api.ErrUnavailable)}
		code, out, complaint := changing(t, s, strings.Fields(args)...)
		if want := "cdnctl: Service Unavailable: doing 'x\\x1b': the store is away\n"; code != 3 || out != "" || complaint != want {
			t.Errorf("%s: Expected exit code 3 and %q, got %d, %q and %q", args, want, code, complaint, out)
		}
	}
}

func TestFaultsAreShownOneByOne(t *testing.T) {
	s := &store{err: fmt.Errorf("putting '-': %w", api.Faults{fmt.Errorf("-:1: bad"), fmt.Errorf("-:9: worse\n\x1b")})}
	stdin(t, os.DevNull)
	code, _, complaint := changing(t, s, "draft", "put", "-")
	if want := "cdnctl: Bad Request: putting '-': several things are wrong\n  -:1: bad\n  -:9: worse\\n\\x1b\n"; code != 3 || complaint != want {
		t.Errorf("Expected exit code 3 and %q, got %d and %q", want, code, complaint)
	}
}

func TestCommandLinesThatAreWrong(t *testing.T) {
	long := strings.Repeat("x", 1001)
	for _, c := range []struct{ args, want string }{
		{"get zone", "unknown kind 'zone': write class, origin, cdn or site"},
		{"get site a b", "at most 2 arg"},
		{"get -o xml", "unknown output 'xml': write text or table or json or yaml"},
		{"states -o text", "unknown output 'text': write table or json or yaml"},
		{"export a b", "at most 1 arg"},
		{"export /dev/null", "not a directory"},
		{"check", "at least 1 arg"},
		{"site a b", "at most 1 arg"},
		{"site delete", "1 arg"},
		{"site delete a", "say why with -m TEXT"},
		{"draft x", `unknown command "x"`},
		{"draft put", "at least 1 arg"},
		{"draft put --base -1 -", "--base -1 is no revision"},
		{"draft delete site", "2 arg"},
		{"draft delete zone x", "unknown kind 'zone'"},
		{"draft drop x", "1 argument too many: 'x'"},
		{"whoami extra", "1 argument too many: 'extra'"},
		{"states a b", "2 arguments too many: 'a'"},
		{"diff x", "'x' is no revision: write its number, 'published' or 'draft'"},
		{"diff 1 2 3", "at most 2 arg"},
		{"publish", "say why with -m TEXT"},
		{"publish -m " + long, "the text of -m has 1001 octets, and 1000 at most are possible"},
		{"publish -m x --wait --timeout 0s", "--timeout 0s is not a time above 0: write such as 10s"},
		{"publish --confirm 0", "--confirm 0 is no revision"},
		{"publish --confirm 4 --timeout -1s", "--timeout -1s is not a time above 0"},
		{"rollback", "1 arg"},
		{"rollback x -m y", "'x' is no revision: write its number"},
		{"rollback 4", "say why with -m TEXT"},
		{"history -n 0", "-n 0 is no number from 1 on"},
		{"adopt a", "say why with -m TEXT"},
		{"journal --since 0s", "--since 0s is not a time above 0: write such as 30m or 2h"},
		{"journal --since tomorrow", "tomorrow"},
		{"journal -n -1", "-n -1 is no number from 1 on"},
		{"journal a b", "at most 1 arg"},
		{"override set all", "at least 2 arg"},
		{"override set zone x origin", "unknown scope 'zone': write site, class, origin, cdn or all"},
		{"override set site x", "'site' wants a name, and an action behind it"},
		{"override set site x up", "unknown action 'up': write origin, cdn NAME, share P% or freeze"},
		{"override set all cdn", "'cdn' wants a word behind it"},
		{"override set all freeze now", "'now' is too much: the action is 'freeze'"},
		{"override set all cdn a b", "'b' is too much: the action is 'cdn a'"},
		{"override set all share 5", "'5' is no share: write 0% to 100%"},
		{"override set all share 101%", "'101%' is no share"},
		{"override set all share NaN%", "'NaN%' is no share"},
		{"override set all share %", "'%' is no share"},
		{"override set all freeze -m x", "say for how long with --for TIME, such as --for 2h"},
		{"override set all freeze -m x --for -2h", "--for -2h0m0s is not a time above 0"},
		{"override set all freeze --for 2h", "say why with -m TEXT"},
		{"override clear", "1 arg"},
	} {
		s := new(store)
		code, _, complaint := changing(t, s, strings.Fields(c.args)...)
		if code != 2 || !strings.Contains(complaint, c.want) || s.asked != nil {
			t.Errorf("%s: Expected exit code 2 and %q, got %d, %q and %q", c.args, c.want, code, complaint, s.asked)
		}
	}
}

// evil is a configuration whose every text moves a cursor.
type evil struct {
	store
	text string
}

func (e *evil) Draft(context.Context, api.Caller) (api.Draft, error) {
	return api.Draft{Changes: []api.Change{{Kind: site.ObjectKind(e.text), Name: e.text, Before: e.text, After: "x"}}}, nil
}

func (e *evil) Publish(context.Context, api.PublishRequest, api.Caller) (api.Publication, error) {
	return api.Publication{}, nil
}

func (e *evil) History(context.Context, int, api.Caller) (api.History, error) {
	return api.History{Revisions: []api.Revision{{By: e.text, Why: e.text}}}, nil
}

func (e *evil) Servers(context.Context) (api.Servers, error) {
	return api.Servers{Here: api.Here{Name: e.text, Why: e.text}, Servers: []api.ServerState{{Name: e.text, Version: e.text, Why: e.text, State: api.ServerRole(e.text)}}}, nil
}

func (e *evil) Await(context.Context, int64, time.Duration, api.Caller) (api.Spread, error) {
	return api.Spread{Serving: 1, Settled: true, ServedBy: []string{e.text}, Refusing: []api.Refusing{{Server: e.text, Objects: 1}}}, nil
}

func (e *evil) Refused(context.Context) (api.Refusals, error) {
	return api.Refusals{Refused: []api.Refused{{Name: e.text, Why: e.text}}, Shadowed: []api.Shadowed{{Site: e.text, Place: e.text}}}, nil
}

func (e *evil) Overrides(context.Context) ([]api.Override, error) {
	return []api.Override{{ID: e.text, Force: api.Force{Scope: site.OverrideScope(e.text), Name: e.text, Action: site.OverrideCDN, CDN: e.text}, By: e.text, Why: e.text,
		Warnings: []string{e.text}, Untouched: []api.Untouched{{Site: e.text, Why: e.text}}}}, nil
}

func (e *evil) Journal(context.Context, api.JournalQuery, api.Caller) ([]api.JournalEntry, error) {
	return []api.JournalEntry{{Site: e.text, CDNs: []string{e.text}, Server: e.text, Override: e.text, Reason: e.text}}, nil
}

func (e *evil) Migrate(context.Context, bool, api.Caller) (api.Migration, error) {
	return api.Migration{Pending: []string{e.text}, Ran: []string{e.text}, Servers: []api.ServerState{{Name: e.text, Version: e.text}}}, nil
}

func TestNothingOfTheStoreReachesTheTerminalThatMovesItsCursor(t *testing.T) {
	hidden := regexp.MustCompile("[\x1b\u009b\u202e\U000e0001\x7f]")
	for _, args := range []string{"draft", "publish -m x --wait", "history", "servers", "refused", "override list", "journal", "migrate"} {
		e := &evil{text: "a\x1b[2J\u009b\u202e\U000e0001\x7f"}
		_, out, _ := against(t, api.Config{Engine: fake{}, Store: e, Log: silent{}}, strings.Fields(args)...)
		if hidden.MatchString(out) || !strings.Contains(out, `a\x1b[2J`) {
			t.Errorf("%s: Expected the text in a readable form, got %q", args, out)
		}
	}
}
