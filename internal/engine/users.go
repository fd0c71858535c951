package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func shownUser(u store.User) api.User {
	return api.User{Name: u.Name, Customer: u.Customer, Role: u.Role, Created: u.Created, Closed: u.Closed, Version: api.Version(u.Version)}
}

// Users implements api.Identities.
func (i identities) Users(ctx context.Context, p api.Page, who api.Caller) ([]api.User, string, error) {
	return listed(ctx, i, p, who, (*store.View).Users, shownUser, func(u api.User) string { return u.Name })
}

// User implements api.Identities.
func (i identities) User(ctx context.Context, name string, who api.Caller) (api.User, error) {
	return single(ctx, i, name, who, (*store.View).User, shownUser)
}

// PutUser implements api.Identities.
func (i identities) PutUser(ctx context.Context, name string, r api.UserRequest, wants api.Version, who api.Caller) (api.User, error) {
	var put store.User
	err := i.changed(ctx, wants, who, userVersion(ctx, name), func(v *store.View, version int64) (err error) {
		put, err = v.PutUser(ctx, store.User{Name: name, Customer: r.Customer, Role: r.Role, Version: version})
		return err
	})
	return shownUser(put), err
}

// CloseUser implements api.Identities.
func (i identities) CloseUser(ctx context.Context, name string, wants api.Version, who api.Caller) error {
	return i.changed(ctx, wants, who, userVersion(ctx, name), func(v *store.View, version int64) error {
		return v.CloseUser(ctx, name, version)
	})
}

// userVersion reads the version of a user.
func userVersion(ctx context.Context, name string) func(*store.View) (int64, error) {
	return func(v *store.View) (int64, error) {
		u, err := v.User(ctx, name)
		return u.Version, err
	}
}
