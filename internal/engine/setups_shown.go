package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Setups implements api.Setups.
func (c configuration) Setups(ctx context.Context, q api.SetupQuery, who api.Caller) (part []api.Setup, more bool, err error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return nil, false, err
	}
	found, err := view.Setups(ctx, store.SetupQuery{Site: q.Site, State: q.State, AfterSite: q.AfterSite, AfterCDN: q.AfterCDN, Limit: q.Limit + 1})
	found, more = partOf(found, q.Limit)
	for _, s := range found {
		part = append(part, shownSetup(s, who))
	}
	return part, more, translated(err)
}

// shownSetup is a setup as somebody may see it: what commands and webhooks say is for
// operators.
func shownSetup(s site.Setup, who api.Caller) api.Setup {
	shown := api.Setup{
		Site: s.Site, CDN: s.CDN, Customer: s.Customer, State: s.State, Words: s.Words, Since: s.Since, Revision: s.Revision, Tries: s.Tries, Next: s.Next,
	}
	if !who.Role.Operates() {
		shown.Words = wordsFor(s)
	}
	return shown
}

// wordsFor is what a customer is told of a setup.
func wordsFor(s site.Setup) string {
	what := map[bool]string{true: "be removed", false: "be set up"}[s.Wants == ""]
	switch {
	case s.State == site.SetupRefused:
		return "it could not " + what + ": the provider sees why"
	case s.Tries > 0:
		return "it could not " + what + " so far: the provider sees why"
	}
	return ""
}

// RetrySetups implements api.Setups.
func (c configuration) RetrySetups(ctx context.Context, name, cdn string, who api.Caller) (int64, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return 0, err
	}
	n, err := view.RetrySetups(ctx, name, cdn)
	if err != nil {
		return 0, translated(err)
	}
	c.wakeUp()
	return n, nil
}

var _ api.Setups = configuration{}
