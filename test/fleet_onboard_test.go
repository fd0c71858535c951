//go:build linux

package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/test/pg"
)

// contractor sets up sites for two CDNs: of the one he is the webhook, of the other the
// command asks him. He has a server killed when he has come to a moment, such as "apply
// comes" or "create done", and remembers what was asked that should not have been.
type contractor struct {
	*httptest.Server

	mu       sync.Mutex
	moment   string // empty: nobody is killed
	kill     func()
	there    map[string]bool   // what is set up, such as "edge keep1.example.org"
	removed  map[string]bool   // what was taken away, such as "edge ONBOARDING"
	contents map[string]string // by key
	wrong    []string
	calls    int
}

func newContractor(t *testing.T) *contractor {
	p := &contractor{there: make(map[string]bool), removed: make(map[string]bool), contents: make(map[string]string)}
	p.Server = httptest.NewServer(http.HandlerFunc(p.answer))
	t.Cleanup(p.Close)
	return p
}

// answer takes POST /webhook with a call in its body, and POST /command/ACTION/SITE with
// a tar.
func (p *contractor) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	words := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	ask := struct{ Action, Site string }{}
	cdn := "edge"
	if words[0] == "webhook" {
		cdn, err = "hooked", json.Unmarshal(body, &ask)
	} else {
		ask.Action, ask.Site = words[1], words[2]
	}
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wrong = append(p.wrong, err.Error())
		return
	}
	p.come(ask.Action + " comes")
	if cdn == "hooked" && ask.Action == "create" && strings.HasPrefix(ask.Site, "refused") {
		w.WriteHeader(http.StatusForbidden)
	} else {
		p.do(cdn, ask.Action, ask.Site, r.Header.Get("Idempotency-Key"), string(body))
	}
	p.come(ask.Action + " done")
}

// come kills the server if this is the moment.
func (p *contractor) come(moment string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.moment == moment {
		p.moment = ""
		p.kill()
	}
}

// do does what is asked, and looks at whether it may be.
func (p *contractor) do(cdn, action, name, key, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if action == "check" || action == "verify" {
		return
	}
	if before, known := p.contents[key]; key == "" || known && before != body {
		p.wrong = append(p.wrong, fmt.Sprintf("%s of %s: the key %q has another content", action, name, key))
	}
	p.contents[key] = body
	onboarding, _, _ := strings.Cut(key, "/")
	of := cdn + " " + onboarding
	if p.there[cdn+" "+name] = action == "apply" || action == "create"; !p.there[cdn+" "+name] {
		delete(p.there, cdn+" "+name)
		p.removed[of] = true
	} else if p.removed[of] {
		p.wrong = append(p.wrong, fmt.Sprintf("%s of %s after it was taken away", action, name))
	}
}

// wait has him kill a server at a moment.
func (p *contractor) wait(moment string, kill func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moment, p.kill = moment, kill
}

// came reports whether the moment has come.
func (p *contractor) came() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.moment == ""
}

// expect wants this to be set up, and nothing to have been asked that should not.
func (p *contractor) expect(t *testing.T, what ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var there []string
	for name := range p.there {
		there = append(there, name)
	}
	slices.Sort(there)
	if !slices.Equal(there, what) {
		t.Errorf("Expected %v to be set up, got %v", what, there)
	}
	if p.wrong != nil {
		t.Errorf("Expected no other calls, got %q", p.wrong)
	}
}

// sharedOnboarding is fleetBlock with two CDNs of a contractor.
var sharedOnboarding = strings.Replace(fleetBlock, "        ns ns1.example.net\n", `        ns ns1.example.net
        class shared {
            origin 127.0.0.1
            cdn edge {label}.edge.example.net
            cdn hooked {label}.cdn.example.net
            ready none
            probe http http://{origin}:$origin/ every 1s timeout 800ms
            threshold response_time 300ms
            ttl 1s
        }
        cdn edge {
            operated own
            deploy nginx $command $partner
        }
        cdn hooked {
            operated own
            webhook $partner/webhook
        }
`, 1)

// moments at which a server dies that runs onboardings.
func moments() []string {
	if os.Getenv("CDNREDIRECT_TORTURE") != "" {
		return []string{
			"check comes", "check done", "apply comes", "apply done", "create comes", "create done", "verify comes", "verify done",
			"undo comes", "undo done", "remove comes", "remove done",
		}
	}
	return []string{"apply done", "create comes", "remove done"}
}

