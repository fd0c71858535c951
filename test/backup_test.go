//go:build linux

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/test/pg"
)

// storeBlock is a server block with a store as its line of a Corefile says.
func storeBlock(line string) string {
	return block(metrics, siteBlock([]string{"socket $socket", "state $state", "server one", line}))
}

// aFileAndADatabase are lines for two stores that are not there yet.
func aFileAndADatabase(t *testing.T, db *pg.Server) map[string]string {
	t.Helper()
	dsn, err := db.Database()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"sqlite": "sqlite " + filepath.Join(folder(t), "store.db"), "postgres": `postgres "` + dsn + `"`}
}

// startOn starts a server on a store.
func startOn(t *testing.T, web *origin, line string) *server {
	t.Helper()
	vars := withSocket(t, at(web))
	vars["state"] = filepath.Join(folder(t), "state")
	return spec{corefile: storeBlock("store " + line), vars: vars}.start(t)
}

// everything is what a server says of its store.
func everything(t *testing.T, s *server) (text string) {
	t.Helper()
	for _, line := range []string{
		"get", "history", "draft", "customer list", "plan list", "user list", "token list", "claim list", "onboard list", "setups", "audit",
	} {
		got := s.ctl(t, strings.Fields(line)...)
		got.expect(t, 0)
		text += "-- " + line + "\n" + got.stdout
	}
	return text
}

// contents is what 'cdnctl backup -o json' says.
type contents struct {
	Revision int `json:"revision"`
	Sites    int `json:"sites"`
}

