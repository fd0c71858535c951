package main

import (
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newDraft(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "draft",
		Short: "Show what publishing would change, and change it",
		Long: `Show what publishing would change. Every operator has a draft
of his own, and every admin of a customer.`,
		Args: noArgs,
	}
	form := outputFlag(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		draft, err := server().Draft(cmd.Context())
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, draft, func(p *page) { p.draft(draft) }))
	}
	cmd.AddCommand(newDraftPut(server), newDraftDelete(server), newDraftDrop(server))
	return cmd
}

func (p *page) draft(draft api.Draft) {
	if len(draft.Changes) == 0 {
		p.line("the draft is empty")
		return
	}
	p.line("%s, made on revision %d", changes(len(draft.Changes)), draft.Base)
	p.changes(draft.Changes, api.PointPublished, api.PointDraft)
}

func newDraftPut(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "put FILE...|-",
		Short: "Put the blocks of files into the draft",
		Long: `Put the blocks of files, or of the standard input, into the draft, in the place
of those that have the same kind and name: all of them, or none if one is wrong.
The other objects stay as they are. With --base, the objects that somebody else
has changed since that revision are refused.`,
		Args: cobra.MinimumNArgs(1),
	}
	base := cmd.Flags().Int64("base", 0, "`REVISION` that the files were made on (default: the one that is published)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *base < 0 {
			return fmt.Errorf("--base %d is no revision", *base)
		}
		sources, err := readSources(cmd.InOrStdin(), args)
		if err != nil {
			return err
		}
		put, err := server().PutDraft(cmd.Context(), api.DraftTexts{Base: *base, Sources: sources})
		if err != nil {
			return answered(err)
		}
		p := page{w: cmd.OutOrStdout()}
		p.line("%s of %s in the draft, which is made on revision %d", changes(put.Objects-put.Same), plural(put.Objects, "object"), put.Base)
		return answered(p.err)
	}
	return cmd
}

// readSources reads files; "-" is the standard input.
func readSources(stdin io.Reader, names []string) ([]api.Source, error) {
	var sources []api.Source
	left := api.MaxDraft
	for _, name := range names {
		text, err := readSource(stdin, name, left)
		if err != nil {
			return nil, fmt.Errorf("reading '%s': %w", name, err)
		}
		left -= len(text)
		sources = append(sources, api.Source{Name: name, Text: string(text)})
	}
	return sources, nil
}

func readSource(stdin io.Reader, name string, most int) ([]byte, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > most:
		return nil, fmt.Errorf("that is more than the %d MiB that are possible at once: put it in parts", api.MaxDraft>>20)
	case !utf8.Valid(text):
		return nil, fmt.Errorf("it is not UTF-8")
	}
	return text, nil
}

func newDraftDelete(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete KIND NAME",
		Short: "Have the draft, and what is published of it, be without an object",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name, err := kindAndName(args)
			if err != nil {
				return err
			}
			return answered(server().DeleteDraft(cmd.Context(), kind, name))
		},
	}
	return completing(cmd, kindsAndNames(server))
}

func newDraftDrop(server dial) *cobra.Command {
	return &cobra.Command{
		Use:   "drop",
		Short: "Empty the draft, so that publishing would change nothing",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answered(server().DropDraft(cmd.Context()))
		},
	}
}

func changes(n int) string { return plural(n, "change") }

// plural counts in words that people use.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
