package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// The variables that make this binary another process: the path of its socket.
const (
	peerOf   = "CDNREDIRECT_TEST_PEER_OF"
	serverOf = "CDNREDIRECT_TEST_SERVER_OF"
)

const nobody = 65534

// beAPeer asks the server at path once.
func beAPeer(path string) (code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	list, err := api.Dial(path).States(ctx, api.StateQuery{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(list.States[0].Site)
	return 0
}

// beAServer serves path until its input ends.
func beAServer(path string) (code int) {
	s, err := api.Listen(path, api.Config{Engine: oneSite("nobody's."), Log: new(journal)})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer s.Close()
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// as returns this binary as another process of a user. Its own path would lead
// through a folder that the user may not enter.
func as(t *testing.T, uid uint32, variable, path string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "being another user needs root")
	}
	cmd := exec.CommandContext(soon(t), "/proc/self/exe")
	cmd.Dir = "/"
	cmd.Env = []string{variable + "=" + path}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uid, Gid: uid},
		Pdeathsig:  syscall.SIGKILL,
	}
	return cmd
}

func TestAnotherUserIsRefusedThoughTheModeLetsHimIn(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	var refused atomic.Int32
	log := new(journal)
	open(t, path, api.Config{Engine: oneSite("a."), Log: log, Refused: func() { refused.Add(1) }})
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		said, err := as(t, nobody, peerOf, path).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !strings.Contains(string(said), "lets in root and the user of CoreDNS only") {
			t.Errorf("Expected the peer to be refused and told why, got %v: %s", err, said)
		}
	}
	if refused.Load() != 2 {
		t.Errorf("Expected 2 refusals to be counted, got %d", refused.Load())
	}
	if lines := log.all(); len(lines) != 1 || !strings.Contains(lines[0], "user 65534 is neither root nor") {
		t.Errorf("Expected one line that names the user, got %q", lines)
	}
	if said, err := as(t, 0, peerOf, path).CombinedOutput(); err != nil || string(said) != "a.\n" {
		t.Errorf("Expected root to be let in, got %v: %s", err, said)
	}
}

func TestTheModeKeepsAnotherUserOut(t *testing.T) {
	_, path := listen(t, oneSite("a."))
	said, err := as(t, nobody, peerOf, path).CombinedOutput()
	if err == nil || !strings.Contains(string(said), "run this as root or as the user of CoreDNS") || !strings.Contains(string(said), path) {
		t.Errorf("Expected the path and what to do, got %v: %s", err, said)
	}
}

func TestTheServersOwnUserAndRootAreLetIn(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "s")
	cmd := as(t, nobody, serverOf, path)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	awake(t, cmd)
	if said, err := as(t, nobody, peerOf, path).CombinedOutput(); err != nil || string(said) != "nobody's.\n" {
		t.Errorf("Expected the server's own user to be let in, got %v: %s", err, said)
	}
	if got := siteAt(t, path); got != "nobody's." {
		t.Errorf("Expected root to be let in, got %q", got)
	}
}

// awake starts a server and waits for it.
func awake(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	var word string
	if _, err := fmt.Fscan(out, &word); err != nil || word != "ready" {
		t.Fatalf("Expected the server to be ready, got %q, %v", word, err)
	}
}
