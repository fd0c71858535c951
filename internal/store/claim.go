package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Claim is a name that a customer has proved to control, with all that is below it, or
// is to prove. Names of two customers never overlap.
type Claim struct {
	Name     string // a DNS name or a host, in lower case, without a final dot
	Customer string
	Token    string // what the TXT record is to say
	Begun    time.Time
	Proof    site.ProofKind // empty: none yet
	Proved   time.Time      // zero: not yet
	Who      string         // who has proved it, or given his word

	Onboarding string // the ID of the one that has made it; empty: none
}

// standing is the condition that a claim is proved, and not released.
const standing = "proved > 0 AND released = 0"

// claims reads those that are not released and that a condition picks.
func (t *tx) claims(where string, args ...any) (claims []Claim, err error) {
	err = t.each("SELECT name, customer, token, begun, proof, proved, who, onboarding FROM claims WHERE released = 0 AND "+where, args, func(scan func(...any) error) error {
		var c Claim
		var begun, proved int64
		err := scan(&c.Name, &c.Customer, &c.Token, &begun, &c.Proof, &proved, &c.Who, &c.Onboarding)
		c.Begun, c.Proved = moment(begun), moment(proved)
		claims = append(claims, c)
		return err
	})
	return claims, err
}

// claim reads one; there is none if it has no name.
func (t *tx) claim(customer, name string) (c Claim, err error) {
	claims, err := t.claims("customer = ? AND name = ?", customer, name)
	if len(claims) == 1 {
		c = claims[0]
	}
	return c, err
}

// Claims lists those of a customer, or of all with an empty name, by customer and name:
// from behind one on, of which these two count.
func (v *View) Claims(ctx context.Context, customer string, after Claim, limit int) (claims []Claim, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing claims")
	}
	where, args := v.mine("customer")
	if customer != "" {
		where, args = where+" AND customer = ?", append(args, customer)
	}
	args = append(args, after.Customer, after.Name, bounded(limit))
	err = v.s.read(ctx, func(t *tx) error {
		claims, err = t.claims(where+" AND (customer, name) > (?, ?) ORDER BY customer, name LIMIT ?", args...)
		return err
	})
	return claims, doing(err, "listing claims")
}

// Claim returns a claim of a customer's.
func (v *View) Claim(ctx context.Context, customer, name string) (c Claim, err error) {
	s, err := spotOf(name)
	if !v.sees(customer) {
		err = fail(ErrNotFound, "customer '%s': %v", customer, ErrNotFound)
	}
	if err != nil {
		return c, doing(err, "reading the claim to '%s'", name)
	}
	err = v.s.glance(ctx, func(t *tx) error {
		if c, err = t.claim(customer, s.name); err == nil && c.Name == "" {
			err = noClaim(s.name, customer)
		}
		return err
	})
	return c, doing(err, "reading the claim to '%s'", name)
}

// claiming runs f in a transaction in which nobody else publishes or claims.
func (v *View) claiming(ctx context.Context, what, customer, name string, f func(t *tx, s spot) error) error {
	s, err := spotOf(name)
	if err := cmp.Or(v.manages(customer), err); err != nil {
		return doing(err, "%s '%s'", what, name)
	}
	err = v.s.writeLong(ctx, longPatience, func(t *tx) error {
		if _, err := t.take("revision", 0); err != nil {
			return err
		}
		if err := t.adopt(); err != nil {
			return err
		}
		return f(t, s)
	})
	return doing(err, "%s '%s'", what, name)
}

