package store_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func TestTokens(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme")
		newUser(t, s, "ann", "", site.RoleOperator)
		acme := s.As(store.Viewer{Name: "admin@acme", Customer: "acme"})
		until := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		text, made, err := acme.CreateToken(t.Context(), "admin@acme", "laptop", until)
		must(t, err)
		if !regexp.MustCompile(`^cdr_[A-Za-z0-9_-]{43}$`).MatchString(text) {
			t.Errorf("Expected a token of 32 octets, got '%s'", text)
		}
		equal(t, "What is known of it", made, store.Token{ID: made.ID, Owner: "admin@acme", Title: "laptop", Created: made.Created, Expires: until})
		u, err := s.Authenticate(t.Context(), text)
		must(t, err)
		equal(t, "Whose it is", u, store.User{Name: "admin@acme", Customer: "acme", Role: site.RoleCustomerAdmin, Created: u.Created, Version: 1})
		operators, _ := newToken(t, s, "ann")
		u, err = s.Authenticate(t.Context(), operators)
		must(t, err)
		equal(t, "An operator", u.Viewer(), store.Viewer{Name: "ann", Operator: true})

		tokens, err := acme.Tokens(t.Context(), "", "", 0)
		must(t, err)
		if len(tokens) != 1 || time.Since(tokens[0].Used) > generous {
			t.Fatalf("Expected the customer's token, just used, got %+v", tokens)
		}
		made.Used = tokens[0].Used
		equal(t, "The list", tokens, []store.Token{made})
		tokens, err = operator(s).Tokens(t.Context(), "ann", "", 0)
		must(t, err)
		equal(t, "Those of one user", len(tokens), 1)
		_, err = operator(s).Tokens(t.Context(), "", "", 1)
		must(t, err)
	})
}

// TestTokensThatAreNotValid are refused alike, and the same token before.
func TestTokensThatAreNotValid(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		newCustomers(t, s, "acme")
		newUser(t, s, "ann", "", site.RoleOperator)
		newUser(t, s, "eve", "acme", site.RoleCustomerReadonly)
		newUser(t, s, "closed", "acme", site.RoleCustomerReadonly)
		revoked, id := newToken(t, s, "eve")
		expired, other := newToken(t, s, "eve")
		closed, _ := newToken(t, s, "closed")
		ofClosed, _ := newToken(t, s, "admin@acme")
		bare, _ := newToken(t, s, "ann")
		for _, token := range []string{revoked, expired, closed, ofClosed, bare} {
			_, err := s.Authenticate(t.Context(), token)
			must(t, err)
		}
		must(t, v.RevokeToken(t.Context(), id))
		must(t, s.Do(t.Context(), "UPDATE tokens SET expires = {now} - 1 WHERE id = ?", other))
		must(t, s.Do(t.Context(), "UPDATE users SET closed = {now} WHERE name = 'closed'"))
		for _, token := range []string{revoked, expired, closed, "", "cdr_", strings.Repeat("x", 1<<20), "\xff\x00", bare + " ", strings.ToUpper(bare)} {
			_, err := s.Authenticate(t.Context(), token)
			expect(t, err, store.ErrToken, "the token is not valid")
		}
		must(t, s.Do(t.Context(), "UPDATE customers SET closed = {now}"))
		_, err := s.Authenticate(t.Context(), ofClosed)
		expect(t, err, store.ErrToken, "the token is not valid")
		_, err = s.Authenticate(t.Context(), bare)
		must(t, err)

		expect(t, v.RevokeToken(t.Context(), id), store.ErrNotFound, "revoking token '"+id+"': not found")
		expect(t, v.RevokeToken(t.Context(), ""), store.ErrNotFound, "")
		_, _, err = v.CreateToken(t.Context(), "nobody", "", time.Time{})
		expect(t, err, store.ErrNotFound, "making a token of user 'nobody': user 'nobody': not found")
		_, _, err = v.CreateToken(t.Context(), "ann", "", time.Unix(1, 0))
		expect(t, err, store.ErrInvalid, "making a token of user 'ann': it would have expired at 1970-01-01T00:00:01Z")
	})
}

