package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newClaim(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "claim",
		Short: "Claim names for a customer, prove them, and give them back",
		Long: `Claim names for a customer, prove them, and give them back. A claim covers what is
below the name as well. A customer publishes sites for names that are proved only.`,
		Example: "  cdnctl claim begin example.org\n  cdnctl claim prove example.org --wait 1h",
	}
	cmd.AddCommand(newClaimList(server), newClaimBegin(server), newClaimProve(server), newClaimRelease(server))
	return cmd
}

// customerFlag adds --customer.
func customerFlag(cmd *cobra.Command, usual string) *string {
	return cmd.Flags().String("customer", "", "`CUSTOMER` whose it is (default: "+usual+")")
}

func newClaimList(server dial) *cobra.Command {
	var customer *string
	cmd := newList("Show which names customers have claimed", []string{"NAME", "CUSTOMER", "PROOF", "SINCE", "TO BE SET"}, func(cmd *cobra.Command) ([]api.Claim, error) {
		return every(cmd.Context(), func(ctx context.Context, p api.Page) ([]api.Claim, string, error) {
			list, err := server().Claims(ctx, *customer, p)
			return list.Claims, list.Next, err
		})
	}, func(c api.Claim) []string {
		if c.Record != nil {
			return []string{c.Name, c.Customer, "-", "-", recordText(*c.Record)}
		}
		return []string{c.Name, c.Customer, string(c.Proof), since(c.Proved), "-"}
	})
	customer = customerFlag(cmd, "all")
	return cmd
}

func recordText(r api.ProofRecord) string { return fmt.Sprintf("%s TXT %q", r.Name, r.Text) }

func newClaimBegin(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "begin NAME",
		Short: "Claim a name, and show the record in DNS that proves it",
		Args:  cobra.ExactArgs(1),
	}
	customer, form := customerFlag(cmd, "yours"), outputFlag(cmd, "text")
	proof := cmd.Flags().String("proof", "", "`PROOF` of the name: 'txt', a record in DNS, or 'operator', your word (default: txt)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := server().BeginClaim(cmd.Context(), api.ClaimRequest{Name: args[0], Customer: *customer, Proof: site.ProofKind(*proof)})
		return showClaim(cmd, form, c, err)
	}
	return cmd
}

func showClaim(cmd *cobra.Command, form *output, c api.Claim, err error) error {
	if err != nil {
		return answered(err)
	}
	return answered(form.write(cmd, c, func(p *page) {
		if c.Record != nil {
			p.line("to be set: %s", recordText(*c.Record))
			return
		}
		p.line("%s is proved to be %s's", c.Name, c.Customer)
	}))
}

func newClaimProve(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prove NAME",
		Short: "Have the record of a claim be looked up",
		Args:  cobra.ExactArgs(1),
	}
	customer, form := customerFlag(cmd, "yours"), outputFlag(cmd, "text")
	wait := spanFlag(cmd, "wait", "`TIME` for which it is looked for, such as 1h (default: once)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		limit, err := wait()
		if err != nil {
			return err
		}
		c, err := proved(cmd, limit, func() (api.Claim, error) { return server().ProveClaim(cmd.Context(), *customer, args[0]) })
		return showClaim(cmd, form, c, err)
	}
	return cmd
}

// proveAgain is the pause between two looks for a record.
const proveAgain = 2 * time.Second

// proved asks until a claim is proved, or can never be, or the time is over. What is
// missing is shown whenever it is something else, beside the output.
func proved(cmd *cobra.Command, limit time.Duration, ask func() (api.Claim, error)) (api.Claim, error) {
	said := ""
	p := page{w: cmd.ErrOrStderr()}
	for end := time.Now().Add(limit); ; {
		c, err := ask()
		left := time.Until(end)
		if err == nil || !mayBeProved(err) || left <= 0 || cmd.Context().Err() != nil {
			return c, err
		}
		if err.Error() != said {
			said = err.Error()
			p.line("waiting: %s", said)
		}
		pause(cmd.Context(), min(proveAgain, left))
	}
}

// mayBeProved reports whether asking again may do: the record is not there yet, or nobody
// can say.
func mayBeProved(err error) bool {
	p := new(api.Problem)
	return !errors.As(err, &p) || p.Status == http.StatusUnprocessableEntity || p.Status >= http.StatusInternalServerError
}

func newClaimRelease(server dial) *cobra.Command {
	var customer *string
	cmd := newEnd("release NAME", "Give a name back; sites that are answered for it have to be gone", func(ctx context.Context, name string) error {
		return server().ReleaseClaim(ctx, *customer, name)
	})
	customer = customerFlag(cmd, "yours")
	return cmd
}
