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

// address returns the health of one address of the origin: the worst of the
// paths to it, since every probe of it must pass.
func (d *deciding) address(addr netip.Addr) Health {
	worst := HealthUp
	for i, src := range d.in.Sources {
		if src.Address == addr || !src.Address.IsValid() {
			worst = max(worst, d.st.Paths[i].Health)
		}
	}
	return worst
}

// all reports whether every address of the origin is in health h.
func (d *deciding) all(h Health) bool {
	return !slices.ContainsFunc(d.s.Origin.Addresses, func(a netip.Addr) bool { return d.address(a) != h })
}

// down reports whether the origin is down: all of its addresses are.
func (d *deciding) down() bool { return d.all(HealthDown) }

// anyUp reports whether an address of the origin is up.
func (d *deciding) anyUp() bool {
	return slices.ContainsFunc(d.s.Origin.Addresses, func(a netip.Addr) bool { return d.address(a) == HealthUp })
}

// pooled reports whether a source's samples count: those of addresses that are
// up, or of all while none is.
func (d *deciding) pooled(src Source) bool {
	return !src.Address.IsValid() || d.address(src.Address) == HealthUp || !d.anyUp()
}

// firstRoundOver reports whether every path has spoken, or one of them twice.
func (d *deciding) firstRoundOver() bool {
	twice := func(p Path) bool { return p.Seen >= 2 }
	silent := func(p Path) bool { return p.Health == HealthUnknown }
	return slices.ContainsFunc(d.st.Paths, twice) || !slices.ContainsFunc(d.st.Paths, silent)
}

// addresses returns the origin's addresses without those that are down while
// another is up: an answer is never empty.
func (d *deciding) addresses() []netip.Addr {
	all := d.s.Origin.Addresses
	if !d.anyUp() {
		return all
	}
	up := make([]netip.Addr, 0, len(all))
	for _, addr := range all {
		if d.address(addr) != HealthDown {
			up = append(up, addr)
		}
	}
	return up
}
