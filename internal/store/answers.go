package store

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// SiteNames are what a site is answered for: its DNS names, and the hosts that its web
// server knows.
type SiteNames struct {
	Site  string
	Names []string
}

// Unproved is the error of a customer's sites that are answered for names to which he has
// no proved claim. Its kind is ErrInvalid.
type Unproved struct {
	Customer string
	Names    []string // all of them
}

func (u *Unproved) Error() string {
	return "customer '" + u.Customer + "' has no proved claim to '" + strings.Join(u.Names, "', '") + "'"
}

// Is says its kind.
func (u *Unproved) Is(target error) bool { return target == ErrInvalid }

// former is a site as it was.
type former struct {
	there    bool
	customer string
	names    string // with spaces between them
}

// answered is a site as it is to be.
type answered struct {
	site.Object
	names  []spot
	before former
}

// column is what the table objects has of the names. A site that is removed goes on
// being what it was, in the history.
func (a answered) column() string {
	if a.Text == "" {
		return cmp.Or(a.before.names, a.Name)
	}
	var all []string
	for _, s := range a.names {
		all = append(all, s.name)
	}
	return strings.Join(all, " ")
}

const intoNames = "names (site, name, customer, reversed)"

// rows are those of the table names.
func (a answered) rows() (rows [][]any) {
	for _, s := range a.names {
		rows = append(rows, []any{a.Name, s.name, a.Customer, []byte(s.key())})
	}
	return rows
}

// stays reports whether nothing changes of whose the names are.
func (a answered) stays() bool {
	return a.Text != "" && a.before == former{true, a.Customer, a.column()}
}

// answers checks whose the names are that the sites of a publication are answered for, and
// keeps them. Customers need a proved claim to each; an operator gives his word for what
// they lack. It returns what the table objects has of them, by site.
func (v *View) answers(t *tx, objects []site.Object, said []SiteNames) (columns map[string]string, err error) {
	sites, err := v.answeredFor(objects, said)
	if err != nil || len(sites) == 0 {
		return nil, err
	}
	if err := t.adopt(); err != nil {
		return nil, err
	}
	if err := t.readFormer(sites); err != nil {
		return nil, err
	}
	columns = make(map[string]string, len(sites))
	for _, a := range sites {
		columns[a.Name] = a.column()
	}
	changed := changedOf(sites)
	if err := t.forgetNames(changed); err != nil {
		return nil, err
	}
	if err := v.handOver(t, changed); err != nil {
		return nil, err
	}
	return columns, v.takeNames(t, changed)
}

// changedOf picks the sites of which it changes whose names they have.
func changedOf(sites []answered) (changed []answered) {
	for _, a := range sites {
		if !a.stays() {
			changed = append(changed, a)
		}
	}
	return changed
}

// answeredFor picks the sites of a publication, with what is said of them. A customer's
// has to be there: what is not said would not be checked.
func (v *View) answeredFor(objects []site.Object, said []SiteNames) (sites []answered, err error) {
	names := make(map[string][]string, len(said))
	for _, one := range said {
		names[one.Site] = append(append(names[one.Site], one.Site), one.Names...)
	}
	for _, o := range objects {
		if o.Kind != site.ObjectSite {
			continue
		}
		a := answered{Object: o}
		if o.Text != "" {
			if len(names[o.Name]) == 0 && !v.who.Operator {
				return nil, fail(ErrInvalid, "it is not said for which names site '%s' is answered", o.Name)
			}
			if a.names, err = spotsOf(append([]string{o.Name}, names[o.Name]...)); err != nil {
				return nil, doing(err, "site '%s'", o.Name)
			}
			delete(names, o.Name)
		}
		sites = append(sites, a)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		return nil, fail(ErrInvalid, "names are said of site '%s', which is not published", name)
	}
	return sites, nil
}

// spotsOf returns names in their order, each once.
func spotsOf(names []string) (spots []spot, err error) {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		s, err := spotOf(name)
		if err != nil {
			return nil, err
		}
		if !seen[s.name] {
			seen[s.name] = true
			spots = append(spots, s)
		}
	}
	slices.SortFunc(spots[1:], func(a, b spot) int { return cmp.Compare(a.name, b.name) })
	return spots, nil
}

// readFormer reads how sites were.
func (t *tx) readFormer(sites []answered) error {
	found := make(map[string]former, len(sites))
	err := byNames(objectsOf(sites), func(_ site.ObjectKind, names []any) error {
		return t.each("SELECT name, customer, names, CASE WHEN text = '' THEN 0 ELSE 1 END FROM objects WHERE until = {forever} AND kind = 'site' AND name IN "+marks(1, len(names)),
			names, func(scan func(...any) error) error {
				var name string
				var f former
				var there int64
				err := scan(&name, &f.customer, &f.names, &there)
				f.there = there != 0
				found[name] = f
				return err
			})
	})
	for i := range sites {
		sites[i].before = found[sites[i].Name]
	}
	return err
}