func (s *server) backUp(t *testing.T, path string) (c contents) {
	t.Helper()
	got := s.ctl(t, "backup", path, "-o", "json")
	got.expect(t, 0)
	if err := json.Unmarshal([]byte(got.stdout), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// fillStore publishes one site with each of some revisions, and writes what else there is.
func fillStore(t *testing.T, s *server) {
	t.Helper()
	s.publish(t, aSite("first"))
	for _, line := range []string{
		"plan put basic --title Basic --max-sites 10", "customer put acme --plan basic", "user put ann --role operator",
		"user put bob --role customer-admin --customer acme", "token create bob --title laptop", "claim begin acme.example.org --customer acme --proof operator", "claim begin acme.example.net --customer acme", "override set site first.example.org cdn example --for 1h -m tested",
	} {
		s.ctl(t, strings.Fields(line)...).expect(t, 0)
	}
	s.put(t, "root", aSite("drafted")).expect(t, 0)
	s.ctl(t, "onboard", write(t, folder(t), "onboarded.conf", aSite("onboarded")), "-m", "tested").expect(t, 0)
	awaitTrue(t, "the end of the onboarding", func() bool { return strings.Contains(s.ctl(t, "onboard", "list").stdout, "done") })
}

// TestABackupGoesIntoEitherDatabase is made while the store is written to, and restored
// into both; a server on each says the same as before.
func TestABackupGoesIntoEitherDatabase(t *testing.T) {
	t.Parallel()
	db, web := pg.Start(t), startOrigin(t)
	for from, line := range aFileAndADatabase(t, db) {
		t.Run("from "+from, func(t *testing.T) {
			t.Parallel()
			s, dir := startOn(t, web, line), folder(t)
			fillStore(t, s)
			written := make(chan struct{})
			go func() {
				defer close(written)
				for i := range 10 {
					s.put(t, "carl", aSite(fmt.Sprintf("more%d", i))).expect(t, 0)
					s.as(t, "carl", "publish", "-m", "as tested").expect(t, 0)
				}
			}()
			for i, going := 0, true; going; i++ {
				select {
				case <-written:
					going = false
				default:
				}
				if c := s.backUp(t, filepath.Join(dir, fmt.Sprint("b", i))); c.Revision < 1 || c.Sites != c.Revision {
					t.Errorf("Expected one site in each revision of one moment, got %+v", c)
				}
			}
			file := filepath.Join(dir, "backup")
			if c := s.backUp(t, file); c.Revision != 12 {
				t.Errorf("Expected all that was published, got %+v", c)
			}
			before := everything(t, s)
			for to, line := range aFileAndADatabase(t, db) {
				t.Run("to "+to, func(t *testing.T) {
					outcomeOf(t, exec.Command(theCtl.built(t), "restore", file, "--store", line)).expect(t, 0, "revision  12\n", "12 sites, 1 customer, 2 users")
					other := startOn(t, web, line)
					await(t, patience, atOrigin, other.of("more9"))
					await(t, patience, atCDN, other.of("first")) // by the override
					if after := everything(t, other); after != before {
						t.Errorf("Expected the same as before\n%s\ngot\n%s", before, after)
					}
				})
			}
		})
	}
}

// TestTheStoreIsLostUnderServers: they serve what they have, take an older backup that
// is put into a new database while they run, and go on from there.
func TestTheStoreIsLostUnderServers(t *testing.T) {
	t.Parallel()
	f, db := startFleet(t, 2)
	f.awaitTogether(t)
	s, file := f.servers[0], filepath.Join(folder(t), "backup")
	s.ctl(t, "backup", file).expect(t, 0, "revision  1\n", "1 site")
	f.publish(t, s, "site later.example.org class tested\n")
	gone := s.gone()
	await(t, promisedPublished, atOrigin, f.servers[1].of("later"))

	for _, statement := range []string{"DROP DATABASE test1 WITH (FORCE)", "CREATE DATABASE test1"} {
		outcomeOf(t, exec.Command(db.Program("psql"), "-d", db.DSN(), "-c", statement)).expect(t, 0)
	}
	f.stayAt(t, atOrigin)
	for _, one := range f.servers {
		awaitAlone(t, one)
	}
	s.ctl(t, "backup", file+"2").expect(t, 3, "Service Unavailable: the store is away: ")
	if _, err := os.Lstat(file + "2"); !os.IsNotExist(err) {
		t.Errorf("Expected no file, got %v", err)
	}
	outcomeOf(t, exec.Command(theCtl.built(t), "restore", file, "--store", `postgres "`+f.dsn+`"`)).expect(t, 0, "revision  1\n")
	f.awaitTogether(t)
	for _, one := range f.servers {
		await(t, patience, gone, one.of("later"))
	}
	f.stayAt(t, atOrigin)
	f.publish(t, f.servers[1], "site new.example.org class tested\n")
	await(t, promisedPublished, atOrigin, s.of("new"))
}

// stop ends the server in order.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	s.expectEnd(t)
}

// TestACopyOfTheDatabaseIsPutBack, which servers have a newer revision of.
func TestACopyOfTheDatabaseIsPutBack(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	s.publish(t, aSite("new"))
	await(t, promisedPublished, atOrigin, s.of("new"))
	s.kept(t, "configuration", "new.example.org")
	s.stop(t)
	path := s.vars["store"]
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.onceMore(t)
	s.publish(t, aSite("later"))
	await(t, promisedPublished, atOrigin, s.of("later"))
	s.kept(t, "configuration", "later.example.org")
	gone := s.gone()
	s.stop(t)

	if err := os.WriteFile(path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	s.onceMore(t)
	awaitTrue(t, "the older revision to be refused", func() bool {
		return s.output.count("the store is at revision 1, and 2 is in force: the older one is not taken") > 0
	})
	await(t, 0, atOrigin, s.of("later"))
	outcomeOf(t, exec.Command(theCtl.built(t), "restore", "--put-back", "--corefile", s.conf)).expect(t, 3, "is in use by process")
	s.stop(t)
	outcomeOf(t, exec.Command(theCtl.built(t), "restore", "--put-back", "--corefile", s.conf)).expect(t, 0, "servers take the store for a new one")
	s.onceMore(t)
	await(t, patience, gone, s.of("later"))
	await(t, patience, atOrigin, s.of("new"))
}

// TestF18ADiskThatTakesNoBackup, nor the store that is made of one: what was there stays.
func TestF18ADiskThatTakesNoBackup(t *testing.T) {
	t.Parallel()
	s, small, dir := startStored(t, startOrigin(t)), smallDisk(t, "256k"), folder(t)
	s.publish(t, bulky(10))
	file := write(t, small, "backup", "of yesterday")
	s.ctl(t, "backup", file, "--force").expect(t, 3, "backing up into '"+file+"': ", "no space left on device")
	if kept, err := os.ReadFile(file); err != nil || string(kept) != "of yesterday" {
		t.Errorf("Expected the file of before, got %q, %v", kept, err)
	}
	file = filepath.Join(dir, "backup")
	s.ctl(t, "backup", file).expect(t, 0, "revision  1\n")
	outcomeOf(t, exec.Command(theCtl.built(t), "restore", file, "--store", "sqlite "+filepath.Join(small, "store"))).expect(t, 3, "restoring '"+file+"': ")
	entries, err := os.ReadDir(small)
	if err != nil || len(entries) != 1 {
		t.Errorf("Expected nothing of a store, got %v, %v", entries, err)
	}
}
