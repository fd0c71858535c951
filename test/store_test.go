//go:build linux

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// promisedPublished is the promised time from a publication to the answer.
const promisedPublished = time.Second

// stored is a server block with the sites, a store and a folder for the state.
func stored(sites ...[]string) string {
	return block(metrics, ready, siteBlock([]string{"socket $socket", "state $state", "store sqlite $store", "server one"}, sites...))
}

// withStore gives a Corefile a socket, a store and a folder.
func withStore(t *testing.T, vars map[string]string) map[string]string {
	t.Helper()
	dir := folder(t)
	vars["state"], vars["store"] = filepath.Join(dir, "state"), filepath.Join(dir, "store.db")
	return withSocket(t, vars)
}

// startStored starts a server on a web server with a store and one site of the
// Corefile.
func startStored(t *testing.T, web *origin) *server {
	t.Helper()
	s := spec{corefile: stored([]string{site}), vars: withStore(t, at(web))}.start(t)
	await(t, patience, atOrigin, s.answer)
	return s
}

// of asks for the address of a site of example.org.
func (s *server) of(name string) func() string {
	return func() string { return s.udp().ask(name+".example.org.", typeA) }
}

// aSite is the text of a site of the class that ours has.
func aSite(name string, lines ...string) string {
	return fmt.Sprintf("site %s.example.org class tested {\n    %s\n}\n", name, strings.Join(lines, "\n    "))
}

// as runs cdnctl for an operator.
func (s *server) as(t *testing.T, operator string, args ...string) outcome {
	t.Helper()
	cmd := exec.Command(theCtl.built(t), append(args, "--socket", s.vars["socket"])...)
	cmd.Env = append(os.Environ(), "SUDO_USER="+operator)
	return outcomeOf(t, cmd)
}

// put puts a text into the draft of an operator.
func (s *server) put(t *testing.T, operator, text string, args ...string) outcome {
	t.Helper()
	return s.as(t, operator, append([]string{"draft", "put", write(t, folder(t), "draft.conf", text)}, args...)...)
}

// publish publishes a text.
func (s *server) publish(t *testing.T, text string) {
	t.Helper()
	s.put(t, "alice", text).expect(t, 0)
	s.as(t, "alice", "publish", "-m", "as tested").expect(t, 0)
}

// remove publishes that sites are gone.
func (s *server) remove(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		s.as(t, "alice", "draft", "delete", "site", name+".example.org").expect(t, 0)
	}
	s.as(t, "alice", "publish", "-m", "gone").expect(t, 0)
}

// again kills the server and starts it anew.
func (s *server) again(t *testing.T) {
	t.Helper()
	s.kill()
	s.onceMore(t)
}

// onceMore starts a server that has ended.
func (s *server) onceMore(t *testing.T) {
	t.Helper()
	s.process = launch(t, exec.Command(binary(t), "-conf", s.conf))
	awaitTrue(t, "CoreDNS to start or to give up", func() bool { return s.over() || s.output.count(started) > 0 })
	if s.over() {
		t.Fatalf("Expected CoreDNS to start again, got:\n%s", s.output.String())
	}
}

// gone is the answer for a name of the zone that is no site.
func (s *server) gone() string { return s.of("nobody")() }

