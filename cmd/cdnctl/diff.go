package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newDiff(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff [FROM [TO]]",
		Short: "Compare two revisions, or what is published and the draft",
		Long: `Compare two states of the store's configuration. FROM and TO are numbers of
revisions, 'published' (the default of FROM) or 'draft' (the default of TO).
The exit code is 1 if there are changes.`,
		Args: cobra.MaximumNArgs(2),
	}
	form := outputFlag(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		points, err := pointsOf(args)
		if err != nil {
			return err
		}
		diff, err := server().Diff(cmd.Context(), points[0], points[1])
		if err != nil {
			return answered(err)
		}
		if err := form.write(cmd, diff, func(p *page) { p.changes(diff.Changes, diff.From, diff.To) }); err != nil {
			return answered(err)
		}
		if len(diff.Changes) > 0 {
			return errFailed
		}
		return nil
	}
	return cmd
}

// pointsOf reads what is compared with what.
func pointsOf(args []string) (points [2]api.Point, err error) {
	points = [2]api.Point{api.PointPublished, api.PointDraft}
	for i, arg := range args {
		if points[i], err = api.ParsePoint(arg); err != nil {
			return points, err
		}
	}
	return points, nil
}

// changes shows what becomes of each object, as diff -u does for files.
func (p *page) changes(changes []api.Change, from, to api.Point) {
	for _, c := range changes {
		p.change(c, from.String(), to.String())
	}
}

// change shows what becomes of an object between two states.
func (p *page) change(c api.Change, from, to string) {
	p.line("--- %s", label(c, c.Before, from))
	p.line("+++ %s", label(c, c.After, to))
	p.owner(c)
	p.hunks(compare(linesOf(c.Before), linesOf(c.After)))
}

// owner shows that an object is another's than before.
func (p *page) owner(c api.Change) {
	if c.CustomerBefore == c.CustomerAfter {
		return
	}
	if c.CustomerBefore != "" {
		p.line("-# customer %s", c.CustomerBefore)
	}
	if c.CustomerAfter != "" {
		p.line("+# customer %s", c.CustomerAfter)
	}
}

func label(c api.Change, text, at string) string {
	if text == "" {
		return "/dev/null"
	}
	return fmt.Sprintf("%s %s (%s)", c.Kind, c.Name, at)
}

// around is how many lines are shown before and after a change.
const around = 3

// hunks shows the edits that change something, and the lines around them.
func (p *page) hunks(edits []edit) {
	near := nearChanges(edits)
	before, after := 1, 1
	for i := 0; i < len(edits); {
		end := i
		for end < len(edits) && near[end] == near[i] {
			end++
		}
		minus, plus := count(edits[i:end])
		if near[i] {
			p.line("@@ -%s +%s @@", span(before, minus), span(after, plus))
			for _, e := range edits[i:end] {
				p.code(string(e.mark) + e.text)
			}
		}
		before, after, i = before+minus, after+plus, end
	}
}

// nearChanges says of each edit whether it is shown.
func nearChanges(edits []edit) []bool {
	near := make([]bool, len(edits))
	for i, e := range edits {
		if e.mark == ' ' {
			continue
		}
		for j := max(0, i-around); j < min(len(edits), i+around+1); j++ {
			near[j] = true
		}
	}
	return near
}

// count says how many lines of each text some edits are.
func count(edits []edit) (before, after int) {
	for _, e := range edits {
		if e.mark != '+' {
			before++
		}
		if e.mark != '-' {
			after++
		}
	}
	return before, after
}

// span writes where the lines of a text begin and how many they are; of none,
// after which line they would be.
func span(first, lines int) string {
	if lines == 0 {
		first--
	}
	return fmt.Sprintf("%d,%d", first, lines)
}
