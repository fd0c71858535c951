package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newJournal(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal [SITE]",
		Short: "Show the decisions that were taken, the newest first",
		Args:  cobra.MaximumNArgs(1),
	}
	form := outputFlag(cmd, "table")
	number := countFlag(cmd, 100, "decisions, the newest ones")
	back := spanFlag(cmd, "since", "`TIME` to look back, such as 2h")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q, err := journalQuery(args, number, back)
		if err != nil {
			return err
		}
		entries, err := server().Journal(cmd.Context(), q)
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, entries, func(p *page) { p.table("", journalTable(entries)) }))
	}
	return cmd
}

func journalQuery(args []string, number func() (int, error), back func() (time.Duration, error)) (q api.JournalQuery, err error) {
	q.Site = strings.Join(args, "") // one at most
	if q.Limit, err = number(); err != nil {
		return q, err
	}
	d, err := back()
	if d > 0 {
		q.Since = time.Now().Add(-d)
	}
	return q, err
}

func journalTable(entries []api.JournalEntry) [][]string {
	rows := [][]string{{"AT", "SITE", "EPOCH", "SIDE", "SHARE", "CDN", "SERVER", "REVISION", "REASON"}}
	for _, e := range entries {
		rows = append(rows, []string{since(e.At), e.Site, fmt.Sprint(e.Epoch), e.Side.String(), percent(e.Share),
			orDash(strings.Join(e.CDNs, ",")), e.Server, fmt.Sprint(e.Revision), journalReason(e)})
	}
	return rows
}

func journalReason(e api.JournalEntry) string {
	if e.Override == "" {
		return e.Reason
	}
	return fmt.Sprintf("override %s: %s", e.Override, e.Reason)
}
