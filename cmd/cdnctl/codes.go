package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// errChanges is the exit code 2 of apply, whose codes are its own.
var errChanges = errors.New("there are changes")

// ownError is an error of such a command: its exit code is 1, whatever it is.
type ownError struct{ error }

func (e ownError) Unwrap() error { return e.error }

func own(err error) error {
	if err == nil || errors.Is(err, errFailed) || errors.Is(err, errChanges) || errors.Is(err, errPart) {
		return err
	}
	return ownError{err}
}

// ownCodes has a command end with 0 where there is nothing to do, 1 where something is
// wrong, and 2 where there are changes, or something was left.
func ownCodes(cmd *cobra.Command) *cobra.Command {
	args, check, run := cmd.Args, cmd.PreRunE, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, words []string) error { return own(args(cmd, words)) }
	cmd.PreRunE = func(cmd *cobra.Command, words []string) error {
		if check == nil {
			return nil
		}
		return own(check(cmd, words))
	}
	cmd.RunE = func(cmd *cobra.Command, words []string) error { return own(run(cmd, words)) }
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return own(err) })
	return cmd
}
