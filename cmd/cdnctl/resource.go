package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// every asks for a list part by part until there are no more.
func every[T any](ctx context.Context, ask func(context.Context, api.Page) (part []T, next string, err error)) (all []T, err error) {
	for page := (api.Page{Limit: 1000}); ; {
		part, next, err := ask(ctx, page)
		if err != nil {
			return nil, err
		}
		if all = append(all, part...); next == "" {
			return all, nil
		}
		page.Cursor = next
	}
}

// newList is a command that shows things, each as a row behind the head.
func newList[T any](short string, head []string, ask func(*cobra.Command) ([]T, error), row func(T) []string) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: short, Args: noArgs}
	form := outputFlag(cmd, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all, err := ask(cmd)
		if err != nil {
			return answered(err)
		}
		rows := [][]string{head}
		for _, one := range all {
			rows = append(rows, row(one))
		}
		return answered(form.write(cmd, append([]T{}, all...), func(p *page) { p.table("", rows) }))
	}
	return cmd
}

// newShow is a command that shows one thing.
func newShow[T any](short string, ask func(ctx context.Context, name string) (T, error)) *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: short, Args: cobra.ExactArgs(1)}
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		one, err := ask(cmd.Context(), args[0])
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, one, nil)) // all its forms are for programs
	}
	return cmd
}

// newEnd is a command that ends one thing.
func newEnd(use, short string, end func(ctx context.Context, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return answered(end(cmd.Context(), args[0])) },
	}
}

// presentVersion is the version of what is there, and none if there is nothing.
func presentVersion(version api.Version, err error) (api.Version, error) {
	if p := new(api.Problem); errors.As(err, &p) && p.Status == http.StatusNotFound {
		return api.NoVersion, nil
	}
	return version, err
}

// said sets a value that the command line gives, and leaves another one as it is.
func said[T any](cmd *cobra.Command, flag string, into *T, value T) {
	if cmd.Flags().Changed(flag) {
		*into = value
	}
}
