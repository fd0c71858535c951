package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newCDNs(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cdns",
		Short: "Show how the CDNs are that are watched, and why",
		Args:  cobra.NoArgs,
	}
	form := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cdns, err := server().CDNs(cmd.Context())
		if err != nil {
			return answered(err)
		}
		if *form == "json" {
			return answered(writeJSON(cmd.OutOrStdout(), cdns))
		}
		p := page{w: cmd.OutOrStdout()}
		p.cdns(cdns)
		return answered(p.err)
	}
	return cmd
}

func (p *page) cdns(cdns []api.CDNState) {
	rows := [][]string{{"CDN", "OPERATED", "STANDING", "TAKES", "SITES", "SINCE", "REASON"}}
	for _, c := range cdns {
		rows = append(rows, []string{c.Name, c.Operated, standing(c), percent(c.Part), fmt.Sprint(c.Sites), since(c.Since), c.Reason})
	}
	p.table("", rows)
	rows = [][]string{{"CDN", "SIGNAL", "VALUE", "AGE"}}
	for _, c := range cdns {
		for _, s := range c.Record {
			rows = append(rows, []string{c.Name, string(s.Signal), s.Signal.Format(float64(s.Value)), s.Age.String()})
		}
	}
	p.section(rows)
}

// standing says whether a CDN takes visitors, and until when it does not.
func standing(c api.CDNState) string {
	words := []string{string(c.Standing)}
	if c.Full {
		words = append(words, "full")
	}
	if !c.Back.IsZero() {
		words = append(words, "until "+since(c.Back))
	}
	return strings.Join(words, ", ")
}

// candidates shows which CDNs may take a site's visitors, and why not.
func (p *page) candidates(candidates []api.Candidate) {
	rows := [][]string{{"CDN", "PRIORITY", "WEIGHT", "TAKES", "TAKEN", "TARGET", "WHY"}}
	for _, c := range candidates {
		rows = append(rows, []string{c.Name, fmt.Sprint(c.Priority), fmt.Sprint(c.Weight), percent(c.Part), yes(c.Taken), c.Target, c.Why})
	}
	p.section(rows)
}
