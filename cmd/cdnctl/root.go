package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// Where the socket is unless somebody says otherwise.
const (
	defaultSocket = "/run/cdnredirect/cdnredirect.sock"
	socketVar     = "CDNREDIRECT_SOCKET"
)

// The exit codes.
const (
	exitGood   = 0
	exitFailed = 1 // a probe failed
	exitUsage  = 2 // the command line is wrong
	exitError  = 3 // there is no answer, or the answer is an error
)

const about = `cdnctl shows what a running CoreDNS with cdnredirect sees and does. It asks
over the unix socket of the Corefile's line 'socket PATH', which root and the
user of CoreDNS may use.

Exit codes: 0 all is well, 1 a probe failed, 2 the command line is wrong,
3 the server gave no answer, or an error.`

// errFailed says that a probe failed, which the output has shown already.
var errFailed = errors.New("a probe failed")

// answerError is an error that no other command line would have avoided.
type answerError struct{ error }

func (e answerError) Unwrap() error { return e.error }

// answered marks err as one; nil stays nil.
func answered(err error) error {
	if err == nil {
		return nil
	}
	return answerError{err}
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var answer answerError
	switch {
	case err == nil:
		return exitGood
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.As(err, &answer):
		fmt.Fprintln(stderr, "cdnctl:", printable(err.Error()))
		return exitError
	}
	fmt.Fprintln(stderr, "cdnctl:", strings.TrimSpace(err.Error())) // suggestions have lines of their own
	return exitUsage
}

func newRoot() *cobra.Command {
	socket := defaultSocket
	if path := os.Getenv(socketVar); path != "" {
		socket = path
	}
	root := &cobra.Command{
		Use:           "cdnctl",
		Short:         "Show what cdnredirect sees and does",
		Long:          about,
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&socket, "socket", socket, "`PATH` of the server's socket; $"+socketVar+" sets the default")
	server := func() *api.Client { return api.Dial(socket) }
	root.AddCommand(newStates(server), newCDNs(server), newNode(server), newExplain(server), newProbe(server), newVersion())
	return root
}

// dial returns the client of the socket that the command line names.
type dial func() *api.Client
