package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// copies is a store whose backup a test writes.
type copies func(ctx context.Context, w io.Writer) error

func (c copies) Backup(ctx context.Context, w io.Writer, _ api.Caller) error { return c(ctx, w) }

// backup asks for one, and returns what came and why it ended.
func backup(t *testing.T, c *api.Client) (string, error) {
	t.Helper()
	body, err := c.Backup(soon(t))
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

// copying serves a store with that backup.
func copying(t *testing.T, c copies) *api.Client {
	t.Helper()
	_, path := listenWith(t, c)
	return api.Dial(path)
}

func listenWith(t *testing.T, c copies) (*journal, string) {
	t.Helper()
	said, path := new(journal), folder(t)+"/s"
	open(t, path, api.Config{Engine: oneSite("a."), Store: new(strict), Log: said, Resources: api.Resources{Backups: c}})
	return said, path
}

// TestABackupIsStreamed: its first part comes before its last one is there.
func TestABackupIsStreamed(t *testing.T) {
	part, seen := strings.Repeat("x", 64<<10), make(chan struct{})
	c := copying(t, func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, part)
		<-seen
		return errors.Join(err, lastOf(io.WriteString(w, "end")))
	})
	body, err := c.Backup(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 32<<10)); err != nil {
		t.Fatal(err)
	}
	_, err = backup(t, c)
	if want := "Too Many Requests: another backup is being read"; err == nil || err.Error() != want {
		t.Errorf("Expected the error '%s', got '%v'", want, err)
	}
	close(seen)
	rest, err := io.ReadAll(body)
	if err != nil || string(rest) != part[32<<10:]+"end" {
		t.Errorf("Expected the rest, got %d octets and %v", len(rest), err)
	}
	if text, err := backup(t, c); err != nil || text != part+"end" {
		t.Errorf("Expected another one after that, got %d octets and %v", len(text), err)
	}
}

func lastOf(_ int, err error) error { return err }

// TestABackupThatBreaksOff does not look whole.
func TestABackupThatBreaksOff(t *testing.T) {
	for _, before := range []int{1, 100 << 10} {
		said, path := listenWith(t, func(_ context.Context, w io.Writer) error {
			_, _ = io.WriteString(w, strings.Repeat("x", before))
			return errors.New("the database went")
		})
		_, err := backup(t, api.Dial(path))
		if !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(fmt.Sprint(err), "EOF") {
			t.Errorf("Expected the answer to break off behind %d octets, got '%v'", before, err)
		}
		if got := strings.Join(said.all(), "\n"); !strings.Contains(got, "broke off: the database went") || strings.Contains(got, "panic") {
			t.Errorf("Expected the log to say why, got %s", got)
		}
	}
}

// TestABackupThatDoesNotBegin is a problem as any other.
func TestABackupThatDoesNotBegin(t *testing.T) {
	c := copying(t, func(context.Context, io.Writer) error {
		return fmt.Errorf("%w: connection refused", api.ErrUnavailable)
	})
	_, err := backup(t, c)
	if want := "Service Unavailable: the store is away: connection refused"; err == nil || err.Error() != want {
		t.Errorf("Expected the error '%s', got '%v'", want, err)
	}
	_, path := listen(t, oneSite("a."))
	_, err = backup(t, api.Dial(path))
	if p := new(api.Problem); !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("Expected that there is no store, got '%v'", err)
	}
	if _, err = backup(t, api.Dial(path+"none")); err == nil || !strings.Contains(err.Error(), "is CoreDNS running") {
		t.Errorf("Expected a hint that nobody is there, got '%v'", err)
	}
}
