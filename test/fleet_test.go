//go:build linux

package test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/test/pg"
)

// takeover is how long at most nobody decides after the one who did is gone: three
// periods of the exchange, until its lease is over, and one to notice.
const takeover = 4 * time.Second

// fleet is several servers on one PostgreSQL, each by a way of its own.
type fleet struct {
	web     *origin
	servers []*server
	wires   []*way // to PostgreSQL
	specs   []spec
	dsn     string // of the database, without a way
}

// fleetBlock is the server block of one of them. The site is in the store.
const fleetBlock = `example.org:$dns {
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:$metrics
    cdnredirect {
        socket $socket
        state $state
        server $name
        store postgres "$dsn"
        ns ns1.example.net
        ecs 127.0.0.1
    }
}
`

// fleetSite is what is in the store.
const fleetSite = `class tested {
    origin 127.0.0.1
    cdn example ` + target + `
    ready none
    probe http http://{origin}:%s/ every 1s timeout 800ms
    threshold response_time 300ms
    ttl 30s
    failback_delay 2s
    damping off
}
site www.example.org class tested {
    cdn other other.cdn.example.net
}
`

// startFleet starts so many servers, and publishes the site through the first.
func startFleet(t *testing.T, n int) (*fleet, *pg.Server) {
	t.Helper()
	db := pg.Start(t)
	dsn, err := db.Database()
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{web: startOrigin(t), dsn: dsn}
	for range n {
		f.add(t, db)
	}
	f.publish(t, f.servers[0], fmt.Sprintf(fleetSite, f.web.port))
	f.await(t, patience, atOrigin)
	return f, db
}

// add starts another server.
func (f *fleet) add(t *testing.T, db *pg.Server) {
	t.Helper()
	w := newWay(t, db.Address())
	vars := withSocket(t, map[string]string{
		"name": fmt.Sprintf("s%d", len(f.specs)+1), "state": filepath.Join(folder(t), "state"), "dsn": over(f.dsn, db.Address(), w.address()),
	})
	sp := spec{corefile: fleetBlock, vars: vars}
	f.wires, f.specs, f.servers = append(f.wires, w), append(f.specs, sp), append(f.servers, sp.start(t))
}

// over has a DSN lead over another address.
func over(dsn, before, after string) string { return strings.Replace(dsn, before, after, 1) }

// publish puts blocks into the store by one of the servers.
func (f *fleet) publish(t *testing.T, s *server, blocks string) {
	t.Helper()
	file := filepath.Join(folder(t), "blocks")
	if err := os.WriteFile(file, []byte(blocks), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ctl(t, "draft", "put", file).expect(t, 0)
	s.ctl(t, "publish", "-m", "a test", "--wait").expect(t, 0)
}

// different is the end of what answers says where servers differ.
const different = "different answers"

// answers is what all of them answer, if it is the same.
func (f *fleet) answers() string {
	return f.alike(func(s *server) string { return s.answer() })
}

// alike is what all of them say, if it is the same.
func (f *fleet) alike(say func(*server) string) (text string) {
	said := make(map[string]bool)
	for _, s := range f.servers {
		if s != nil {
			text = say(s)
			said[text] = true
		}
	}
	if len(said) > 1 {
		return fmt.Sprintf("%d %s", len(said), different)
	}
	return text
}

// await waits until all of them answer so.
func (f *fleet) await(t *testing.T, bound time.Duration, want string) time.Duration {
	t.Helper()
	return await(t, bound, want, f.answers)
}

// decider returns which of the servers decides for all.
func (f *fleet) decider(t *testing.T) (decider int) {
	t.Helper()
	awaitTrue(t, "one server to decide for all", func() bool {
		n := 0
		for i, s := range f.servers {
			if s != nil && s.total(t, ownSeries+"decides") == 1 {
				decider = i
				n++
			}
		}
		return n == 1
	})
	return decider
}

// differ polls all servers for a time, and returns how long they differed at most.
func (f *fleet) differ(d time.Duration) (longest time.Duration) {
	var since time.Time
	for began := time.Now(); time.Since(began) < d; time.Sleep(poll) {
		if !strings.HasSuffix(f.answers(), different) {
			since = time.Time{}
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		longest = max(longest, time.Since(since))
	}
	return longest
}

// turn waits until all answer so, and wants them to do that within a second of each
// other.
func (f *fleet) turn(t *testing.T, bound time.Duration, want string) {
	t.Helper()
	var since time.Time
	took := await(t, bound, want, func() string {
		got := f.answers()
		if strings.HasSuffix(got, different) && since.IsZero() {
			since = time.Now()
		}
		return got
	})
	differed := time.Duration(0)
	if !since.IsZero() {
		differed = time.Since(since)
	}
	if t.Logf("%s after %s; they differed for %s", want, took, differed); differed > agreed {
		t.Errorf("Expected all servers to answer %q within a second, they differed for %s", want, differed)
	}
}

// gone is without one of the servers, which was ended.
func (f *fleet) gone(i int) { f.servers[i] = nil }

// decides reports whether one of those that are left decides for all.
func (f *fleet) decides(t *testing.T) string {
	t.Helper()
	for _, s := range f.servers {
		if s != nil && s.total(t, ownSeries+"decides") == 1 {
			return "decides"
		}
	}
	return "nobody decides"
}

// awaitAlone waits until a server decides alone, and says so everywhere.
func awaitAlone(t *testing.T, s *server) {
	t.Helper()
	awaitTrue(t, "it to decide alone", func() bool { return s.total(t, ownSeries+"alone") == 1 })
	awaitTrue(t, "a word in the log", func() bool { return s.output.count("this server decides alone") > 0 })
	began := time.Now()
	defer func() { t.Logf("cdnctl said so %s after the metric and the log", time.Since(began)) }()
	awaitTrue(t, "cdnctl to say so", func() bool { return strings.Contains(s.ctl(t, "servers").stdout, "and decides alone") })
}

// awaitTogether waits until one server decides and all others follow.
func (f *fleet) awaitTogether(t *testing.T) {
	t.Helper()
	f.decider(t)
	awaitTrue(t, "nobody to be alone", func() bool {
		return f.alike(func(s *server) string { return fmt.Sprint(s.total(t, ownSeries+"alone")) }) == "0"
	})
}

// stayAt wants all to answer so now, and for longer than it takes them to hear of each
// other.
func (f *fleet) stayAt(t *testing.T, want string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 2*time.Second; time.Sleep(poll) {
		if got := f.answers(); got != want {
			t.Fatalf("Expected all to answer %q without a break, got %q after %s", want, got, time.Since(began))
		}
	}
}

// kept reports whether all have written down a decision of a share, as "1".
func (f *fleet) kept(t *testing.T, share string) bool {
	t.Helper()
	for _, sp := range f.specs {
		if !strings.Contains(keptText(t, filepath.Join(sp.vars["state"], "decisions")), `"share":`+share+",") {
			return false
		}
	}
	return true
}

// keptText is the text in a file of the folder of a state; nothing while there is none.
func keptText(t *testing.T, file string) string {
	t.Helper()
	all, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	const head = 64 // octets before what is packed
	if len(all) < head {
		return ""
	}
	zip, err := gzip.NewReader(bytes.NewReader(all[head:]))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// idIn returns the first ID in a list of overrides.
func idIn(t *testing.T, list string) string {
	t.Helper()
	_, rest, found := strings.Cut(list, `"id": "`)
	id, _, ended := strings.Cut(rest, `"`)
	if !found || !ended {
		t.Fatalf("Expected an ID, got %s", list)
	}
	return id
}
