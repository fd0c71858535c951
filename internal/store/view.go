package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Viewer is somebody who looks at the store: an operator, who sees everything,
// or somebody of a customer's, who sees what is that customer's. Anybody else
// sees nothing.
type Viewer struct {
	Name     string
	Customer string
	Operator bool
	ReadOnly bool // whatever he tries to write is ErrReadOnly, before anything is looked at
}

// View is the store as a viewer sees it. What he may not see does not exist
// for him: all he ever gets of it is ErrNotFound.
type View struct {
	s   *Store
	who Viewer
}

// As looks at the store with somebody's eyes.
func (s *Store) As(v Viewer) *View { return &View{s, v} }

// known refuses viewers who may see nothing at all.
func (v *View) known() error {
	if !v.who.Operator && v.who.Customer == "" {
		return fail(ErrNotFound, "viewer '%s' has no customer: %v", v.who.Name, ErrNotFound)
	}
	return nil
}

// drafts refuses viewers who may see nothing, and those without a name: a draft is
// somebody's.
func (v *View) drafts() error {
	if err := v.known(); err != nil {
		return err
	}
	if v.who.Name == "" {
		return fail(ErrInvalid, "who writes to the store needs a name")
	}
	return text("viewer", v.who.Name)
}

// writes refuses those, too, who may only read: every write has somebody who made it.
func (v *View) writes() error {
	if err := v.drafts(); err != nil {
		return err
	}
	if v.who.ReadOnly {
		return fail(ErrReadOnly, "'%s' may only read", v.who.Name)
	}
	return nil
}

// operates refuses everybody but operators who write.
func (v *View) operates(what string) error {
	if !v.who.Operator {
		return fail(ErrNotFound, "%s: %v", what, ErrNotFound)
	}
	return v.writes()
}

// manages refuses everybody but operators, and those who write for a customer.
func (v *View) manages(customer string) error {
	if err := v.writes(); err != nil {
		return err
	}
	if !v.sees(customer) {
		return fail(ErrNotFound, "customer '%s': %v", customer, ErrNotFound)
	}
	return nil
}

// customer is whose lines and drafts the viewer's are: nobody's for operators.
func (v *View) customer() string {
	if v.who.Operator {
		return ""
	}
	return v.who.Customer
}

// mine is a condition on the customer in a column.
func (v *View) mine(column string) (condition string, args []any) {
	switch {
	case v.who.Operator:
		return "1 = 1", nil
	case v.who.Customer == "":
		return "1 = 0", nil
	}
	return column + " = ?", []any{v.who.Customer}
}

// sees reports whether a customer's things are the viewer's to see.
func (v *View) sees(customer string) bool {
	return v.who.Operator || v.who.Customer != "" && v.who.Customer == customer
}

// mayWrite checks objects by themselves: what they are, and whose.
func (v *View) mayWrite(objects []site.Object) ([]site.Object, error) {
	if len(objects) == 0 {
		return nil, fail(ErrInvalid, "there are no objects")
	}
	seen := make(map[key]bool, len(objects))
	own := slices.Clone(objects)
	for i := range own {
		if err := v.owned(&own[i]); err != nil {
			return nil, err
		}
		k := keyOf(own[i])
		if seen[k] {
			return nil, fail(ErrInvalid, "%s is there twice", k)
		}
		seen[k] = true
	}
	return own, nil
}

// owned makes an object the viewer's customer's, if it may be.
func (v *View) owned(o *site.Object) error {
	if err := valid(*o); err != nil || v.who.Operator {
		return err
	}
	if o.Kind != site.ObjectSite || o.Customer != "" && o.Customer != v.who.Customer {
		return notFound(keyOf(*o))
	}
	o.Customer = v.who.Customer
	return nil
}

func valid(o site.Object) error {
	kinds := []site.ObjectKind{site.ObjectClass, site.ObjectOrigin, site.ObjectCDN, site.ObjectSite}
	if !slices.Contains(kinds, o.Kind) {
		return fail(ErrInvalid, "unknown kind of object '%s'", o.Kind)
	}
	if o.Name == "" || strings.ContainsAny(o.Name, " \t\r\n") {
		return fail(ErrInvalid, "'%s' is no name of a %s", o.Name, o.Kind)
	}
	if o.Kind == site.ObjectSite && (o.Name != strings.ToLower(o.Name) || strings.HasSuffix(o.Name, ".")) {
		return fail(ErrInvalid, "'%s' is no name of a site: it has capitals, or a dot at its end", o.Name)
	}
	for _, s := range []string{o.Name, o.Customer, o.Text} {
		if err := text(keyOf(o).String(), s); err != nil {
			return err
		}
	}
	return nil
}

// text refuses what is no text to both databases.
func text(of, s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return fail(ErrInvalid, "%s: %.40q is no text in UTF-8", of, s)
	}
	return nil
}

// key names an object.
type key struct {
	kind site.ObjectKind
	name string
}

func keyOf(o site.Object) key { return key{o.Kind, o.Name} }

func (k key) String() string { return fmt.Sprintf("%s '%s'", k.kind, k.name) }

// notFound is all that anybody learns of an object that he may not see.
func notFound(k key) error { return fail(ErrNotFound, "%s: %v", k, ErrNotFound) }

// named lists objects for people, the first few of them.
func named(objects []site.Object) string {
	const most = 5
	var names []string
	for _, o := range objects[:min(most, len(objects))] {
		names = append(names, keyOf(o).String())
	}
	if more := len(objects) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
