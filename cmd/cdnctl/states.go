package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newStates(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "states",
		Short: "Show who serves each site, and why",
		Args:  cobra.NoArgs,
	}
	form := outputFlag(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		states, err := server().States(cmd.Context())
		if err != nil {
			return answered(err)
		}
		if *form == "json" {
			return answered(writeJSON(cmd.OutOrStdout(), states))
		}
		p := page{w: cmd.OutOrStdout()}
		p.table("", statesTable(states))
		return answered(p.err)
	}
	return cmd
}

func statesTable(states []api.State) [][]string {
	rows := [][]string{{"SITE", "SIDE", "SHARE", "CDN", "V", "SINCE", "TTL", "REASON"}}
	for _, s := range states {
		rows = append(rows, []string{s.Site, s.Side.String(), percent(s.Share), orDash(cdnNames(s.CDNs)), worst(s),
			since(s.Since), s.TTL.String(), s.Reason})
	}
	return rows
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
