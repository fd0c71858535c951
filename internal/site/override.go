package site

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Override is a decision that an operator forces on some sites.
type Override struct {
	ID     string         `json:"id,omitempty"`
	Scope  OverrideScope  `json:"scope"`
	Name   string         `json:"name,omitempty"` // of what the scope says, a site's without a final dot; empty with ScopeAll
	Action OverrideAction `json:"action"`
	CDN    string         `json:"cdn,omitempty"`   // with OverrideCDN
	Share  float64        `json:"share,omitempty"` // of the clients, with OverrideShare
	Owner  string         `json:"owner"`           // who set it
	Reason string         `json:"reason"`
	Since  time.Time      `json:"since"`
	Until  time.Time      `json:"until"`           // when it ends by itself
	Local  bool           `json:"local,omitempty"` // it was set on this server only, and the store has not got it yet
}

// OverrideScope says which sites an override is for.
type OverrideScope string

// The scopes, from the narrowest to the widest: of several overrides for a site
// the narrowest counts, and of those the latest.
const (
	ScopeSite   OverrideScope = "site"
	ScopeClass  OverrideScope = "class"
	ScopeOrigin OverrideScope = "origin" // all sites that have that origin
	ScopeCDN    OverrideScope = "cdn"    // all sites that have that CDN
	ScopeAll    OverrideScope = "all"
)

// OverrideScopes lists them, the narrowest first.
func OverrideScopes() []OverrideScope {
	return []OverrideScope{ScopeSite, ScopeClass, ScopeOrigin, ScopeCDN, ScopeAll}
}

// OverrideAction is what an override does.
type OverrideAction string

// The actions.
const (
	OverrideOrigin OverrideAction = "origin" // nobody is diverted
	OverrideCDN    OverrideAction = "cdn"    // everybody is, to that CDN
	OverrideShare  OverrideAction = "share"  // that share is, to the CDNs that are chosen anyway
	OverrideFreeze OverrideAction = "freeze" // what the site answers now stays
)

// OverrideActions lists them.
func OverrideActions() []OverrideAction {
	return []OverrideAction{OverrideOrigin, OverrideCDN, OverrideShare, OverrideFreeze}
}

// Over reports whether the override has ended. When it was set does not matter:
// the clocks of servers differ.
func (o *Override) Over(now time.Time) bool { return !o.Until.After(now) }

// Covers reports whether the override is for a site.
func (o *Override) Covers(s *Site) bool {
	switch o.Scope {
	case ScopeSite:
		return slices.ContainsFunc(s.Names, func(name string) bool { return strings.TrimSuffix(name, ".") == o.Name })
	case ScopeClass:
		return s.Class == o.Name && o.Name != ""
	case ScopeOrigin:
		return o.Name != "" && slices.ContainsFunc(s.Origins, func(own Origin) bool { return own.Name == o.Name })
	case ScopeCDN:
		return slices.ContainsFunc(s.CDNs, func(own CDN) bool { return own.Name == o.Name })
	}
	return o.Scope == ScopeAll
}

// Same reports whether two say the same; either may be nil. A time is the same
// wherever it was read.
func (o *Override) Same(other *Override) bool {
	if o == nil || other == nil {
		return o == other
	}
	a, b := *o, *other
	times := a.Since.Equal(b.Since) && a.Until.Equal(b.Until)
	a.Since, a.Until, b.Since, b.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return times && a == b
}

// String says it in a line, such as
// "override: origin by alice until 2026-11-28T12:00:00Z: maintenance at fra".
func (o *Override) String() string {
	where := ""
	if o.Local {
		where = " on this server only"
	}
	return fmt.Sprintf("override%s: %s by %s until %s: %s", where, o.what(), o.Owner, o.Until.UTC().Format(time.RFC3339), o.Reason)
}

// what is the action with what belongs to it.
func (o *Override) what() string {
	switch o.Action {
	case OverrideCDN:
		return "cdn " + o.CDN
	case OverrideShare:
		return "share " + formatShare(o.Share)
	}
	return string(o.Action)
}

// Bounds of an override.
const (
	maxOverride = 8760 * time.Hour // a year
	maxOwner    = 100              // characters
	maxWhy      = 500              // characters of the reason
)

// Validate checks the override by itself. Its comparisons are such that NaN fails.
func (o *Override) Validate() error {
	for _, check := range []func() error{o.checkScope, o.checkAction, o.checkTexts, o.checkTimes} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (o *Override) checkScope() error {
	switch {
	case !slices.Contains(OverrideScopes(), o.Scope):
		return fmt.Errorf("scope '%s' is not known: site, class, origin, cdn and all are", o.Scope)
	case o.Scope == ScopeAll && o.Name != "":
		return fmt.Errorf("name '%s' has no meaning with the scope all", o.Name)
	case o.Scope == ScopeAll:
		return nil
	case o.Name == "":
		return fmt.Errorf("an override of the scope %s needs a name", o.Scope)
	case o.Scope != ScopeSite:
		return checkText(string(o.Scope), o.Name, maxWhy)
	}
	if name, err := CanonicalName(o.Name); err != nil || name != o.Name+"." {
		return fmt.Errorf("name '%s' is not that of a site in canonical form, without a final dot", o.Name)
	}
	return nil
}

func (o *Override) checkAction() error {
	switch {
	case !slices.Contains(OverrideActions(), o.Action):
		return fmt.Errorf("action '%s' is not known: origin, cdn, share and freeze are", o.Action)
	case o.Action == OverrideCDN && o.CDN == "":
		return fmt.Errorf("action '%s' needs the name of a CDN", o.Action)
	case o.Action != OverrideCDN && o.CDN != "":
		return fmt.Errorf("cdn '%s' has no meaning with the action '%s'", o.CDN, o.Action)
	case o.Action == OverrideShare && !(o.Share >= 0 && o.Share <= 1):
		return fmt.Errorf("share %s is not from 0%% to 100%%", formatShare(o.Share))
	case o.Action != OverrideShare && o.Share != 0:
		return fmt.Errorf("share %s has no meaning with the action '%s'", formatShare(o.Share), o.Action)
	}
	return nil
}

// checkTexts checks what people are shown, in a log as well.
func (o *Override) checkTexts() error {
	for _, text := range []struct {
		of, text string
		most     int
		needed   bool
	}{{"id", o.ID, maxOwner, false}, {"cdn", o.CDN, maxWhy, false}, {"owner", o.Owner, maxOwner, true}, {"reason", o.Reason, maxWhy, true}} {
		if text.needed && strings.TrimSpace(text.text) == "" {
			return fmt.Errorf("%s '%s' is empty", text.of, text.text)
		}
		if err := checkText(text.of, text.text, text.most); err != nil {
			return err
		}
	}
	return nil
}

// checkText has a text be one line of so many characters at most.
func checkText(of, text string, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case n > most:
		return fmt.Errorf("%s %.40q... has %d characters: at most %d are kept", of, text, n, most)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("%s %q holds control characters, or is not UTF-8", of, text)
	}
	return nil
}

func (o *Override) checkTimes() error {
	switch {
	case o.Since.IsZero():
		return fmt.Errorf("an override needs the time since when it is in force")
	case !o.Until.After(o.Since):
		return fmt.Errorf("until %s is not after since %s", o.Until.Format(time.RFC3339), o.Since.Format(time.RFC3339))
	case o.Until.Sub(o.Since) > maxOverride:
		return fmt.Errorf("from %s to %s is longer than 8760h", o.Since.Format(time.RFC3339), o.Until.Format(time.RFC3339))
	}
	return nil
}
