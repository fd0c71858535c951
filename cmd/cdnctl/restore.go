package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	database "github.com/cdnredirect/cdnredirect/internal/store"
)

func newRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE|- --corefile FILE | --store STORE",
		Short: "Make a store of a backup, without a server",
		Long: `Make a store of a backup: of the line 'store' of a Corefile, or of what stands
behind that word. It is new, or nobody has written to it: nothing is replaced. It
is filled whole or not at all. No server is asked; of a SQLite file none may be
running, and of PostgreSQL one that runs serves it at once. It can be another
database than the backup is of.

To servers it is another store than the one before: they take its revision, also
where theirs is newer.

With --put-back the store is there already, put back from a copy that a server has
made before a migration, and only that is done.

A password in --store can be seen by all users of the machine: write it into the
Corefile, or set PGPASSWORD.`,
		Example: "  cdnctl restore backup --corefile /etc/coredns/Corefile\n  cdnctl restore backup --store 'postgres postgres://cdnredirect@192.0.2.60/cdnredirect tls'",
	}
	where := storeFlags(cmd)
	putBack := cmd.Flags().Bool("put-back", false, "restore nothing: have servers take a store that was put back")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if *putBack {
			return noArgs(cmd, args)
		}
		return cobra.ExactArgs(1)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := where()
		if err != nil {
			return err
		}
		p := page{w: cmd.OutOrStdout()}
		if *putBack {
			if err := renew(cmd.Context(), cfg); err != nil {
				return answered(err)
			}
			p.line("servers take the store for a new one")
			return answered(p.err)
		}
		found, err := restoreFile(cmd, args[0], cfg)
		if err != nil {
			return answered(err)
		}
		p.contents(found)
		return answered(p.err)
	}
	return cmd
}

// restoreFile makes a store of a file, or of the standard input.
func restoreFile(cmd *cobra.Command, path string, cfg database.Config) (found database.Contents, err error) {
	file, err := openBackup(cmd, path)
	if err != nil {
		return found, err
	}
	defer file.Close()
	if found, err = restore(cmd.Context(), file, cfg); err != nil {
		err = fmt.Errorf("restoring '%s': %w", path, err)
	}
	return found, err
}

// restore fills a store. A SQLite file that was not there is made beside its place, and has
// its name once it is whole: a server that starts meanwhile would take it for a new store.
func restore(ctx context.Context, r io.Reader, cfg database.Config) (found database.Contents, err error) {
	if cfg.Driver != "sqlite" || isStore(cfg.Source) {
		return load(ctx, r, cfg)
	}
	path := cfg.Source
	cfg.Source += ".restoring"
	if found, err = load(ctx, r, cfg); err == nil {
		err = rename(cfg.Source, path)
	}
	if !errors.Is(err, database.ErrLocked) {
		removeStore(cfg.Source)
	}
	return found, err
}

// rename gives a file its name, unless there is one of that name.
func rename(from, to string) error {
	if isStore(to) {
		return fmt.Errorf("somebody has made '%s' meanwhile", to)
	}
	return os.Rename(from, to)
}

func load(ctx context.Context, r io.Reader, cfg database.Config) (found database.Contents, err error) {
	db, err := database.Open(ctx, cfg)
	if err != nil {
		return found, err
	}
	found, err = db.Load(ctx, r)
	return found, errors.Join(err, db.Close())
}

// renew has servers take a store that was put back.
func renew(ctx context.Context, cfg database.Config) error {
	if cfg.Driver == "sqlite" && !isThere(cfg.Source) {
		return fmt.Errorf("there is no '%s': put the copy there", cfg.Source)
	}
	db, err := database.Open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(db.Renew(ctx), db.Close())
}

// isStore reports whether there is a SQLite file of that name, or its log: that of a lost
// one would be taken for the log of whatever comes in its place.
func isStore(path string) bool { return isThere(path) || isThere(path+"-wal") }

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// removeStore removes a SQLite file, if it is there, and what is beside it.
func removeStore(path string) {
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".new"} {
		_ = os.Remove(path + suffix) // the error before is the one that counts
	}
}

// storeFlags adds --store and --corefile.
func storeFlags(cmd *cobra.Command) func() (database.Config, error) {
	words := cmd.Flags().String("store", "", "`STORE` as in a Corefile: 'sqlite FILE' or 'postgres DSN [tls [CERT KEY] [CA]]'")
	path := cmd.Flags().String("corefile", "", "`FILE` with a line 'store'")
	return func() (cfg database.Config, err error) {
		var said corefile.Store
		switch {
		case (*words == "") == (*path == ""):
			return cfg, errors.New("say which store, by --corefile FILE or by --store STORE")
		case *words != "":
			said, err = storeOfWords(*words)
		default:
			said, err = storeOfCorefile(*path)
		}
		if err != nil {
			return cfg, err
		}
		cfg = database.Config{Driver: said.Driver, Source: said.Source, Server: "cdnctl"}
		if said.TLS != nil {
			cfg.TLS, err = tlsOf(said.TLS)
		}
		return cfg, err
	}
}
