package onboard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Bounds of the operator's command.
const (
	maxOutput = 4 << 10 // bytes of what it says that are kept: the last ones
	afterKill = 5 * time.Second
)

// commandLimit is a variable for tests.
var commandLimit = 2 * time.Minute

// exitsForNow are those with which a command says that it may work the next time:
// EX_TEMPFAIL of sysexits.h, and that of ssh when it does not reach a node.
var exitsForNow = map[int]bool{75: true, 255: true}

// run runs the operator's command. It gets the archive, an environment that is small, and
// a group of its own, so that all that it has started ends with it.
func (w *own) run(ctx context.Context, r Request, what string, archive []byte) error {
	limited, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	words := append(append([]string{}, w.Command...), what)
	cmd := exec.CommandContext(limited, words[0], words[1:]...)
	said := &tail{most: maxOutput}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(archive), said, said
	cmd.Dir, cmd.Env = "/", w.environment(r)
	cmd.WaitDelay = afterKill
	asGroup(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	failed := fmt.Errorf("'%s' of cdn '%s': %w%s", strings.Join(words, " "), w.cdn, err, quoted(said.String()))
	switch {
	case err == nil:
		return nil
	case limited.Err() != nil:
		failed = fmt.Errorf("'%s' of cdn '%s' took longer than %s%s", strings.Join(words, " "), w.cdn, commandLimit, quoted(said.String()))
	case errors.As(err, &exit) && exit.Exited() && !exitsForNow[exit.ExitCode()]:
		failed = Refuse(failed)
	}
	return Inside(failed)
}

// environment is what the command knows, beside the archive.
func (w *own) environment(r Request) []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=" + os.Getenv("HOME"),
		"CDNREDIRECT_CDN=" + w.cdn, "CDNREDIRECT_SITE=" + r.name(), "CDNREDIRECT_KEY=" + r.Key,
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	most int
	text []byte
	cut  bool
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - t.most; over > 0 {
		t.text, t.cut = append(t.text[:0], t.text[over:]...), true
	}
	return len(p), nil
}

func (t *tail) String() string {
	if t.cut {
		return "..." + string(t.text)
	}
	return string(t.text)
}
