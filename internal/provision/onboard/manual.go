package onboard

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// manual is a provider that says to people what is to be done, and looks whether it is.
type manual struct {
	cdn  string
	text string // with {name}, {host} and {target}; empty: usualText
}

const usualText = "set up the host {host} at the CDN, with the origin of the site, so that it is served at {target}"

// say writes the text for a site.
func (m manual) say(r Request) string {
	values := strings.NewReplacer("{name}", r.name(), "{host}", strings.Join(r.Site.Hosts, ", "), "{target}", r.target())
	return values.Replace(cmp.Or(m.text, usualText))
}

// Create implements Provider.
func (m manual) Create(_ context.Context, r Request) (string, error) { return m.say(r), nil }

// Verify implements Provider: it is done when the CDN answers for the site.
func (m manual) Verify(ctx context.Context, r Request) error {
	if !r.Site.Ready.Asks() {
		return nil // nobody may look
	}
	if err := r.Reach(ctx); err != nil {
		return waitFor("%s (so far: %v)", m.say(r), err)
	}
	return nil
}

// Remove implements Provider. Whether people do it is theirs: nobody is sent there.
func (m manual) Remove(_ context.Context, r Request) (string, error) {
	return fmt.Sprintf("remove the host %s at the CDN %s: no visitors are sent there any more", strings.Join(r.Site.Hosts, ", "), m.cdn), nil
}
