package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// completeLimit is how long somebody waits who presses the tabulator.
const completeLimit = time.Second

// completing completes the words of a command line: options says what may stand behind
// those that are there. What cannot be asked for is not offered.
func completing(cmd *cobra.Command, options func(ctx context.Context, words []string) []string) *cobra.Command {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, words []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeLimit)
		defer cancel()
		return options(ctx, words), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// kindsAndNames offers kinds, and behind one the names of what is published; of sites, of
// which there may be very many, none.
func kindsAndNames(server dial) func(context.Context, []string) []string {
	return func(ctx context.Context, words []string) (options []string) {
		switch {
		case len(words) == 0:
			for _, kind := range kinds {
				options = append(options, string(kind))
			}
		case len(words) == 1 && words[0] != string(site.ObjectSite):
			objects, err := server().Objects(ctx, site.ObjectKind(words[0]), "")
			if err != nil {
				return nil
			}
			for _, o := range objects.Objects {
				options = append(options, o.Name)
			}
		}
		return options
	}
}

// cdnsAndNodes offers the CDNs that have nodes, and behind one its nodes.
func cdnsAndNodes(server dial) func(context.Context, []string) []string {
	return func(ctx context.Context, words []string) (options []string) {
		cdns, err := server().CDNs(ctx)
		if err != nil {
			return nil
		}
		for _, c := range cdns {
			if len(words) == 0 && len(c.Nodes) > 0 {
				options = append(options, c.Name)
			}
			for _, n := range c.Nodes {
				if len(words) == 1 && words[0] == c.Name {
					options = append(options, n.Name)
				}
			}
		}
		return options
	}
}
