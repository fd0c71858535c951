//go:build linux

package test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// promisedForced is the promised time from an override to the answer.
const promisedForced = time.Second

// force sets an override, and returns its ID.
func (s *server) force(t *testing.T, args ...string) string {
	t.Helper()
	got := s.as(t, "alice", append(append([]string{"override", "set"}, args...), "-m", "as tested")...)
	got.expect(t, 0)
	id, _, _ := strings.Cut(strings.TrimPrefix(got.stdout, "override "), ":")
	return id
}

// release ends an override.
func (s *server) release(t *testing.T, id string) {
	t.Helper()
	s.ctl(t, "override", "clear", id).expect(t, 0)
}

// TestOverridesOfEveryScope has each send the site to its CDN, and then a narrower
// one bring it back.
func TestOverridesOfEveryScope(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	conf := stored([]string{site, "origin home"})
	conf = strings.Replace(conf, "        class tested", "        origin home {\n            address 127.0.0.1\n        }\n        class tested", 1)
	conf = strings.Replace(conf, "            origin 127.0.0.1\n", "", 1)
	s := spec{corefile: conf, vars: withStore(t, at(web))}.start(t)
	await(t, patience, atOrigin, s.answer)
	scopes := []string{"all", "cdn example", "origin home", "class tested", "site www.example.org"}
	var ids []string
	want := atOrigin
	for i, scope := range scopes {
		action, answer := "cdn example", atCDN
		if i%2 == 1 {
			action, answer = "origin", atOrigin
		}
		ids = append(ids, s.force(t, append(strings.Fields(scope+" "+action), "--for", "1h")...))
		await(t, promisedForced, answer, s.answer)
		want = answer
	}
	s.force(t, "all", "origin", "--for", "1h") // wider, though later
	s.ctl(t, "states").expect(t, 0, "override "+ids[4], "measured: origin")
	await(t, 0, want, s.answer)
	for i := len(ids) - 1; i > 0; i-- {
		s.release(t, ids[i])
		want := map[int]string{4: atOrigin, 3: atCDN, 2: atOrigin, 1: atOrigin}[i] // of all sites the latest counts
		await(t, promisedForced, want, s.answer)
	}
	s.ctl(t, "override", "list").expect(t, 0, "as tested", "alice (uid 0)", "store")
}

// TestOverridesOfEveryAction on a site whose origin is well.
func TestOverridesOfEveryAction(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := startStored(t, web)
	id := s.force(t, "all", "freeze", "--for", "1h")
	web.kill("127.0.0.1")
	awaitTrue(t, "the origin to be measured as down", func() bool { return strings.Contains(s.ctl(t, "states").stdout, "measured: cdn") })
	await(t, 0, atOrigin, s.answer)
	s.release(t, id)
	await(t, promisedForced, atCDN, s.answer)
	id = s.force(t, "all", "share", "0%", "--for", "1h")
	await(t, promisedForced, atOrigin, s.answer)
	s.release(t, id)
	await(t, promisedForced, atCDN, s.answer)
	s.ctl(t, "override", "set", "all", "share", "101%", "--for", "1h", "-m", "x").expect(t, 2, "101%")
	s.ctl(t, "override", "set", "all", "origin", "-m", "x").expect(t, 2, "--for")
	s.ctl(t, "override", "clear", "nonsense").expect(t, 3, "nonsense")
}

// TestAnOverrideNeedsACDNOfTheSite and leaves a site alone that has another one.
func TestAnOverrideNeedsACDNOfTheSite(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	got := s.as(t, "alice", "override", "set", "all", "cdn", "none", "--for", "1h", "-m", "x")
	if got.code == 0 && !strings.Contains(got.stdout, "not touched") {
		t.Errorf("Expected the site to be named that has no such CDN, got %+v", got)
	}
	await(t, 0, atOrigin, s.answer)
}

// TestAnOverrideToACDNThatIsNotReady works, with a word in the log and to who set it.
func TestAnOverrideToACDNThatIsNotReady(t *testing.T) {
	t.Parallel()
	vars := withStore(t, at(startOrigin(t)))
	vars["resolver"] = serveZone(t, "cdn.example.net", "www-example-org A 127.0.0.2").vars["dns"]
	conf := strings.Replace(stored([]string{site}), "ready none", "ready tls {target}:9 every 1s", 1)
	conf = strings.Replace(conf, "server one", "server one\n        resolver 127.0.0.1:$resolver", 1)
	s := spec{corefile: conf, vars: vars}.start(t)
	await(t, patience, atOrigin, s.answer)
	awaitTrue(t, "a CDN that is not ready", func() bool { return strings.Contains(s.ctl(t, "explain", site).stdout, "not ready: ") })
	s.as(t, "alice", "override", "set", "all", "cdn", "example", "--for", "1h", "-m", "x").expect(t, 0, "not ready")
	await(t, promisedForced, atCDN, s.answer)
	awaitTrue(t, "a word in the log", func() bool { return s.output.count("which is not ready") == 1 })
}

