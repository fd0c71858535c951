package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// holderOf names the variable that makes a process of this test hold a store.
const holderOf = "STORE_TEST_HOLDER"

// holdStore has a store open until its input ends.
func holdStore(file string) int {
	s, err := store.Open(context.Background(), store.Config{Driver: "sqlite", Source: file})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("open")
	bufio.NewReader(os.Stdin).ReadString('\n')
	s.Close()
	return 0
}

func TestF17SecondProcessIsRefused(t *testing.T) {
	file := sqliteConfig(t).Source
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderOf+"="+file)
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	said, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	equal(t, "The other process", said, "open\n")

	link := filepath.Join(t.TempDir(), "link.db")
	must(t, os.Symlink(file, link))
	for _, name := range []string{file, link} {
		_, err = store.Open(t.Context(), store.Config{Driver: "sqlite", Source: name})
		expect(t, err, store.ErrLocked, fmt.Sprintf("store file '%s' is in use by process %d", file, cmd.Process.Pid))
	}

	must(t, cmd.Process.Signal(syscall.SIGKILL))
	cmd.Wait()
	stdin.Close()
	open(t, store.Config{Driver: "sqlite", Source: file}) // the lock has gone with the process
}

func TestSecondStoreOfOneProcessIsRefused(t *testing.T) {
	cfg := sqliteConfig(t)
	first := open(t, cfg)
	_, err := store.Open(t.Context(), cfg)
	expect(t, err, store.ErrLocked, fmt.Sprintf("store file '%s' is in use by process %d", cfg.Source, os.Getpid()))
	must(t, first.Close())
	open(t, cfg)
}

func TestStoreFileIsMadeForItsOwner(t *testing.T) {
	cfg := sqliteConfig(t)
	open(t, cfg)
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(cfg.Source + suffix)
		must(t, err)
		equal(t, "Mode of the file"+suffix, info.Mode().String(), "-rw-------")
	}
}

func TestStoreIsThereAfterItsClose(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		publish(t, operator(s), 0, siteOf("www.example.org", ""))
		must(t, s.Close())
		if _, err := s.Revision(t.Context()); err == nil {
			t.Error("Expected a closed store to say so")
		}
		o, err := operator(open(t, cfg)).Object(t.Context(), site.ObjectSite, "www.example.org")
		must(t, err)
		equal(t, "Its revision", o.Revision, 1)
	})
}

func TestFileNamesThatURLsWouldNotHave(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a b?mode=ro#%41.db")
	open(t, store.Config{Driver: "sqlite", Source: file})
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// filled is a file that a store was closed with.
func filled(t *testing.T) (file string) {
	t.Helper()
	cfg := sqliteConfig(t)
	s := open(t, cfg)
	publish(t, operator(s), 0, manySites(200)...)
	must(t, s.Close())
	return cfg.Source
}

func TestF17FilesThatAreNoStore(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(file string) error
		text  string
	}{
		{"empty", func(file string) error { return os.Truncate(file, 0) },
			"store file '%s' is empty: put a copy back, or remove it to begin with a new store"},
		{"other", func(file string) error {
			return os.WriteFile(file, []byte("this is a text, and no database at all\n"), 0o600)
		},
			"store file '%s' is no SQLite database: put a copy back, or remove it to begin with a new store"},
		{"truncated", func(file string) error { return os.Truncate(file, 40960) }, ""},
		{"half a page", func(file string) error { return os.Truncate(file, 2000) }, ""},
		{"zeroes", func(file string) error { return overwrite(file, 8192, make([]byte, 8192)) }, ""},
		{"another program's", func(file string) error { return overwrite(file, 68, []byte{0, 0, 0, 1}) },
			"store file '%s' is a SQLite database, but no store"},
		{"lost, but for its log", func(file string) error { return os.Rename(file, file+"-wal") },
			"making store file '%[1]s': its log '%[1]s-wal' is there, but the file is not: put a copy back, or remove the log, too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filled(t)
			must(t, c.spoil(file))
			_, err := store.Open(t.Context(), store.Config{Driver: "sqlite", Source: file})
			words := c.text
			if words != "" {
				words = fmt.Sprintf(words, file)
			}
			expect(t, err, store.ErrDamaged, words)
		})
	}
}

func overwrite(file string, at int64, with []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(with, at)
	return err
}

func TestStoresThatAreNone(t *testing.T) {
	folder := t.TempDir()
	_, err := store.Open(t.Context(), store.Config{Driver: "sqlite", Source: folder})
	expect(t, err, store.ErrInvalid, "store file '"+folder+"' is no file")
	_, err = store.Open(t.Context(), store.Config{Driver: "etcd", Source: "x"})
	expect(t, err, store.ErrInvalid, "unknown store 'etcd': it is sqlite or postgres")
	_, err = store.Open(t.Context(), store.Config{Driver: "sqlite", Source: filepath.Join(folder, "none", "x.db")})
	expect(t, err, os.ErrNotExist, "")
}
