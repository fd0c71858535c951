package corefile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// What an object may wait for beside other objects.
const (
	needsName      site.ObjectKind = "name"      // somebody has that name, or leads over it
	needsDownloads site.ObjectKind = "downloads" // all that downloads may cost is taken
	needsService   site.ObjectKind = "service"   // a CDN has as many as it may have
)

// refused is why something is not taken.
type refused struct {
	err   error
	needs []objectKey
}

// put has a form of a site or of a CDN be in force, unless it does not go with
// what is.
func (o *Overlay) put(form any) *site.Clash {
	switch form := form.(type) {
	case *site.Site:
		if clash := o.set.Add(form); clash != nil {
			return clash
		}
		o.costs.Add(form)
		o.countServices(form, 1)
	case *site.WatchedCDN:
		if clash := o.set.AddCDN(form); clash != nil {
			return clash
		}
		o.costs.Add(form.Watch)
		o.cdns[form.Name] = form
		o.dirty[form.Name] = true
	}
	return nil
}

// take takes back what put has put.
func (o *Overlay) take(form any) {
	switch form := form.(type) {
	case *site.Site:
		o.set.Remove(form)
		o.costs.Remove(form)
		o.countServices(form, -1)
	case *site.WatchedCDN:
		o.set.RemoveCDN(form)
		o.costs.Remove(form.Watch)
		delete(o.cdns, form.Name)
		o.dirty[form.Name] = true
	}
}

// countServices counts the lines that name services.
func (o *Overlay) countServices(s *site.Site, n int) {
	for _, c := range s.CDNs {
		if c.Service == "" {
			continue
		}
		if o.services[c.Name] == nil {
			o.services[c.Name] = make(map[string]int)
		}
		if o.services[c.Name][c.Service] += n; o.services[c.Name][c.Service] == 0 {
			delete(o.services[c.Name], c.Service)
		}
		o.dirty[c.Name] = true
	}
}

// tooMuch reports what a form has become too much of.
func (o *Overlay) tooMuch(form any) *refused {
	s, ok := form.(*site.Site)
	if c, isCDN := form.(*site.WatchedCDN); isCDN {
		s = c.Watch
	} else if !ok {
		return nil
	}
	if s.HasDownloads() {
		if err := o.costs.Check(s, o.scope.process.Download); err != nil {
			return &refused{errorAt(s.Place, err), []objectKey{{kind: needsDownloads}}}
		}
	}
	for _, line := range s.CDNs {
		c := o.cdns[line.Name]
		if c == nil || line.Service == "" {
			continue
		}
		if err := c.CheckServices(len(o.services[line.Name])); err != nil {
			return &refused{errorAt(s.Place, err), []objectKey{{needsService, line.Name}}}
		}
	}
	return nil
}

// observe brings what is observed of CDNs up to date, and reports whether that
// changed anything.
func (o *Overlay) observe() bool {
	changed := false
	for name := range o.dirty {
		now, observed := o.watchNow(name)
		if now == o.watched[name] {
			continue
		}
		changed = true
		delete(o.watched, name)
		if observed {
			o.watched[name] = now
		}
	}
	clear(o.dirty)
	return changed
}

// watchNow returns how a CDN is to be observed, if it is.
func (o *Overlay) watchNow(name string) (watchedNow, bool) {
	block := o.cdns[name]
	if block == nil {
		return watchedNow{}, false
	}
	if !block.Watches() {
		return watchedNow{block: block}, true
	}
	if !block.ReadsServices() {
		return watchedNow{block, "", block}, true
	}
	ids := slices.Sorted(maps.Keys(o.services[name]))
	if len(ids) == 0 {
		return watchedNow{}, false
	}
	was := o.watched[name]
	if said := strings.Join(ids, " "); was.block != block || was.ids != said {
		return watchedNow{block, said, block.WithServices(ids)}, true
	}
	return was, true
}

// newClass reads the text of a class. It is known to sites once its record is kept.
func (o *Overlay) newClass(obj site.Object) (any, error) {
	n, err := readObject(obj)
	if err != nil {
		return nil, err
	}
	known, found := o.scope.classes[obj.Name]
	if found && o.records[objectKey{obj.Kind, obj.Name}].form == nil {
		return nil, n.definedAt(known)
	}
	return n, o.scope.checkClass(n)
}

// newOrigin is newClass for an origin.
func (o *Overlay) newOrigin(obj site.Object) (any, error) {
	n, err := readObject(obj)
	if err != nil {
		return nil, err
	}
	known, found := o.scope.origins[obj.Name]
	if found && o.records[objectKey{obj.Kind, obj.Name}].form == nil {
		return nil, n.definedAt(known.node)
	}
	if err := checkOriginName(obj.Name); err != nil {
		return nil, n.wrap(err)
	}
	return o.scope.newOrigin(n, obj.Name)
}

// newCDN reads the text of a CDN.
func (o *Overlay) newCDN(obj site.Object) (any, error) {
	n, err := readObject(obj)
	if err != nil {
		return nil, err
	}
	if i := slices.Index(o.ownCDNs, obj.Name); i >= 0 {
		return nil, n.definedAt(o.scope.cdns[i].node)
	}
	cdn, err := o.scope.newCDN(n, obj.Name)
	if err != nil {
		return nil, err
	}
	var wrong *site.PlaceError
	if errors.As(cdn.CheckZone(o.scope.servers, o.scope.zones), &wrong) {
		return nil, n.wrap(wrong.Err)
	}
	return cdn, o.scope.placeCDN(watchedCDN{n, cdn})
}

// needsOf returns what a site is built of: any of it may make it good.
func needsOf(class string, lines []node) []objectKey {
	var needs []objectKey
	if class != "" {
		needs = append(needs, objectKey{site.ObjectClass, class})
	}
	for _, n := range lines {
		kind := site.ObjectKind(n.name())
		if (kind == site.ObjectOrigin || kind == site.ObjectCDN) && len(n.args()) > 0 {
			needs = append(needs, objectKey{kind, n.args()[0]})
		}
	}
	return needs
}

// refuse makes a refusal of a clash: it may end when anything changes that takes
// part in it.
func refuse(form any, clash *site.Clash) *refused {
	r := &refused{err: errorAt(clash.Place, clash.Err)}
	if s, ok := form.(*site.Site); ok && s.Place != clash.Place {
		r.err = errorAt(clash.Place, fmt.Errorf("%w (site '%s' at %s)", clash.Err, s.Name(), s.Place))
	}
	for _, s := range clash.Sites {
		r.needs = append(r.needs, keyOfSite(s))
	}
	for _, c := range clash.CDNs {
		r.needs = append(r.needs, objectKey{site.ObjectCDN, c.Name})
	}
	for _, target := range clash.Targets {
		r.needs = append(r.needs, objectKey{needsName, target})
	}
	return r
}