// TestAnOverrideIsNeverAPartOfASwitch has a site that must be answered alike for
// all.
func TestAnOverrideIsNeverAPartOfASwitch(t *testing.T) {
	t.Parallel()
	s := spec{corefile: stored([]string{site, "answer switch"}), vars: withStore(t, at(startOrigin(t)))}.start(t)
	await(t, patience, atOrigin, s.answer)
	got := s.as(t, "alice", "override", "set", "all", "share", "50%", "--for", "1h", "-m", "x")
	t.Logf("%+v", got)
	for i := range 100 {
		if got := s.answer(); got != atOrigin {
			t.Fatalf("Answer %d: Expected %q, got %q", i, atOrigin, got)
		}
	}
	if states := s.ctl(t, "states").stdout; strings.Contains(states, "50%") {
		t.Errorf("Expected no part, got\n%s", states)
	}
}

// TestAnOverrideEnds by itself, and that is said before.
func TestAnOverrideEnds(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	s.force(t, "all", "cdn", "example", "--for", "4s")
	await(t, promisedForced, atCDN, s.answer)
	awaitTrue(t, "a word before the end", func() bool { return s.output.count("of all sites ends in ") == 1 })
	await(t, 5*time.Second, atOrigin, s.answer)
	awaitTrue(t, "a word at the end", func() bool { return s.output.count("of all sites has ended") == 1 })
	if left := s.overrides(t); len(left) > 0 {
		t.Errorf("Expected none left, got %v", left)
	}
}

