package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newRefused(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "refused",
		Short: "Show what of the configuration the server does not serve, and why",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		refusals, err := server().Refused(cmd.Context())
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, refusals, func(p *page) { p.refusals(refusals) }))
	}
	return cmd
}

func (p *page) refusals(refusals api.Refusals) {
	rows := [][]string{{"KIND", "NAME", "REVISION", "WHY"}}
	for _, r := range refusals.Refused {
		rows = append(rows, []string{string(r.Kind), r.Name, fmt.Sprint(r.Revision), r.Why})
	}
	p.table("", rows)
	rows = [][]string{{"SHADOWED", "COREFILE"}}
	for _, s := range refusals.Shadowed {
		rows = append(rows, []string{s.Site, orDash(s.Place)})
	}
	p.section(rows)
}
