package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	database "github.com/cdnredirect/cdnredirect/internal/store"
)

// copies is a store whose backup a test writes.
type copies func(io.Writer) error

func (c copies) Backup(_ context.Context, w io.Writer, _ api.Caller) error { return c(w) }

// text is a backup that is that.
func text(s string) copies {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// aStore is a store with one site, in a file.
func aStore(t *testing.T, path string) *database.Store {
	t.Helper()
	s, err := database.Open(t.Context(), database.Config{Driver: "sqlite", Source: path, Server: "ns1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	_, err = s.As(database.Viewer{Name: "ann", Operator: true}).Publish(t.Context(), database.Publication{
		Objects: []site.Object{{Kind: site.ObjectSite, Name: "www.example.org", Text: oldSite}}, Claims: []database.SiteNames{{Site: "www.example.org"}}, Why: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// aBackup is one with one site.
func aBackup(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := aStore(t, filepath.Join(t.TempDir(), "store")).Dump(t.Context(), &b, then); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	contentsShown = `made      2026-01-02T03:04:05Z
schema    2
revision  1
holds     1 site, 0 customers, 0 users, 11 rows in all
`
	contentsJSON = `{
  "made": "2026-01-02T03:04:05Z",
  "schema": 2,
  "revision": 1,
  "sites": 1,
  "customers": 0,
  "users": 0,
  "rows": 11
}
`
)

// backedUp runs a command line against a server with that backup.
func backedUp(t *testing.T, c copies, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return against(t, api.Config{Engine: fake{}, Store: new(store), Log: silent{}, Resources: api.Resources{Backups: c}}, args...)
}

// only wants a directory to have these files, and no others.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("Expected the files %v, got %v", want, names)
	}
}

func TestBackup(t *testing.T) {
	good, dir := aBackup(t), t.TempDir()
	path := filepath.Join(dir, "b")
	code, out, complaint := backedUp(t, text(good), "backup", path)
	if code != 0 || out != contentsShown || complaint != "" {
		t.Errorf("Expected\n%s\ngot %d\n%s%s", contentsShown, code, out, complaint)
	}
	kept, err := os.ReadFile(path)
	if err != nil || string(kept) != good {
		t.Errorf("Expected the backup in the file, got %q, %v", kept, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().String() != "-rw-------" {
		t.Errorf("Expected a file of its owner's alone, got %v, %v", info, err)
	}

	code, _, complaint = backedUp(t, text(good), "backup", path)
	expect(t, code, 3, complaint, "cdnctl: '"+path+"' is there already: --force replaces it\n")
	code, out, _ = backedUp(t, text(good), "backup", path, "--force", "-o", "json")
	expect(t, code, 0, out, contentsJSON)
	code, _, complaint = backedUp(t, text(good), "backup", dir, "--force")
	expect(t, code, 3, complaint, "cdnctl: '"+dir+"' is there already, and no file\n")
	code, out, complaint = backedUp(t, text(good), "backup", "-")
	expect(t, code, 0, out+complaint, good)
	code, out, _ = plain(t, "backup", "--verify", path)
	expect(t, code, 0, out, contentsShown)
	code, out, complaint = plain(t, "backup", "--verify", "--force", path)
	expect(t, code, 2, out+complaint, "cdnctl: --force is for a backup that is made, and --verify makes none\n")
	only(t, dir, "b")
}

// TestABackupThatFails leaves what was there, and nothing else.
func TestABackupThatFails(t *testing.T) {
	good, dir := aBackup(t), t.TempDir()
	path := filepath.Join(dir, "b")
	write(t, path, "of yesterday")
	for name, c := range map[string]struct {
		copies copies
		want   string // of the complaint
	}{
		"away":       {func(io.Writer) error { return fmt.Errorf("%w: refused", api.ErrUnavailable) }, "backing up into '" + path + "': Service Unavailable: the store is away: refused"},
		"cut off":    {text(good[:len(good)-100]), "the dump ends before its last line"},
		"damaged":    {text(strings.Replace(good, "ann", "bob", 1)), "the dump is damaged"},
		"breaks off": {func(w io.Writer) error { return errors.Join(text(good[:100])(w), errors.New("gone")) }, "EOF"},
	} {
		code, out, complaint := backedUp(t, c.copies, "backup", path, "--force")
		if code != 3 || out != "" || !strings.Contains(complaint, c.want) {
			t.Errorf("%s: Expected the exit code 3 and '%s', got %d, %s%s", name, c.want, code, out, complaint)
		}
	}
	code, _, complaint := backedUp(t, text(good), "backup", filepath.Join(dir, "none", "b"))
	if code != 3 || !strings.Contains(complaint, "no such file or directory") {
		t.Errorf("Expected a folder that is not there to be said, got %d, %s", code, complaint)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "of yesterday" {
		t.Errorf("Expected the file of before, got %q, %v", kept, err)
	}
	only(t, dir, "b")
	code, _, complaint = plain(t, "backup", "--verify", path)
	expect(t, code, 3, complaint, "cdnctl: verifying '"+path+"': reading a dump: line 0: it does not begin as a dump of a store does\n")
}

func TestRestore(t *testing.T) {
	good, dir := aBackup(t), t.TempDir()
	path, target := filepath.Join(dir, "b"), filepath.Join(dir, "store")
	write(t, path, good)
	code, out, complaint := plain(t, "restore", path, "--store", "sqlite "+target)
	expect(t, code, 0, out+complaint, contentsShown)
	code, _, complaint = plain(t, "restore", path, "--store", "sqlite "+target)
	expect(t, code, 3, complaint, "cdnctl: restoring '"+path+"': loading a dump: the store is not empty: it has rows in 'revisions'\n")

	s, err := database.Open(t.Context(), database.Config{Driver: "sqlite", Source: target})
	if err != nil {
		t.Fatal(err)
	}
	if revision, objects, err := s.Changes(t.Context(), 0); err != nil || revision != 1 || len(objects) != 1 || objects[0].Text != oldSite {
		t.Errorf("Expected the site in revision 1, got %d %v %v", revision, objects, err)
	}
	code, _, complaint = plain(t, "restore", path, "--store", "sqlite "+target)
	expect(t, code, 3, complaint, fmt.Sprintf("cdnctl: restoring '%s': store file '%s' is in use by process %d\n", path, target, os.Getpid()))
	id, err := s.ID(t.Context())
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}

	write(t, filepath.Join(dir, "Corefile"), "example.org {\n cdnredirect {\n  state /nowhere\n  store sqlite "+target+"\n }\n}\n")
	code, out, complaint = plain(t, "restore", "--put-back", "--corefile", filepath.Join(dir, "Corefile"))
	expect(t, code, 0, out+complaint, "servers take the store for a new one\n")
	if s, err = database.Open(t.Context(), database.Config{Driver: "sqlite", Source: target}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if now, err := s.ID(t.Context()); err != nil || now == id || now == "" {
		t.Errorf("Expected another store, got '%s' of '%s', %v", now, id, err)
	}
}

// TestARestoreThatFails leaves nothing.
func TestARestoreThatFails(t *testing.T) {
	good, dir := aBackup(t), t.TempDir()
	path := filepath.Join(dir, "b")
	for n := 0; n < len(good); n += 53 {
		write(t, path, good[:n])
		code, out, complaint := plain(t, "restore", path, "--store", "sqlite "+filepath.Join(dir, "store"))
		if code != 3 || out != "" || !strings.Contains(complaint, "the dump ends before its last line") {
			t.Fatalf("Expected the first %d octets to be refused, got %d, %s%s", n, code, out, complaint)
		}
	}
	only(t, dir, "b")
	write(t, path, strings.Replace(good, `"schema":2`, `"schema":3`, 1))
	code, _, complaint := plain(t, "restore", path, "--store", "sqlite "+filepath.Join(dir, "store"))
	expect(t, code, 3, complaint, "cdnctl: restoring '"+path+"': loading a dump: line 1: the dump has version 1 and schema 3, and this version of the program reads 1 and 2\n")
	write(t, filepath.Join(dir, "store-wal"), "what is left of a store")
	code, _, complaint = plain(t, "restore", path, "--store", "sqlite "+filepath.Join(dir, "store"))
	if code != 3 || !strings.Contains(complaint, "put a copy back, or remove the log") {
		t.Errorf("Expected the log of a store to be kept, got %d, %s", code, complaint)
	}
	only(t, dir, "b", "store-wal", "store.lock")
}

// TestStoresThatAreRefused quotes no password.
func TestStoresThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "none"), "example.org {\n cdnredirect\n}\n")
	write(t, filepath.Join(dir, "bad"), "example.org {\n cdnredirect {\n  stor sqlite /x\n }\n}\n")
	write(t, filepath.Join(dir, "b"), "x")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "say which store, by --corefile FILE or by --store STORE"},
		{[]string{"--store", "sqlite /x", "--corefile", "y"}, 2, "say which store, by --corefile FILE or by --store STORE"},
		{[]string{"--store", "sqlite x"}, 2, "--store: 'x' is not an absolute path"},
		{[]string{"--store", "mysql x"}, 2, "--store: unknown store 'mysql': sqlite, postgres are known"},
		{[]string{"--store", "sqlite /x\n seed y"}, 2, "--store: it is one line"},
		{[]string{"--store", "postgres host=h password=hunter2"}, 2, "needs quotes"},
		{[]string{"--store", "postgres mysql://u:hunter2@h/d"}, 2, "the connection string is neither a postgres:// URL nor words"},
		{[]string{"--store", "postgres postgres://u:hunter2@127.0.0.1:1/d"}, 3, "connection refused"},
		{[]string{"--store", `postgres "host=127.0.0.1 port=1 user=u password=hunter2"`}, 3, "connection refused"},
		{[]string{"--store", "postgres postgres://u:hunter2@127.0.0.1:1/d tls " + filepath.Join(dir, "ca")}, 2, "reading the certificates of the CA: open"},
		{[]string{"--store", "postgres postgres://u:hunter2@127.0.0.1:1/d tls " + filepath.Join(dir, "b") + " " + filepath.Join(dir, "b")}, 2, "reading the certificate for the store: "},
		{[]string{"--corefile", filepath.Join(dir, "none")}, 2, "has no line 'store'"},
		{[]string{"--corefile", filepath.Join(dir, "bad")}, 2, "bad:3: "},
		{[]string{"--corefile", filepath.Join(dir, "missing")}, 2, "no such file"},
	} {
		code, _, complaint := plain(t, append([]string{"restore", filepath.Join(dir, "b")}, c.args...)...)
		if code != c.code || !strings.Contains(complaint, c.want) || strings.Contains(complaint, "hunter2") {
			t.Errorf("%q: Expected the exit code %d and '%s', got %d, %s", c.args, c.code, c.want, code, complaint)
		}
	}
	for line, want := range map[string]string{
		"restore --store sqlite":                         "accepts 1 arg(s), received 0",
		"restore b --put-back --store x":                 "1 argument too many: 'b'",
		"restore --put-back --store 'sqlite /nowhere/x'": "there is no '/nowhere/x': put the copy there",
		"backup":                    "accepts 1 arg(s), received 0",
		"backup /nowhere/x -o html": "unknown output 'html'",
	} {
		var args []string
		for i, part := range strings.Split(line, "'") {
			if i%2 == 1 {
				args = append(args, part)
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		if code, _, complaint := plain(t, args...); code == 0 || !strings.Contains(complaint, want) {
			t.Errorf("%s: Expected '%s', got %d, %s", line, want, code, complaint)
		}
	}
}
