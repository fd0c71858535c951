package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newSetups(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "setups",
		Short: "Show how the CDNs' side of onboarded sites follows later changes",
		Long: `Show whether each CDN of each onboarded site has it as it is in force: 'done', it is
being told of a change ('changing'), is to forget it ('leaving'), has forgotten a site
that is in force without it ('removed'), or will have none of a change ('refused').`,
		Example: "  cdnctl setups --state refused\n  cdnctl setups retry shop.example.org",
		Args:    noArgs,
	}
	form := outputFlag(cmd, "table")
	name := cmd.Flags().String("site", "", "only those of a `SITE`")
	state := cmd.Flags().String("state", "", "only those in a `STATE`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all, err := every(cmd.Context(), func(ctx context.Context, p api.Page) ([]api.Setup, string, error) {
			list, err := server().Setups(ctx, p, *name, site.SetupState(*state))
			return list.Setups, list.Next, err
		})
		if err != nil {
			return answered(err)
		}
		rows := [][]string{{"SITE", "CDN", "CUSTOMER", "STATE", "SINCE", "NEXT", "WORDS"}}
		for _, s := range all {
			rows = append(rows, []string{s.Site, s.CDN, orDash(s.Customer), string(s.State), since(s.Since), atOrDash(s.Next), orDash(s.Words)})
		}
		return answered(form.write(cmd, append([]api.Setup{}, all...), func(p *page) { p.table("", rows) }))
	}
	cmd.AddCommand(newSetupsRetry(server))
	return cmd
}

func newSetupsRetry(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "retry SITE | --all",
		Short:   "Have what a CDN has refused of a site be tried again, and what waits be tried now",
		Example: "  cdnctl setups retry shop.example.org\n  cdnctl setups retry --all --cdn edge",
	}
	all := cmd.Flags().Bool("all", false, "of all sites")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		return cobra.ExactArgs(map[bool]int{true: 0, false: 1}[*all])(cmd, args)
	}
	cdn := cmd.Flags().String("cdn", "", "at this `CDN` only")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		retried, err := server().RetrySetups(cmd.Context(), api.RetryRequest{Site: strings.Join(args, ""), All: *all, CDN: *cdn})
		if err != nil {
			return answered(err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d tried again\n", retried.Setups)
		return answered(err)
	}
	return cmd
}

// atOrDash is a time, if there is one.
func atOrDash(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return since(t)
}
