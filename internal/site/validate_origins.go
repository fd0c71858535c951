package site

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

func (s *Site) checkOrigins() error {
	if len(s.Origins) == 0 {
		return wrong("origin", "site '%s' has no origin", s.Name())
	}
	for i, o := range s.Origins {
		same := func(other Origin) bool { return other.Name == o.Name }
		if slices.ContainsFunc(s.Origins[:i], same) {
			return wrong("origin", "origin '%s' is repeated: a site has addresses of its own, or origins that each have a name", o.Name)
		}
		if o.Name == "" && o.empty() {
			return wrong("origin", "site '%s' has no origin", s.Name())
		}
		if o.Name == "" && len(s.Origins) > 1 {
			return wrong("origin", "site '%s' has addresses of its own beside origins with a name: give them an 'origin NAME' block, too", s.Name())
		}
		if err := o.check(); err != nil {
			return err
		}
	}
	return checkWeights("origin", s.Origins, func(o Origin) (string, int, int) { return o.Name, o.Priority, o.Weight })
}

// Validate checks a named origin by itself, whichever sites use it; every error
// is a *PropertyError.
func (o Origin) Validate() error {
	if err := o.check(); err != nil {
		return err
	}
	if err := refuseServices(o.Feeds); err != nil {
		return err
	}
	for _, f := range o.Feeds {
		if err := checkSource("feed", f); err != nil {
			return err
		}
	}
	for _, t := range o.Thresholds {
		if err := cmp.Or(t.Validate(), o.checkReach(t)); err != nil {
			return &PropertyError{t.key(), err}
		}
	}
	return nil
}

// empty reports whether the origin is nowhere.
func (o Origin) empty() bool { return len(o.Addresses) == 0 && !o.Next }

// key is what tells the line that names the origin from others.
func (o Origin) key() string { return strings.TrimSuffix("origin "+o.Name, " ") }

// check checks the origin's addresses, which one with a name has in its block.
func (o Origin) check() error {
	if o.empty() {
		return wrong(o.key(), "origin '%s' has no address", o.Name)
	}
	if o.Capacity < 0 {
		return wrong("capacity", "capacity %s of origin '%s' is negative", FormatRate(o.Capacity), o.Name)
	}
	if o.Name == "" {
		return o.checkAddresses("origin")
	}
	return o.checkAddresses("address")
}

// checkAddresses checks those of the line with that property.
func (o Origin) checkAddresses(property string) error {
	for i, addr := range o.Addresses {
		switch {
		case !Reachable(addr):
			return wrong(property, "'%s' is not an address that visitors can reach", addr)
		case slices.Contains(o.Addresses[:i], addr):
			return wrong(property, "address '%s' is repeated", addr)
		}
	}
	return nil
}

// Reachable reports whether an address can be a server's.
func Reachable(addr netip.Addr) bool {
	return addr.IsValid() && addr.Zone() == "" && !addr.IsUnspecified() && !addr.IsMulticast() && !addr.Is4In6()
}

// checkFeedsOf checks the feeds of an origin for this site.
func (s *Site) checkFeedsOf(o Origin) error {
	for _, f := range o.Feeds {
		if err := s.checkSource("feed", f); err != nil {
			return wrong(o.key(), "origin '%s', %s: %w", o.Name, f.Key(), err)
		}
	}
	return nil
}

// checkThresholdsOf checks those of the site and those of the origin itself.
func (s *Site) checkThresholdsOf(o Origin) error {
	for i, t := range slices.Concat(s.Thresholds, o.Thresholds) {
		if err := t.Validate(); err != nil {
			return &PropertyError{t.key(), err}
		}
		err := s.checkSupply(t, o)
		if err != nil && i < len(s.Thresholds) {
			return wrong(t.key(), "%s%w", o.named("origin '%s': "), err)
		}
		if err != nil {
			return wrong(o.key(), "origin '%s', %s: %w", o.Name, t.key(), err)
		}
	}
	return nil
}

// named puts the origin's name into a text, or says nothing of one without.
func (o Origin) named(text string) string {
	if o.Name == "" {
		return ""
	}
	return fmt.Sprintf(text, o.Name)
}
