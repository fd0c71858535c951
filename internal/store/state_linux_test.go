package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// smallDisk returns a folder on a disk of 128 KiB that only the rest of the test
// sees: it is mounted for this thread, which ends with the test.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		stateLacks(t, "mounting a small disk needs root")
	}
	dir = t.TempDir()
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		stateLacks(t, "making a mount namespace is not allowed here: %v", err)
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		stateLacks(t, "mounts cannot be made private here: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		stateLacks(t, "mounting a tmpfs is not allowed here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// stateLacks skips a test that needs something this machine lacks, unless
// nothing may be skipped.
func stateLacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CDNREDIRECT_REQUIRE_ALL") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// fillDisk takes all the room that is left on a disk.
func fillDisk(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 512))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// TestF18DiskFull: what was there stays, whether the disk is full or becomes so.
func TestF18DiskFull(t *testing.T) {
	dir := smallDisk(t)
	keep(t, dir, 1, 2)
	d := openState(t, dir)
	if err := d.Write("sites", longState(3)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Expected a full disk, got %v", err)
	}
	filler := filepath.Join(dir, "filler")
	fillDisk(t, filler)
	err := d.Write("sites", kept{Revision: 3})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Expected a full disk, got %v", err)
	}
	wantStateError(t, err, dir, "writing state 'DIR/sites': write DIR/sites.tmp: no space left on device")
	d.Close()
	wantKept(t, dir, 2, false)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	keep(t, dir, 4)
	wantKept(t, dir, 4, false)
}

// TestF18DiskReadOnly: a disk that takes no more can still be started from.
func TestF18DiskReadOnly(t *testing.T) {
	dir := smallDisk(t)
	keep(t, dir, 1, 2)
	if err := os.WriteFile(filepath.Join(dir, "sites.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	wantKept(t, dir, 2, false)
	d := openState(t, dir)
	if _, err := store.OpenState(dir); err == nil {
		t.Error("A second process may write here once the disk takes something again")
	}
	if err := d.Write("sites", kept{Revision: 3}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Expected a disk that is read-only, got %v", err)
	}
}
