package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newOnboard(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "onboard FILE|- -m TEXT",
		Short: "Take a site from its text to visitors",
		Long: `Take a site from its text, one block 'site NAME... { ... }', to visitors: its names
are proved, the CDNs' side is set up and asked, and the site comes into force. The
server goes on by itself; with --wait it is shown step by step until it is over.`,
		Example: "  cdnctl onboard shop.conf --customer acme -m 'a new shop' --wait\n  cdnctl onboard list",
		Args:    cobra.ExactArgs(1),
	}
	req := new(api.OnboardRequest)
	cmd.Flags().StringVar(&req.Customer, "customer", "", "`CUSTOMER` whose the site is (default: yours, or nobody's)")
	proof := cmd.Flags().String("proof", "", "`PROOF` of the names: 'txt', records in DNS, or 'operator', your word (default: txt for a customer's site)")
	why, begun := whyFlag(cmd), begunFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if req.Why, err = why(); err != nil {
			return err
		}
		text, err := readSource(cmd.InOrStdin(), args[0], api.MaxDraft)
		if err != nil {
			return fmt.Errorf("reading '%s': %w", args[0], err)
		}
		req.Text, req.Proof = string(text), site.ProofKind(*proof)
		o, err := server().Onboard(cmd.Context(), *req)
		return begun.follow(cmd, server, o, err)
	}
	cmd.AddCommand(newOnboardList(server), newOnboardShow(server), newOnboardCancel(server))
	return cmd
}

func newOffboard(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "offboard SITE -m TEXT",
		Short: "Take a site of the store out of service, and its CDNs' side with it",
		Args:  cobra.ExactArgs(1),
	}
	why, begun := whyFlag(cmd), begunFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		reason, err := why()
		if err != nil {
			return err
		}
		o, err := server().Offboard(cmd.Context(), api.OffboardRequest{Site: args[0], Why: reason})
		return begun.follow(cmd, server, o, err)
	}
	return cmd
}

// begun is what is shown of an onboarding that was begun.
type begun struct {
	wait bool
	form *output
}

func begunFlags(cmd *cobra.Command) *begun {
	b := &begun{form: outputFlag(cmd, "text")}
	cmd.Flags().BoolVar(&b.wait, "wait", false, "show its steps until it is over; exit code 1 if the site is not where it should be then")
	return b
}

// follow shows an onboarding, and its steps until it is over.
func (b *begun) follow(cmd *cobra.Command, server dial, o api.Onboarding, err error) error {
	shown := make(map[int]string)
	if err == nil && b.wait && !b.form.forPrograms() {
		p := page{w: cmd.OutOrStdout()}
		p.line("%s of site %s has the ID %s", o.Kind, o.Site, o.ID) // if the server is lost meanwhile
	}
	for err == nil && b.wait && !o.Next.IsZero() {
		if !b.form.forPrograms() {
			p := page{w: cmd.OutOrStdout()}
			p.news(o, shown)
		}
		id := o.ID
		if o, err = server().WatchOnboarding(cmd.Context(), id, o.Version, watchFor); err != nil {
			err = fmt.Errorf("watching '%s': %w", id, err)
		}
	}
	if err != nil {
		return answered(err)
	}
	if err := b.form.write(cmd, o, func(p *page) { p.onboarding(o, shown) }); err != nil {
		return answered(err)
	}
	if b.wait && o.State != site.OnboardingDone {
		return errFailed
	}
	return nil
}

// watchFor is how long the server may wait for news.
const watchFor = 30 * time.Second

// news writes the steps that are not as they were shown.
func (p *page) news(o api.Onboarding, shown map[int]string) {
	for i, s := range o.Steps {
		if s.State == site.StepPending {
			continue
		}
		if text := stepText(s); shown[i] != text {
			shown[i] = text
			p.line("%s", text)
		}
	}
}

func stepText(s api.OnboardingStep) string {
	name := s.Name
	if s.CDN != "" {
		name += " " + s.CDN
	}
	text := fmt.Sprintf("%-12s %s", name, s.State)
	if s.Words != "" {
		text += ": " + strings.ReplaceAll(s.Words, "\n", " ")
	}
	return text
}

// onboarding writes the rest, and how it is.
func (p *page) onboarding(o api.Onboarding, shown map[int]string) {
	p.news(o, shown)
	for _, r := range o.Records {
		p.line("to be set: %s TXT \"%s\"", r.Name, r.Text)
	}
	p.line("%s of site %s is %s (%s)", o.Kind, o.Site, o.State, o.ID)
	if o.Failure != "" {
		p.line("because: %s", o.Failure)
	}
}

func newOnboardList(server dial) *cobra.Command {
	var q api.OnboardingQuery
	cmd := newList("Show onboardings and offboardings, the newest first", []string{"ID", "KIND", "SITE", "CUSTOMER", "STATE", "BEGAN", "BY"},
		func(cmd *cobra.Command) ([]api.Onboarding, error) { return server().Onboardings(cmd.Context(), q) },
		func(o api.Onboarding) []string {
			return []string{o.ID, string(o.Kind), o.Site, orDash(o.Customer), string(o.State), since(o.Began), o.By}
		})
	cmd.Flags().StringVar(&q.Site, "site", "", "only those of a `SITE`")
	cmd.Flags().BoolVar(&q.Running, "running", false, "only those that are not over")
	return cmd
}

func newOnboardShow(server dial) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show how far one is, and what it waits for", Args: cobra.ExactArgs(1)}
	b := begunFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o, err := server().Onboarding(cmd.Context(), args[0])
		return b.follow(cmd, server, o, err)
	}
	return cmd
}

func newOnboardCancel(server dial) *cobra.Command {
	return newEnd("cancel ID", "Have what one has done be undone", func(ctx context.Context, id string) error {
		return server().CancelOnboarding(ctx, id)
	})
}
