//go:build linux

package engine_test

import (
	"context"
	"database/sql"
	"testing"
)

// TestTheSchemaOfANewerProgram is shown beside the one that this program makes.
func TestTheSchemaOfANewerProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publishIn(t, dir, storedObject("www"))
	db, err := sql.Open("sqlite", storeIn(dir).Source)
	must(t, err)
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) SELECT MAX(version_id) + 1, 1 FROM goose_db_version")
	must(t, err)
	must(t, db.Close())
	e, _ := newWorld().engine(t)
	keepIn(t, e, dir, true)
	m, err := e.Configuration().Migrate(context.Background(), false, alice)
	must(t, err)
	if m.Schema != m.Known+1 || m.Pending != nil {
		t.Errorf("Expected the store to be one schema ahead of %d, got %+v", m.Known, m)
	}
}
