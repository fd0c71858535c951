//go:build linux

package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// load is clients that ask one after the other without a pause.
type load struct {
	answers map[string]*atomic.Int64 // by transport
	dropped atomic.Int64             // connections without an answer
	stop    atomic.Bool
	clients sync.WaitGroup

	mu   sync.Mutex
	lost []string
}

// startLoad starts as many clients on UDP as on TCP. Each question has a new
// socket, so that on TCP there is a new connection to accept for each.
func (s *server) startLoad(clientsEach int) *load {
	l := &load{answers: map[string]*atomic.Int64{"udp": {}, "tcp": {}}}
	for _, c := range []client{s.udp(), s.tcp()} {
		for range clientsEach {
			l.clients.Go(func() { l.run(c) })
		}
	}
	return l
}

// run asks until the load stops.
func (l *load) run(c client) {
	for !l.stop.Load() {
		m, err := l.persist(c)
		switch {
		case err != nil:
			l.lose("%s: %v", c.net, err)
		case summary(m) != atOrigin:
			l.lose("%s: %s", c.net, summary(m))
		default:
			l.answers[c.net].Add(1)
		}
	}
}

// persist asks a question. A packet has to be answered. A connection that was
// accepted as a reload begins need not be: CoreDNS closes those that it has not
// yet read from, with our plugin as without. A client then asks again over a
// new one (RFC 7766, section 6.2.4), and a few of these must be enough.
func (l *load) persist(c client) (m *dns.Msg, err error) {
	for range 5 {
		m, err = c.exchange(question(site, dns.TypeA))
		if err == nil || c.net != "tcp" {
			return m, err
		}
		l.dropped.Add(1)
	}
	return m, err
}

func (l *load) lose(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, fmt.Sprintf(format, args...))
}

// end stops the clients and reports what was lost. Every client may have one
// connection dropped in each reload.
func (l *load) end(t *testing.T, mostDropped int) {
	t.Helper()
	l.stop.Store(true)
	l.clients.Wait()
	t.Logf("%d answers over UDP, %d over TCP, %d connections dropped",
		l.answers["udp"].Load(), l.answers["tcp"].Load(), l.dropped.Load())
	if len(l.lost) > 0 {
		t.Errorf("Expected no query to be lost, got %d: %q", len(l.lost), l.lost)
	}
	if dropped := int(l.dropped.Load()); dropped > mostDropped {
		t.Errorf("Expected at most %d connections to be dropped, got %d", mostDropped, dropped)
	}
}

// held is what the server holds when it has nothing to do.
type held struct {
	usage
	goroutines int
}

func (h held) String() string { return fmt.Sprintf("%v, %d goroutines", h.usage, h.goroutines) }

// holds measures the server.
func (s *server) holds(t *testing.T) held {
	t.Helper()
	return held{s.usage(t), int(s.total(t, "go_goroutines"))}
}

// grown reports whether the server holds more than noise accounts for: a
// connection of the last query, a thread for a moment, and memory that the
// collector has not yet returned to the system.
func (h held) grown(before held) bool {
	return h.files > before.files+4 || h.threads > before.threads+8 ||
		h.goroutines > before.goroutines+8 || h.memory > before.memory+before.memory/2+16<<10
}

// TestReloadsUnderLoadLoseAndLeakNothing reloads under load, first some times
// to see what the server holds then, and then often. The server block is
// without shed: what that has still to write when a reload closes the old
// instance's socket is lost (and counted by coredns_shed_dropped_total).
func TestReloadsUnderLoadLoseAndLeakNothing(t *testing.T) {
	const clientsEach = 3
	first, more := 10, 50
	if testing.Short() {
		first, more = 3, 9
	}
	s := spec{corefile: block(metrics, ours(lenient)), vars: at(startOrigin(t))}.start(t)
	await(t, patience, atOrigin, s.answer)

	s.reloadUnderLoad(t, first, clientsEach)
	before := s.holds(t)
	s.reloadUnderLoad(t, more, clientsEach)
	var after held
	awaitTrue(t, "the server to hold no more than before", func() bool {
		after = s.holds(t)
		return !after.grown(before)
	})
	t.Logf("after %d reloads: %v; after %d more: %v", first, before, more, after)
}

// reloadUnderLoad reads the Corefile again and again, or several in turn.
func (s *server) reloadUnderLoad(t *testing.T, reloads, clientsEach int, corefiles ...string) {
	t.Helper()
	l := s.startLoad(clientsEach)
	for i := range reloads {
		if len(corefiles) > 0 {
			s.configure(t, corefiles[i%len(corefiles)])
		}
		s.reload(t)
	}
	l.end(t, reloads*clientsEach)
}

// TestF15ReloadsWithAStoreLoseAndLeakNothing has every reload keep the store, leave it
// for another one, leave it for none, or take it up.
func TestF15ReloadsWithAStoreLoseAndLeakNothing(t *testing.T) {
	t.Parallel()
	const clientsEach = 2
	vars := withStore(t, at(startOrigin(t)))
	vars["other"] = filepath.Join(folder(t), "other.db")
	same := stored([]string{site, lenient})
	none := strings.Replace(same, "store sqlite $store", "", 1)
	corefiles := []string{same, same, strings.Replace(same, "$store", "$other", 1), none}
	s := spec{corefile: same, vars: vars}.start(t)
	await(t, patience, atOrigin, s.answer)
	s.publish(t, aSite("new", lenient))
	await(t, promisedPublished, atOrigin, s.of("new"))

	s.reloadUnderLoad(t, 8, clientsEach, corefiles...)
	s.configure(t, same)
	s.reload(t)
	before := s.holds(t)
	s.reloadUnderLoad(t, 20, clientsEach, corefiles...)
	s.configure(t, same)
	s.reload(t)
	var after held
	awaitTrue(t, "the server to hold no more than before", func() bool {
		after = s.holds(t)
		return !after.grown(before)
	})
	t.Logf("after 9 reloads: %v; after 21 more: %v", before, after)
	await(t, promisedPublished, atOrigin, s.of("new"))
	s.publish(t, aSite("more", lenient))
	await(t, promisedPublished, atOrigin, s.of("more"))
}
