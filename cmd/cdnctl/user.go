package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newUser(server dial) *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Show, make, change and close users"}
	cmd.AddCommand(
		newList("Show the users", []string{"NAME", "ROLE", "CUSTOMER", "SINCE"}, func(cmd *cobra.Command) ([]api.User, error) {
			return every(cmd.Context(), func(ctx context.Context, p api.Page) ([]api.User, string, error) {
				list, err := server().Users(ctx, p)
				return list.Users, list.Next, err
			})
		}, func(u api.User) []string {
			return []string{u.Name, string(u.Role), orDash(u.Customer), since(u.Created)}
		}),
		newShow("Show a user", func(ctx context.Context, name string) (api.User, error) { return server().User(ctx, name) }),
		newUserPut(server),
		newEnd("close NAME", "Close a user, and end the tokens", func(ctx context.Context, name string) error {
			return server().CloseUser(ctx, name, api.WhateverVersion)
		}),
	)
	return cmd
}

func newUserPut(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "put NAME --role ROLE [--customer NAME]",
		Short:   "Make a user, or change the role",
		Example: "  cdnctl user put bob --role customer-admin --customer acme",
		Args:    cobra.ExactArgs(1),
	}
	role := cmd.Flags().String("role", "", "`ROLE`: operator, operator-readonly, customer-admin or customer-readonly")
	customer := cmd.Flags().String("customer", "", "`NAME` of the customer whose the user is")
	if err := cmd.MarkFlagRequired("role"); err != nil {
		panic(err) // it is there
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		present, err := server().User(cmd.Context(), args[0])
		version, err := presentVersion(present.Version, err)
		if err != nil {
			return answered(err)
		}
		r := api.UserRequest{Role: site.Role(*role), Customer: present.Customer}
		said(cmd, "customer", &r.Customer, *customer)
		_, err = server().PutUser(cmd.Context(), args[0], r, version)
		return answered(err)
	}
	return cmd
}

func newWhoami(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Show whom the server takes you for",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		who, err := server().Whoami(cmd.Context())
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, who, func(p *page) { p.line("%s", identityOf(who)) }))
	}
	return cmd
}

func identityOf(who api.Identity) string {
	text := who.Name + ", " + string(who.Role)
	if who.Customer != "" {
		text += " of " + who.Customer
	}
	return text
}
