package api

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const usersPath = "/v1/users"

func (a *API) registerUsers() {
	const one, about = usersPath + "/{name}", "Users"
	register(a, operation{id: "list-users", does: "GET " + usersPath, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "The users that are not closed"}, a.users)
	registerTagged(a, operation{id: "get-user", does: "GET " + one, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "A user, also if he is closed"}, a.user)
	registerTagged(a, operation{id: "put-user", does: "PUT " + one, least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Make a user, or change his role",
		text:    "A customer's admin does so with the users of his customer. The last operator stays one: otherwise it is 409."}, a.putUser)
	register(a, operation{id: "close-user", does: "DELETE " + one, least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Close a user, and end his tokens",
		text:    "His name stays his, in the audit. The last operator cannot be closed: that is 409."}, a.closeUser)
}

// User is somebody, or a program, who shows a token.
type User struct {
	Name     string    `json:"name" doc:"The name, of its own among all users" example:"alice"`
	Customer string    `json:"customer,omitempty" doc:"Whose the user is; absent: the provider's" example:"acme"`
	Role     site.Role `json:"role" doc:"What the user may do" example:"customer-admin" enum:"operator,operator-readonly,customer-admin,customer-readonly"`
	Created  time.Time `json:"created" doc:"When the user was made" example:"2026-01-02T03:04:05Z"`
	Closed   time.Time `json:"closed,omitzero" doc:"When the user was closed; absent: never" example:"2027-01-02T03:04:05Z"`
	Version  Version   `json:"version" doc:"It grows with each change, and is the ETag" example:"1"`
}

// UserRequest is what can be said of a user.
type UserRequest struct {
	Customer string    `json:"customer,omitempty" doc:"Whose the user is; absent: the caller's customer's, or the provider's" example:"acme"`
	Role     site.Role `json:"role" doc:"What the user may do" example:"customer-admin" enum:"operator,operator-readonly,customer-admin,customer-readonly"`
}

// UserList is an object, so that it may grow.
type UserList struct {
	Users []User `json:"users" doc:"The users, in the order of names" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"alice"`
}

func (a *API) users(ctx context.Context, who Caller, in *Page) (UserList, error) {
	users, next, err := a.Identities.Users(ctx, in.limited(), who)
	return UserList{some(users), next}, err
}

// UserName is which user is meant.
type UserName struct {
	Name string `path:"name" doc:"The user's name" example:"alice"`
}

func (a *API) user(ctx context.Context, who Caller, in *UserName) (User, Version, error) {
	u, err := a.Identities.User(ctx, in.Name, who)
	return u, u.Version, err
}

type userInput struct {
	UserName
	Match
	Body UserRequest
}

func (a *API) putUser(ctx context.Context, who Caller, in *userInput) (User, Version, error) {
	u, err := a.Identities.PutUser(ctx, in.Name, in.Body, in.Wants, who)
	return u, u.Version, err
}

type closeUserInput struct {
	UserName
	Match
}

func (a *API) closeUser(ctx context.Context, who Caller, in *closeUserInput) (Done, error) {
	return Done{}, a.Identities.CloseUser(ctx, in.Name, in.Wants, who)
}
