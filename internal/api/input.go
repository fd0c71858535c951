package api

import (
	"fmt"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds of what a request may say.
const (
	maxBody  = 64 << 10 // octets
	MaxDraft = 64 << 20 // octets of texts that are put into the draft
	MaxWhy   = 1000     // octets

	mostHistory = 1000
	mostJournal = 10_000

	MaxWait = time.Minute // that a request waits
)

// some keeps a list from being null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// short wants a reason to be no longer than it may be, and takes the space around it
// away. Of that there are more kinds than the patterns of the document know.
func short(place string, why *string) []error {
	said := strings.Trim(*why, "\t\n\f\r ")
	*why = strings.TrimSpace(*why)
	switch {
	case said != "" && *why == "":
		return []error{&Fault{Location: place, Message: "expected a reason", Value: said}}
	case len(*why) <= MaxWhy:
		return nil
	}
	return []error{&Fault{Location: place, Message: fmt.Sprintf("the why has %d octets, and %d at most are possible", len(*why), MaxWhy)}}
}

// named makes the name of an object the one that the store has.
func named(place string, kind site.ObjectKind, name *string) []error {
	if kind != site.ObjectSite {
		return nil
	}
	is, err := site.CanonicalName(*name)
	switch {
	case err != nil:
		return []error{&Fault{Location: place, Message: err.Error()}}
	case is == ".":
		return []error{&Fault{Location: place, Message: "'.' is the root of all names, which is no site"}}
	}
	*name = strings.TrimSuffix(is, ".")
	return nil
}

// waits reads how long a request waits at most.
func waits(text string, into *time.Duration) []error {
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > MaxWait {
		return []error{&Fault{Location: "query.wait", Message: "expected a time from 0s to 1m, such as '5s'", Value: text}}
	}
	*into = d
	return nil
}