// TestALocalOverrideNeedsNoStore and goes before those of the store, until the store
// is back and gets it.
func TestALocalOverrideNeedsNoStore(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	s.force(t, "site", "www.example.org", "origin", "--for", "1h")
	s.kill()
	back := s.hideStore(t)
	if err := os.WriteFile(s.vars["store"], []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.onceMore(t)
	await(t, patience, atOrigin, s.answer)
	s.ctl(t, "override", "set", "all", "cdn", "example", "--for", "1h", "-m", "x").expect(t, 3)
	s.force(t, "all", "cdn", "example", "--for", "1h", "--local")
	await(t, promisedForced, atCDN, s.answer)
	local := func() string { return fmt.Sprint(s.total(t, ownSeries+"overrides", "where", "local")) }
	await(t, promisedForced, "1", local)

	s.again(t)
	await(t, patience, atCDN, s.answer)
	await(t, promisedForced, "1", local)
	back()
	await(t, patience, "0", local) // and the site's own is narrower
	await(t, promisedForced, atOrigin, s.answer)
	for _, o := range s.overrides(t) {
		if o.Local {
			t.Errorf("Expected the store to have %v", o)
		}
	}
}

// TestTheJournalSaysWhatWasDecidedAndWhy.
func TestTheJournalSaysWhatWasDecidedAndWhy(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := startStored(t, web)
	s.publish(t, aSite("new"))
	await(t, patience, atOrigin, s.of("new"))
	web.slow(tooSlow)
	await(t, promisedSlow, atCDN, s.of("new"))
	id := s.force(t, "site", "new.example.org", "origin", "--for", "1h")
	await(t, promisedForced, atOrigin, s.of("new"))
	awaitTrue(t, "the decisions in the journal", func() bool {
		return strings.Contains(s.ctl(t, "journal", "new.example.org").stdout, id)
	})
	s.ctl(t, "journal", "new.example.org").expect(t, 0, "response_time", "of the limit 300ms", "age ", "one", "EPOCH", "cdn", "100%", "example", "  1  ")
}

// TestTheJournalHasWhatAChangeDecides: a publication, and a reload, each of which sends
// visitors elsewhere by itself.
func TestTheJournalHasWhatAChangeDecides(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	const waits = "divert none"
	s := spec{corefile: stored([]string{site, waits}), vars: withStore(t, at(web))}.start(t)
	await(t, patience, atOrigin, s.answer)
	s.publish(t, aSite("new", waits))
	web.slow(tooSlow)
	newest := func(name string) func() string {
		return func() string {
			_, rows, _ := strings.Cut(s.ctl(t, "journal", name).stdout, "\n")
			fields := append(strings.Fields(rows), "", "", "", "", "")
			return fields[3] + " " + fields[4] // side and share
		}
	}
	for _, name := range []string{site, "new.example.org."} {
		await(t, promisedSlow, "cdn 0%", newest(name))
	}
	s.publish(t, aSite("new"))
	await(t, promisedPublished, atCDN, s.of("new"))
	await(t, patience, "cdn 100%", newest("new.example.org."))
	s.configure(t, stored([]string{site}))
	s.reload(t)
	await(t, patience, atCDN, s.answer)
	await(t, patience, "cdn 100%", newest(site))
	if told := s.output.count(`(would be cdn example) -> cdn example`); told != 2 {
		t.Errorf("Expected the log to tell of both, got %d:\n%s", told, s.output.String())
	}
}

// TestTheJournalIsTrimmed to the number of rows of the Corefile.
func TestTheJournalIsTrimmed(t *testing.T) {
	t.Parallel()
	conf := strings.Replace(stored([]string{site}, []string{"two.example.org"}, []string{"three.example.org"}), "server one", "server one\n        journal rows 1", 1)
	s := spec{corefile: conf, vars: withStore(t, at(startOrigin(t)))}.start(t)
	await(t, patience, atOrigin, s.answer)
	rows := func() string { return fmt.Sprint(strings.Count(s.ctl(t, "journal").stdout, "example.org")) }
	awaitTrue(t, "decisions in the journal", func() bool { return rows() != "0" })
	s.again(t) // which trims
	await(t, patience, "1", rows)
}

// TestTheJournalIsTrimmedByAge, which rows have that were written long ago.
func TestTheJournalIsTrimmedByAge(t *testing.T) {
	t.Parallel()
	conf := strings.Replace(stored([]string{site}, []string{"two.example.org"}), "server one", "server one\n        journal keep 1h", 1)
	s := spec{corefile: conf, vars: withStore(t, at(startOrigin(t)))}.start(t)
	rows := func(name string) int { return strings.Count(s.ctl(t, "journal", name).stdout, name) }
	awaitTrue(t, "decisions in the journal", func() bool { return rows("www.example.org") > 0 && rows("two.example.org") > 0 })
	s.kept(t, "decisions", "www.example.org") // else they are decided anew, and are not old
	s.kept(t, "decisions", "two.example.org")
	s.kill()
	s.inStore(t, "UPDATE journal SET at = at - 1800000000") // half an hour
	s.inStore(t, "UPDATE journal SET at = at - 3600000000 WHERE site = 'two.example.org'")
	s.onceMore(t) // which trims
	awaitTrue(t, "the old decisions to be gone", func() bool { return rows("two.example.org") == 0 })
	if rows("www.example.org") == 0 {
		t.Error("Expected the decision to be left that is not old enough")
	}
}

// inStore changes the store of a server that has ended.
func (s *server) inStore(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", s.vars["store"])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// TestAnOverrideOfAPartOfTheClients has the same ones diverted all the time, and more of
// them when it is raised.
func TestAnOverrideOfAPartOfTheClients(t *testing.T) {
	t.Parallel()
	conf := strings.Replace(stored([]string{site, "answer cname own.example.net"}), "server one", "server one\n        ecs 127.0.0.1\n        seed tested", 1)
	s := spec{corefile: conf, vars: withStore(t, at(startOrigin(t)))}.start(t)
	await(t, patience, "CNAME own.example.net.", s.answer)
	diverted := func() []bool {
		return s.sides(t, site, typeA, networks/4, []byte("\x0fwww-example-org\x03cdn"), []byte("\x03own\x07example"))
	}
	var before []bool
	for _, want := range []float64{20, 60} {
		id := s.force(t, "site", "www.example.org", "share", fmt.Sprintf("%g%%", want), "--for", "1h")
		awaitTrue(t, "the override in force", func() bool { return strings.Contains(s.ctl(t, "states").stdout, "override "+id) })
		now := diverted()
		expectShare(t, now, want)
		for i := range before {
			if before[i] && !now[i] {
				t.Fatalf("Expected client %d to stay at the CDN when more are sent there", i)
			}
		}
		before = now
		s.ctl(t, "states").expect(t, 0, fmt.Sprintf("%g%%", want), "measured: origin")
	}
	for _, o := range s.overrides(t) {
		s.release(t, o.ID)
	}
	await(t, promisedForced, "CNAME own.example.net.", s.answer)
	expectShare(t, diverted(), 0)
}
