package control

import (
	"net/netip"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// observe counts the sample; the first one of a path is taken at face value.
func (p Path) observe(s site.Sample, rules *site.Rules) Path {
	good := s.Failure == ""
	if good {
		p.Goods, p.Fails = p.Goods+1, 0
	} else {
		p.Fails, p.Goods = p.Fails+1, 0
	}
	switch {
	case good && (p.Health == HealthUnknown || p.Goods >= rules.Goods):
		p.Health = HealthUp
	case !good && (p.Health == HealthUnknown || p.Fails >= rules.Fails):
		p.Health = HealthDown
	}
	p.Seen = min(p.Seen+1, 2)
	return p
}

// forget drops what is known of the path, but not that it was heard.
func (p *Path) forget() { *p = Path{Health: HealthUnknown, Seen: p.Seen} }

// turning reports whether a count runs that may change the path's health.
func (p Path) turning() bool {
	return p.Health == HealthUp && p.Fails > 0 || p.Health == HealthDown && p.Goods > 0
}

// concerns reports whether a source speaks for the origin.
func (j *judging) concerns(src Source) bool {
	return src.Origin == j.i || src.Origin == site.EveryOrigin
}

// survey settles the health of each address of the origin: the worst of the
// probes of it, since every one must pass. One that is not probed is up.
func (j *judging) survey() {
	if j.health == nil {
		j.health = make([]Health, len(j.o.Addresses))
	}
	for i := range j.health {
		j.health[i] = j.healthOf(i, j.path)
	}
	j.anyUp = slices.Contains(j.health, HealthUp)
}

// healthOf returns the worst that path says of an address.
func (j *judging) healthOf(address int, path func(source int) Health) Health {
	health, addr := HealthUp, j.o.Addresses[address]
	for i, src := range j.in.Sources {
		if !src.Feed && j.concerns(src) && (src.Address == addr || !src.Address.IsValid()) {
			health = max(health, path(i))
		}
	}
	return health
}

// path returns the health of a path as it counts now: one that was up and has
// fallen silent is not known to be.
func (j *judging) path(i int) Health {
	health := j.deciding.st.Paths[i].Health
	if health == HealthUp && j.silent(j.in.Sources[i]) {
		return HealthUnknown
	}
	return health
}

// silent reports whether a source's newest sample is stale.
func (d *deciding) silent(src Source) bool {
	return d.in.Now.Sub(d.newestUsable(src)) >= src.staleAfter()
}

// down reports whether the origin is down: all of its addresses are.
func (j *judging) down() bool { return slices.Min(j.health) == HealthDown }

// foundDown reports whether probes find it down that are not silent.
func (j *judging) foundDown() bool {
	heard := func(i int) Health {
		if j.silent(j.in.Sources[i]) {
			return HealthUnknown
		}
		return j.path(i)
	}
	for i := range j.health {
		if j.healthOf(i, heard) != HealthDown {
			return false
		}
	}
	return true
}

// hears reports whether a source's samples count for the origin: those of
// addresses that are up, or of all while none is.
func (j *judging) hears(src Source) bool {
	if !j.concerns(src) {
		return false
	}
	if !src.Address.IsValid() || !j.anyUp {
		return true
	}
	return j.health[slices.Index(j.o.Addresses, src.Address)] == HealthUp
}

// firstRoundOver reports whether every path has spoken, or one of them twice.
func (j *judging) firstRoundOver() bool {
	all := true
	for i, src := range j.in.Sources {
		if !j.concerns(src) {
			continue
		}
		path := j.deciding.st.Paths[i]
		if path.Seen >= 2 {
			return true
		}
		all = all && path.Seen > 0
	}
	return all
}

// addresses returns the origin's addresses without those that are down while
// another is known to be up: an answer is never empty, and never a guess.
func (j *judging) addresses() []netip.Addr {
	all := j.o.Addresses
	if !j.anyUp || !slices.Contains(j.health, HealthDown) {
		return all
	}
	var left []netip.Addr
	for i, addr := range all {
		if j.health[i] != HealthDown {
			left = append(left, addr)
		}
	}
	return left
}
