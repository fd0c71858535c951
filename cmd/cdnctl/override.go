package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newOverride(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "override",
		Short: "Force decisions for a time, whatever is measured",
	}
	cmd.AddCommand(newOverrideSet(server), newOverrideList(server), newOverrideClear(server))
	return cmd
}

func newOverrideSet(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set SCOPE ACTION --for TIME -m TEXT",
		Short: "Force a decision on some sites",
		Long: `Force a decision on some sites, until it is cleared or its time is over.

SCOPE is for which sites: 'site NAME', 'class NAME', 'origin NAME' or 'cdn NAME'
(those that have it), or 'all'. Of several the narrowest counts, then the latest.
ACTION is what to do: 'origin' (divert nobody), 'cdn NAME' (divert everybody there,
ready or not), 'share P%' (divert that part of the clients), or 'freeze' (stay).

With --local it is set on the server that is asked, even if it cannot reach the
store; it gives it to the store as soon as it can.`,
		Example: "  cdnctl override set site www.example.org cdn edge --for 2h -m 'new disks'",
		Args:    cobra.MinimumNArgs(2),
	}
	why := whyFlag(cmd)
	last := spanFlag(cmd, "for", "`TIME` after which it ends by itself, such as 2h")
	local := cmd.Flags().Bool("local", false, "set it on this server, without the store")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req, err := readOverride(args, last, why)
		if err != nil {
			return err
		}
		req.Local = *local
		override, err := server().SetOverride(cmd.Context(), req)
		if err != nil {
			return answered(err)
		}
		p := page{w: cmd.OutOrStdout()}
		p.line("override %s: %s for %s until %s, on %s", override.ID, override.Decision(), override.Target(), since(override.Until), plural(override.Sites, "site"))
		p.notes([]api.Override{override})
		return answered(p.err)
	}
	return cmd
}

func readOverride(args []string, last func() (time.Duration, error), why func() (string, error)) (req api.OverrideRequest, err error) {
	if req.Force, err = readForce(args); err != nil {
		return req, err
	}
	d, err := last()
	if err != nil {
		return req, err
	}
	if d == 0 {
		return req, errors.New("say for how long with --for TIME, such as --for 2h")
	}
	req.For = api.Seconds(d)
	req.Why, err = why()
	return req, err
}

// readForce reads SCOPE and ACTION.
func readForce(args []string) (f api.Force, err error) {
	f.Scope = site.OverrideScope(args[0])
	rest := args[1:]
	switch f.Scope {
	case site.ScopeAll:
	case site.ScopeSite, site.ScopeClass, site.ScopeOrigin, site.ScopeCDN:
		if len(rest) < 2 {
			return f, fmt.Errorf("'%s' wants a name, and an action behind it", f.Scope)
		}
		f.Name, rest = rest[0], rest[1:]
	default:
		return f, fmt.Errorf("unknown scope '%s': write site, class, origin, cdn or all", f.Scope)
	}
	f.Action = site.OverrideAction(rest[0])
	return f, readAction(&f, rest[1:])
}

// readAction reads what is behind the word of an action.
func readAction(f *api.Force, rest []string) (err error) {
	wanted := 0
	switch f.Action {
	case site.OverrideOrigin, site.OverrideFreeze:
	case site.OverrideCDN, site.OverrideShare:
		wanted = 1
	default:
		return fmt.Errorf("unknown action '%s': write origin, cdn NAME, share P%% or freeze", f.Action)
	}
	if len(rest) < wanted {
		return fmt.Errorf("'%s' wants a word behind it", f.Action)
	}
	if len(rest) > wanted {
		return fmt.Errorf("'%s' is too much: the action is '%s'", rest[wanted], strings.Join(append([]string{string(f.Action)}, rest[:wanted]...), " "))
	}
	switch f.Action {
	case site.OverrideCDN:
		f.CDN = rest[0]
	case site.OverrideShare:
		f.Share, err = readShare(rest[0])
	}
	return err
}

// readShare reads a percentage.
func readShare(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	percent, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || math.IsNaN(percent) || percent < 0 || percent > 100 {
		return 0, fmt.Errorf("'%s' is no share: write 0%% to 100%%", text)
	}
	return percent / 100, nil
}

func newOverrideList(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show what is forced, by whom and until when",
		Args:  noArgs,
	}
	form := outputFlag(cmd, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		overrides, err := server().Overrides(cmd.Context())
		if err != nil {
			return answered(err)
		}
		return answered(form.write(cmd, overrides, func(p *page) { p.overrides(overrides) }))
	}
	return cmd
}

func (p *page) overrides(overrides []api.Override) {
	rows := [][]string{{"ID", "SCOPE", "ACTION", "BY", "SINCE", "ENDS IN", "WHERE", "SITES", "WHY"}}
	for _, o := range overrides {
		rows = append(rows, []string{o.ID, o.Target(), o.Decision(), o.By, since(o.Since), remaining(o.Left), where(o),
			fmt.Sprint(o.Sites), o.Why})
	}
	p.table("", rows)
	p.notes(overrides)
}

// notes shows what an override does not do, or does with an alarm.
func (p *page) notes(overrides []api.Override) {
	rows := [][]string{{"ID", "SITE", "NOTE"}}
	for _, o := range overrides {
		for _, warning := range o.Warnings {
			rows = append(rows, []string{o.ID, "-", warning})
		}
		for _, u := range o.Untouched {
			rows = append(rows, []string{o.ID, u.Site, "not touched: " + u.Why})
		}
	}
	p.section(rows)
}

func remaining(left api.Seconds) string {
	return max(0, time.Duration(left)).Round(time.Second).String()
}

func where(o api.Override) string {
	if o.Local {
		return "local"
	}
	return "store"
}

func newOverrideClear(server dial) *cobra.Command {
	return &cobra.Command{
		Use:   "clear ID",
		Short: "End an override before its time",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answered(server().ClearOverride(cmd.Context(), args[0]))
		},
	}
}
