package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
)

// output is the form in which a command shows what it has found.
type output struct{ form string }

// outputFlag adds -o with the forms that a command has for people, the first of which is
// the default, and with those for programs, which all have.
func outputFlag(cmd *cobra.Command, people ...string) *output {
	forms := append(people, "json", "yaml")
	o := new(output)
	usage := "`FORM` of the output: " + strings.Join(forms, " or ")
	cmd.Flags().StringVarP(&o.form, "output", "o", forms[0], usage)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp)))
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(forms, o.form) {
			return fmt.Errorf("unknown output '%s': write %s", o.form, strings.Join(forms, " or "))
		}
		return nil
	}
	return o
}

// forPrograms reports whether no people read it.
func (o *output) forPrograms() bool { return o.form == "json" || o.form == "yaml" }

// write writes a value for programs, or what people see of it.
func (o *output) write(cmd *cobra.Command, value any, people func(*page)) error {
	p := &page{w: cmd.OutOrStdout()}
	switch o.form {
	case "json":
		return writeJSON(p.w, value)
	case "yaml":
		text, err := document.YAML(value)
		if err != nil {
			return err
		}
		p.block(strings.TrimSuffix(string(text), "\n"))
	default:
		people(p)
	}
	return p.err
}

// writeJSON writes v for programs, and for people who look on: what a terminal
// may not get is written as JSON's \u.
func writeJSON(w io.Writer, v any) error {
	var plain, safe strings.Builder
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	for _, r := range plain.String() {
		if r == '\n' || !hidden(r) {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(w, safe.String())
	return err
}

// page is text for people, line by line. Nothing that a line shows can end it,
// move the cursor or colour the screen. The first error of writing stays.
type page struct {
	w   io.Writer
	err error
}

// code writes a line of a text that people wrote, with its tabs.
func (p *page) code(line string) {
	if p.err == nil {
		parts := strings.Split(line, "\t")
		for i, part := range parts {
			parts[i] = printable(part)
		}
		_, p.err = fmt.Fprintln(p.w, strings.Join(parts, "\t"))
	}
}

// block writes such a text: as it is, unless somebody looks on.
func (p *page) block(text string) {
	if p.err != nil {
		return
	}
	if !isTerminal(p.w) {
		_, p.err = fmt.Fprintln(p.w, text)
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		p.code(line)
	}
}

// isTerminal reports whether what is written may reach a screen as it is.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err != nil || info.Mode()&os.ModeCharDevice != 0
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(printable(fmt.Sprintf(format, args...)), " "))
	}
}

// table writes rows of cells in columns; the first row is the head.
func (p *page) table(indent string, rows [][]string) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		for i, cell := range cells {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(w, indent+strings.Join(cells, "\t"))
	}
	w.Flush()
	for line := range strings.Lines(text.String()) {
		p.line("%s", strings.TrimSuffix(line, "\n"))
	}
}

// printable writes what a terminal may not get as Go's %q does.
func printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if part := text[:size]; hidden(r) || r == utf8.RuneError && size == 1 {
			quoted := strconv.Quote(part)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(part)
		}
		text = text[size:]
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }

// percent writes a ratio.
func percent(ratio float64) string { return strconv.FormatFloat(ratio*100, 'f', 0, 64) + "%" }

// orDash keeps a column from being empty.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
