package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write manual pages of all commands into a directory",
		Example: "  cdnctl man /usr/local/share/man/man1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answered(writeManuals(cmd.Root(), args[0]))
		},
	}
}

// writeManuals writes the page of a command, and those of the commands below it.
func writeManuals(cmd *cobra.Command, dir string) error {
	path := filepath.Join(dir, manualName(cmd)+".1")
	if err := os.WriteFile(path, []byte(manual(cmd)), 0o644); err != nil { // anybody may read it
		return err
	}
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			if err := writeManuals(below, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

func manualName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manual returns a page in the macros of man(7).
func manual(cmd *cobra.Command) string {
	m := new(manuscript)
	cmd.InitDefaultHelpFlag()
	m.macro("TH", strings.ToUpper(manualName(cmd)), "1", "", "cdnctl "+site.Version, "cdnredirect")
	m.macro("SH", "NAME")
	m.text(manualName(cmd) + " - " + cmd.Short)
	m.macro("SH", "SYNOPSIS")
	m.text(cmd.UseLine())
	m.macro("SH", "DESCRIPTION")
	m.paragraphs(describe(cmd))
	m.flags("OPTIONS", cmd.NonInheritedFlags())
	m.flags("OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	if cmd.Example != "" {
		m.macro("SH", "EXAMPLES")
		m.paragraphs(cmd.Example)
	}
	if related := related(cmd); related != nil {
		m.macro("SH", "SEE ALSO")
		m.text(strings.Join(related, ", "))
	}
	return m.String()
}

func describe(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short + "."
}

// related lists the pages of the commands above and below.
func related(cmd *cobra.Command) (pages []string) {
	if cmd.HasParent() {
		pages = append(pages, manualName(cmd.Parent())+"(1)")
	}
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			pages = append(pages, manualName(below)+"(1)")
		}
	}
	return pages
}

// manuscript is a page on its way.
type manuscript struct{ strings.Builder }

func (m *manuscript) macro(name string, words ...string) {
	m.WriteString("." + name)
	for _, word := range words {
		fmt.Fprintf(m, ` "%s"`, strings.ReplaceAll(roff(word), `"`, `\(dq`))
	}
	m.WriteByte('\n')
}

// text writes a line that is filled.
func (m *manuscript) text(line string) { m.WriteString(roff(line) + "\n") }

// paragraphs writes a text whose indented lines stay as they are.
func (m *manuscript) paragraphs(text string) {
	fixed := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if indented := strings.HasPrefix(line, "  "); indented != fixed && line != "" {
			fixed = indented
			m.macro(map[bool]string{true: "nf", false: "fi"}[fixed])
		}
		if line == "" {
			m.macro("PP")
		} else {
			m.text(line)
		}
	}
	if fixed {
		m.macro("fi")
	}
}

func (m *manuscript) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	m.macro("SH", title)
	flags.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		m.macro("TP")
		m.text(strings.TrimSpace(name + " " + value))
		if !slices.Contains([]string{"", "false", "0", "0s", "[]"}, f.DefValue) {
			usage += " (default " + f.DefValue + ")"
		}
		m.text(usage)
	})
}

// roff escapes what would be an order.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
