package store

import (
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TooMany is the error of a customer's new sites of which his plan does not have so many.
// Its kind is ErrInvalid.
type TooMany struct {
	Site   string // the first one that has no room
	Number int    // which it would be
	More   int    // that have no room either
	Most   int    // that the plan has
}

func (m *TooMany) Error() string {
	text := fmt.Sprintf("site '%s' would be number %d, and the plan has %d", m.Site, m.Number, m.Most)
	if m.More > 0 {
		text += fmt.Sprintf(" (as would be %d more)", m.More)
	}
	return text
}

// Is says its kind.
func (m *TooMany) Is(target error) bool { return target == ErrInvalid }

// bound is the customer whose plan binds a publication; empty: it has no bounds. An
// operator publishes what he likes, unless it is an onboarding. What is brought back was
// there before.
func (v *View) bound(p Publication, objects []site.Object) string {
	switch {
	case p.Onboarding == nil:
		return v.customer()
	case p.Onboarding.Back:
		return ""
	}
	return objects[0].Customer
}

// withinNumber refuses objects by which a customer would have more sites than his plan
// has. Those that he has stay, however many they are. In a publication nobody else
// publishes until the transaction ends, so that this holds.
func (t *tx) withinNumber(customer string, objects []site.Object) error {
	most, err := t.mostSites(customer)
	if err != nil || most == 0 {
		return err
	}
	sites, err := t.countSites(customer)
	if err != nil {
		return err
	}
	present, err := t.presentOf(objects, "CASE WHEN o.text = '' THEN '' ELSE '.' END")
	if err != nil {
		return err
	}
	var fresh []string
	for _, o := range objects {
		before := present[keyOf(o)]
		there := before.Text != "" && before.Customer == customer
		switch {
		case o.Kind != site.ObjectSite:
		case o.Text == "" && there:
			sites--
		case o.Text != "" && !there:
			fresh = append(fresh, o.Name)
		}
	}
	room := max(0, most-sites)
	if len(fresh) <= room {
		return nil
	}
	return &TooMany{Site: fresh[room], Number: sites + room + 1, More: len(fresh) - room - 1, Most: most}
}

// mostSites is how many sites a customer may have; 0: as many as he likes.
func (t *tx) mostSites(customer string) (int, error) {
	if customer == "" {
		return 0, nil
	}
	c, err := t.customer(customer)
	if err != nil || c.Plan == "" {
		return 0, err
	}
	plan, err := t.plan(c.Plan)
	return plan.Guardrails.MaxSites, err
}

// countSites counts the sites of a customer, in force or held back.
func (t *tx) countSites(customer string) (sites int, err error) {
	_, err = t.one("SELECT COUNT(*) FROM objects WHERE customer = ? AND kind = 'site' AND until = {forever} AND text <> ''", []any{customer}, &sites)
	return sites, err
}
