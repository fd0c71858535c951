package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Customer is one whose sites we steer.
type Customer struct {
	Name    string
	Title   string // for people
	Plan    string // its name; empty: none
	Created time.Time
	Closed  time.Time // zero: he is not
	Version int64     // grows with each change. In a put it is the one that was changed: 0 for a new customer, or Whatever
}

const customerColumns = "name, title, plan, created, closed, version"

func scanCustomer(scan func(into ...any) error) (c Customer, err error) {
	var created, closed int64
	err = scan(&c.Name, &c.Title, &c.Plan, &created, &closed, &c.Version)
	c.Created, c.Closed = moment(created), moment(closed)
	return c, err
}

// customer reads one; its version is 0 if there is none.
func (t *tx) customer(name string) (c Customer, err error) {
	err = t.each("SELECT "+customerColumns+" FROM customers WHERE name = ?", []any{name}, func(scan func(...any) error) error {
		c, err = scanCustomer(scan)
		return err
	})
	return c, err
}

// open refuses a customer that is not there, or is closed.
func (t *tx) open(name string) error {
	c, err := t.customer(name)
	switch {
	case err != nil:
		return err
	case c.Version == 0:
		return fail(ErrNotFound, "customer '%s': %v", name, ErrNotFound)
	case !c.Closed.IsZero():
		return closed("customer", name, c.Closed)
	}
	return nil
}

func closed(what, name string, at time.Time) error {
	return fail(ErrConflict, "%s '%s' was closed at %s: the name is not used again", what, name, at.Format(time.RFC3339))
}

// nobodyClosed refuses objects of customers that are closed.
func (t *tx) nobodyClosed(objects []site.Object) error {
	const most = 1000
	owners := map[string]bool{}
	for _, o := range objects {
		if o.Customer != "" && o.Text != "" {
			owners[o.Customer] = true
		}
	}
	for names := range slices.Chunk(slices.Sorted(maps.Keys(owners)), most) {
		var name string
		var at int64
		there, err := t.one("SELECT name, closed FROM customers WHERE closed > 0 AND name IN "+marks(1, len(names))+" ORDER BY name LIMIT 1", anys(names), &name, &at)
		if err != nil {
			return err
		}
		if there {
			return closed("customer", name, moment(at))
		}
	}
	return nil
}

func anys[T any](all []T) []any {
	args := make([]any, len(all))
	for i, one := range all {
		args[i] = one
	}
	return args
}

// PutCustomer makes or changes a customer. It is refused with ErrConflict if he was
// changed after the given version, or closed.
func (v *View) PutCustomer(ctx context.Context, c Customer) (Customer, error) {
	put := c
	if err := cmp.Or(v.operates("customer '"+c.Name+"'"), identifier("customer", c.Name), line("title", c.Title)); err != nil {
		return Customer{}, doing(err, "writing customer '%s'", c.Name)
	}
	err := v.s.administer(ctx, func(t *tx) (err error) {
		put, err = v.putCustomer(t, c)
		return err
	})
	return put, doing(err, "writing customer '%s'", c.Name)
}

func (v *View) putCustomer(t *tx, c Customer) (put Customer, err error) {
	present, err := t.customer(c.Name)
	if err != nil {
		return put, err
	}
	if !present.Closed.IsZero() {
		return put, closed("customer", c.Name, present.Closed)
	}
	if err := expects("customer", c.Name, c.Version, present.Version); err != nil {
		return put, err
	}
	if present.Version == 0 {
		if err := t.noneAlike(c.Name); err != nil {
			return put, err
		}
	}
	if err := t.hasPlan(c.Plan); err != nil {
		return put, err
	}
	if _, err := t.exec(`INSERT INTO customers (name, title, plan, created) VALUES (?, ?, ?, {now})
		ON CONFLICT (name) DO UPDATE SET title = excluded.title, plan = excluded.plan, version = customers.version + 1`, c.Name, c.Title, c.Plan); err != nil {
		return put, err
	}
	if err := v.audit(t, "put customer '"+c.Name+"' with plan '"+c.Plan+"'", 0, 0); err != nil {
		return put, err
	}
	return t.customer(c.Name)
}

