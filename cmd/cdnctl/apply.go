package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
)

const aboutApply = `Have the store's configuration be what files say: documents in YAML or JSON, and
blocks as they stand in a Corefile (*.conf). DIR stands for the files of those kinds in
it and below it, hidden ones apart; '-' is the standard input.

What differs is shown, and published as one revision. Objects that are published and in
no file stay, unless --prune is given; those of customers stay all the same where an
operator applies. An object stays the customer's whose it is, unless its document names
another. With --dry-run nothing is changed, and the server says all that would be wrong;
this takes no more than the role of a reader. A draft of yours that is not empty is not
touched: it would be published, too.

Exit codes: 0 there is nothing to do; 1 something is wrong, or with --wait, a server
does not serve what was published; 2 there are changes, which have been made, unless
--dry-run was given.`

func newApply(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply -f DIR|FILE|- -m TEXT",
		Short: "Have the store's configuration be what files say",
		Long:  aboutApply,
		Example: `  cdnctl apply -f sites/ --dry-run
  cdnctl apply -f sites/ -m 'new shop' --wait
  cdnctl get -o yaml | sed s/bigcdn/smallcdn/ | cdnctl apply -f - -m 'another CDN'`,
		Args: noArgs,
	}
	files := cmd.Flags().StringArrayP("file", "f", nil, "`PATH` of a directory or a file, or - for the standard input; it may be repeated")
	dry := cmd.Flags().Bool("dry-run", false, "show what would be changed, and change nothing")
	prune := cmd.Flags().Bool("prune", false, "remove what is published and in no file")
	why := whyFlag(cmd)
	wait := waitFlags(cmd)
	form := outputFlag(cmd, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		text, err := why()
		if *dry {
			text, err = "", nil
		}
		if err != nil {
			return err
		}
		if err := wait.check(); err != nil {
			return err
		}
		entries, err := readFiles(cmd, *files)
		if err != nil {
			return err
		}
		return apply(cmd, server(), entries, applying{why: text, dry: *dry, prune: *prune, wait: wait, form: form})
	}
	return ownCodes(cmd)
}

// applying is how something is applied.
type applying struct {
	why        string
	dry, prune bool
	wait       *waiting
	form       *output
}

// readFiles reads what is to be applied.
func readFiles(cmd *cobra.Command, paths []string) ([]document.Entry, error) {
	if len(paths) == 0 {
		return nil, errors.New("say what to apply with -f DIR, -f FILE or -f -")
	}
	entries, err := document.Load(cmd.InOrStdin(), paths...)
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("there is no document in '%s'", strings.Join(paths, "', '"))
	}
	return entries, err
}

// applied is what apply has found and done.
type applied struct {
	Base     int64        `json:"base"`               // the revision that the files were compared with
	Changes  []api.Change `json:"changes"`            // in the order of kinds and names
	Others   int          `json:"others"`             // objects that are published and in no file, and stay
	Revision int64        `json:"revision,omitempty"` // that was made
}

func apply(cmd *cobra.Command, c *api.Client, entries []document.Entry, how applying) error {
	published, err := c.Objects(cmd.Context(), "", "")
	if err != nil {
		return answered(err)
	}
	prunes, err := prunesOf(cmd.Context(), c, how.prune)
	if err != nil {
		return answered(err)
	}
	plan := planOf(entries, published, prunes)
	done := applied{Base: published.Revision, Changes: plan.changes, Others: plan.others}
	if how.form.form == "text" { // shown before it is done
		p := page{w: cmd.OutOrStdout()}
		if p.plan(plan, how.prune); p.err != nil {
			return answered(p.err)
		}
	}
	var wrong error
	switch {
	case len(plan.changes) == 0:
	case how.dry:
		wrong = check(cmd.Context(), c, plan)
	default:
		if done.Revision, err = publish(cmd.Context(), c, plan, how.why); err != nil {
			return answered(err)
		}
	}
	err = how.form.write(cmd, done, func(p *page) { p.published(done) })
	if err = cmp.Or(err, wrong); err != nil {
		return answered(err)
	}
	if how.form.forPrograms() {
		cmd.SetOut(cmd.ErrOrStderr()) // of what follows
	}
	if done.Revision > 0 {
		err = how.wait.until(cmd, c, done.Revision)
	}
	if err == nil && len(plan.changes) > 0 {
		err = errChanges
	}
	return err
}

// prunesOf says what is removed of what is in no file: what is the caller's own. An
// operator sees what customers have put there, and it is not his to miss.
func prunesOf(ctx context.Context, c *api.Client, prune bool) (func(api.Object) bool, error) {
	if !prune {
		return func(api.Object) bool { return false }, nil
	}
	me, err := c.Whoami(ctx)
	return func(o api.Object) bool { return o.Customer == me.Customer }, err
}

// plan shows what becomes of each object, and how many these are.
func (p *page) plan(plan *plan, prune bool) {
	put, added, removed := 0, 0, 0
	for _, c := range plan.changes {
		p.change(c, "published", plan.place(c))
		switch {
		case c.After == "":
			removed++
		case c.Before == "":
			added++
		default:
			put++
		}
	}
	p.line("%s: %d new, %d changed, %d removed; %d the same", changes(len(plan.changes)), added, put, removed, plan.same)
	switch {
	case plan.others > 0 && prune:
		p.line("%s of customers in no file, and %s: they are not yours to prune", plural(plan.others, "published object"), stay(plan.others))
	case plan.others > 0:
		p.line("%s in no file, and %s: --prune removes them", plural(plan.others, "published object"), stay(plan.others))
	}
}

func stay(n int) string {
	if n == 1 {
		return "stays"
	}
	return "stay"
}

func (p *page) published(done applied) {
	if done.Revision > 0 {
		p.line("revision %d is published: %s", done.Revision, changes(len(done.Changes)))
	}
}

// check has the server say what would be wrong with a plan.
func check(ctx context.Context, c *api.Client, plan *plan) error {
	parts := slices.Collect(plan.parts())
	if len(parts) > 1 {
		return fmt.Errorf("these changes are more than the %d MiB that the server checks at once: what it would say of them is not known", api.MaxDraft>>20)
	}
	_, err := c.Check(ctx, parts[0])
	return plan.files.located(err)
}

// publish makes a revision of a plan, by the draft of who asks. What somebody had left
// there is not published; what this leaves there when it fails is dropped.
func publish(ctx context.Context, c *api.Client, plan *plan, why string) (int64, error) {
	draft, err := c.Draft(ctx)
	if err != nil {
		return 0, err
	}
	if n := len(draft.Changes); n > 0 {
		return 0, fmt.Errorf("your draft has %s that would be published, too: see them by 'cdnctl draft', and publish them or forget them by 'cdnctl draft drop'", changes(n))
	}
	made, err := publishDraft(ctx, c, plan, why)
	if err == nil {
		return made.Revision, nil
	}
	ctx = context.WithoutCancel(ctx) // it limits itself
	return 0, errors.Join(plan.files.located(err), c.DropDraft(ctx))
}

func publishDraft(ctx context.Context, c *api.Client, plan *plan, why string) (api.Publication, error) {
	for part := range plan.parts() {
		if _, err := c.PutDraft(ctx, part); err != nil {
			return api.Publication{}, err
		}
	}
	return c.Publish(ctx, api.PublishRequest{Why: why})
}
