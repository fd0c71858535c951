package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// kept is a payload of the tests.
type kept struct {
	Revision int
	Text     string
}

// openState opens a folder until the test is over.
func openState(t testing.TB, dir string) *store.StateDir {
	t.Helper()
	d, err := store.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// keep writes revisions, one after the other, and returns the file of the last.
func keep(t testing.TB, dir string, revisions ...int) (file string) {
	t.Helper()
	d := openState(t, dir)
	defer d.Close()
	for _, revision := range revisions {
		if err := d.Write("sites", kept{revision, "www.example.org"}); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "sites")
}

// wantKept reads the folder as the next process would.
func wantKept(t testing.TB, dir string, revision int, old bool) store.Found {
	t.Helper()
	d := openState(t, dir)
	defer d.Close()
	var got kept
	found, err := d.Read("sites", &got)
	if err != nil {
		t.Fatal(err)
	}
	if want := (kept{revision, "www.example.org"}); got != want || found.Old != old || (found.Damage != nil) != old {
		t.Fatalf("Expected %v, old: %v, got %v, %+v", want, old, got, found)
	}
	return found
}

// wantStateError checks the whole text of an error, in which DIR stands for a folder.
func wantStateError(t testing.TB, err error, dir, text string) {
	t.Helper()
	if got := strings.ReplaceAll(fmt.Sprint(err), dir, "DIR"); got != text {
		t.Errorf("Expected the error\n%s\ngot\n%s", text, got)
	}
}

func TestStateIsReadByTheNextProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	before := time.Now().Round(0)
	keep(t, dir, 1, 2)
	found := wantKept(t, dir, 2, false)
	if found.At.Before(before) || found.At.After(time.Now()) {
		t.Errorf("Written at %s, before %s or after now", found.At, before)
	}
	if err := os.Remove(filepath.Join(dir, "sites")); err != nil {
		t.Fatal(err)
	}
	found = wantKept(t, dir, 1, true)
	wantStateError(t, found.Damage, dir, "open DIR/sites: no such file or directory")
}

func TestStateIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	keep(t, dir, 1, 2)
	for file, want := range map[string]fs.FileMode{"": 0o700, "lock": 0o600, "sites": 0o600, "sites.old": 0o600} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("'%s' has mode %o, expected %o", file, got, want)
		}
	}
}

func TestStateOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	first := openState(t, dir)
	_, err := store.OpenState(dir)
	wantStateError(t, err, dir, fmt.Sprintf("opening state folder 'DIR': it is in use by process %d", os.Getpid()))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("Closing a second time: %v", err)
	}
	keep(t, dir, 1)
	wantStateError(t, first.Write("sites", 1), dir, "writing state 'DIR/sites': the state folder is closed: file already closed")
	_, err = first.Read("sites", new(kept))
	wantStateError(t, err, dir, "reading state 'DIR/sites': the state folder is closed: file already closed")
}

func TestStateFolderThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	_, err := store.OpenState(filepath.Join(dir, "none", "state"))
	wantStateError(t, err, dir, "opening state folder 'DIR/none/state': mkdir DIR/none/state: no such file or directory")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.OpenState(file)
	wantStateError(t, err, dir, "opening state folder 'DIR/file': open DIR/file/lock: not a directory")
}

func TestStateThatNobodyWrote(t *testing.T) {
	dir := t.TempDir()
	got := kept{Revision: 7}
	_, err := openState(t, dir).Read("sites", &got)
	if !errors.Is(err, fs.ErrNotExist) || got.Revision != 7 {
		t.Errorf("Expected nothing, got %v and %v", got, err)
	}
	wantStateError(t, err, dir, "reading state 'DIR/sites': open DIR/sites: no such file or directory")
}

func TestStateNames(t *testing.T) {
	dir := t.TempDir()
	d := openState(t, dir)
	for _, name := range []string{"", "lock", "sites.old", "sites.tmp", "../sites", "Sites", "-"} {
		path := filepath.Join(dir, name)
		text := "'" + name + "' is no name for a state: use letters, digits and '-'"
		wantStateError(t, d.Write(name, 1), dir, strings.ReplaceAll("writing state '"+path+"': "+text, dir, "DIR"))
		_, err := d.Read(name, new(int))
		wantStateError(t, err, dir, strings.ReplaceAll("reading state '"+path+"': "+text, dir, "DIR"))
	}
	if err := d.Write("sites-2", 1); err != nil {
		t.Error(err)
	}
}

