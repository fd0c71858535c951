package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// tornSites is how many sites each revision of these tests has, all of another text
// than before.
const tornSites = 20

// tornAt are the objects at a revision: one of them is there in that revision only.
func tornAt(revision int64) (objects []site.Object) {
	if revision == 0 {
		return nil
	}
	for i := range tornSites {
		o := siteOf(fmt.Sprintf("s%02d.example.org", i), "", fmt.Sprintf("# revision %06d", revision), strings.Repeat("# as long as a site is\n", 10))
		o.Revision = revision
		objects = append(objects, o)
	}
	last := siteOf(onlyAt(revision), "")
	last.Revision = revision
	return append(objects, last)
}

func onlyAt(revision int64) string { return fmt.Sprintf("t%06d.example.org", revision) }

// tornChange is what makes a revision of the one before.
func tornChange(revision int64) []site.Object {
	objects := tornAt(revision)
	for i := range objects {
		objects[i].Revision = 0
	}
	if revision > 1 {
		objects = append(objects, site.Object{Kind: site.ObjectSite, Name: onlyAt(revision - 1)})
	}
	return objects
}

// publisherInto makes this binary a process that publishes two revisions into a
// file: one from a draft, and one without.
const publisherInto = "CDNREDIRECT_TEST_PUBLISHER"

// init plays that process. All it does is done by one thread, so that system
// calls can be counted.
func init() {
	file := os.Getenv(publisherInto)
	if file == "" {
		return
	}
	runtime.LockOSThread()
	os.Exit(publishTwo(context.Background(), file))
}

func publishTwo(ctx context.Context, file string) int {
	var s *store.Store
	var revision int64
	opened := persists("open", func() (err error) {
		s, err = openWhenFree(ctx, file)
		return err
	})
	if !opened || !persists("read", func() (err error) { revision, err = s.Revision(ctx); return err }) {
		return reported
	}
	v := operator(s)
	drafted := func() error {
		_, err := v.PutDraft(ctx, revision, tornChange(revision+1)...)
		return err
	}
	published := func(draft bool) func() error {
		return func() error {
			p := store.Publication{Base: revision, Draft: draft, Why: "a test"}
			if !draft {
				p.Objects = tornChange(revision + 1)
			}
			number, err := v.Publish(ctx, p)
			if err == nil {
				revision = number
				fmt.Println("published", revision)
			}
			return err
		}
	}
	if !persists("draft", drafted) || !persists("publish", published(true)) || !persists("publish", published(false)) {
		return reported
	}
	if err := s.Close(); err != nil {
		fmt.Println("closing:", err)
	}
	return written
}

// persists tries three times, and says why it was of no use.
func persists(what string, try func() error) bool {
	for range 3 {
		err := try()
		if err == nil {
			return true
		}
		fmt.Printf("refused to %s, full %v: %v\n", what, store.IsFull(err), err)
	}
	return false
}

// storeScene is what such a process finds.
type storeScene struct {
	name   string
	before int64 // revision that there is
	make   func(t *testing.T, file string)
}

var storeScenes = []storeScene{
	{"none", 0, func(*testing.T, string) {}},
	{"one that was closed", 1, func(t *testing.T, file string) { tornUpTo(t, file, 1) }},
	{"one whose process was killed", 2, func(t *testing.T, file string) {
		tornUpTo(t, file, 1)
		s := openNext(t, file)
		publish(t, operator(s), 1, tornChange(2)...)
		for _, suffix := range []string{"", "-wal"} {
			text, err := os.ReadFile(file + suffix)
			must(t, err)
			defer func() { must(t, os.WriteFile(file+suffix, text, 0o600)) }() // as it is now
		}
		must(t, s.Close())
	}},
}

func tornUpTo(t *testing.T, file string, last int64) {
	t.Helper()
	s := openNext(t, file)
	for revision := range last {
		publish(t, operator(s), revision, tornChange(revision+1)...)
	}
	must(t, s.Close())
}

// storePoint is one system call that goes wrong.
type storePoint struct {
	scene storeScene
	call  string
	n     int
	file  string // that it is for
	fault string // in the words of strace
}

func (p storePoint) String() string {
	return fmt.Sprintf("%s %d, for the file%s of a store, %s: %s", p.call, p.n, p.file, p.scene.name, p.fault)
}

