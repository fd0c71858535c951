package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newProbe(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probe URL|SITE",
		Short: "Have the server probe a URL, or all that it probes for a site, once",
		Long: `Have the server probe a URL, or all that it probes for a site, once.
What it finds changes no decision. The exit code is 1 if a probe failed.`,
		Args: cobra.ExactArgs(1),
	}
	form := outputFlag(cmd, "text")
	debug := cmd.Flags().Bool("debug", false, "show where the time went, and for a site how it decides, step by step")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		report, err := server().Probe(cmd.Context(), args[0])
		if err != nil {
			return answered(err)
		}
		if err := form.write(cmd, report, func(p *page) { p.report(report, *debug) }); err != nil {
			return answered(err)
		}
		if slices.ContainsFunc(report.Results, func(r api.ProbeResult) bool { return !r.OK }) {
			return errFailed
		}
		return nil
	}
	return cmd
}

func (p *page) report(report api.ProbeReport, debug bool) {
	for _, r := range report.Results {
		p.line("%s", summary(r))
		if debug {
			p.timeline(r)
		}
	}
	if debug && report.Evaluation != nil {
		p.evaluation(*report.Evaluation)
	}
}

// summary says in a line what a probe found.
func summary(r api.ProbeResult) string {
	asked := fmt.Sprintf("%s %s", r.Kind, r.URL)
	switch {
	case !r.OK:
		return fmt.Sprintf("%s: failed in %s: %s: %s", asked, r.Total, r.Failure, r.Detail)
	case r.Status != 0:
		return fmt.Sprintf("%s: good in %s, status %d", asked, r.Total, r.Status)
	}
	return fmt.Sprintf("%s: good in %s", asked, r.Total)
}

// evaluation shows how a site decides.
func (p *page) evaluation(e api.Evaluation) {
	p.line("")
	p.line("decision on %s", e.Site)
	rows := make([][]string, len(e.Steps))
	for i, s := range e.Steps {
		rows[i] = []string{fmt.Sprintf("%d.", i+1), s.Name, s.Text}
	}
	p.table("  ", rows)
}
