package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// newKind is what is done with the objects of a kind by their names.
func newKind(server dial, kind site.ObjectKind) *cobra.Command {
	cmd := &cobra.Command{
		Use:   fmt.Sprintf("%s [NAME]", kind),
		Short: fmt.Sprintf("Show each %s of the store, or one, or delete one", kind),
		Args:  cobra.MaximumNArgs(1),
	}
	form := outputFlag(cmd, "table", "text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := ""
		if len(args) == 1 {
			var err error
			if _, name, err = kindAndName([]string{string(kind), args[0]}); err != nil {
				return err
			}
			if !cmd.Flags().Changed("output") {
				form.form = "text"
			}
		}
		return answered(show(cmd, server(), form, kind, name))
	}
	cmd.AddCommand(newKindDelete(server, kind))
	return completing(cmd, namesOf(server, kind))
}

func newKindDelete(server dial, kind site.ObjectKind) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete NAME -m TEXT",
		Short: fmt.Sprintf("Publish that the %s of a name is no longer there", kind),
		Args:  cobra.ExactArgs(1),
	}
	why := whyFlag(cmd)
	wait := waitFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		_, name, err := kindAndName([]string{string(kind), args[0]})
		if err != nil {
			return err
		}
		text, err := why()
		if err != nil {
			return err
		}
		return publication(cmd, server(), wait, func(c *api.Client) (made api.Publication, err error) {
			objects, err := c.Objects(cmd.Context(), kind, name)
			if err != nil {
				return made, err
			}
			gone := plan{base: objects.Revision, changes: []api.Change{{Kind: kind, Name: objects.Objects[0].Name}}}
			made.Revision, err = publish(cmd.Context(), c, &gone, text)
			made.Changes = len(gone.changes)
			return made, err
		})
	}
	return completing(cmd, namesOf(server, kind))
}

// namesOf offers the names of a kind.
func namesOf(server dial, kind site.ObjectKind) func(context.Context, []string) []string {
	return func(ctx context.Context, words []string) []string {
		return kindsAndNames(server)(ctx, append([]string{string(kind)}, words...))
	}
}
