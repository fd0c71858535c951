package store

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// unnamed picks the sites that a program of schema 1 has written, which knew of no names.
const unnamed = "kind = 'site' AND until = {forever} AND names = ''"

// adoptAll looks for such sites at the start: there may be many.
func (s *Store) adoptAll(ctx context.Context) error {
	there := false
	err := s.read(ctx, func(t *tx) (err error) {
		there, err = t.one("SELECT name FROM objects WHERE "+unnamed+" LIMIT 1", nil, new(string))
		return err
	})
	if err != nil || !there {
		return err
	}
	return s.writeLong(ctx, longPatience, func(t *tx) error {
		if _, err := t.take("revision", 0); err != nil {
			return err
		}
		return t.adopt()
	})
}

// adopt gives sites of an older program their own name, and customers the claim to it:
// an operator has published them. Nobody publishes until the transaction ends.
func (t *tx) adopt() error {
	sites, err := t.unnamed()
	if err != nil || len(sites) == 0 {
		return err
	}
	if err := t.forgetNames(sites); err != nil {
		return err
	}
	var claimed []holding
	var rows [][]any
	for _, a := range sites {
		rows = append(rows, a.rows()...)
		if a.Customer != "" { // the operator needs none
			claimed = append(claimed, holdingsOf(a.Customer, a.names...)...)
		}
	}
	if err := t.insert(intoNames, "", 4, rows); err != nil {
		return err
	}
	if err := t.give(claimed, site.ProofOperator, "", ""); err != nil {
		return err
	}
	_, err = t.exec("UPDATE objects SET names = name WHERE " + unnamed)
	return err
}

// unnamed reads them, those that are gone without names.
func (t *tx) unnamed() (sites []answered, err error) {
	err = t.each("SELECT name, customer, CASE WHEN text = '' THEN 0 ELSE 1 END FROM objects WHERE "+unnamed, nil, func(scan func(...any) error) error {
		var there int64
		a := answered{Object: site.Object{Kind: site.ObjectSite}}
		if err := scan(&a.Name, &a.Customer, &there); err != nil {
			return err
		}
		if s, err := spotOf(a.Name); err == nil && there != 0 { // what is no name cannot overlap
			a.names = []spot{s}
		}
		sites = append(sites, a)
		return nil
	})
	return sites, err
}
