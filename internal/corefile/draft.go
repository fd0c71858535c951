package corefile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// draft is a site on its way from lines to a valid whole.
type draft struct {
	site  *site.Site
	node  node   // the line that began it
	lines []node // its properties, those of its class among them
}

// key is what a line may be given for only once in a block, and what a site's
// line replaces in its class.
func (n node) key() string {
	args := n.args()
	switch {
	case len(args) == 0:
	case n.name() == "feed" && args[0] == "map" && len(args) > 1:
		return "feed map " + args[1]
	case properties[n.name()].keyed, n.name() == "node", n.name() == "origin" && isOriginName(args[0]):
		return n.name() + " " + args[0]
	}
	return n.name()
}

// merge puts a site's own lines over those of its class: in place where the
// class has that key, behind them otherwise. Its origins replace all of the
// class's: nobody is to be sent to one that the site does not name.
func merge(class, own []node) []node {
	lines := slices.Clone(class)
	if originLines(own) {
		lines = slices.DeleteFunc(lines, func(n node) bool { return n.name() == "origin" })
	}
	for _, n := range own {
		same := func(line node) bool { return line.key() == n.key() }
		if i := slices.IndexFunc(lines, same); i >= 0 {
			lines[i] = n
		} else {
			lines = append(lines, n)
		}
	}
	return lines
}

// build makes the site of some lines.
func (c *Config) build(e *entry, lines []node) (*site.Site, error) {
	s := site.New(e.names...)
	s.Zone, s.Place, s.Class = e.zone, e.node.place(), e.class
	d := &draft{site: s, node: e.node, lines: lines}
	join := func() error { c.join(s); return nil }
	asks := func() error {
		return cmp.Or(c.checkAsks(d.node, d.lines, s.Probes, s.Feeds), c.checkReady(d))
	}
	for _, step := range []func() error{d.apply, join, d.expand, d.expandReady, asks, d.validate} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// applyLine writes what one line says into the site.
func applyLine(s *site.Site, n node) error {
	p, known := properties[n.name()]
	if !known {
		return n.wrap(unknown("property", n.name(), slices.Sorted(maps.Keys(properties))...))
	}
	if err := p.set(s, n); err != nil {
		return n.wrap(err)
	}
	return nil
}

// apply writes what all lines say into the site.
func (d *draft) apply() error {
	for _, n := range d.lines {
		if err := applyLine(d.site, n); err != nil {
			return err
		}
	}
	return nil
}

// expand replaces the placeholders, once every line is known that they may
// stand for.
func (d *draft) expand() error {
	s := d.site
	if len(s.Hosts) == 0 {
		for _, name := range s.Names {
			s.Hosts = append(s.Hosts, strings.TrimSuffix(name, "."))
		}
	}
	for i, c := range s.CDNs {
		target, err := expandName(s, c.Target)
		if err != nil {
			return d.blame("cdn "+c.Name, err)
		}
		s.CDNs[i].Target = target
	}
	if s.Answer.Form == site.FormCNAME {
		host, err := expandName(s, s.Answer.Host)
		if err != nil {
			return d.blame("answer", err)
		}
		s.Answer.Host = host
	}
	if err := expandRedirect(s); err != nil {
		return d.blame("redirect", err)
	}
	for i := range s.Probes {
		if err := expandSource(s, &s.Probes[i]); err != nil {
			return d.blame(s.Probes[i].Key(), err)
		}
	}
	for i := range s.Feeds {
		if err := expandSource(s, &s.Feeds[i]); err != nil {
			return d.blame(s.Feeds[i].Key(), err)
		}
	}
	return nil
}

// expandSource replaces the placeholders in what is asked, and of whom.
func expandSource(s *site.Site, src *site.Source) error {
	where, err := s.Expand(strings.TrimPrefix(src.URL, scheme(src)))
	src.URL = scheme(src) + where
	if err != nil || src.Kind != "dns" {
		return err
	}
	src.Ask.Name, err = expandName(s, src.Ask.Name)
	return err
}

// expandName replaces the placeholders in a name.
func expandName(s *site.Site, text string) (string, error) {
	name, err := s.Expand(text)
	if err != nil {
		return "", err
	}
	return domainName(name)
}

// validate checks the site as a whole.
func (d *draft) validate() error { return blameLine(d.node, d.lines, d.site.Validate()) }

// blame puts err at a line of the property.
func (d *draft) blame(property string, err error) error {
	return blameLine(d.node, d.lines, &site.PropertyError{Property: property, Err: err})
}

// blameLine puts err at the last of the lines that has the key or the name of
// the property that is wrong, or at the line that began them. A line that is
// written elsewhere does not tell what it was used for, so that is said too.
func blameLine(opener node, lines []node, err error) error {
	if err == nil {
		return nil
	}
	var wrong *site.PropertyError
	property := ""
	if errors.As(err, &wrong) {
		property = wrong.Property
	}
	for _, n := range slices.Backward(lines) {
		if n.key() != property && n.name() != property {
			continue
		}
		if !opener.holds(n) {
			err = fmt.Errorf("%w (%s '%s' at %s)", err, opener.name(), opener.args()[0], opener.place())
		}
		return n.wrap(err)
	}
	return opener.wrap(err)
}
