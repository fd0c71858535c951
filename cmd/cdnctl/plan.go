package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

func newPlan(server dial) *cobra.Command {
	cmd := &cobra.Command{Use: "plan", Short: "Show, make and change plans: what customers may do"}
	cmd.AddCommand(
		newList("Show the plans", []string{"NAME", "TITLE", "SITES", "LEAST TTL", "SINCE"}, func(cmd *cobra.Command) ([]api.Plan, error) {
			return every(cmd.Context(), func(ctx context.Context, p api.Page) ([]api.Plan, string, error) {
				list, err := server().Plans(ctx, p)
				return list.Plans, list.Next, err
			})
		}, func(p api.Plan) []string {
			return []string{p.Name, orDash(p.Title), most(p.Guardrails.MaxSites), p.Guardrails.MinTTL.String(), since(p.Since)}
		}),
		newShow("Show a plan", func(ctx context.Context, name string) (api.Plan, error) { return server().Plan(ctx, name) }),
		newPlanPut(server),
	)
	return cmd
}

func most(sites int) string {
	if sites == 0 {
		return "-"
	}
	return strconv.Itoa(sites)
}

// planFlags are what can be said of a plan.
type planFlags struct {
	title, currency, share           string
	minTTL, minFailback, probePeriod time.Duration
	probeKinds, targets, services    []string
	sites                            int
}

func newPlanPut(server dial) *cobra.Command {
	f := new(planFlags)
	cmd := &cobra.Command{
		Use:     "put NAME",
		Short:   "Make a plan, or change what is said of it",
		Example: "  cdnctl plan put basic --max-sites 10 --min-ttl 30s --probe-kinds http,tcp --max-share 50%",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&f.title, "title", "", "`TEXT` that people call it")
	cmd.Flags().StringVar(&f.currency, "currency", "", "`NAME` of the currency of its prices")
	cmd.Flags().StringVar(&f.share, "max-share", "", "`P%` of the clients that may be diverted at once")
	cmd.Flags().DurationVar(&f.minTTL, "min-ttl", 0, "the least `TTL` of an answer; 0s is any")
	cmd.Flags().DurationVar(&f.minFailback, "min-failback-delay", 0, "the least `TIME` of failback_delay; 0s is any")
	cmd.Flags().DurationVar(&f.probePeriod, "min-probe-period", 0, "the least `TIME` between two probes; 0s is any")
	cmd.Flags().StringSliceVar(&f.probeKinds, "probe-kinds", nil, "`KINDS` of probes, with commas between them; '' is all")
	cmd.Flags().StringSliceVar(&f.targets, "targets", nil, "`DOMAINS` that the targets of CDNs must lie in, with commas between them; '' is all")
	cmd.Flags().StringSliceVar(&f.services, "services", nil, "`SERVICES` of CDNs that sites may name, each as CDN/ID, with commas between them; '' is none")
	cmd.Flags().IntVar(&f.sites, "max-sites", 0, "`NUMBER` of sites; 0 is any")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		present, err := server().Plan(cmd.Context(), args[0])
		version, err := presentVersion(present.Version, err)
		if err != nil {
			return answered(err)
		}
		r, err := f.over(cmd, present)
		if err != nil {
			return err
		}
		_, err = server().PutPlan(cmd.Context(), args[0], r, version)
		return answered(err)
	}
	return cmd
}

// over returns a plan with what the command line says of it.
func (f *planFlags) over(cmd *cobra.Command, present api.Plan) (api.PlanRequest, error) {
	r := api.PlanRequest{Title: present.Title, Currency: present.Currency, Guardrails: present.Guardrails}
	said(cmd, "title", &r.Title, f.title)
	said(cmd, "currency", &r.Currency, f.currency)
	said(cmd, "min-ttl", &r.Guardrails.MinTTL, api.Seconds(f.minTTL))
	said(cmd, "min-failback-delay", &r.Guardrails.MinFailbackDelay, api.Seconds(f.minFailback))
	said(cmd, "min-probe-period", &r.Guardrails.MinProbePeriod, api.Seconds(f.probePeriod))
	said(cmd, "probe-kinds", &r.Guardrails.ProbeKinds, f.probeKinds)
	said(cmd, "targets", &r.Guardrails.Targets, f.targets)
	said(cmd, "services", &r.Guardrails.Services, f.services)
	said(cmd, "max-sites", &r.Guardrails.MaxSites, f.sites)
	if !cmd.Flags().Changed("max-share") {
		return r, nil
	}
	share, err := readShare(f.share)
	r.Guardrails.MaxShare = &share
	return r, err
}
