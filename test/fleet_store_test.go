//go:build linux

package test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cdnredirect/cdnredirect/test/pg"
)

// TestF20F21WithoutTheStoreEachDecidesAlone takes PostgreSQL away for longer than three
// periods, and the origin meanwhile.
func TestF20F21WithoutTheStoreEachDecidesAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away, back func(*testing.T, *fleet, *pg.Server)
	}{
		"it is stopped": {
			func(_ *testing.T, _ *fleet, db *pg.Server) { db.Stop() },
			func(t *testing.T, _ *fleet, db *pg.Server) { restart(t, db) },
		},
		"it says nothing": {
			func(_ *testing.T, _ *fleet, db *pg.Server) { db.Pause() },
			func(_ *testing.T, _ *fleet, db *pg.Server) { db.Resume() },
		},
		"connections are reset": {
			func(_ *testing.T, f *fleet, _ *pg.Server) { f.ways((*way).refuse) },
			func(_ *testing.T, f *fleet, _ *pg.Server) { f.ways((*way).mend) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, db := startFleet(t, 2)
			f.awaitTogether(t)
			c.away(t, f, db)
			f.stayAt(t, atOrigin)
			for _, s := range f.servers {
				awaitAlone(t, s)
			}
			f.web.kill("127.0.0.1")
			f.await(t, promisedDown, atCDN)
			c.back(t, f, db)
			f.awaitTogether(t)
			awaitTrue(t, "the journal to have it", func() bool { return f.journaled(t) == "s1 s2" })
			f.stayAt(t, atCDN)
			if got := f.journaled(t); got != "s1 s2" {
				t.Errorf("Expected the decision of each to be in the journal once, got those of %s", got)
			}
			f.web.revive(t, "127.0.0.1")
			f.await(t, 2*promisedBack, atOrigin)
		})
	}
}

// TestF20ServersStartWithoutTheStore kills all while PostgreSQL is away, and starts
// them again.
func TestF20ServersStartWithoutTheStore(t *testing.T) {
	t.Parallel()
	f, db := startFleet(t, 2)
	f.awaitTogether(t)
	f.web.kill("127.0.0.1")
	f.await(t, promisedDown+takeover, atCDN)
	awaitTrue(t, "it to be kept", func() bool { return f.kept(t, "1") })
	db.Kill()
	for _, s := range f.servers {
		s.kill()
	}
	for i, sp := range f.specs {
		f.servers[i] = sp.start(t)
	}
	f.stayAt(t, atCDN)
	for _, s := range f.servers {
		awaitAlone(t, s)
	}
	f.web.revive(t, "127.0.0.1")
	f.await(t, 2*promisedBack, atOrigin)
	restart(t, db)
	f.awaitTogether(t)
	f.stayAt(t, atOrigin)
	f.publish(t, f.servers[1], "site new.example.org class tested\n")
}

func restart(t *testing.T, db *pg.Server) {
	t.Helper()
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
}

// ways does something to all ways to the store.
func (f *fleet) ways(do func(*way)) {
	for _, w := range f.wires {
		do(w)
	}
}

// journaled returns which servers have written, and how often, that they diverted
// because nothing answered.
func (f *fleet) journaled(t *testing.T) (servers string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const query = "SELECT coalesce(string_agg(server, ' ' ORDER BY server), '') FROM journal WHERE site = 'www.example.org' AND side = 'cdn' AND share = 1"
	if err := conn.QueryRow(t.Context(), query).Scan(&servers); err != nil {
		t.Fatal(err)
	}
	return servers
}