func TestStateLeftHalfWrittenIsRemoved(t *testing.T) {
	dir := t.TempDir()
	file := keep(t, dir, 1)
	if err := os.WriteFile(file+".tmp", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	openState(t, dir).Close()
	if _, err := os.Stat(file + ".tmp"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("The temporary file is still there: %v", err)
	}
	wantKept(t, dir, 1, false)
}

// TestF17EveryByteFlipped flips a bit of every byte, one after the other.
func TestF17EveryByteFlipped(t *testing.T) {
	dir := t.TempDir()
	file := keep(t, dir, 1, 2)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1 << (i % 8)
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		wantKept(t, dir, 1, true)
	}
}

// TestF17EveryLength cuts a file at every length, and appends to it.
func TestF17EveryLength(t *testing.T) {
	dir := t.TempDir()
	file := keep(t, dir, 1, 2)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for length := range len(whole) + 2 {
		if length == len(whole) {
			continue
		}
		if err := os.WriteFile(file, append(bytes.Clone(whole), 0)[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		wantKept(t, dir, 1, true)
	}
}

func TestF17DamageIsNamed(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(whole []byte) []byte
		text   string
	}{
		{"empty", func([]byte) []byte { return nil }, "it is empty"},
		{"a part of the header", func(b []byte) []byte { return b[:10] }, "it ends after 10 octets, within its header"},
		{"half", func(b []byte) []byte { return b[:80] }, "it has 16 octets behind its header, which speaks of LENGTH"},
		{"another file", func(b []byte) []byte { return append([]byte("PK"), b[2:]...) }, `it begins with "PKnstate", as no state file does`},
		{"a bit", func(b []byte) []byte { b[70] ^= 1; return b }, "its checksum is wrong"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := keep(t, dir, 1)
			whole, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(test.text, "LENGTH", fmt.Sprint(len(whole)-64))
			if err := os.WriteFile(file, test.damage(whole), 0o600); err != nil {
				t.Fatal(err)
			}
			var got kept
			_, err = openState(t, dir).Read("sites", &got)
			if got != (kept{}) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Expected nothing but an error, got %v", got)
			}
			wantStateError(t, err, dir, "reading state 'DIR/sites': file 'DIR/sites' cannot be used: "+text)
		})
	}
}

func TestF17BothFilesDamaged(t *testing.T) {
	dir := t.TempDir()
	file := keep(t, dir, 1, 2)
	for _, name := range []string{file, file + ".old"} {
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
	}
	d := openState(t, dir)
	_, err := d.Read("sites", new(kept))
	wantStateError(t, err, dir, "reading state 'DIR/sites': file 'DIR/sites' cannot be used: it is empty\nfile 'DIR/sites.old' cannot be used: it is empty")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = d.Read("sites", new(kept))
	wantStateError(t, err, dir, "reading state 'DIR/sites': file 'DIR/sites.old' cannot be used: it is empty")
}

// TestF17ADamagedFileIsNotKept: the file before it is the one that can be read.
func TestF17ADamagedFileIsNotKept(t *testing.T) {
	dir := t.TempDir()
	file := keep(t, dir, 1, 2)
	if err := os.Truncate(file, 70); err != nil {
		t.Fatal(err)
	}
	keep(t, dir, 3)
	wantKept(t, dir, 3, false)
	if err := os.Truncate(file, 70); err != nil {
		t.Fatal(err)
	}
	wantKept(t, dir, 1, true)
}

// makeNewer makes a file that a program of the future could have written.
func makeNewer(t *testing.T, file string) {
	t.Helper()
	if err := store.WriteVersion(file, 2, kept{9, "from the future"}); err != nil {
		t.Fatal(err)
	}
}