func objectsOf(sites []answered) []site.Object {
	objects := make([]site.Object, len(sites))
	for i, a := range sites {
		objects[i] = a.Object
	}
	return objects
}

// forgetNames takes sites out of the table names.
func (t *tx) forgetNames(sites []answered) error {
	return byNames(objectsOf(sites), func(_ site.ObjectKind, names []any) error {
		_, err := t.exec("DELETE FROM names WHERE site IN "+marks(1, len(names)), names...)
		return err
	})
}

// handOver releases the claims of a customer to the names of a site of his that is to be
// somebody else's: an operator says so.
func (v *View) handOver(t *tx, sites []answered) error {
	for _, a := range sites {
		from := a.before.customer
		if !a.before.there || from == "" || from == a.Customer {
			continue
		}
		names, err := spotsOf(strings.Fields(a.before.names))
		if err != nil {
			return err
		}
		for _, s := range names {
			if err := t.release(from, s); err != nil {
				return err
			}
		}
		if err := v.audit(t, "release the claims to "+quoted(holdingsOf(from, names...))+" of customer '"+from+"'", 0, 0); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) release(customer string, s spot) error {
	n, err := t.exec("UPDATE claims SET released = {now} WHERE customer = ? AND name = ? AND released = 0", customer, s.name)
	if err != nil || n == 0 {
		return err
	}
	return t.needless(customer, s)
}

// takeNames gives sites their names.
func (v *View) takeNames(t *tx, sites []answered) error {
	if err := v.mayTake(t, wantedOf(sites)); err != nil {
		return err
	}
	var rows [][]any
	for _, a := range sites {
		if a.Text != "" {
			rows = append(rows, a.rows()...)
		}
	}
	return t.insert(intoNames, "", 4, rows)
}

// wantedOf are the names that sites are to have, once for each owner.
func wantedOf(sites []answered) (wanted []holding) {
	for _, a := range sites {
		if a.Text != "" {
			wanted = append(wanted, holdingsOf(a.Customer, a.names...)...)
		}
	}
	slices.SortFunc(wanted, func(a, b holding) int { return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.name, b.name)) })
	return slices.CompactFunc(wanted, func(a, b holding) bool { return a.owner == b.owner && a.name == b.name })
}

// mayTake refuses names that are somebody else's, or to which a customer has no claim.
func (v *View) mayTake(t *tx, wanted []holding) error {
	held, err := t.heldAt(wanted)
	if err != nil {
		return err
	}
	lacking := held.uncovered(wanted)
	if len(lacking) == 0 {
		return nil
	}
	if !v.who.Operator {
		return v.unproved(lacking)
	}
	if err := v.freeOf(t, lacking, held); err != nil {
		return err
	}
	return v.giveWord(t, lacking)
}

// unproved says which names the viewer's customer lacks.
func (v *View) unproved(lacking []holding) error {
	if len(lacking) == 0 {
		return nil
	}
	u := &Unproved{Customer: v.who.Customer}
	for _, s := range lacking {
		u.Names = append(u.Names, s.name)
	}
	return u
}

// giveWord gives customers the claims that they lack: an operator publishes for them.
func (v *View) giveWord(t *tx, lacking []holding) error {
	var given []holding
	var lines []string
	for names := range chunkByOwner(lacking) {
		if owner := names[0].owner; owner != "" {
			given = append(given, names...)
			lines = append(lines, "prove the claims to "+quoted(names)+" for customer '"+owner+"' by "+string(site.ProofOperator))
		}
	}
	if len(given) == 0 {
		return nil
	}
	if err := t.give(given, site.ProofOperator, v.who.Name, ""); err != nil {
		return err
	}
	return v.auditAll(t, lines, 0, 0)
}

// chunkByOwner yields what stands together of one owner.
func chunkByOwner(all []holding) iter.Seq[[]holding] {
	return func(yield func([]holding) bool) {
		for len(all) > 0 {
			n := slices.IndexFunc(all, func(h holding) bool { return h.owner != all[0].owner })
			if n < 0 {
				n = len(all)
			}
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// answeredAt returns what sites were answered for at a revision.
func (t *tx) answeredAt(revision int64, objects []site.Object) (said []SiteNames, err error) {
	err = byNames(objects, func(kind site.ObjectKind, names []any) error {
		if kind != site.ObjectSite {
			return nil
		}
		return t.each("SELECT name, names FROM objects WHERE kind = 'site' AND since <= ? AND until > ? AND text <> '' AND name IN "+marks(1, len(names)),
			append([]any{revision, revision}, names...), func(scan func(...any) error) error {
				var one SiteNames
				var all string
				err := scan(&one.Site, &all)
				one.Names = strings.Fields(all)
				said = append(said, one)
				return err
			})
	})
	return said, err
}
