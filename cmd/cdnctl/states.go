package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newStates(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "states",
		Short: "Show who serves each site, and why",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "table")
	var q api.StateQuery
	cmd.Flags().StringVar(&q.Prefix, "prefix", "", "only sites whose names begin with `TEXT`")
	cmd.Flags().StringVar(&q.Customer, "customer", "", "only sites of the customer `NAME`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		states, err := every(cmd.Context(), func(ctx context.Context, p api.Page) ([]api.State, string, error) {
			q.Page = p
			list, err := server().States(ctx, q)
			return list.States, list.Next, err
		})
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, states, func(p *page) { p.table("", statesTable(states)) }))
	}
	return cmd
}

func statesTable(states []api.State) [][]string {
	rows := [][]string{{"SITE", "SIDE", "SHARE", "CDN", "V", "SINCE", "TTL", "REASON"}}
	for _, s := range states {
		rows = append(rows, []string{s.Site, s.Side.String(), percent(s.Share), orDash(cdnNames(s.CDNs)), worst(s),
			since(s.Since), s.TTL.String(), reason(s)})
	}
	return rows
}

// reason says why a site is answered as it is: what is forced, before what is
// measured.
func reason(s api.State) string {
	text := s.Reason
	if s.Override != nil {
		text = forced(*s.Override)
	}
	if s.Measured != nil {
		text += "; measured: " + measured(*s.Measured)
	}
	return text
}

func forced(o api.StateOverride) string {
	return fmt.Sprintf("override %s, %s, by %s until %s: %s", o.ID, o.Action, o.By, since(o.Until), o.Why)
}

func measured(m api.Measured) string {
	return fmt.Sprintf("%s, %s, %s", m.Side, percent(m.Share), m.Reason)
}

func cdnNames(cdns []api.CDN) string {
	names := make([]string, len(cdns))
	for i, c := range cdns {
		names[i] = c.Name
	}
	return strings.Join(names, ",")
}

// worst writes the performance value, if there is one.
func worst(s api.State) string {
	if s.Signal == "" {
		return "-"
	}
	return percent(float64(s.V))
}

func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
