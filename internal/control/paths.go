package control

import (
	"net/netip"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Samples in a row that turn a path down and up again.
const (
	failsToDown = 3
	goodsToUp   = 2
)

// observe counts the sample; the first one of a path is taken at face value.
func (p Path) observe(s site.Sample) Path {
	good := s.Failure == ""
	if good {
		p.Goods, p.Fails = p.Goods+1, 0
	} else {
		p.Fails, p.Goods = p.Fails+1, 0
	}
	switch {
	case good && (p.Health == HealthUnknown || p.Goods >= goodsToUp):
		p.Health = HealthUp
	case !good && (p.Health == HealthUnknown || p.Fails >= failsToDown):
		p.Health = HealthDown
	}
	p.Seen = min(p.Seen+1, 2)
	return p
}

// turning reports whether a count runs that may change the path's health.
func (p Path) turning() bool {
	return p.Health == HealthUp && p.Fails > 0 || p.Health == HealthDown && p.Goods > 0
}

// survey settles the health of each address of the origin: the worst of the
// paths to it, since every probe of it must pass.
func (d *deciding) survey() {
	d.health = make([]Health, len(d.s.Origin.Addresses))
	for i, addr := range d.s.Origin.Addresses {
		d.health[i] = HealthUp
		for j, src := range d.in.Sources {
			if src.Address == addr || !src.Address.IsValid() {
				d.health[i] = max(d.health[i], d.path(j))
			}
		}
	}
	d.anyUp = slices.Contains(d.health, HealthUp)
}

// path returns the health of a path as it counts now: one that was up and has
// fallen silent is not known to be.
func (d *deciding) path(i int) Health {
	health, src := d.st.Paths[i].Health, d.in.Sources[i]
	if health == HealthUp && d.in.Now.Sub(d.newestUsable(src)) >= site.StaleAfter(src.Period) {
		return HealthUnknown
	}
	return health
}

// down reports whether the origin is down: all of its addresses are.
func (d *deciding) down() bool { return slices.Min(d.health) == HealthDown }

// pooled reports whether a source's samples count: those of addresses that are
// up, or of all while none is.
func (d *deciding) pooled(src Source) bool {
	if !src.Address.IsValid() || !d.anyUp {
		return true
	}
	return d.health[slices.Index(d.s.Origin.Addresses, src.Address)] == HealthUp
}

// firstRoundOver reports whether every path has spoken, or one of them twice.
func (d *deciding) firstRoundOver() bool {
	twice := func(p Path) bool { return p.Seen >= 2 }
	silent := func(p Path) bool { return p.Health == HealthUnknown }
	return slices.ContainsFunc(d.st.Paths, twice) || !slices.ContainsFunc(d.st.Paths, silent)
}

// addresses returns the origin's addresses without those that are down while
// another is known to be up: an answer is never empty, and never a guess.
func (d *deciding) addresses() []netip.Addr {
	all := d.s.Origin.Addresses
	if !d.anyUp || !slices.Contains(d.health, HealthDown) {
		return all
	}
	var left []netip.Addr
	for i, addr := range all {
		if d.health[i] != HealthDown {
			left = append(left, addr)
		}
	}
	return left
}