func TestAPublishedSiteIsAnswered(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t, "127.0.0.1", "127.0.0.2"))
	gone := s.gone()
	s.publish(t, aSite("new")+aSite("stays"))
	t.Logf("added after %s", await(t, promisedPublished, atOrigin, s.of("new")))
	s.publish(t, aSite("new", "origin 127.0.0.2"))
	t.Logf("changed after %s", await(t, promisedPublished, "A 127.0.0.2", s.of("new")))
	s.remove(t, "new")
	await(t, promisedPublished, gone, s.of("new"))

	s.as(t, "bob", "rollback", "1", "-m", "it was better").expect(t, 0)
	await(t, promisedPublished, atOrigin, s.of("new"))
	s.ctl(t, "history").expect(t, 0, "alice (uid 0)", "as tested", "bob (uid 0)", "it was better", "gone")
	s.ctl(t, "diff", "1", "2").expect(t, 1, "+    origin 127.0.0.2")
	s.ctl(t, "diff", "1", "4").expect(t, 0)
	s.ctl(t, "get", "site", "new.example.org").expect(t, 0, "site new.example.org class tested {")
	s.ctl(t, "servers").expect(t, 0, "one", "decides")
	await(t, patience, "4", func() string { return fmt.Sprint(s.total(t, ownSeries+"revision")) })
	if got := s.answer(); got != atOrigin {
		t.Errorf("Expected the site of the Corefile as it was, got %q", got)
	}
}

// TestPublishWaitsForTheServers, which serve it by then.
// TestADraftHoldsWhatDiffers puts into it what is published already, with one site
// more, and takes that back.
func TestADraftHoldsWhatDiffers(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	s.publish(t, aSite("first"))
	s.put(t, "alice", aSite("first")+aSite("second")).expect(t, 0, "1 change of 2 objects")
	s.as(t, "alice", "draft", "drop").expect(t, 0)
	s.put(t, "alice", aSite("first", "ttl 10s")).expect(t, 0, "1 change of 1 object")
	s.put(t, "alice", aSite("first")).expect(t, 0, "0 changes of 1 object")
	s.as(t, "alice", "publish", "-m", "nothing").expect(t, 3)
}

func TestPublishWaitsForTheServers(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	s.put(t, "alice", aSite("new")).expect(t, 0)
	s.as(t, "alice", "draft").expect(t, 0, "new.example.org")
	s.as(t, "bob", "publish", "-m", "nothing of mine").expect(t, 3, "nothing in the draft")
	s.as(t, "alice", "publish", "--wait", "-m", "a new site").expect(t, 0)
	if got := s.of("new")(); got != atOrigin {
		t.Errorf("Expected %q once the command is over, got %q", atOrigin, got)
	}
}

func TestAWrongTextIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	for text, says := range map[string]string{
		aSite("new", "tll 30s"):                  "new.example.org@0:2",
		aSite("new", "origin 127.0.0.999"):       "new.example.org@0:2",
		"site new.example.org class none {\n}":   "none",
		"site new.example.net class tested {\n}": "new.example.net",
		aSite("www"):                             "Corefile:",
	} {
		s.put(t, "alice", text).expect(t, 3, says)
	}
	s.as(t, "alice", "publish", "-m", "nothing").expect(t, 3, "nothing in the draft")
	if got := s.answer(); got != atOrigin {
		t.Errorf("Expected still %q, got %q", atOrigin, got)
	}
}

func TestTwoOperatorsCannotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t, "127.0.0.1", "127.0.0.2"))
	s.publish(t, aSite("one")+aSite("two"))
	s.put(t, "alice", aSite("one", "origin 127.0.0.2")).expect(t, 0)
	s.put(t, "bob", aSite("one", "ttl 5s")).expect(t, 0)
	s.put(t, "carol", aSite("two", "origin 127.0.0.2")).expect(t, 0)
	s.as(t, "alice", "publish", "-m", "first").expect(t, 0)
	s.as(t, "bob", "publish", "-m", "second").expect(t, 3, "one.example.org")
	s.as(t, "carol", "publish", "-m", "another site").expect(t, 0)
	s.put(t, "dave", aSite("one"), "--base", "1").expect(t, 3, "one.example.org")
	await(t, promisedPublished, "A 127.0.0.2", s.of("one"))
	await(t, promisedPublished, "A 127.0.0.2", s.of("two"))
	await(t, promisedPublished, "3", func() string { return fmt.Sprint(s.total(t, ownSeries+"revision")) })
}

