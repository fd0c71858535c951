package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newExplain(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain NAME",
		Short: "Show why a name is answered as it is",
		Args:  cobra.ExactArgs(1),
	}
	form := outputFlag(cmd, "text")
	client := cmd.Flags().String("client", "", "`ADDRESS` of a client or its resolver: show what it is answered")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		addr, err := clientAddr(*client)
		if err != nil {
			return err
		}
		explanation, err := server().Explain(cmd.Context(), args[0], addr)
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, explanation, func(p *page) { p.explanation(explanation) }))
	}
	return cmd
}

// clientAddr reads --client; the zero Addr is any client.
func clientAddr(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("reading --client '%s': %w", text, err)
	}
	return addr, nil
}

func (p *page) explanation(e api.Explanation) {
	p.line("site      %s", e.Site)
	p.line("names     %s", strings.Join(e.Names, " "))
	p.line("side      %s since %s, decision %d", e.Side, since(e.Since), e.Epoch)
	p.line("diverted  %s of the clients, TTL %s", percent(e.Share), e.TTL)
	for _, c := range e.CDNs {
		p.line("cdn       %s %s%s", c.Name, c.Target, weight(c))
	}
	p.line("reason    %s", e.Reason)
	p.authority(e)
	if e.NextChange != "" {
		p.line("next      %s", e.NextChange)
	}
	p.answer(e.Answer)
	p.candidates(e.Candidates)
	p.origins(e.Origins)
	p.thresholds(e.Thresholds)
	p.sources(e.Sources)
}

// authority says by whom a site is answered as it is, where that is not this
// server by what was measured.
func (p *page) authority(e api.Explanation) {
	if e.Override != nil {
		p.line("override  %s", strings.TrimPrefix(forced(*e.Override), "override "))
	}
	if e.Measured != nil {
		p.line("measured  %s", measured(*e.Measured))
	}
	if e.DecidedBy != "" {
		p.line("decided   by server %s", e.DecidedBy)
	}
	if !e.AloneSince.IsZero() {
		p.line("alone     this server decides alone since %s: the store is away", since(e.AloneSince))
	}
}

func weight(c api.CDN) string {
	if c.Weight == 0 {
		return ""
	}
	return fmt.Sprintf(" weight %d", c.Weight)
}

func (p *page) answer(a *api.Answer) {
	if a == nil {
		p.line("answer    depends on the client (name one with --client), or is not known yet")
		return
	}
	who := "every client"
	if a.Client.IsValid() {
		who = "clients in " + a.Client.String()
	}
	p.line("answer    for %s: %s", who, strings.TrimSpace(a.Side.String()+" "+a.CDN))
	for _, record := range a.Records {
		p.line("          %s", record)
	}
	if a.Host != "" {
		p.line("          over HTTP: %s", a.Host)
	}
}

func (p *page) origins(origins []api.OriginState) {
	rows := [][]string{{"ORIGIN", "OPERATED", "SIDE", "SERVING", "ADDRESSES"}}
	for _, o := range origins {
		rows = append(rows, []string{orDash(o.Name), o.Operated, o.Side.String(), yes(o.Serving), addresses(o.Addresses)})
	}
	p.section(rows)
}

func addresses(states []api.AddressState) string {
	texts := make([]string, len(states))
	for i, a := range states {
		texts[i] = fmt.Sprintf("%s %s", a.Address, a.Health)
	}
	return strings.Join(texts, ", ")
}

func (p *page) thresholds(thresholds []api.ThresholdState) {
	rows := [][]string{{"ORIGIN", "OVER", "FAR OVER", "RECOVER", "THRESHOLD"}}
	for _, t := range thresholds {
		rows = append(rows, []string{orDash(t.Origin), fmt.Sprint(t.Over), fmt.Sprint(t.Hard),
			t.Signal.Format(float64(t.Recover)), t.String()})
	}
	p.section(rows)
}

func (p *page) sources(sources []api.SourceState) {
	rows := [][]string{{"SOURCE", "EVERY", "HEALTH", "FAILED", "GOOD", "NEWEST"}}
	for _, s := range sources {
		row := []string{s.Kind + " " + s.Target.String(), s.Every.String(), string(s.Health), fmt.Sprint(s.Fails),
			fmt.Sprint(s.Goods), "no sample yet"}
		if len(s.Last) > 0 {
			row[len(row)-1] = sample(s.Last[0])
		}
		rows = append(rows, row)
		for _, more := range s.Last[min(1, len(s.Last)):] {
			rows = append(rows, []string{"", "", "", "", "", sample(more)})
		}
	}
	p.section(rows)
}

func sample(s api.Sample) string {
	text := fmt.Sprintf("%s (age %s)", api.Reading{Signal: s.Signal, Value: s.Value}, s.Age)
	if s.Failure == "" {
		return text
	}
	return fmt.Sprintf("%s, failed: %s: %s", text, s.Failure, s.Detail)
}

// section writes a table that has more than its head.
func (p *page) section(rows [][]string) {
	if len(rows) > 1 {
		p.line("")
		p.table("", rows)
	}
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
