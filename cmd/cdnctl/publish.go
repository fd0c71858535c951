package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newPublish(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish -m TEXT | --confirm REVISION [-m TEXT]",
		Short: "Publish the draft, or let a revision through that servers hold back",
		Args:  noArgs,
	}
	why := whyFlag(cmd)
	wait := waitFlags(cmd)
	confirm := cmd.Flags().Int64("confirm", 0, "`REVISION` to let through that servers hold back, instead of publishing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("confirm") {
			return runConfirm(cmd, server(), *confirm, wait)
		}
		text, err := why()
		if err != nil {
			return err
		}
		return publication(cmd, server(), wait, func(c *api.Client) (api.Publication, error) {
			return c.Publish(cmd.Context(), api.PublishRequest{Why: text})
		})
	}
	return cmd
}

// runConfirm lets a revision through; why may be said, or not.
func runConfirm(cmd *cobra.Command, c *api.Client, revision int64, wait *waiting) error {
	if revision < 1 {
		return fmt.Errorf("--confirm %d is no revision", revision)
	}
	if err := wait.check(); err != nil {
		return err
	}
	why := cmd.Flag("message").Value.String()
	if err := c.Confirm(cmd.Context(), api.ConfirmRequest{Revision: revision, Why: why}); err != nil {
		return answered(err)
	}
	p := page{w: cmd.OutOrStdout()}
	p.line("revision %d is let through", revision)
	if p.err != nil {
		return answered(p.err)
	}
	return wait.until(cmd, c, revision)
}

func newRollback(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback REVISION -m TEXT",
		Short: "Publish what an older revision had",
		Args:  cobra.ExactArgs(1),
	}
	why := whyFlag(cmd)
	wait := waitFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		to, err := api.ParseRevision(args[0])
		if err != nil {
			return err
		}
		text, err := why()
		if err != nil {
			return err
		}
		return publication(cmd, server(), wait, func(c *api.Client) (api.Publication, error) {
			history, err := c.History(cmd.Context(), 1)
			if err != nil {
				return api.Publication{}, err
			}
			return c.Rollback(cmd.Context(), api.RollbackRequest{To: to, Base: history.Newest, Why: text})
		})
	}
	return cmd
}

func newAdopt(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "adopt NAME -m TEXT",
		Short: "Move a site of the Corefile into the store",
		Args:  cobra.ExactArgs(1),
	}
	why := whyFlag(cmd)
	wait := waitFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := why()
		if err != nil {
			return err
		}
		return publication(cmd, server(), wait, func(c *api.Client) (api.Publication, error) {
			return c.Adopt(cmd.Context(), api.AdoptRequest{Site: args[0], Why: text})
		})
	}
	return cmd
}

// publication makes a revision, says what came of it, and waits for the servers
// if that is wanted.
func publication(cmd *cobra.Command, c *api.Client, wait *waiting, publish func(*api.Client) (api.Publication, error)) error {
	if err := wait.check(); err != nil {
		return err
	}
	made, err := publish(c)
	if err != nil {
		return answered(err)
	}
	p := page{w: cmd.OutOrStdout()}
	p.line("revision %d is published: %s", made.Revision, changes(made.Changes))
	if p.err != nil {
		return answered(p.err)
	}
	return wait.until(cmd, c, made.Revision)
}
