package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	database "github.com/cdnredirect/cdnredirect/internal/store"
)

func newBackup(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE|-",
		Short: "Write all that is in the store into a file, while servers use it",
		Long: `Write all that is in the store at one moment into FILE, or to the standard output,
while servers use it. 'cdnctl restore' makes a store of it, in SQLite or PostgreSQL.
FILE is there when it is whole, and for its owner only: tokens are in it as
hashes, but the texts of objects as they are. Those of a Corefile are not in it.

With --verify no server is asked: it is said whether FILE is whole, and what is
in it.`,
		Example: "  cdnctl backup /var/backups/cdnredirect/$(date +%F)\n  cdnctl backup - | gzip > backup.gz",
		Args:    cobra.ExactArgs(1),
	}
	form := outputFlag(cmd, "table")
	force := cmd.Flags().Bool("force", false, "replace a file that is there")
	verify := cmd.Flags().Bool("verify", false, "look at FILE, and make none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		found, err := database.Contents{}, error(nil)
		switch path := args[0]; {
		case *verify && *force:
			return errors.New("--force is for a backup that is made, and --verify makes none")
		case *verify:
			found, err = verifyFile(cmd, path)
		case path == "-":
			return answered(backUpTo(cmd.Context(), server(), cmd.OutOrStdout()))
		default:
			found, err = backUp(cmd.Context(), server(), path, *force)
		}
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, found, func(p *page) { p.contents(found) }))
	}
	return cmd
}

func (p *page) contents(c database.Contents) {
	p.line("made      %s", c.Made.Format(time.RFC3339))
	p.line("schema    %d", c.Schema)
	p.line("revision  %d", c.Revision)
	p.line("holds     %s, %s, %s, %s in all", plural(c.Sites, "site"), plural(c.Customers, "customer"), plural(c.Users, "user"), plural(int(c.Rows), "row"))
}

// verifyFile says what is in a file, or in the standard input.
func verifyFile(cmd *cobra.Command, path string) (database.Contents, error) {
	file, err := openBackup(cmd, path)
	if err != nil {
		return database.Contents{}, err
	}
	defer file.Close()
	found, err := database.Verify(file)
	if err != nil {
		err = fmt.Errorf("verifying '%s': %w", path, err)
	}
	return found, err
}

// openBackup opens a file, or the standard input.
func openBackup(cmd *cobra.Command, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	return os.Open(path)
}

// backUpTo writes a backup that nobody keeps to a name, and sees to it that it is whole.
func backUpTo(ctx context.Context, server *api.Client, w io.Writer) error {
	if isTerminal(w) {
		return errors.New("a backup is nothing to look at: write it into a file")
	}
	_, err := copyBackup(ctx, server, w)
	if err != nil {
		err = fmt.Errorf("backing up: %w", err)
	}
	return err
}

func copyBackup(ctx context.Context, server *api.Client, w io.Writer) (database.Contents, error) {
	body, err := server.Backup(ctx)
	if err != nil {
		return database.Contents{}, err
	}
	defer body.Close()
	return database.Verify(io.TeeReader(body, w))
}

// backUp writes a backup into a file, whole or not at all.
func backUp(ctx context.Context, server *api.Client, path string, force bool) (found database.Contents, err error) {
	if err := mayWrite(path, force); err != nil {
		return found, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with the mode 0600
	if err != nil {
		return found, fmt.Errorf("backing up into '%s': %w", path, err)
	}
	defer os.Remove(file.Name()) // unless it has got its name
	defer file.Close()
	if found, err = copyBackup(ctx, server, file); err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return found, fmt.Errorf("backing up into '%s': %w", path, err)
	}
	return found, nil
}

// mayWrite refuses to replace what is there.
func mayWrite(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("'%s' is there already, and no file", path)
	case !force:
		return fmt.Errorf("'%s' is there already: --force replaces it", path)
	}
	return nil
}

// syncDir has a new name survive a crash, where a directory can be opened.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
