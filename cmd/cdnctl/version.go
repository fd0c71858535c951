package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show which cdnctl this is",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := page{w: cmd.OutOrStdout()}
			p.line("cdnctl %s (%s %s/%s)", site.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return answered(p.err)
		},
	}
}
