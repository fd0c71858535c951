package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newMigrate(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Show the schema of the store, and finish its migration",
		Long: `Show the schema of the store and which one each server knows. With --finish, run
the migrations that older servers could not live with: it is refused while there
is one.`,
		Args: noArgs,
	}
	form := outputFlag(cmd, "table")
	finish := cmd.Flags().Bool("finish", false, "run what is pending")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		migration, err := server().Migrate(cmd.Context(), *finish)
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, migration, func(p *page) { p.migration(migration) }))
	}
	return cmd
}

func (p *page) migration(m api.Migration) {
	p.line("the store has schema %d, this server knows %d", m.Schema, m.Known)
	for _, name := range m.Ran {
		p.line("ran      %s", name)
	}
	for _, name := range m.Pending {
		p.line("pending  %s", name)
	}
	rows := [][]string{{"SERVER", "VERSION", "SCHEMA", "STATE"}}
	for _, s := range m.Servers {
		rows = append(rows, []string{s.Name, s.Version, fmt.Sprint(s.Schema), string(s.State)})
	}
	p.section(rows)
}
