package store

import (
	"context"
	"crypto/rand"
)

// Seed returns the seed of the hash that divides clients, the same for all
// servers. Who asks first decides it: first, or a random one if that is empty.
func (s *Store) Seed(ctx context.Context, first string) (seed string, err error) {
	if first == "" {
		first = rand.Text()
	}
	if err := text("the seed", first); err != nil {
		return "", err
	}
	return s.setting(ctx, "seed", first)
}

// ID tells this store from every other one. A number of a revision means something
// in one store only.
func (s *Store) ID(ctx context.Context) (string, error) { return s.setting(ctx, "id", rand.Text()) }

// Renew makes the store another one, for servers: they do not take older revisions of one
// that they know. That is for one which was put back from a copy.
func (s *Store) Renew(ctx context.Context) error {
	err := s.write(ctx, func(t *tx) error {
		if _, err := t.exec("DELETE FROM settings WHERE name = 'id'"); err != nil {
			return err
		}
		_, err := t.exec("INSERT INTO settings (name, value) VALUES ('id', ?)", rand.Text())
		return err
	})
	return doing(err, "making a new id of the store")
}

// setting returns what was set first under a name, which is first if there was nothing.
func (s *Store) setting(ctx context.Context, name, first string) (value string, err error) {
	there := false
	if err := s.read(ctx, func(t *tx) error {
		there, err = t.one("SELECT value FROM settings WHERE name = ?", []any{name}, &value)
		return err
	}); err != nil || there {
		return value, doing(err, "reading the %s of the store", name)
	}
	err = s.write(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, first); err != nil {
			return err
		}
		_, err := t.one("SELECT value FROM settings WHERE name = ?", []any{name}, &value)
		return err
	})
	return value, doing(err, "making the %s of the store", name)
}