// TestAClassOfTheStoreMovesAllOfItsSites at once.
func TestAClassOfTheStoreMovesAllOfItsSites(t *testing.T) {
	t.Parallel()
	const many = 200
	s := startStored(t, startOrigin(t, "127.0.0.1", "127.0.0.2"))
	class := func(address string) string {
		return "class many {\n    origin " + address + "\n    cdn example " + target + "\n    ready none\n    probe http http://{origin}:" + s.vars["origin"] + "/ every 1s timeout 800ms\n    threshold response_time 750ms\n}\n"
	}
	text := class("127.0.0.1")
	for i := range many {
		text += fmt.Sprintf("site s%d.example.org class many {\n}\n", i)
	}
	s.publish(t, text)
	all := func(want string) func() string {
		return func() string {
			for i := range many {
				if got := s.of(fmt.Sprint("s", i))(); got != want {
					return got
				}
			}
			return want
		}
	}
	await(t, patience, atOrigin, all(atOrigin))
	s.publish(t, class("127.0.0.2"))
	await(t, patience, "A 127.0.0.2", all("A 127.0.0.2"))
}

// TestACDNOfTheStore has its nodes answered under its name, and those of the next
// revision.
func TestACDNOfTheStore(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	s := startStored(t, web)
	cdn := func(address string) string {
		return "cdn edge {\n    operated own\n    dns edge.example.org\n    node fra1 " + address + "\n    probe http http://{node}:" + web.port + "/ every 1s timeout 800ms\n    threshold response_time 750ms\n}\n"
	}
	down := "site away.example.org {\n    origin 127.0.0.9\n    cdn edge {label}.edge.example.org\n    ready none\n    probe http http://{origin}:" + web.port + "/ every 1s timeout 800ms\n    threshold response_time 750ms\n}\n"
	s.publish(t, cdn("127.0.0.2")+down)
	await(t, patience, "A 127.0.0.2", s.of("away.edge"))
	await(t, patience, "CNAME away.edge.example.org.", func() string { return s.udp().ask("away.example.org.", dns.TypeAAAA) })
	s.ctl(t, "cdns").expect(t, 0, "edge", "fra1")
	s.publish(t, cdn("127.0.0.3"))
	await(t, patience, "A 127.0.0.3", s.of("away.edge"))
	s.as(t, "alice", "draft", "delete", "cdn", "edge").expect(t, 0)
	s.as(t, "alice", "publish", "-m", "it is needed").expect(t, 3, "edge")
}

// adoptable are the sites of the Corefile for the tests of both side by side.
const both = "both.example.org"

func TestASiteOfTheCorefileAndTheStore(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	s.publish(t, aSite("both", "ttl 7s")+aSite("other"))
	await(t, promisedPublished, atOrigin, s.of("both"))

	s.configure(t, stored([]string{site}, []string{both, "ttl 9s"}))
	s.reload(t)
	for _, name := range []string{"www", "both", "other"} {
		if got := s.of(name)(); got != atOrigin {
			t.Errorf("%s: Expected %q, got %q", name, atOrigin, got)
		}
	}
	s.ctl(t, "refused").expect(t, 0, both, "store/site/"+both+"@1:1", "Corefile:")
	if n := s.total(t, ownSeries+"objects_refused"); n != 1 {
		t.Errorf("Expected one object to be refused, got %v", n)
	}
	if s.output.count("refused: store/site/"+both+"@1:1") == 0 {
		t.Errorf("Expected the log to name what is refused")
	}
	if got := s.udp().must(t, question(both+".", typeA)).Answer[0].Header().Ttl; got > 9 || got < 8 {
		t.Errorf("Expected the site of the Corefile to be served, got a TTL of %d", got)
	}

	s.configure(t, stored([]string{site}))
	s.reload(t)
	await(t, patience, "", func() string { return strings.Join(strings.Fields(s.ctl(t, "refused").stdout)[4:], " ") })
	if got := s.of("both")(); got != atOrigin {
		t.Errorf("Expected the store's site again, got %q", got)
	}
}

