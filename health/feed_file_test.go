package health_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// A file speaks for the time at which it was written; one that stays as it is
// gives no second sample.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own metrics.prom")
	to := source("file", "file://"+strings.ReplaceAll(path, " ", "%20"), site.Ask{Signal: site.Load, Query: "g"})
	m := health.NewMeter()
	sample := func() []site.Sample {
		t.Helper()
		r := read(t, to)
		wantGood(t, r)
		now := time.Now()
		samples, _ := m.Samples(now, now, r.Readings)
		return samples
	}
	first := time.Now().Add(-time.Minute).Truncate(time.Second)
	write(t, path, "g 1\n", first)
	if got := sample(); len(got) != 1 || got[0].Value != 1 || !got[0].At.Equal(first) {
		t.Errorf("got %+v, want 1 at %s", got, first)
	}
	if got := sample(); len(got) != 0 {
		t.Errorf("of the same file: got %+v, want nothing new", got)
	}
	write(t, path, "g 2\n", first.Add(time.Second))
	if got := sample(); len(got) != 1 || got[0].Value != 2 {
		t.Errorf("of a new file: got %+v, want 2", got)
	}
	write(t, path, "g 3 "+"4102444800000\n", first.Add(2*time.Second))
	if got := sample(); len(got) != 0 {
		t.Errorf("of a series with a time from the future: got %+v, want nothing", got)
	}
}

func write(t *testing.T, path, text string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}

func TestFileFailures(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, text, time.Now())
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want site.Failure
		says string
	}{
		{filepath.Join(dir, "none"), site.FailureConnect, "no such file"},
		{dir, site.FailureConnect, "no regular file"},
		{pipe, site.FailureConnect, "no regular file"},
		{file("empty", ""), site.FailureContent, "no series matches 'g'"},
		{file("torn", "g 1"), site.FailureProtocol, "line 1"},
		{file("large", strings.Repeat("# text\n", 4<<20/7+1)), site.FailureConnect, "more than 4194304 bytes"},
	} {
		t.Run(filepath.Base(c.path), func(t *testing.T) {
			r := read(t, source("file", "file://"+c.path, site.Ask{Signal: site.Load, Query: "g"}))
			wantFailure(t, r, c.want, c.says)
		})
	}
}
