package onboard

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// SetCommandLimit has commands end sooner until it is called again.
func SetCommandLimit(d time.Duration) (before time.Duration) {
	before, commandLimit = commandLimit, d
	return before
}

// Final reports whether an error is one of Refuse.
func Final(err error) bool {
	out := outcomeOf(err)
	return err != nil && !out.waits && !out.stays
}

// ForgetAtOnce has resolvers keep no answer.
func ForgetAtOnce() { leastCached = 0 }

// ContentOf is what a provider is asked for, as it is kept, and its digest.
func ContentOf(s *site.Site, c site.CDN, by site.Provision) (written, digest string) {
	content := contentOf(s, c, by)
	return content.written(), content.digest(by)
}

// RequestOf asks for what is kept of a setup.
func RequestOf(s site.Setup) (Request, error) { return requestOf(s) }