// noneAlike refuses a new customer whose name differs from another one's in capitals only:
// people would take one for the other, in a plan, an override or an invoice.
func (t *tx) noneAlike(name string) error {
	var other string
	there, err := t.one("SELECT name FROM customers WHERE LOWER(name) = ? LIMIT 1", []any{strings.ToLower(name)}, &other)
	if err == nil && there {
		err = fail(ErrConflict, "customer '%s' is there already, and '%s' differs from it in capitals only: take another name", other, name)
	}
	return err
}

// Customer returns one, also if he is closed.
func (v *View) Customer(ctx context.Context, name string) (c Customer, err error) {
	err = v.s.read(ctx, func(t *tx) error {
		if c, err = t.customer(name); err == nil && (c.Version == 0 || !v.sees(name)) {
			c, err = Customer{}, fail(ErrNotFound, "customer '%s': %v", name, ErrNotFound)
		}
		return err
	})
	return c, doing(err, "reading a customer")
}

// Customers lists those that are not closed, by name, from behind one on.
func (v *View) Customers(ctx context.Context, after string, limit int) (customers []Customer, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing customers")
	}
	mine, args := v.mine("name")
	err = v.s.read(ctx, func(t *tx) error {
		customers = nil
		return t.each("SELECT "+customerColumns+" FROM customers WHERE "+mine+" AND closed = 0 AND name > ? ORDER BY name LIMIT ?",
			append(args, after, bounded(limit)), func(scan func(...any) error) error {
				c, err := scanCustomer(scan)
				customers = append(customers, c)
				return err
			})
	})
	return customers, doing(err, "listing customers")
}

// CloseCustomer ends a customer with his users, their tokens, his drafts and claims.
// What he has published has to be gone. His name stays his, in the history.
func (v *View) CloseCustomer(ctx context.Context, name string, version int64) error {
	if err := v.operates("customer '" + name + "'"); err != nil {
		return doing(err, "closing customer '%s'", name)
	}
	err := v.s.administer(ctx, func(t *tx) error {
		present, err := t.customer(name)
		if err != nil {
			return err
		}
		if present.Version == 0 || !present.Closed.IsZero() {
			return fail(ErrNotFound, "customer '%s': %v", name, ErrNotFound)
		}
		if err := expects("customer", name, version, present.Version); err != nil {
			return err
		}
		if err := t.hasNothing(name); err != nil {
			return err
		}
		if err := t.closeCustomer(name); err != nil {
			return err
		}
		return v.audit(t, "close customer '"+name+"'", 0, 0)
	})
	return doing(err, "closing customer '%s'", name)
}

// hasNothing refuses a customer who has published something that is there still.
// Nobody publishes until the transaction ends.
func (t *tx) hasNothing(customer string) error {
	if _, err := t.take("revision", 0); err != nil {
		return err
	}
	there, err := t.objects("o.customer = ? AND o.until = {forever} AND o.text <> '' ORDER BY o.kind, o.name", customer)
	if err == nil && len(there) > 0 {
		err = fail(ErrConflict, "there are still %s of his", named(there))
	}
	return err
}

func (t *tx) closeCustomer(name string) error {
	for statement := range strings.SplitSeq(`UPDATE customers SET closed = {now}, version = version + 1 WHERE name = ?;
		DELETE FROM tokens WHERE owner IN (SELECT u.name FROM users u WHERE u.customer = ?);
		UPDATE users SET closed = {now}, version = version + 1 WHERE customer = ? AND closed = 0;
		UPDATE claims SET released = {now} WHERE customer = ? AND released = 0;
		DELETE FROM drafts WHERE customer = ?`, ";") {
		if _, err := t.exec(statement, name); err != nil {
			return err
		}
	}
	return nil
}
