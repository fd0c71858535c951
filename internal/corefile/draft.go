package corefile

import (
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
	if properties[n.name()].keyed && len(n.args()) > 0 {
		return n.name() + " " + n.args()[0]
	}
	return n.name()
}

// merge puts a site's own lines over those of its class: in place where the
// class has that key, behind them otherwise.
func merge(class, own []node) []node {
	lines := slices.Clone(class)
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

// build makes the site, given the lines of its class.
func (e *entry) build(class []node) (*site.Site, error) {
	s := site.New(e.names...)
	s.Zone, s.Place = e.zone, e.node.place()
	d := &draft{site: s, node: e.node, lines: merge(class, e.node.children)}
	for _, step := range []func() error{d.apply, d.expand, d.validate} {
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
		target, err := s.Expand(c.Target)
		if err == nil {
			target, err = domainName(target)
		}
		if err != nil {
			return d.blame("cdn "+c.Name, err)
		}
		s.CDNs[i].Target = target
	}
	if s.Answer.Form == site.FormCNAME {
		host, err := s.Expand(s.Answer.Host)
		if err == nil {
			host, err = domainName(host)
		}
		if err != nil {
			return d.blame("answer", err)
		}
		s.Answer.Host = host
	}
	for i, p := range s.Probes {
		url, err := s.Expand(p.URL)
		if err != nil {
			return d.blame("probe "+p.Kind, err)
		}
		s.Probes[i].URL = url
	}
	return nil
}

// validate checks the site as a whole.
func (d *draft) validate() error {
	err := d.site.Validate()
	if err == nil {
		return nil
	}
	var wrong *site.PropertyError
	property := ""
	if errors.As(err, &wrong) {
		property = wrong.Property
	}
	return d.blame(property, err)
}

// blame puts err at the last line with that key or name, or at the site's
// line. A line that is written elsewhere does not tell what it was used for, so
// that is said too.
func (d *draft) blame(property string, err error) error {
	for _, n := range slices.Backward(d.lines) {
		if n.key() != property && n.name() != property {
			continue
		}
		if !d.node.holds(n) {
			err = fmt.Errorf("%w (%s '%s' at %s)", err, d.node.name(), d.node.args()[0], d.node.place())
		}
		return n.wrap(err)
	}
	return d.node.wrap(err)
}
