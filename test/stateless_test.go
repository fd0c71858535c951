//go:build linux

package test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // as the store is
)

// harms are what may become of a store's file while the server is away.
var harms = map[string]func(path string) error{
	"gone":      os.Remove,
	"empty":     func(path string) error { return os.Truncate(path, 0) },
	"cut":       func(path string) error { return os.Truncate(path, 5000) },
	"garbage":   func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("garbage ", 2000)), 0o600) },
	"corrupted": corrupt,
	"newer":     outdated,
}

// outdated gives a store the schema of a program that is to come.
func outdated(path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	return err
}

// corrupt overwrites the middle of a file.
func corrupt(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := 2000; i < len(text); i++ {
		text[i] ^= 0x5a
	}
	return os.WriteFile(path, text, 0o600)
}

// TestF23AServerStartsWithoutItsStore, whatever has become of that, and takes it up
// again when it is back.
func TestF23AServerStartsWithoutItsStore(t *testing.T) {
	t.Parallel()
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStored(t, startOrigin(t))
			s.publish(t, aSite("new")+aSite("stays"))
			await(t, promisedPublished, atOrigin, s.of("new"))
			s.signal(t, syscall.SIGTERM) // so that all of the store is in one file
			awaitTrue(t, "the server to end", s.over)
			path := s.vars["store"]
			back := s.hideStore(t)
			copied, err := os.ReadFile(path + ".good")
			if err == nil {
				err = os.WriteFile(path, copied, 0o600)
			}
			if err == nil {
				err = harm(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.onceMore(t)
			await(t, 0, atOrigin, s.of("new"))
			await(t, patience, isReady, s.readiness)
			if name == "gone" { // a new one is made
				awaitTrue(t, "a word in the log", func() bool { return s.output.count("the store is another one") == 1 })
				return
			}
			awaitTrue(t, "a word in the log", func() bool { return s.output.count("the store is away") == 1 })
			await(t, patience, "0", func() string { return fmt.Sprint(s.total(t, ownSeries+"store_up")) })
			s.ctl(t, "servers").expect(t, 0, "one, which says this, is without the store since")
			if name == "newer" && s.output.count("has schema 99, and this version of the program works with ") == 0 {
				t.Error("Expected the log to say that the program is too old")
			}
			s.put(t, "alice", aSite("more")).expect(t, 3)

			back()
			awaitTrue(t, "the store to be back", func() bool { return s.output.count("the store is back") == 1 })
			s.publish(t, aSite("more"))
			await(t, promisedPublished, atOrigin, s.of("more"))
			await(t, patience, "1", func() string { return fmt.Sprint(s.total(t, ownSeries+"store_up")) })
		})
	}
}

