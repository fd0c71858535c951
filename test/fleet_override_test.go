//go:build linux

package test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/miekg/dns"
)

// atOther is what an override has the site answer.
const atOther = "CNAME other.cdn.example.net."

func (s *server) override(t *testing.T, args ...string) {
	t.Helper()
	s.ctl(t, append([]string{"override", "set", "all", "--for", "1h", "-m", "a test"}, args...)...).expect(t, 0)
}

// clear ends the only override.
func (s *server) clear(t *testing.T) {
	t.Helper()
	s.ctl(t, "override", "clear", idIn(t, s.ctl(t, "override", "list", "-o", "json").stdout)).expect(t, 0)
}

// TestFleetOverridesHoldOnAll sets one through the first server and ends it through
// the second.
func TestFleetOverridesHoldOnAll(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 2)
	f.servers[0].override(t, "cdn", "other")
	t.Logf("in force on all after %s", f.await(t, time.Second, atOther))
	f.servers[1].clear(t)
	t.Logf("ended on all after %s", f.await(t, time.Second, atOrigin))
}

// TestFleetOverrideOfOneServer sets one on a server that is cut off from the store.
func TestFleetOverrideOfOneServer(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 2)
	f.wires[1].cut()
	f.servers[1].override(t, "cdn", "other", "--local")
	await(t, time.Second, atOther, f.servers[1].answer)
	awaitAlone(t, f.servers[1])
	if got := f.servers[0].answer(); got != atOrigin {
		t.Errorf("Expected the other server not to know of it, got %q", got)
	}
	f.wires[1].mend()
	f.await(t, patience, atOther)
	f.awaitTogether(t)
	f.servers[0].clear(t)
	f.await(t, time.Second, atOrigin)
}

// TestFleetOverrideWhileTheStoreHangs sets several on a server that reads from the store,
// but can write nothing.
func TestFleetOverrideWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 1)
	s := f.servers[0]
	conn, err := pgx.Connect(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	hang, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hang.Exec(t.Context(), "LOCK TABLE overrides IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	s.override(t, "cdn", "example", "--local")
	awaitTrue(t, "the server to wait for the store", func() bool { return f.waits(t) })
	began := time.Now()
	for _, to := range []string{"other", "example", "other"} {
		s.override(t, "cdn", to, "--local")
	}
	if took := time.Since(began); took > 3*slack {
		t.Errorf("Expected each to be set at once, got three in %s", took)
	}
	await(t, promisedForced, atOther, s.answer)
	if err := hang.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, patience, "0", func() string { return fmt.Sprint(s.total(t, ownSeries+"overrides", "where", "local")) })
	await(t, promisedForced, atOther, s.answer)
}

// waits reports whether somebody waits for a lock of the database.
func (f *fleet) waits(t *testing.T) (waits bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT exists(SELECT FROM pg_locks WHERE NOT granted)").Scan(&waits); err != nil {
		t.Fatal(err)
	}
	return waits
}

// TestFleetFreezes freezes, has the origin die, and starts another server.
func TestFleetFreezes(t *testing.T) {
	t.Parallel()
	f, db := startFleet(t, 2)
	f.awaitTogether(t)
	f.servers[1].override(t, "freeze")
	awaitTrue(t, "all to know", func() bool {
		return f.alike(func(s *server) string { return s.frozen(t) }) == "frozen"
	})
	f.web.kill("127.0.0.1")
	awaitTrue(t, "the origin to be measured down", func() bool {
		return f.alike(func(s *server) string { return s.measured(t) }) == "cdn"
	})
	f.stayAt(t, atOrigin)
	f.add(t, db)
	f.stayAt(t, atOrigin)
	f.servers[0].clear(t)
	f.await(t, time.Second, atCDN)
}

func (s *server) frozen(t *testing.T) string {
	t.Helper()
	if strings.Contains(s.ctl(t, "states").stdout, ", freeze, ") {
		return "frozen"
	}
	return "free"
}

func (s *server) measured(t *testing.T) string {
	t.Helper()
	if strings.Contains(s.ctl(t, "states").stdout, "measured: cdn") {
		return "cdn"
	}
	return "origin"
}

// TestFleetDividesClientsAlike asks all servers for the same clients.
func TestFleetDividesClientsAlike(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 3)
	f.publish(t, f.servers[0], "site www.example.org class tested {\n    answer cname origin.example.com.\n}\n")
	f.servers[0].override(t, "share", "50%")
	sides := func(s *server) string { return s.halves(64) }
	awaitTrue(t, "all to divide the clients, and alike", func() bool {
		text := f.alike(sides)
		return strings.Contains(text, "o") && strings.Contains(text, "c") && !strings.HasSuffix(text, different)
	})
	t.Log(sides(f.servers[0]))
}

// halves says at which side clients are, with a letter for each.
func (s *server) halves(clients int) string {
	var text strings.Builder
	for i := range clients {
		q := question(site, typeA)
		q.SetEdns0(1232, false)
		q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(10, 0, byte(i), 0).To4()}}
		m, err := s.udp().exchange(q)
		switch {
		case err != nil:
			text.WriteByte('?')
		case summary(m) == "CNAME origin.example.com.":
			text.WriteByte('o')
		default:
			text.WriteByte('c')
		}
	}
	return text.String()
}