// tracedOfStore are the calls that change files. With -y strace names these.
const tracedOfStore = "trace=write,pwrite64,fsync,fdatasync,ftruncate,/^unlink,/^rename"

var storeCalls = regexp.MustCompile(`(?m)^(\d+) +(\w+)\((.*)$`)

// TestF18F19EveryStepOfAPublication has each call of a process that changes the files of
// a store fail, or be the last thing that it does. In every case the store can be opened
// then, and has the last revision that was confirmed, or the one after it, whole; what
// failed is said, and works when it is tried again.
func TestF18F19EveryStepOfAPublication(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		stateLacks(t, "strace is not installed: install the Debian package strace")
	}
	var making, pages, others []storePoint
	for _, s := range storeScenes {
		for _, p := range s.points(t) {
			switch {
			case strings.HasPrefix(p.file, ".new"):
				making = append(making, p)
			case p.call == "pwrite64":
				pages = append(pages, p)
			default:
				others = append(others, p)
			}
		}
	}
	some := slices.Concat(making, samplePoints(pages, 20), samplePoints(others, 15))
	for _, p := range some {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			p.run(t)
		})
	}
	t.Logf("%d of %d points", len(some), len(making)+len(pages)+len(others))
}

// points returns what may go wrong when nothing does.
func (s storeScene) points(t *testing.T) []storePoint {
	t.Helper()
	file := filepath.Join(t.TempDir(), "store.db")
	s.make(t, file)
	log, said, status := tracePublisher(t, file)
	if status != written {
		stateLacks(t, "strace does not work here: status %#x: %s%s", status, log, said)
	}
	counts := make(map[string]int)
	var points []storePoint
	own := ""
	for _, call := range storeCalls.FindAllStringSubmatch(log, -1) {
		if own == "" {
			own = call[1] // the first thread
		}
		if call[1] != own {
			continue
		}
		counts[call[2]]++
		_, of, ours := strings.Cut(call[3], file)
		if !ours {
			continue
		}
		of = of[:strings.IndexAny(of, `>"`)]
		n := counts[call[2]]
		for _, fault := range []string{"signal=KILL", []string{"error=EIO", "error=ENOSPC"}[n%2]} {
			points = append(points, storePoint{s, call[2], n, of, fault})
		}
	}
	return points
}

func tracePublisher(t *testing.T, file string, args ...string) (log, said string, status syscall.WaitStatus) {
	t.Helper()
	return traced(t, publisherInto+"="+file, append([]string{"-y", "-e", tracedOfStore}, args...)...)
}

// run has it go wrong.
func (p storePoint) run(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	p.scene.make(t, file)
	log, said, status := tracePublisher(t, file, "-e", fmt.Sprintf("inject=%s:%s:when=%d", p.call, p.fault, p.n))
	kill := p.fault == "signal=KILL"
	if kill && !status.Signaled() || !kill && !strings.Contains(log, "(INJECTED)") {
		t.Errorf("It did not happen: status %#x\n%s%s", status, log, said)
	}
	if !kill {
		p.expectSaid(t, said, status)
	}
	confirmed := p.scene.before
	for _, line := range strings.Split(said, "\n") {
		fmt.Sscanf(line, "published %d", &confirmed)
	}
	revision := wholeIn(t, file)
	if revision != confirmed && !(kill && revision == confirmed+1) {
		t.Errorf("Expected revision %d, got %d; the process said\n%s", confirmed, revision, said)
	}
	goOn(t, file, revision)
}

var saidRefused = regexp.MustCompile(`(?m)^refused to (\w+), full (\w+): .*$`)

// expectSaid wants a process that was refused something to have said why, and to have
// had it at last.
func (p storePoint) expectSaid(t *testing.T, said string, status syscall.WaitStatus) {
	t.Helper()
	refused := saidRefused.FindAllStringSubmatch(said, -1)
	if !status.Exited() || status.ExitStatus() != written {
		t.Errorf("Expected a second try to help, got status %#x, and\n%s", status, said)
	}
	if p.scene.before > 0 && p.file == "-wal" && p.call == "pwrite64" && len(refused) == 0 { // migrations are repeated
		t.Errorf("Expected it to be said, got\n%s", said)
	}
	for _, r := range refused {
		if r[1] != "open" && r[2] != "true" {
			t.Errorf("Expected it to be said that the disk takes no more, got\n%s", r[0])
		}
	}
}