// hideStore moves the files of the store away while nobody has them open, and returns
// what brings them back.
func (s *server) hideStore(t *testing.T) (back func()) {
	t.Helper()
	path := s.vars["store"]
	move := func(from, to string) {
		for _, suffix := range []string{"-shm", "-wal", ""} {
			os.Remove(to + suffix)
			if err := os.Rename(from+suffix, to+suffix); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
	}
	move(path, path+".good")
	return func() { move(path+".good", path) }
}

// TestF23WhoNeverSawItsStoreIsNotReady, and answers for the Corefile's sites alone.
func TestF23WhoNeverSawItsStoreIsNotReady(t *testing.T) {
	t.Parallel()
	vars := withStore(t, at(startOrigin(t)))
	if err := os.WriteFile(vars["store"], []byte(strings.Repeat("garbage ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := spec{corefile: stored([]string{site}), vars: vars}.start(t)
	await(t, patience, atOrigin, s.answer)
	if got := s.of("new")(); got != "REFUSED" {
		t.Errorf("Expected a site of the store to be refused, got %q", got)
	}
	awaitTrue(t, "a word in the log", func() bool { return s.output.count("the store is away") == 1 })
	await(t, 0, notReady, s.readiness)
	if err := os.Remove(vars["store"]); err != nil {
		t.Fatal(err)
	}
	await(t, patience, isReady, s.readiness)
}

// kept waits until a file of the server's state holds a text.
func (s *server) kept(t *testing.T, file, text string) {
	t.Helper()
	path := filepath.Join(s.vars["state"], file)
	awaitTrue(t, text+" to be kept", func() bool { return strings.Contains(keptText(t, path), text) })
}

// sinceOf returns since when the decision on the first site stands.
func (s *server) sinceOf(t *testing.T) string {
	t.Helper()
	var states []struct {
		Since time.Time
	}
	if err := json.Unmarshal([]byte(s.ctl(t, "states", "-o", "json").stdout), &states); err != nil || len(states) == 0 {
		t.Fatalf("Expected states, got %v", err)
	}
	return states[0].Since.Truncate(time.Millisecond).String()
}

// TestADecisionSurvivesARestart with its age, and the site stays diverted until it may
// come back.
func TestADecisionSurvivesARestart(t *testing.T) {
	t.Parallel()
	web := absentOrigin(t)
	s := spec{corefile: stored([]string{site, "failback_delay 5m"}), vars: withStore(t, at(web))}.start(t)
	await(t, patience, atCDN, s.answer)
	since := s.sinceOf(t)
	s.kept(t, "decisions", "www.example.org")
	web.revive(t, "127.0.0.1")
	s.again(t)
	for range 100 {
		if got := s.answer(); got != atCDN {
			t.Fatalf("Expected still %q, got %q", atCDN, got)
		}
		time.Sleep(poll)
	}
	if got := s.sinceOf(t); got != since {
		t.Errorf("Expected the decision to stand since %s, got %s", since, got)
	}
}

// TestOverridesAndDrainsSurviveARestart with the store and without.
func TestOverridesAndDrainsSurviveARestart(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	s := startStored(t, web)
	s.publish(t, "cdn edge {\n    operated own\n    dns edge.example.org\n    node fra1 127.0.0.2\n    node fra2 127.0.0.3\n    probe http http://{node}:"+web.port+"/ every 1s timeout 800ms\n    threshold response_time 750ms\n}\n"+aSite("new", "cdn edge {label}.edge.example.org"))
	s.force(t, "site", "www.example.org", "cdn", "example", "--for", "1h")
	s.ctl(t, "node", "drain", "edge", "fra1").expect(t, 0)
	await(t, promisedForced, atCDN, s.answer)
	s.kept(t, "configuration", "new.example.org")
	for _, store := range []bool{true, false} {
		s.kill()
		if !store {
			s.hideStore(t)
			if err := os.WriteFile(s.vars["store"], []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.onceMore(t)
		await(t, 0, atCDN, s.answer)
		s.ctl(t, "cdns").expect(t, 0, "drained")
		await(t, patience, "A 127.0.0.3", s.of("new.edge"))
	}
}

// TestReloadsUnderLoadKeepTheStore changes the Corefile, spoils it, and takes the
// store out of it.
func TestReloadsUnderLoadKeepTheStore(t *testing.T) {
	t.Parallel()
	s := startStored(t, startOrigin(t))
	s.publish(t, aSite("new")+aSite("stays"))
	await(t, patience, atOrigin, s.of("new"))
	l := s.startLoad(1)
	for i := range 3 {
		s.configure(t, stored([]string{site, fmt.Sprintf("ttl %ds", 10+i)}))
		s.reload(t)
		s.publish(t, aSite("new", fmt.Sprintf("ttl %ds", 10+i)))
		await(t, 0, atOrigin, s.of("new"))
	}
	s.configure(t, strings.Replace(stored([]string{site}), "ttl 30s", "tll 30s", 1))
	s.failReload(t)
	s.publish(t, aSite("new", "ttl 9s"))
	s.configure(t, stored([]string{site})+heldBlock(t))
	s.failReload(t)
	s.publish(t, aSite("more"))
	await(t, promisedPublished, atOrigin, s.of("more"))

	s.configure(t, strings.Replace(stored([]string{site}), "store sqlite $store", "", 1))
	s.reload(t)
	await(t, 0, "REFUSED", s.of("more"))
	await(t, 0, atOrigin, s.answer)
	s.ctl(t, "history").expect(t, 3, "store")
	s.configure(t, stored([]string{site}))
	s.reload(t)
	await(t, 0, atOrigin, s.of("more"))
	l.end(t, 8)
}

// TestF18AFullDiskKeepsNothingAndServes on a file system that holds little.
func TestF18AFullDiskKeepsNothingAndServes(t *testing.T) {
	t.Parallel()
	vars := withStore(t, at(startOrigin(t)))
	vars["state"] = smallDisk(t, "256k")
	s := spec{corefile: stored([]string{site}), vars: vars}.start(t)
	await(t, patience, atOrigin, s.answer)
	unsaved := func() string { return fmt.Sprint(s.total(t, ownSeries+"state_unsaved")) }
	ballast := vars["state"] + "/ballast"
	os.WriteFile(ballast, make([]byte, 1<<20), 0o600) // as much as there is room for
	s.publish(t, aSite("new")+aSite("stays"))
	await(t, patience, "1", unsaved)
	await(t, promisedPublished, atOrigin, s.of("new"))
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	await(t, patience, "0", unsaved)
}

// smallDisk returns a folder on a file system of its own.
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	needRoot(t)
	dir = folder(t)
	mount := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size+",mode=700", "tmpfs", dir)
	if text, err := mount.CombinedOutput(); err != nil {
		missing(t, "mounting a small file system: %v: %s", err, text)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	return dir
}