// TestClosedUsersTokensDie also if the name were opened again.
func TestClosedUsersTokensDie(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "ann", "", site.RoleOperator)
		newUser(t, s, "eve", "", site.RoleOperator)
		token, _ := newToken(t, s, "eve")
		must(t, operator(s).CloseUser(t.Context(), "eve", 1))
		must(t, s.Do(t.Context(), "UPDATE users SET closed = 0"))
		_, err := s.Authenticate(t.Context(), token)
		expect(t, err, store.ErrToken, "")
	})
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "ann", "", site.RoleOperator)
		token, _ := newToken(t, s, "ann")
		used := func(ago string) (is bool) {
			t.Helper()
			if ago != "" {
				must(t, s.Do(t.Context(), "UPDATE tokens SET used = {now} - "+ago))
			}
			var before, after int64
			must(t, s.Ask(t.Context(), &before, "SELECT used FROM tokens"))
			_, err := s.Authenticate(t.Context(), token)
			must(t, err)
			must(t, s.Ask(t.Context(), &after, "SELECT used FROM tokens"))
			return after != before
		}
		eventually(t, "the first use to be noted", func() bool { return used("") })
		equal(t, "The next use", used(""), false)
		equal(t, "Another one after half a minute", used("30000000"), false)
		eventually(t, "one after a minute to be noted", func() bool { return used("60000001") })
	})
}

// TestAuthenticateWhileNobodyCanWrite: a token is valid also while its use cannot be noted.
func TestAuthenticateWhileNobodyCanWrite(t *testing.T) {
	s := open(t, sqliteConfig(t))
	newUser(t, s, "ann", "", site.RoleOperator)
	token, _ := newToken(t, s, "ann")
	must(t, s.Twice(t.Context(), nil, func() {
		_, err := s.Authenticate(t.Context(), token)
		must(t, err)
	}))
}

func TestInitialize(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		_, err := s.Initialize(t.Context(), "")
		expect(t, err, store.ErrInvalid, "making the first operator: '' is no name of a user: it has 1 to 100 letters, digits and ._-@+")
		var tokens []string
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				token, err := s.Initialize(t.Context(), fmt.Sprint("op", i))
				if err != nil {
					expect(t, err, store.ErrConflict, "making the first operator: there are users already: an operator makes more")
					return
				}
				mu.Lock()
				defer mu.Unlock()
				tokens = append(tokens, token)
			})
		}
		all.Wait()
		equal(t, "First operators", len(tokens), 1)
		u, err := s.Authenticate(t.Context(), tokens[0])
		must(t, err)
		equal(t, "His role", u.Role, site.RoleOperator)
		newUser(t, s, "ann", "", site.RoleOperator)
		must(t, operator(s).CloseUser(t.Context(), u.Name, 1))
		_, err = s.Initialize(t.Context(), "eve")
		expect(t, err, store.ErrConflict, "")
		entries, err := operator(s).Audit(t.Context(), 0, 0)
		must(t, err)
		equal(t, "The first lines of the audit", entries[len(entries)-1].Who+": "+entries[len(entries)-1].What, u.Name+": put user '"+u.Name+"' as operator")
	})
}

// TestNoSecretIsKept looks for a token's text in all that is kept of it.
func TestNoSecretIsKept(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "ann", "", site.RoleOperator)
		token, _ := newToken(t, s, "ann")
		tokens, err := operator(s).Tokens(t.Context(), "", "", 0)
		must(t, err)
		entries, err := operator(s).Audit(t.Context(), 0, 0)
		must(t, err)
		var hash string
		must(t, s.Ask(t.Context(), &hash, "SELECT hash FROM tokens"))
		if shown := fmt.Sprintf("%+v %+v", tokens, entries); strings.Contains(shown+hash, token) || strings.Contains(shown, hash) || len(hash) != 64 {
			t.Errorf("Expected neither the token nor its hash to be shown, got %s, %s", shown, hash)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	for name, cfg := range map[string]func() store.Config{
		"sqlite":   func() store.Config { return sqliteConfig(b) },
		"postgres": func() store.Config { return postgresConfig(b, postgresServer(b)) },
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b, cfg())
			newUser(b, s, "ann", "", site.RoleOperator)
			token, _ := newToken(b, s, "ann")
			for i := range 100 {
				var rows []string
				for j := range 500 {
					rows = append(rows, fmt.Sprintf("('%064d', '%d', 'ann', 1)", i*500+j, i*500+j))
				}
				must(b, s.Do(b.Context(), "INSERT INTO tokens (hash, id, owner, created) VALUES "+strings.Join(rows, ",")))
			}
			for b.Loop() {
				_, err := s.Authenticate(b.Context(), token)
				must(b, err)
			}
		})
	}
}