// wholeIn returns the revision that the next process finds, of which all must be there,
// and of those before.
func wholeIn(t *testing.T, file string) int64 {
	t.Helper()
	s := openNext(t, file)
	defer s.Close()
	revision, objects, err := s.Changes(t.Context(), 0)
	must(t, err)
	whole(t, "What there is", objects, tornAt(revision))
	for n := range revision {
		changes, err := operator(s).Diff(t.Context(), 0, n)
		must(t, err)
		var objects []site.Object
		for _, c := range changes {
			objects = append(objects, c.After)
		}
		whole(t, fmt.Sprint("Revision ", n), objects, tornAt(n))
	}
	history, err := operator(s).History(t.Context(), 0, 0)
	must(t, err)
	equal(t, "Revisions", len(history), revision)
	return revision
}

// openNext opens a store that nobody has open any more.
func openNext(t *testing.T, file string) *store.Store {
	t.Helper()
	s, err := openWhenFree(t.Context(), file)
	must(t, err)
	return s
}

// openWhenFree waits for processes that other tests start: each has all files of this one
// for a moment, and so its locks.
func openWhenFree(ctx context.Context, file string) (s *store.Store, err error) {
	for deadline := time.Now().Add(generous); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s, err = store.Open(ctx, store.Config{Driver: "sqlite", Source: file, Server: "ns1"})
		if !errors.Is(err, store.ErrLocked) {
			return s, err
		}
	}
	return s, err
}

// whole compares objects, and shows the first that is another one.
func whole(t *testing.T, what string, got, want []site.Object) {
	t.Helper()
	got, want = sorted(got), sorted(want)
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s: Expected %d objects, got %d", what, len(want), len(got))
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: Expected %.100q of revision %d, got %.100q of revision %d", what, want[i].Text, want[i].Revision, got[i].Text, got[i].Revision)
		}
	}
}

// goOn has the next process publish: what is left of the draft, if it was made for
// this.
func goOn(t *testing.T, file string, revision int64) {
	t.Helper()
	s := openNext(t, file)
	base, draft, err := operator(s).Draft(t.Context())
	drafted := !errors.Is(err, store.ErrNotFound)
	if drafted {
		must(t, err)
		equal(t, "The draft's base", base, revision)
		whole(t, "The draft", draft, tornChange(revision+1))
		_, err = operator(s).Publish(t.Context(), store.Publication{Draft: true})
		must(t, err)
	} else {
		publish(t, operator(s), revision, tornChange(revision+1)...)
	}
	must(t, s.Close())
	equal(t, "What the next process published", wholeIn(t, file), revision+1)
}

// TestF17AStoreWithAFlippedBit flips one in the heads of all pages, by which SQLite finds
// its way, and here and there between. It has no checksums, so not all of that is found:
// but whatever becomes of it is an answer or an error, and not the end of the process.
func TestF17AStoreWithAFlippedBit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "store.db")
	tornUpTo(t, file, 1)
	whole, err := os.ReadFile(file)
	must(t, err)
	var places []int
	for i := range whole {
		if i%4096 < 16 || i%499 == 0 {
			places = append(places, i)
		}
	}
	some := samplePoints(places, 30)
	found := 0
	for _, i := range some {
		damaged := slices.Clone(whole)
		damaged[i] ^= 1 << (i % 8)
		must(t, os.WriteFile(file, damaged, 0o600))
		if err := useStore(t.Context(), file); err != nil {
			found++
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			os.Remove(file + suffix)
		}
	}
	t.Logf("%d of %d bits, %d were found", len(some), len(places), found)
	if found == 0 {
		t.Error("Expected some of the damage to be found")
	}
}

// useStore opens a store, reads what there is, and publishes.
func useStore(ctx context.Context, file string) error {
	s, err := store.Open(ctx, store.Config{Driver: "sqlite", Source: file, Server: "ns1"})
	if err != nil {
		return err
	}
	defer s.Close()
	revision, _, err := s.Changes(ctx, 0)
	if err == nil {
		_, err = operator(s).Publish(ctx, store.Publication{Base: revision, Objects: tornChange(revision + 1)})
	}
	if err == nil {
		_, err = operator(s).History(ctx, 0, 0)
	}
	return err
}
