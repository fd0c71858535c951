package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// noArgs is cobra.NoArgs, which takes an argument for a command also where there are none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && !cmd.HasSubCommands() {
		return fmt.Errorf("%s too many: '%s'", plural(len(args), "argument"), args[0])
	}
	return cobra.NoArgs(cmd, args)
}

// whyFlag adds -m, which the returned function reads.
func whyFlag(cmd *cobra.Command) func() (string, error) {
	text := cmd.Flags().StringP("message", "m", "", "`TEXT` that says why, for those who look later")
	return func() (string, error) {
		why := strings.TrimSpace(*text)
		switch {
		case why == "":
			return "", errors.New("say why with -m TEXT")
		case len(why) > api.MaxWhy:
			return "", fmt.Errorf("the text of -m has %d octets, and %d at most are possible", len(why), api.MaxWhy)
		}
		return why, nil
	}
}

// countFlag adds -n.
func countFlag(cmd *cobra.Command, usual int, what string) func() (int, error) {
	n := cmd.Flags().IntP("number", "n", usual, "`NUMBER` of "+what)
	return func() (int, error) {
		if *n < 1 {
			return 0, fmt.Errorf("-n %d is no number from 1 on", *n)
		}
		return *n, nil
	}
}

// spanFlag adds a flag that is a time from now on, or until now; where it is
// not given it is 0.
func spanFlag(cmd *cobra.Command, name, usage string) func() (time.Duration, error) {
	d := cmd.Flags().Duration(name, 0, usage)
	return func() (time.Duration, error) {
		if *d < 0 || *d == 0 && cmd.Flags().Changed(name) {
			return 0, fmt.Errorf("--%s %s is not a time above 0: write such as 30m or 2h", name, *d)
		}
		return *d, nil
	}
}