// TestF53ANewerFormat: it is neither read nor lost, and the file before it serves.
func TestF53ANewerFormat(t *testing.T) {
	const refused = "file 'DIR/sites' cannot be used: its format is version 2, and this program knows version 1 at most: it is 'DIR/sites.newer-1' now"
	dir := t.TempDir()
	file := keep(t, dir, 1, 2)
	makeNewer(t, file)
	wantStateError(t, wantKept(t, dir, 1, true).Damage, dir, refused)
	keep(t, dir, 3)
	wantKept(t, dir, 3, false)
	wantVersion2(t, file+".newer-1")

	dir = t.TempDir()
	file = keep(t, dir)
	makeNewer(t, file)
	_, err := openState(t, dir).Read("sites", new(kept))
	wantStateError(t, err, dir, "reading state 'DIR/sites': "+refused)
}

func wantVersion2(t *testing.T, file string) {
	t.Helper()
	if err := store.CheckFile(file); fmt.Sprint(err) != "its format is version 2, and this program knows version 1 at most" {
		t.Errorf("'%s' is not what was moved aside: %v", file, err)
	}
}

func TestF53ANewerFormatIsNotWrittenOver(t *testing.T) {
	dir := t.TempDir()
	for n := 1; n < 4; n++ {
		file := keep(t, dir, n)
		makeNewer(t, file)
		keep(t, dir, n+1)
		wantKept(t, dir, n+1, false)
		wantVersion2(t, fmt.Sprintf("%s.newer-%d", file, n))
	}
}

func TestStateThatIsNoJSON(t *testing.T) {
	dir := t.TempDir()
	keep(t, dir, 1)
	d := openState(t, dir)
	wantStateError(t, d.Write("sites", math.NaN()), dir, "writing state 'DIR/sites': json: unsupported value: NaN")
	d.Close()
	wantKept(t, dir, 1, false)
	if files, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); files != nil {
		t.Errorf("Left behind: %v", files)
	}
}

// TestStateOfAnotherShape: what was decoded of it before it failed is not handed out.
func TestStateOfAnotherShape(t *testing.T) {
	dir := t.TempDir()
	d := openState(t, dir)
	for _, payload := range []any{map[string]any{"Revision": 3, "Text": 5}, numbers{3, 4}} {
		if err := d.Write("sites", payload); err != nil {
			t.Fatal(err)
		}
		got := kept{Revision: 7}
		if _, err := d.Read("sites", &got); err == nil || got != (kept{Revision: 7}) {
			t.Errorf("Expected an error and nothing read, got %v and %v", err, got)
		}
	}
}

// numbers are written one by one.
type numbers []int

func (n numbers) EncodeState(encode func(any) error) error {
	for _, number := range n {
		if err := encode(number); err != nil {
			return err
		}
	}
	return nil
}

func (n *numbers) DecodeState(decode func(any) error) error {
	for {
		var number int
		if err := decode(&number); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		*n = append(*n, number)
	}
}

func TestStateInPieces(t *testing.T) {
	d := openState(t, t.TempDir())
	if err := d.Write("numbers", numbers{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	got := numbers{4}
	if _, err := d.Read("numbers", &got); err != nil || fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("Expected [1 2 3], got %v, %v", got, err)
	}
}

// slow is a payload that is on its way until it is over.
type slow struct{ begun, over chan struct{} }

func (s slow) EncodeState(encode func(any) error) error {
	close(s.begun)
	<-s.over
	return encode("slow")
}

// TestALongWriteKeepsNobodyWaiting but who closes the folder.
func TestALongWriteKeepsNobodyWaiting(t *testing.T) {
	dir := t.TempDir()
	d := openState(t, dir)
	if err := d.Write("sites", "before"); err != nil {
		t.Fatal(err)
	}
	s, written, closed := slow{make(chan struct{}), make(chan struct{})}, make(chan error), make(chan error)
	go func() { written <- d.Write("sites", s) }()
	<-s.begun
	if err := d.Write("overrides", "now"); err != nil {
		t.Error(err)
	}
	var got string
	if _, err := d.Read("sites", &got); err != nil || got != "before" {
		t.Errorf("Expected what was written before, got %q, %v", got, err)
	}
	go func() { closed <- d.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("Expected Close to wait for what is being written, got %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(s.over)
	if err := errors.Join(<-written, <-closed); err != nil {
		t.Error(err)
	}
	d = openState(t, dir)
	if _, err := d.Read("sites", &got); err != nil || got != "slow" {
		t.Errorf("Expected what was being written, got %q, %v", got, err)
	}
}
