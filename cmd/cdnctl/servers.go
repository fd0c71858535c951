package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newServers(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "servers",
		Short: "Show which servers there are, and what each serves",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		servers, err := server().Servers(cmd.Context())
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, servers, func(p *page) { p.servers(servers) }))
	}
	return cmd
}

func (p *page) servers(servers api.Servers) {
	rows := [][]string{{"SERVER", "VERSION", "SCHEMA", "REVISION", "HELD BACK", "REFUSED", "STATE", "SEEN", "WHY"}}
	for _, s := range servers.Servers {
		rows = append(rows, []string{s.Name, s.Version, fmt.Sprint(s.Schema), fmt.Sprint(s.Revision), held(s),
			fmt.Sprint(s.Refused), string(s.State), s.Age.String() + " ago", s.Why})
	}
	p.table("", rows)
	p.line("")
	p.line("%s", standingOf(servers.Here))
}

// held says which revision a server holds back.
func held(s api.ServerState) string {
	if s.Held == 0 {
		return "-"
	}
	return fmt.Sprint(s.Held)
}

// standingOf says how the server that was asked is with the store.
func standingOf(h api.Here) string {
	if h.Store {
		return fmt.Sprintf("%s, which says this, has the store since %s", h.Name, since(h.Since))
	}
	text := fmt.Sprintf("%s, which says this, is without the store since %s", h.Name, since(h.Since))
	if h.Alone {
		text += ", and decides alone"
	}
	if h.Why != "" {
		text += ": " + h.Why
	}
	return text
}