// BeginClaim makes a claim to a name, and the token that its TXT record is to say. It is
// refused with ErrConflict if the name is somebody else's. One that is there is returned
// as it is: it may be proved already.
func (v *View) BeginClaim(ctx context.Context, customer, name string) (c Claim, err error) {
	err = v.claiming(ctx, "claiming", customer, name, func(t *tx, s spot) error {
		if s.wildcard() {
			return fail(ErrInvalid, "claim '%s', which covers it", s.name[len("*."):])
		}
		if c, err = t.claim(customer, s.name); err != nil || !c.Proved.IsZero() {
			return err
		}
		if err := t.open(customer); err != nil {
			return err
		}
		if err := v.free(t, holding{s, customer}); err != nil || c.Name != "" {
			return err
		}
		if err := t.mayClaimMore(customer); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO claims (name, customer, reversed, token, begun) VALUES (?, ?, ?, ?, {now})
			ON CONFLICT (customer, name) DO UPDATE SET token = excluded.token, begun = excluded.begun, proof = '', proved = 0, who = '', onboarding = '', released = 0`,
			s.name, customer, []byte(s.key()), rand.Text()); err != nil {
			return err
		}
		if err := v.audit(t, "claim '"+s.name+"' for customer '"+customer+"'", 0, 0); err != nil {
			return err
		}
		c, err = t.claim(customer, s.name)
		return err
	})
	return orNone(c, err)
}

// maxUnproved is how many claims a customer may have begun and not proved.
const maxUnproved = 1000

func (t *tx) mayClaimMore(customer string) error {
	var n int64
	if _, err := t.one("SELECT count(*) FROM claims WHERE customer = ? AND proved = 0 AND released = 0", []any{customer}, &n); err != nil || n < maxUnproved {
		return err
	}
	return fail(ErrConflict, "%d claims of customer '%s' are not proved, which is the most: prove or release some", n, customer)
}

func orNone(c Claim, err error) (Claim, error) {
	if err != nil {
		return Claim{}, err
	}
	return c, nil
}

// ProveClaim ends a claim by what its TXT record was seen to say, which has to be its
// token. It is refused with ErrConflict if the name was given to somebody else meanwhile.
func (v *View) ProveClaim(ctx context.Context, customer, name, said string) (c Claim, err error) {
	err = v.claiming(ctx, "proving the claim to", customer, name, func(t *tx, s spot) error {
		if c, err = t.claim(customer, s.name); err != nil || !c.Proved.IsZero() {
			return err
		}
		switch {
		case c.Name == "":
			return noClaim(s.name, customer)
		case c.Token == "" || c.Token != said:
			return fail(ErrInvalid, "its record says %.60q, and not the token '%s'", said, c.Token)
		}
		c, err = v.prove(t, customer, s, site.ProofTXT, "")
		return err
	})
	return orNone(c, err)
}

func noClaim(name, customer string) error {
	return fail(ErrNotFound, "a claim to '%s' of customer '%s': %v", name, customer, ErrNotFound)
}

// ClaimByWord gives a name to a customer by an operator's word.
func (v *View) ClaimByWord(ctx context.Context, customer, name string) (c Claim, err error) {
	if err := v.operates("a claim by an operator's word"); err != nil {
		return c, doing(err, "claiming '%s'", name)
	}
	return v.claimBy(ctx, customer, name, site.ProofOperator, "")
}

// ClaimByOnboarding gives a name to the customer of an onboarding, whose record was seen,
// or whose operator gives his word. The claim is that onboarding's to give back.
func (v *View) ClaimByOnboarding(ctx context.Context, o site.Onboarding, name string) (Claim, error) {
	if o.Proof == site.ProofOperator {
		if err := v.operates("a claim by an operator's word"); err != nil {
			return Claim{}, doing(err, "claiming '%s'", name)
		}
	}
	return v.claimBy(ctx, o.Customer, name, o.Proof, o.ID)
}

// claimBy makes a proved claim, of which nothing more is asked. One that is proved already
// stays as it is.
func (v *View) claimBy(ctx context.Context, customer, name string, proof site.ProofKind, onboarding string) (c Claim, err error) {
	err = v.claiming(ctx, "claiming", customer, name, func(t *tx, s spot) error {
		if c, err = t.claim(customer, s.name); err != nil || !c.Proved.IsZero() {
			return err
		}
		if err := t.open(customer); err != nil {
			return err
		}
		c, err = v.prove(t, customer, s, proof, onboarding)
		return err
	})
	return orNone(c, err)
}

// prove makes a claim a proved one, if the name is nobody else's.
func (v *View) prove(t *tx, customer string, s spot, proof site.ProofKind, onboarding string) (Claim, error) {
	if err := v.free(t, holding{s, customer}); err != nil {
		return Claim{}, err
	}
	if err := t.give(holdingsOf(customer, s), proof, v.who.Name, onboarding); err != nil {
		return Claim{}, err
	}
	if err := v.audit(t, "prove the claim to '"+s.name+"' for customer '"+customer+"' by "+string(proof), 0, 0); err != nil {
		return Claim{}, err
	}
	return t.claim(customer, s.name)
}

// give writes proved claims, which an onboarding has made unless it has no ID.
func (t *tx) give(claims []holding, proof site.ProofKind, who, onboarding string) error {
	var now int64
	if _, err := t.one("SELECT {now}", nil, &now); err != nil {
		return err
	}
	rows := make([][]any, 0, len(claims))
	for _, s := range claims {
		rows = append(rows, []any{s.name, s.owner, []byte(s.key()), "", now, string(proof), now, who, onboarding})
	}
	return t.insert("claims (name, customer, reversed, token, begun, proof, proved, who, onboarding)",
		"ON CONFLICT (customer, name) DO UPDATE SET proof = excluded.proof, proved = excluded.proved, who = excluded.who, onboarding = excluded.onboarding, released = 0", 9, rows)
}

// ReleaseClaim gives a name back. It is refused with ErrConflict as long as a site is
// answered for it, or for a name below it. Who claims it next has to prove it anew.
func (v *View) ReleaseClaim(ctx context.Context, customer, name string) error {
	return v.claiming(ctx, "releasing the claim to", customer, name, func(t *tx, s spot) error {
		n, err := t.exec("UPDATE claims SET released = {now} WHERE customer = ? AND name = ? AND released = 0", customer, s.name)
		if err != nil {
			return err
		}
		if n == 0 {
			return noClaim(s.name, customer)
		}
		if err := t.needless(customer, s); err != nil {
			return err
		}
		return v.audit(t, "release the claim to '"+s.name+"' of customer '"+customer+"'", 0, 0)
	})
}

// needless refuses that a claim is gone if a site is answered for a name that no other
// one covers.
func (t *tx) needless(customer string, gone spot) error {
	var used []holding
	err := t.each("SELECT name FROM names WHERE customer = ? AND reversed >= ? AND reversed < ? ORDER BY reversed, name",
		[]any{customer, []byte(gone.key()), []byte(after(gone.key()))}, func(scan func(...any) error) error {
			var name string
			if err := scan(&name); err != nil {
				return err
			}
			s, err := spotOf(name)
			used = append(used, holding{s, customer})
			return err
		})
	if err != nil {
		return err
	}
	leaving, err := t.leaving(customer, gone)
	if err != nil {
		return err
	}
	held, err := t.heldAt(append(used, leaving...))
	if err != nil {
		return err
	}
	if lacking := held.uncovered(used); len(lacking) > 0 {
		return fail(ErrConflict, "there are still sites that are answered for %s", quoted(lacking))
	}
	if lacking := held.uncovered(leaving); len(lacking) > 0 {
		return fail(ErrConflict, "the sites that are answered for %s are gone, but some server still answers by them: release it when all serve the newest revision", quoted(lacking))
	}
	return nil
}

// leaving returns the names at and below one that sites of a customer had which are gone,
// and which a server serves still: it is behind, or holds the revision back.
func (t *tx) leaving(customer string, from spot) (names []holding, err error) {
	err = t.each(`SELECT names FROM objects WHERE kind = 'site' AND customer = ? AND text <> '' AND until < {forever} AND until >
			(SELECT COALESCE(MIN(revision), {forever}) FROM servers WHERE revision > 0 AND seen > {now} - ?)`,
		[]any{customer, GoneAfter.Microseconds()}, func(scan func(...any) error) error {
			var text string
			if err := scan(&text); err != nil {
				return err
			}
			spots, err := spotsOf(strings.Fields(text))
			for _, s := range spots {
				if strings.HasPrefix(s.key(), from.key()) {
					names = append(names, holding{s, customer})
				}
			}
			return err
		})
	return names, err
}
