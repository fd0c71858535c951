package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newGet(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get [KIND [NAME]]",
		Short: "Show the published configuration of the store",
		Long: `Show the published configuration of the store, or the objects of a kind (class,
origin, cdn, site), or one of them: as a text that 'cdnctl draft put' takes, as
documents in YAML or JSON that 'cdnctl apply' takes, too, or as a list.`,
		Args: cobra.MaximumNArgs(2),
	}
	form := outputFlag(cmd, "text", "table")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		kind, name, err := kindAndName(args)
		if err != nil {
			return err
		}
		return answered(show(cmd, server(), form, kind, name))
	}
	return completing(cmd, kindsAndNames(server))
}

// show shows objects.
func show(cmd *cobra.Command, c *api.Client, form *output, kind site.ObjectKind, name string) error {
	objects, err := c.Objects(cmd.Context(), kind, name)
	if err != nil {
		return err
	}
	var docs []document.Document
	if form.forPrograms() {
		if docs, err = documentsOf(objects.Objects); err != nil {
			return err
		}
	}
	return form.write(cmd, docs, func(p *page) {
		if form.form == "table" {
			p.table("", objectsTable(objects.Objects))
			return
		}
		p.objects(objects)
	})
}

// documentsOf returns objects as documents.
func documentsOf(objects []api.Object) ([]document.Document, error) {
	docs := make([]document.Document, 0, len(objects))
	for _, o := range objects {
		doc, err := document.Of(site.Object{Kind: o.Kind, Name: o.Name, Customer: o.Customer, Text: o.Text})
		if err != nil {
			return nil, fmt.Errorf("%s '%s' is no document ('-o text' shows it): %w", o.Kind, o.Name, err)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

func objectsTable(objects []api.Object) [][]string {
	rows := [][]string{{"KIND", "NAME", "REVISION", "ADOPTED"}}
	for _, o := range objects {
		rows = append(rows, []string{string(o.Kind), o.Name, fmt.Sprint(o.Revision), yes(o.Adopted)})
	}
	return rows
}

var kinds = []site.ObjectKind{site.ObjectClass, site.ObjectOrigin, site.ObjectCDN, site.ObjectSite}

// kindAndName reads which objects are meant: all, those of a kind, or one.
func kindAndName(args []string) (kind site.ObjectKind, name string, err error) {
	if len(args) == 0 {
		return "", "", nil
	}
	if kind = site.ObjectKind(args[0]); !slices.Contains(kinds, kind) {
		return "", "", fmt.Errorf("unknown kind '%s': write class, origin, cdn or site", args[0])
	}
	if len(args) == 1 {
		return kind, "", nil
	}
	if args[1] == "" {
		return "", "", fmt.Errorf("'' is no name of a %s", kind)
	}
	return kind, args[1], nil
}

// objects writes a text with blocks; what is no block is a comment in it.
func (p *page) objects(objects api.Objects) {
	p.line("# revision %d", objects.Revision)
	for _, o := range objects.Objects {
		p.line("")
		if o.Adopted {
			p.line("# It stands in front of a site of the Corefile.")
		}
		p.block(strings.TrimSuffix(o.Text, "\n"))
	}
}
