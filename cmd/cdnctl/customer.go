package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newCustomer(server dial) *cobra.Command {
	cmd := &cobra.Command{Use: "customer", Short: "Show, make, change and close customers"}
	cmd.AddCommand(
		newList("Show the customers", []string{"NAME", "TITLE", "PLAN", "SINCE"}, func(cmd *cobra.Command) ([]api.Customer, error) {
			return every(cmd.Context(), func(ctx context.Context, p api.Page) ([]api.Customer, string, error) {
				list, err := server().Customers(ctx, p)
				return list.Customers, list.Next, err
			})
		}, func(c api.Customer) []string {
			return []string{c.Name, orDash(c.Title), orDash(c.Plan), since(c.Created)}
		}),
		newShow("Show a customer", func(ctx context.Context, name string) (api.Customer, error) { return server().Customer(ctx, name) }),
		newCustomerPut(server),
		newEnd("close NAME", "Close a customer, with his users and tokens; what he has published has to be gone", func(ctx context.Context, name string) error {
			return server().CloseCustomer(ctx, name, api.WhateverVersion)
		}),
	)
	return cmd
}

func newCustomerPut(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "put NAME",
		Short: "Make a customer, or change what is said of him",
		Args:  cobra.ExactArgs(1),
	}
	title := cmd.Flags().String("title", "", "`TEXT` that people call him")
	plan := cmd.Flags().String("plan", "", "`NAME` of his plan; '' is none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		present, err := server().Customer(cmd.Context(), args[0])
		version, err := presentVersion(present.Version, err)
		if err != nil {
			return answered(err)
		}
		r := api.CustomerRequest{Title: present.Title, Plan: present.Plan}
		said(cmd, "title", &r.Title, *title)
		said(cmd, "plan", &r.Plan, *plan)
		_, err = server().PutCustomer(cmd.Context(), args[0], r, version)
		return answered(err)
	}
	return cmd
}