// TestAdoptMovesASiteWithoutAGap asks all the time.
func TestAdoptMovesASiteWithoutAGap(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	l := s.startLoad(2)
	s.ctl(t, "adopt", "www.example.org", "--wait", "-m", "into the store").expect(t, 0)
	s.ctl(t, "refused").expect(t, 0, "www.example.org", "Corefile:")
	s.ctl(t, "adopt", "www.example.org", "-m", "twice").expect(t, 3, "in the store already")
	s.ctl(t, "adopt", "nobody.example.org", "-m", "none").expect(t, 3, "nobody.example.org")
	s.configure(t, stored())
	s.reload(t)
	awaitTrue(t, "no site that is shadowed", func() bool { return !strings.Contains(s.ctl(t, "refused").stdout, "www.example.org") })
	s.publish(t, aSite("www", "ttl 5s"))
	awaitTrue(t, "the change of the adopted site", func() bool { return strings.HasPrefix(s.ttl(), "A ") && s.ttl() != "A 30" })
	l.end(t, 2)
}

// TestF24AnEmptySetAndOneThatShrinksAreHeldBack until an operator confirms them.
func TestF24AnEmptySetAndOneThatShrinksAreHeldBack(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	gone := s.gone()
	var text string
	var most []string
	for i := range 12 {
		text += aSite(fmt.Sprint("s", i))
		if i >= 5 {
			most = append(most, fmt.Sprint("s", i))
		}
	}
	s.publish(t, text)
	await(t, patience, atOrigin, s.of("s11"))
	s.kept(t, "configuration", "s11.example.org") // else a restart knows of nothing that would be lost
	s.heldBack(t, 2, gone, most...)
	s.heldBack(t, 3, gone, "s0", "s1", "s2", "s3", "s4")
	if got := s.answer(); got != atOrigin {
		t.Errorf("Expected the Corefile's site as it was, got %q", got)
	}
}

// heldBack removes sites in a revision that is too much, and confirms it.
func (s *server) heldBack(t *testing.T, revision int, gone string, names ...string) {
	t.Helper()
	s.remove(t, names...)
	held := func() string { return fmt.Sprint(s.total(t, ownSeries+"revision_held")) }
	await(t, patience, fmt.Sprint(revision), held)
	s.ctl(t, "servers").expect(t, 0, "confirm it")
	for _, name := range names {
		if got := s.of(name)(); got != atOrigin {
			t.Errorf("%s: Expected %q while it is held back, got %q", name, atOrigin, got)
		}
	}
	s.again(t) // nor does a restart let it through
	await(t, patience, fmt.Sprint(revision), held)
	await(t, patience, atOrigin, s.of(names[0]))
	s.ctl(t, "publish", "--confirm", fmt.Sprint(revision)).expect(t, 0)
	await(t, promisedPublished, gone, s.of(names[0]))
	await(t, patience, "0", held)
}

// TestF17TwoProcessesOfOneStore and of one folder: the second does not start.
func TestF17TwoProcessesOfOneStore(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	for own, other := range map[string]string{"state": "store", "store": "state"} {
		vars := withStore(t, map[string]string{"origin": s.vars["origin"]})
		vars[other] = s.vars[other]
		second := spec{corefile: stored([]string{site}), vars: vars}.try(t)
		awaitTrue(t, "the second process to give up", second.over)
		says := second.output.String()
		if pid := fmt.Sprint(s.cmd.Process.Pid); !strings.Contains(says, s.vars[other]) || !regexp.MustCompile(`\b`+pid+`\b`).MatchString(says) {
			t.Errorf("Own %s: Expected the file and process %s, got:\n%s", own, pid, says)
		}
	}
	await(t, promisedPublished, atOrigin, s.answer)
}

// overrides returns what is forced, as the server says.
func (s *server) overrides(t *testing.T) (all []struct {
	ID    string
	Local bool
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.ctl(t, "override", "list", "-o", "json").stdout), &all); err != nil {
		t.Fatal(err)
	}
	return all
}
