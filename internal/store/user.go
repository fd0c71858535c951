package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// User is somebody, or a program, who shows a token.
type User struct {
	Name     string // of its own among all users, of other customers as well
	Customer string // empty: of the provider
	Role     site.Role
	Created  time.Time
	Closed   time.Time // zero: he is not
	Version  int64     // grows with each change. In a put it is the one that was changed: 0 for a new user, or Whatever
}

// Viewer is the user as somebody who looks at the store.
func (u User) Viewer() Viewer {
	return Viewer{Name: u.Name, Customer: u.Customer, Operator: u.Role.Operates(), ReadOnly: !u.Role.Writes()}
}

func (u User) valid() error {
	if err := identifier("user", u.Name); err != nil {
		return err
	}
	switch {
	case !slices.Contains(site.Roles(), u.Role):
		return fail(ErrInvalid, "unknown role '%s'", u.Role)
	case u.Role.Operates() && u.Customer != "":
		return fail(ErrInvalid, "role '%s' is the provider's, and user '%s' is of customer '%s'", u.Role, u.Name, u.Customer)
	case !u.Role.Operates() && u.Customer == "":
		return fail(ErrInvalid, "role '%s' is of a customer, and user '%s' has none", u.Role, u.Name)
	}
	return nil
}

const userColumns = "u.name, COALESCE(u.customer, ''), u.role, u.created, u.closed, u.version"

// users reads those that a condition on the table users, as u, picks.
func (t *tx) users(where string, args ...any) (users []User, err error) {
	err = t.each("SELECT "+userColumns+" FROM users u WHERE "+where, args, func(scan func(...any) error) error {
		var u User
		var created, closed int64
		err := scan(&u.Name, &u.Customer, &u.Role, &created, &closed, &u.Version)
		u.Created, u.Closed = moment(created), moment(closed)
		users = append(users, u)
		return err
	})
	return users, err
}

// user reads one; its version is 0 if there is none, and it is ErrNotFound if the
// viewer may not see it.
func (v *View) user(t *tx, name string) (u User, err error) {
	users, err := t.users("u.name = ?", name)
	if err != nil || len(users) == 0 {
		return u, err
	}
	if !v.sees(users[0].Customer) {
		return u, noUser(name)
	}
	return users[0], nil
}

func noUser(name string) error { return fail(ErrNotFound, "user '%s': %v", name, ErrNotFound) }

// openUser reads one that is there, and not closed.
func (v *View) openUser(t *tx, name string) (User, error) {
	u, err := v.user(t, name)
	if err == nil && (u.Version == 0 || !u.Closed.IsZero()) {
		err = noUser(name)
	}
	return u, err
}

// PutUser makes a user or changes his role. Customers' admins do so for users of their
// customer. It is refused with ErrConflict if he was changed after the given version,
// or closed, or is the last operator.
func (v *View) PutUser(ctx context.Context, u User) (User, error) {
	if u.Customer == "" {
		u.Customer = v.customer()
	}
	if err := cmp.Or(v.manages(u.Customer), u.valid()); err != nil {
		return User{}, doing(err, "writing user '%s'", u.Name)
	}
	put := u
	err := v.s.administer(ctx, func(t *tx) (err error) {
		put, err = v.putUser(t, u)
		return err
	})
	return put, doing(err, "writing user '%s'", u.Name)
}

func (v *View) putUser(t *tx, u User) (put User, err error) {
	present, err := v.user(t, u.Name)
	if err != nil {
		return put, err
	}
	if err := u.follows(present); err != nil {
		return put, err
	}
	if u.Customer != "" {
		if err := t.open(u.Customer); err != nil {
			return put, err
		}
	}
	if err := t.writeUser(u); err != nil {
		return put, err
	}
	if err := t.keepsOperator(present); err != nil {
		return put, err
	}
	if err := v.audit(t, "put user '"+u.Name+"' as "+string(u.Role)+ofCustomer(u.Customer), 0, 0); err != nil {
		return put, err
	}
	return v.user(t, u.Name)
}

// follows refuses what cannot become of the user that there is.
func (u User) follows(present User) error {
	if !present.Closed.IsZero() {
		return closed("user", u.Name, present.Closed)
	}
	if err := expects("user", u.Name, u.Version, present.Version); err != nil {
		return err
	}
	if present.Version > 0 && present.Customer != u.Customer {
		return fail(ErrInvalid, "user '%s' is%s: users do not change sides", u.Name, cmp.Or(ofCustomer(present.Customer), " of the provider"))
	}
	return nil
}

func ofCustomer(name string) string {
	if name == "" {
		return ""
	}
	return " of customer '" + name + "'"
}

func (t *tx) writeUser(u User) error {
	var customer any
	if u.Customer != "" {
		customer = u.Customer
	}
	_, err := t.exec(`INSERT INTO users (name, customer, role, created) VALUES (?, ?, ?, {now})
		ON CONFLICT (name) DO UPDATE SET role = excluded.role, version = users.version + 1`, u.Name, customer, string(u.Role))
	return err
}

// keepsOperator refuses the change of a user after which nobody could change anything
// any more.
func (t *tx) keepsOperator(before User) error {
	if before.Role != site.RoleOperator {
		return nil
	}
	left, err := t.users("u.role = ? AND u.closed = 0 LIMIT 1", string(site.RoleOperator))
	if err == nil && len(left) == 0 {
		err = fail(ErrConflict, "'%s' is the last operator", before.Name)
	}
	return err
}

// User returns one, also if he is closed.
func (v *View) User(ctx context.Context, name string) (u User, err error) {
	if err := v.known(); err != nil {
		return u, doing(err, "reading a user")
	}
	err = v.s.read(ctx, func(t *tx) error {
		if u, err = v.user(t, name); err == nil && u.Version == 0 {
			err = noUser(name)
		}
		return err
	})
	return u, doing(err, "reading a user")
}

// Users lists those that are not closed, by name, from behind one on.
func (v *View) Users(ctx context.Context, after string, limit int) (users []User, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing users")
	}
	mine, args := v.mine("u.customer")
	err = v.s.read(ctx, func(t *tx) error {
		users, err = t.users(mine+" AND u.closed = 0 AND u.name > ? ORDER BY u.name LIMIT ?", append(args, after, bounded(limit))...)
		return err
	})
	return users, doing(err, "listing users")
}

// CloseUser ends a user, and his tokens. His name stays his, in the audit.
func (v *View) CloseUser(ctx context.Context, name string, version int64) error {
	if err := v.writes(); err != nil {
		return doing(err, "closing user '%s'", name)
	}
	err := v.s.administer(ctx, func(t *tx) error {
		u, err := v.openUser(t, name)
		if err != nil {
			return err
		}
		if err := expects("user", name, version, u.Version); err != nil {
			return err
		}
		if _, err := t.exec("UPDATE users SET closed = {now}, version = version + 1 WHERE name = ?", name); err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM tokens WHERE owner = ?", name); err != nil {
			return err
		}
		if err := t.keepsOperator(u); err != nil {
			return err
		}
		return v.audit(t, "close user '"+name+"'"+ofCustomer(u.Customer), 0, 0)
	})
	return doing(err, "closing user '%s'", name)
}