// TestAnotherServerEndsOnboardings kills the server that runs them with kill -9 at many moments.
// The other one of two goes on: sites come to be there, or nothing of them is, and whoever sets
// them up is never asked what he should not be.
func TestAnotherServerEndsOnboardings(t *testing.T) {
	t.Parallel()
	need(t, "curl", "curl")
	db := pg.Start(t)
	dsn, err := db.Database()
	if err != nil {
		t.Fatal(err)
	}
	p := newContractor(t)
	f := &fleet{web: startOrigin(t), dsn: dsn}
	command := write(t, folder(t), "command", `#!/bin/sh
exec curl -s --fail --data-binary @- -H "Idempotency-Key: $CDNREDIRECT_KEY" "$1/command/$2/$CDNREDIRECT_SITE" || exit 75
`)
	if err := os.Chmod(command, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		vars := withSocket(t, map[string]string{
			"name": fmt.Sprintf("s%d", i+1), "state": filepath.Join(folder(t), "state"), "dsn": dsn,
			"origin": f.web.port, "command": command, "partner": p.URL,
		})
		f.specs = append(f.specs, spec{corefile: sharedOnboarding, vars: vars})
		f.servers = append(f.servers, f.specs[i].start(t))
	}
	gone := ""
	for i, moment := range moments() {
		gone = f.handOver(t, p, moment, i, gone)
	}
	t.Logf("%d calls", p.calls)
}

// handOver has a site come, one be refused, and the one that came before go, while the
// server that runs that dies. It returns the site that came.
func (f *fleet) handOver(t *testing.T, p *contractor, moment string, i int, before string) (keep string) {
	t.Helper()
	decider := f.decider(t)
	other := f.servers[1-decider]
	p.wait(moment, f.servers[decider].kill)
	keep = fmt.Sprintf("keep%d.example.org", i)
	refused := fmt.Sprintf("refused%d.example.org", i)
	want := map[string]string{f.onboard(t, other, keep): "done", f.onboard(t, other, refused): "undone"}
	if before != "" {
		want[f.begun(t, other, "offboard", before, "-m", "a test", "-o", "json")] = "done"
	} else if strings.HasPrefix(moment, "remove") {
		t.Fatal("Expected a site that goes")
	}
	awaitTrue(t, "the moment when "+moment, p.came)
	f.gone(decider)
	for id, state := range want {
		await(t, patience, state, func() string { return shownBy(t, other, id).State })
	}
	p.expect(t, "edge "+keep, "hooked "+keep)
	f.servers[decider] = f.specs[decider].start(t)
	answer := func(name string) func() string {
		return func() string { return f.alike(func(s *server) string { return s.udp().ask(name+".", typeA) }) }
	}
	await(t, patience, atOrigin, answer(keep))
	for _, name := range []string{refused, before} {
		if name != "" {
			await(t, patience, "REFUSED", answer(name))
		}
	}
	f.expectOnce(t, other, want)
	return keep
}

// shownOnboarding is what is looked at of one.
type shownOnboarding struct{ ID, State, Failure string }

func (f *fleet) onboard(t *testing.T, s *server, name string) (id string) {
	t.Helper()
	file := write(t, folder(t), "site.conf", "site "+name+" class shared {\n}\n")
	return f.begun(t, s, "onboard", file, "-m", "a test", "-o", "json")
}

// begun begins an onboarding, and returns its ID.
func (f *fleet) begun(t *testing.T, s *server, args ...string) (id string) {
	t.Helper()
	var o shownOnboarding
	if got := s.ctl(t, args...); json.Unmarshal([]byte(got.stdout), &o) != nil {
		t.Fatalf("Expected an onboarding, got %+v", got)
	}
	return o.ID
}

func shownBy(t *testing.T, s *server, id string) (o shownOnboarding) {
	t.Helper()
	time.Sleep(seldom)
	if got := s.ctl(t, "onboard", "show", id, "-o", "json"); json.Unmarshal([]byte(got.stdout), &o) != nil {
		t.Fatalf("Expected an onboarding, got %+v", got)
	}
	return o
}

// expectOnce wants each of these to have published once, or never if it was undone.
func (f *fleet) expectOnce(t *testing.T, s *server, states map[string]string) {
	t.Helper()
	var all struct{ Revisions []api.Revision }
	if got := s.ctl(t, "history", "-o", "json"); json.Unmarshal([]byte(got.stdout), &all) != nil {
		t.Fatalf("Expected revisions, got %+v", got)
	}
	for id, state := range states {
		n := 0
		for _, r := range all.Revisions {
			if strings.Contains(r.Why, id) {
				n++
			}
		}
		if want := map[string]int{"done": 1, "undone": 0}[state]; n != want {
			t.Errorf("Expected %d revisions of onboarding %s, which is %s, got %d", want, id, state, n)
		}
	}
}
