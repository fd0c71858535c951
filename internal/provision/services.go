package provision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Services returns which services of CDNs the text of a customer's site names that are
// not his to name. A service is read with the operator's key, and becomes a part of what
// the CDN is judged by for everybody: one that is somebody else's, or that there is none
// of, is not to be among them. His are those of the plan, and what the site has had so
// far; before may be empty. Those of a class are the operator's, who writes classes. Every
// error is a *site.PropertyError.
func Services(text, before string, plan []string) (breaches []error) {
	had, _ := servicesIn(before)
	lines, err := servicesIn(text)
	if err != nil {
		return []error{&site.PropertyError{Property: "cdn", Err: fmt.Errorf("which services it names cannot be read: %w", err)}}
	}
	for _, line := range lines {
		if slices.Contains(plan, line.Name+"/"+line.Service) || slices.Contains(had, line) {
			continue
		}
		has := "none"
		if len(plan) > 0 {
			has = strings.Join(plan, ", ")
		}
		breaches = append(breaches, &site.PropertyError{Property: "cdn " + line.Name,
			Err: fmt.Errorf("service '%s' of cdn '%s' is not in the plan, which has %s: an operator may name it for the site", line.Service, line.Name, has)})
	}
	return breaches
}

// servicesIn returns the lines of a text that name services, by CDN and service alone. An
// empty text, and one that is no site, has none.
func servicesIn(text string) (lines []document.CDNUse, err error) {
	if text == "" {
		return nil, nil
	}
	doc, err := document.Read(text)
	s, ok := doc.(*document.Site)
	if err != nil || !ok {
		return nil, err
	}
	for _, c := range s.CDNs {
		if c.Service != "" {
			lines = append(lines, document.CDNUse{Name: c.Name, Service: c.Service})
		}
	}
	return lines, nil
}
