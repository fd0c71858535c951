package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newAudit(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who wrote what into the store, the newest first",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "table")
	number := countFlag(cmd, 20, "entries, the newest ones; 1000 at most")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		n, err := number()
		if err != nil {
			return err
		}
		audit, err := server().Audit(cmd.Context(), api.Page{Limit: n})
		if err != nil {
			return answered(err)
		}
		rows := [][]string{{"NUMBER", "AT", "WHO", "CUSTOMER", "REVISION", "WHAT"}}
		for _, e := range audit.Entries {
			rows = append(rows, []string{fmt.Sprint(e.Number), since(e.At), e.Who, orDash(e.Customer), madeBy(e), e.What})
		}
		return answered(form.write(cmd, audit, func(p *page) { p.table("", rows) }))
	}
	return cmd
}

// madeBy is the revision that an entry made, if it made one.
func madeBy(e api.AuditEntry) string {
	if e.Revision == 0 {
		return "-"
	}
	return fmt.Sprint(e.Revision)
}
