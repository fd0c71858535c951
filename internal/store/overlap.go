package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// holding is a name that somebody has, or is to have: by a proved claim, or, as the
// operator, by a site of his own that is answered for it.
type holding struct {
	spot
	owner string // empty: the operator
}

func holdingsOf(owner string, names ...spot) (all []holding) {
	for _, s := range names {
		all = append(all, holding{s, owner})
	}
	return all
}

// holdings are by key.
type holdings map[string][]holding

func (h holdings) add(one holding) { h[one.key()] = append(h[one.key()], one) }

// heldAt reads who has names that somebody wants, or names above them. The operator's own
// need no claim, so those of his are left out if it is only he who wants some.
func (t *tx) heldAt(wanted []holding) (holdings, error) {
	held := holdings{}
	from := []string{"SELECT name, customer FROM claims WHERE " + standing + " AND reversed IN "}
	if slices.ContainsFunc(wanted, func(w holding) bool { return w.owner != "" }) {
		from = append(from, "SELECT name, customer FROM names WHERE customer = '' AND reversed IN ")
	}
	const most = 1000
	for keys := range slices.Chunk(keysOf(wanted), most) {
		for _, query := range from {
			if err := t.each(query+marks(1, len(keys)), keys, held.read); err != nil {
				return nil, err
			}
		}
	}
	return held, nil
}

func (h holdings) read(scan func(...any) error) error {
	var name, owner string
	if err := scan(&name, &owner); err != nil {
		return err
	}
	s, err := spotOf(name)
	if err == nil {
		h.add(holding{s, owner})
	}
	return err
}

// keysOf lists the keys of names and of all above them, once each.
func keysOf(names []holding) (keys []any) {
	seen := map[string]bool{}
	for _, s := range names {
		for _, key := range s.path {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, []byte(key))
			}
		}
	}
	return keys
}

// uncovered returns those of wanted names that no claim of their owners covers. The
// operator has none.
func (h holdings) uncovered(wanted []holding) (lacking []holding) {
	for _, w := range wanted {
		covered := false
		for _, key := range w.path {
			covered = covered || w.owner != "" && slices.ContainsFunc(h[key], func(one holding) bool { return one.owner == w.owner && one.covers(w.spot) })
		}
		if !covered {
			lacking = append(lacking, w)
		}
	}
	return lacking
}

// overlap is a name that somebody wants, with one of another owner: the same, or one above
// or below.
type overlap struct{ wanted, other holding }

// overlaps are those of wanted names with what others have, and with each other.
func (t *tx) overlaps(wanted []holding, held holdings) (found []overlap, err error) {
	each := holdings{}
	for _, w := range wanted {
		each.add(w)
	}
	var rest []holding
	for _, w := range wanted {
		if other := cmp.Or(held.otherAbove(w), each.otherAbove(w)); other != nil {
			found = append(found, overlap{w, *other})
		} else {
			rest = append(rest, w)
		}
	}
	below, err := t.overlapsBelow(rest)
	return append(found, below...), err
}

// otherAbove returns what another has of a name or above it.
func (h holdings) otherAbove(w holding) *holding {
	for _, key := range w.path {
		for i, one := range h[key] {
			if one.owner != w.owner {
				return &h[key][i]
			}
		}
	}
	return nil
}

// overlapsBelow asks for each name for the first one below it that is another's. By the
// order it is one step in an index for each, whatever the database guesses of how many
// there are.
func (t *tx) overlapsBelow(wanted []holding) (found []overlap, err error) {
	const most = 250
	for part := range slices.Chunk(wanted, most) {
		for _, from := range []string{
			"claims c WHERE " + standing + " AND c.customer <> v.column4",
			"names c WHERE c.customer = '' AND v.column4 <> ''",
		} {
			query := "SELECT v.column1, (SELECT c.name || ' ' || c.customer FROM " + from +
				" AND c.reversed > v.column2 AND c.reversed < v.column3 ORDER BY c.reversed LIMIT 1) FROM (VALUES " + rangeMarks(len(part)) + ") AS v"
			var args []any
			for i, w := range part {
				args = append(args, int64(i), []byte(w.key()), []byte(after(w.key())), w.owner)
			}
			if err := t.each(query, args, func(scan func(...any) error) error {
				var i int64
				var other *string
				if err := scan(&i, &other); err != nil || other == nil {
					return err
				}
				name, owner, _ := strings.Cut(*other, " ")
				found = append(found, overlap{part[i], holding{spot{name: name}, owner}})
				return nil
			}); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func rangeMarks(rows int) string {
	return "(CAST(? AS BIGINT), CAST(? AS blob), CAST(? AS blob), CAST(? AS TEXT))" + strings.Repeat(",(?,?,?,?)", rows-1)
}

// free refuses names that overlap with some of another owner.
func (v *View) free(t *tx, wanted ...holding) error {
	held, err := t.heldAt(wanted)
	if err != nil {
		return err
	}
	return v.freeOf(t, wanted, held)
}

func (v *View) freeOf(t *tx, wanted []holding, held holdings) error {
	found, err := t.overlaps(wanted, held)
	if err != nil || len(found) == 0 {
		return err
	}
	return v.taken(found)
}

// taken says which names are somebody else's; whose, only to operators.
func (v *View) taken(found []overlap) error {
	const most = 10
	var lines []string
	for _, o := range found[:min(most, len(found))] {
		switch {
		case !v.who.Operator:
			lines = append(lines, fmt.Sprintf("'%s' is taken, or a name above or below it is", o.wanted.name))
		case o.other.owner == "":
			lines = append(lines, fmt.Sprintf("'%s' overlaps with '%s' of a site of the operator's own", o.wanted.name, o.other.name))
		default:
			lines = append(lines, fmt.Sprintf("'%s' overlaps with '%s' of customer '%s'", o.wanted.name, o.other.name, o.other.owner))
		}
	}
	if more := len(found) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("%d more do", more))
	}
	return fail(ErrConflict, "%s", strings.Join(lines, "; "))
}

// quoted lists names for people, the first few of them.
func quoted(names []holding) string {
	const most = 5
	var all []string
	for _, s := range names[:min(most, len(names))] {
		all = append(all, "'"+s.name+"'")
	}
	if more := len(names) - most; more > 0 {
		all = append(all, fmt.Sprintf("%d more", more))
	}
	return strings.Join(all, ", ")
}
