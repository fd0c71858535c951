package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show which cdnctl this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := page{w: cmd.OutOrStdout()}
			p.line("cdnctl %s (%s %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return answered(p.err)
		},
	}
}

// version is what the Go command knows of the module that this was built of.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
