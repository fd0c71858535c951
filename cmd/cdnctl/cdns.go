package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newCDNs(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cdns",
		Short: "Show how the CDNs are that are watched or checked, and why",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cdns, err := server().CDNs(cmd.Context())
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, cdns, func(p *page) { p.cdns(cdns) }))
	}
	return cmd
}

func (p *page) cdns(cdns []api.CDNState) {
	rows := [][]string{{"CDN", "OPERATED", "STANDING", "TAKES", "LEFT", "SITES", "NOT READY", "SINCE", "REASON"}}
	for _, c := range cdns {
		rows = append(rows, []string{c.Name, c.Operated, standing(c), percent(c.Part), left(c.Left), fmt.Sprint(c.Sites), fmt.Sprint(c.NotReady), since(c.Since), c.Reason})
	}
	p.table("", rows)
	rows = [][]string{{"CDN", "NODE", "STANDING", "WEIGHT", "ADDRESSES", "SINCE", "REASON"}}
	for _, c := range cdns {
		for _, n := range c.Nodes {
			rows = append(rows, []string{c.Name, n.Name, nodeStanding(n), fmt.Sprint(n.Weight), addresses(n.Addresses), since(n.Since), n.Reason})
		}
	}
	p.section(rows)
	p.records(cdns)
}

// left is what is free of a CDN's capacity, if that is known.
func left(rate *api.Number) string {
	if rate == nil {
		return "-"
	}
	return site.FormatRate(float64(*rate))
}

// records shows what is known of each CDN as a whole, or of each of its nodes.
func (p *page) records(cdns []api.CDNState) {
	rows := [][]string{{"CDN", "NODE", "SIGNAL", "VALUE", "AGE"}}
	add := func(cdn, node string, record []api.Sample) {
		for _, s := range record {
			rows = append(rows, []string{cdn, orDash(node), string(s.Signal), s.Signal.Format(float64(s.Value)), s.Age.String()})
		}
	}
	for _, c := range cdns {
		add(c.Name, "", c.Record)
		for _, n := range c.Nodes {
			add(c.Name, n.Name, n.Record)
		}
	}
	p.section(rows)
}

func nodeStanding(n api.NodeState) string {
	if n.Drained {
		return string(n.Standing) + ", drained"
	}
	return string(n.Standing)
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
	rows := [][]string{{"CDN", "PRIORITY", "WEIGHT", "TAKES", "TAKEN", "CHECKED", "TARGET", "WHY"}}
	for _, c := range candidates {
		rows = append(rows, []string{c.Name, fmt.Sprint(c.Priority), fmt.Sprint(c.Weight), percent(c.Part), yes(c.Taken), since(c.Checked), c.Target, c.Why})
	}
	p.section(rows)
}
