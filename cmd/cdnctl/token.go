package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newToken(server dial) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Show, make and revoke the tokens of users"}
	cmd.AddCommand(newTokenList(server), newTokenCreate(server),
		newEnd("revoke ID", "End a token at once", func(ctx context.Context, id string) error { return server().RevokeToken(ctx, id) }))
	return cmd
}

func newTokenList(server dial) *cobra.Command {
	var owner string
	cmd := newList("Show the tokens, without their secrets", []string{"ID", "USER", "TITLE", "MADE", "EXPIRES", "USED"}, func(cmd *cobra.Command) ([]api.Token, error) {
		return every(cmd.Context(), func(ctx context.Context, p api.Page) ([]api.Token, string, error) {
			list, err := server().Tokens(ctx, owner, p)
			return list.Tokens, list.Next, err
		})
	}, func(k api.Token) []string {
		return []string{k.ID, k.Owner, orDash(k.Title), since(k.Created), since(k.Expires), since(k.Used)}
	})
	cmd.Flags().StringVar(&owner, "user", "", "`NAME` of the user whose they are (default: all)")
	return cmd
}

func newTokenCreate(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create USER",
		Short: "Make a token of a user, and show it this once",
		Args:  cobra.ExactArgs(1),
	}
	title := cmd.Flags().String("title", "", "`TEXT` that says what it is for")
	last := spanFlag(cmd, "for", "`TIME` after which it ends, such as 2160h (default: it does not)")
	into := secretFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := last()
		if err != nil {
			return err
		}
		r := api.TokenRequest{Owner: args[0], Title: *title}
		if d > 0 {
			r.Expires = time.Now().Add(d).UTC()
		}
		return into(func() (string, error) {
			made, err := server().CreateToken(cmd.Context(), r)
			return made.Secret, err
		})
	}
	return cmd
}

func newInit(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Make the first user, an operator, and show his token this once",
		Long: `Make the first user, an operator, and show his token this once. Over the socket
nothing more is needed. To the server of a context, which has no token yet, show
what the server has written to its log at its start, by --invitation.`,
		Args: cobra.ExactArgs(1),
	}
	invitation := cmd.Flags().String("invitation", "", "`FILE` with the token of the server's log, or - for the standard input")
	into := secretFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var text string
		if *invitation != "" {
			const most = 1 << 10
			said, err := readSource(cmd.InOrStdin(), *invitation, most)
			if err != nil {
				return fmt.Errorf("reading '%s': %w", *invitation, err)
			}
			text = strings.TrimSpace(string(said))
		}
		return into(func() (string, error) { return server().Initialize(cmd.Context(), args[0], text) })
	}
	return cmd
}

// secretFlag adds --token-file. The returned function has a secret be made, and shows it,
// or puts it into that file, which nobody else may read.
func secretFlag(cmd *cobra.Command) func(obtain func() (string, error)) error {
	path := cmd.Flags().String("token-file", "", "new `FILE` that gets the token, in the place of the standard output")
	return func(obtain func() (string, error)) error {
		if *path == "" {
			secret, err := obtain()
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			}
			return answered(err)
		}
		file, err := os.OpenFile(*path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		return answered(fill(file, obtain))
	}
}

// fill writes a secret into a new file, which is gone again if there is none.
func fill(file *os.File, obtain func() (string, error)) error {
	secret, err := obtain()
	if err != nil {
		file.Close()
		os.Remove(file.Name())
		return err
	}
	if _, err := io.WriteString(file, secret+"\n"); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
