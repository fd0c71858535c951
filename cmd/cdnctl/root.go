package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	exitFailed = 1 // a probe failed, there are changes or faults, or a server or site is not as it was to be
	exitUsage  = 2 // the command line is wrong
	exitError  = 3 // there is no answer, or the answer is an error

	exitChanges = 2 // apply: there are changes; import: not all was taken; what is wrong is 1 there
)

const about = `cdnctl shows what a running CoreDNS with cdnredirect sees and does, and changes
what it keeps in its store. It asks over the unix socket of the Corefile's line
'socket PATH', which root and the user of CoreDNS may use, or the server of a
context (see 'cdnctl context').

Exit codes: 0 all is well; 1 a probe failed, 'diff' found changes, 'check' found
faults, a server does not serve what 'publish --wait' waited for, or a site is not
where 'onboard --wait' was to take it; 2 the command line is wrong; 3 the server
gave no answer, or an error. 'apply' and 'import' have others: see there.`

// errFailed is the exit code 1, whose reason the output has shown already.
var errFailed = errors.New("a probe failed, or something differs")

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
	var own ownError
	switch {
	case err == nil:
		return exitGood
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, errChanges), errors.Is(err, errPart):
		return exitChanges
	case errors.As(err, &own):
		complain(stderr, own.error)
		return exitFailed
	case errors.As(err, &answer):
		complain(stderr, err)
		return exitError
	}
	fmt.Fprintln(stderr, "cdnctl:", strings.TrimSpace(err.Error())) // suggestions have lines of their own
	return exitUsage
}

// complain writes an error, and what is wrong with each of several things.
func complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(w, "cdnctl:", printable(strings.TrimSuffix(line, "\n")))
	}
	if p := new(api.Problem); errors.As(err, &p) && len(p.Errors) > 1 {
		for _, fault := range p.Errors {
			fmt.Fprintln(w, " ", printable(fault.Error()))
		}
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "cdnctl",
		Short:         "Show what cdnredirect sees and does, and change its store",
		Long:          about,
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,
	}
	server := dial(whomFlags(root).client)
	root.AddCommand(newStates(server), newCDNs(server), newNode(server), newExplain(server), newProbe(server), newVersion())
	root.AddCommand(newApply(server), newGet(server), newExport(server), newCheck(), newDraft(server), newDiff(server), newPublish(server), newRollback(server), newHistory(server))
	root.AddCommand(newServers(server), newRefused(server), newOverride(server), newAdopt(server), newJournal(server), newMigrate(server), newMan())
	for _, kind := range kinds {
		root.AddCommand(newKind(server, kind))
	}
	root.AddCommand(newInit(server), newCustomer(server), newClaim(server), newPlan(server), newUser(server), newToken(server), newAudit(server), newWhoami(server), newContext(), newOnboard(server), newOffboard(server), newSetups(server))
	root.AddCommand(newBackup(server), newRestore())
	root.AddCommand(newImport())
	return root
}

// dial returns the client of the server that the command line names.
type dial func() *api.Client
