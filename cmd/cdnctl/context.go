package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
)

func newContext() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "context",
		Short: "Say by a name which server to ask, and as whom",
		Long: `Say by a name which server to ask, and as whom. The names are kept in
$XDG_CONFIG_HOME/cdnredirect/contexts.yaml (~/.config, if that is not set).

Whom a command asks is what --socket or --context says, or else $` + contextVar + `,
$` + socketVar + `, or the context that is in use. $` + tokenVar + ` has a token in the
place of the one of the context's file.`,
	}
	cmd.AddCommand(newContextAdd(), newContextUse(), newContextList(), newContextRemove())
	return cmd
}

func newContextAdd() *cobra.Command {
	c := new(serverContext)
	cmd := &cobra.Command{
		Use:   "add NAME --url URL [--token-file FILE] [--ca FILE] | NAME --socket PATH",
		Short: "Name a server, in the place of the one of that name",
		Long: `Name a server, in the place of the one of that name. The first one is in use at
once. The file has the token alone, and must not be readable by others.`,
		Example: "  cdnctl context add prod --url https://cdn.example.org:8443 --token-file ~/.config/cdnredirect/alice.token",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&c.URL, "url", "", "`URL` of the server's console; http:// to this machine only")
	cmd.Flags().StringVar(&c.TokenFile, "token-file", "", "`FILE` with the token")
	cmd.Flags().StringVar(&c.CA, "ca", "", "`FILE` with certificates in PEM that the server's is to be of, in the place of the system's")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c.Name = args[0]
		if flag := cmd.Flag("socket"); flag.Changed {
			c.Socket = flag.Value.String()
		}
		if err := c.check(); err != nil {
			return err
		}
		all, err := readContexts()
		if err != nil {
			return answered(err)
		}
		if i := all.index(c.Name); i >= 0 {
			all.Contexts = slices.Delete(all.Contexts, i, i+1)
		}
		all.Contexts = append(all.Contexts, *c)
		if all.Current == "" {
			all.Current = c.Name
		}
		return answered(all.write())
	}
	return cmd
}

// check refuses what could not be asked, and makes paths absolute.
func (c *serverContext) check() error {
	switch {
	case c.Name == "":
		return errors.New("'' is no name of a context")
	case (c.URL == "") == (c.Socket == ""):
		return errors.New("say whom to ask, by --url URL or by --socket PATH")
	case c.Socket != "" && c.TokenFile+c.CA != "":
		return errors.New("--token-file and --ca are for --url: a socket needs neither")
	}
	for _, path := range []*string{&c.Socket, &c.TokenFile, &c.CA} {
		if *path == "" {
			continue
		}
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	_, err := c.client()
	return err
}

func newContextUse() *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Have commands ask this server",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := readContexts()
			if err != nil {
				return answered(err)
			}
			if _, err := all.find(args[0]); err != nil {
				return err
			}
			all.Current = args[0]
			return answered(all.write())
		},
	}
}

func newContextList() *cobra.Command {
	return newList("Show the servers that have a name", []string{"NAME", "IN USE", "SERVER", "TOKEN", "CA"},
		func(*cobra.Command) ([]shownContext, error) {
			all, err := readContexts()
			return all.shown(), err
		}, func(c shownContext) []string {
			return []string{c.Name, yes(c.InUse), cmp.Or(c.Socket, c.URL), orDash(c.TokenFile), orDash(c.CA)}
		})
}

// shownContext is a context as programs see it.
type shownContext struct {
	Name      string `json:"name"`
	InUse     bool   `json:"in_use"`
	URL       string `json:"url,omitempty"`
	Socket    string `json:"socket,omitempty"`
	TokenFile string `json:"token_file,omitempty"`
	CA        string `json:"ca,omitempty"`
}

func (all contexts) shown() (shown []shownContext) {
	for _, c := range all.Contexts {
		shown = append(shown, shownContext{c.Name, c.Name == all.Current, c.URL, c.Socket, c.TokenFile, c.CA})
	}
	return shown
}

func newContextRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Forget the name of a server; its token stays where it is",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := readContexts()
			if err != nil {
				return answered(err)
			}
			i := all.index(args[0])
			if i < 0 {
				return fmt.Errorf("there is no context '%s'", args[0])
			}
			all.Contexts = slices.Delete(all.Contexts, i, i+1)
			if all.Current == args[0] {
				all.Current = ""
			}
			return answered(all.write())
		},
	}
}
