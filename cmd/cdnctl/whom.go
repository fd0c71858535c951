package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// What says whom to ask, beside the flags.
const (
	contextVar = "CDNREDIRECT_CONTEXT"
	tokenVar   = "CDNREDIRECT_TOKEN"
)

// whom is what the command line says of whom to ask.
type whom struct {
	cmd     *cobra.Command // the root
	socket  string
	context string
}

// whomFlags adds --socket and --context.
func whomFlags(root *cobra.Command) *whom {
	w := &whom{cmd: root}
	socket := defaultSocket
	if path := os.Getenv(socketVar); path != "" {
		socket = path
	}
	root.PersistentFlags().StringVar(&w.socket, "socket", socket, "`PATH` of the server's socket; $"+socketVar+" sets the default")
	root.PersistentFlags().StringVar(&w.context, "context", "", "`NAME` of a context to ask, see 'cdnctl context'; $"+contextVar+" sets the default")
	return w
}

// client returns the client of whom the command line names. Why there is none says each
// of its answers.
func (w *whom) client() *api.Client {
	c, err := w.chosen()
	if err != nil {
		return api.Unreachable(err)
	}
	return c.As(operator())
}

// chosen looks at the flags, then at the environment, then at which context is in use.
func (w *whom) chosen() (*api.Client, error) {
	changed := w.cmd.PersistentFlags().Changed
	switch {
	case changed("socket") && changed("context"):
		return nil, errors.New("--socket and --context say both whom to ask: give one of them")
	case changed("socket"):
		return api.Dial(w.socket), nil
	case changed("context"):
		return inContext(w.context)
	case os.Getenv(contextVar) != "":
		return inContext(os.Getenv(contextVar))
	case os.Getenv(socketVar) != "":
		return api.Dial(w.socket), nil
	}
	all, err := readContexts()
	if err != nil {
		return nil, err
	}
	if all.Current == "" {
		return api.Dial(w.socket), nil
	}
	return inContext(all.Current)
}

func inContext(name string) (*api.Client, error) {
	all, err := readContexts()
	if err != nil {
		return nil, err
	}
	c, err := all.find(name)
	if err != nil {
		return nil, err
	}
	return c.client()
}
