package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newHistory(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show what was published when, by whom and why",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "table")
	number := countFlag(cmd, 20, "revisions, the newest ones")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		n, err := number()
		if err != nil {
			return err
		}
		history, err := server().History(cmd.Context(), n)
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, history, func(p *page) { p.history(history) }))
	}
	return cmd
}

func (p *page) history(h api.History) {
	rows := [][]string{{"REVISION", "AT", "WHO", "CHANGES", "HERE", "WHY"}}
	for _, r := range h.Revisions {
		rows = append(rows, []string{fmt.Sprint(r.Revision), since(r.At), orDash(r.By), fmt.Sprint(r.Changes), here(h, r.Revision), orDash(r.Why)})
	}
	p.table("", rows)
}

// here says what this server does with a revision.
func here(h api.History, revision int64) string {
	switch revision {
	case h.Serves:
		return "served"
	case h.Held:
		return "held back"
	}
	return "-"
}
