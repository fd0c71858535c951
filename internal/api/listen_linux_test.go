package api_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func TestTheFileIsItsOwnersAloneWhateverTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	_, path := listen(t, oneSite("a."))
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("Expected a socket with mode 0600, got %v", info.Mode())
	}
}

func TestAPathThatCannotBeServedIsRefused(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	_, living := listen(t, oneSite("living."))

	for path, want := range map[string]string{
		"":                              "not absolute",
		"relative/s":                    "not absolute",
		"@abstract":                     "not absolute",
		"/" + strings.Repeat("x", 107):  "107 at most",
		filepath.Join(dir, "none", "s"): "there is no folder '" + filepath.Join(dir, "none") + "'",
		filepath.Join(file, "s"):        "there is no folder '" + file + "'",
		file:                            "no socket",
		link:                            "no socket",
		living:                          "another process is serving it",
	} {
		s, err := api.Listen(path, api.Config{Engine: oneSite("b."), Log: new(journal)})
		if err == nil {
			s.Close()
			t.Errorf("Expected an error for %q", path)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "socket '"+path+"'") {
			t.Errorf("Expected the path and %q in the error, got %q", want, err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("Expected the file untouched, got %q, %v", text, err)
	}
	if got := siteAt(t, living); got != "living." {
		t.Errorf("Expected the living server to go on, got %q", got)
	}
}

func TestTheSocketOfADeadProcessIsReplaced(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	leave(t, path)
	open(t, path, api.Config{Engine: oneSite("a."), Log: new(journal)})
	if got := siteAt(t, path); got != "a." {
		t.Errorf("Expected the new server at the path, got %q", got)
	}
}

// leave leaves a socket's file behind, as a killed process does.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseRemovesTheFileOnce(t *testing.T) {
	s, path := listen(t, oneSite("a."))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Fatalf("Expected no file after Close, got %v", err)
	}
	open(t, path, api.Config{Engine: oneSite("next."), Log: new(journal)})
	if err := s.Close(); err != nil {
		t.Errorf("Expected nothing from a second Close, got %v", err)
	}
	if got := siteAt(t, path); got != "next." {
		t.Errorf("Expected the next server at the path, got %q", got)
	}
}

// TestAFileThatWasRemovedIsMadeAgain is the reload of an operator whose socket
// somebody has swept away.
func TestAFileThatWasRemovedIsMadeAgain(t *testing.T) {
	old, path := listen(t, oneSite("old."))
	if !old.Serves(path) || old.Serves(path+"2") {
		t.Fatalf("Expected the server to know its path")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if old.Serves(path) {
		t.Fatalf("Expected the server to see that its file is gone")
	}
	fresh := open(t, path, api.Config{Engine: oneSite("fresh."), Log: new(journal)})
	if old.Serves(path) || !fresh.Serves(path) {
		t.Errorf("Expected the file to be the fresh server's")
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if got := siteAt(t, path); got != "fresh." {
		t.Errorf("Expected the fresh server's file to stay, got %q", got)
	}
}

func TestAReloadOpensTheNewPathBeforeItClosesTheOld(t *testing.T) {
	old, path := listen(t, oneSite("old."))
	_, other := listen(t, oneSite("new."))
	if a, b := siteAt(t, path), siteAt(t, other); a != "old." || b != "new." {
		t.Errorf("Expected both servers, got %q and %q", a, b)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if got := siteAt(t, other); got != "new." {
		t.Errorf("Expected the new server to go on, got %q", got)
	}
}
