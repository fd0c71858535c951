package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// identities have one of each, called "known". They remember what is written, and err
// with err.
type identities struct {
	store
	api.Identities // what no command asks
}

const aSecret = "cdr_0123456789012345678901234567890123456789abc"

func known[T any](name string, one T) (T, error) {
	if name == "known" {
		return one, nil
	}
	var none T
	return none, fmt.Errorf("'%s': %w", name, api.ErrNotFound)
}

// inParts are two items, in as many parts.
func inParts[T any](p api.Page, first, second T) ([]T, string, error) {
	if p.Cursor == "" {
		return []T{first}, "first", nil
	}
	return []T{second}, "", nil
}

func aCustomer(name string) api.Customer {
	return api.Customer{Name: name, Title: "Known Inc.", Plan: "basic", Created: then, Version: 3}
}

func (i *identities) Customers(_ context.Context, p api.Page, _ api.Caller) ([]api.Customer, string, error) {
	return inParts(p, aCustomer("first"), api.Customer{Name: "second", Created: then})
}

func (i *identities) Customer(_ context.Context, name string, _ api.Caller) (api.Customer, error) {
	return known(name, aCustomer(name))
}

func (i *identities) PutCustomer(_ context.Context, name string, r api.CustomerRequest, wants api.Version, _ api.Caller) (api.Customer, error) {
	return api.Customer{}, i.note("customer %s %+v for %d", name, r, wants)
}

func (i *identities) CloseCustomer(_ context.Context, name string, wants api.Version, _ api.Caller) error {
	return i.note("close customer %s for %d", name, wants)
}

func (i *identities) Plans(_ context.Context, p api.Page, _ api.Caller) ([]api.Plan, string, error) {
	return inParts(p, api.Plan{Name: "first", Since: then, Guardrails: api.Guardrails{MaxSites: 9, MinTTL: ms(10_000)}}, api.Plan{Name: "second", Since: then})
}

func (i *identities) Plan(_ context.Context, name string, _ api.Caller) (api.Plan, error) {
	return known(name, api.Plan{Name: name, Title: "Known", Guardrails: api.Guardrails{MaxSites: 9, Targets: []string{"a.example"}}, Version: 4})
}

func (i *identities) PutPlan(_ context.Context, name string, r api.PlanRequest, wants api.Version, _ api.Caller) (api.Plan, error) {
	share := "all"
	if s := r.Guardrails.MaxShare; s != nil {
		share = fmt.Sprint(*s)
		r.Guardrails.MaxShare = nil
	}
	return api.Plan{}, i.note("plan %s %+v share %s for %d", name, r, share, wants)
}

func (i *identities) Users(_ context.Context, p api.Page, _ api.Caller) ([]api.User, string, error) {
	return inParts(p, api.User{Name: "first", Role: site.RoleOperator, Created: then}, api.User{Name: "second", Role: site.RoleCustomerAdmin, Customer: "acme", Created: then})
}

func (i *identities) User(_ context.Context, name string, _ api.Caller) (api.User, error) {
	return known(name, api.User{Name: name, Customer: "acme", Role: site.RoleCustomerAdmin, Version: 5})
}

func (i *identities) PutUser(_ context.Context, name string, r api.UserRequest, wants api.Version, _ api.Caller) (api.User, error) {
	return api.User{}, i.note("user %s %+v for %d", name, r, wants)
}

func (i *identities) CloseUser(_ context.Context, name string, wants api.Version, _ api.Caller) error {
	return i.note("close user %s for %d", name, wants)
}

func (i *identities) Tokens(_ context.Context, owner string, p api.Page, _ api.Caller) ([]api.Token, string, error) {
	return inParts(p, api.Token{ID: "A", Owner: "first" + owner, Created: then}, api.Token{ID: "B", Owner: "second", Title: "x", Created: then, Expires: then, Used: then})
}

func (i *identities) CreateToken(_ context.Context, r api.TokenRequest, _ api.Caller) (api.NewToken, error) {
	left := "forever"
	if !r.Expires.IsZero() {
		left = time.Until(r.Expires).Round(time.Hour).String()
	}
	return api.NewToken{Secret: aSecret}, i.note("token %s %q %s", r.Owner, r.Title, left)
}

func (i *identities) RevokeToken(_ context.Context, id string, _ api.Caller) error {
	return i.note("revoke %s", id)
}

func (i *identities) Audit(_ context.Context, before int64, limit int, _ api.Caller) ([]api.AuditEntry, bool, error) {
	return []api.AuditEntry{
		{Number: 7, At: then, Who: "alice", What: "publish site 'a'", Revision: 42},
		{Number: 6, At: then, Who: "bob", Customer: "acme", What: "draft site 'a'"},
	}[:min(limit, 2)], true, nil
}

func (i *identities) Initialize(_ context.Context, name, invitation string, _ api.Caller) (string, error) {
	return aSecret, i.note("init %s %q", name, invitation)
}

// managing runs a command line against identities.
func managing(t *testing.T, i *identities, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return against(t, api.Config{Engine: fake{state: state()}, Store: i, Log: silent{}, Resources: api.Resources{Identities: i, Beginning: i}}, args...)
}

func TestWhatIsWrittenOfIdentities(t *testing.T) {
	invitation := filepath.Join(t.TempDir(), "invitation")
	write(t, invitation, " cdi_X\n")
	for line, want := range map[string]string{
		"customer put new --title New":                          "customer new {Title:New Plan:} for 0",
		"customer put known --plan pro":                         "customer known {Title:Known Inc. Plan:pro} for 3",
		"customer put known --plan=":                            "customer known {Title:Known Inc. Plan:} for 3",
		"customer close known":                                  "close customer known for -1",
		"plan put new --min-ttl 30s --max-share 50%":            "plan new {Title: Currency: Guardrails:{MinTTL:30s MinFailbackDelay:0s MaxShare:<nil> ProbeKinds:[] MinProbePeriod:0s MaxSites:0 Targets:[] Services:[]}} share 0.5 for 0",
		"plan put known --services edge/c1,edge/c2":             "plan known {Title:Known Currency: Guardrails:{MinTTL:0s MinFailbackDelay:0s MaxShare:<nil> ProbeKinds:[] MinProbePeriod:0s MaxSites:9 Targets:[a.example] Services:[edge/c1 edge/c2]}} share all for 4",
		"plan put known --probe-kinds http,tcp":                 "plan known {Title:Known Currency: Guardrails:{MinTTL:0s MinFailbackDelay:0s MaxShare:<nil> ProbeKinds:[http tcp] MinProbePeriod:0s MaxSites:9 Targets:[a.example] Services:[]}} share all for 4",
		"plan put known --targets= --max-sites 0 --currency EU": "plan known {Title:Known Currency:EU Guardrails:{MinTTL:0s MinFailbackDelay:0s MaxShare:<nil> ProbeKinds:[] MinProbePeriod:0s MaxSites:0 Targets:[] Services:[]}} share all for 4",
		"user put new --role operator":                          "user new {Customer: Role:operator} for 0",
		"user put known --role customer-readonly":               "user known {Customer:acme Role:customer-readonly} for 5",
		"user close known":                                      "close user known for -1",
		"token create known":                                    `token known "" forever`,
		"token create known --title x --for 48h":                `token known "x" 48h0m0s`,
		"token revoke A":                                        "revoke A",
		"init alice":                                            `init alice ""`,
		"init alice --invitation " + invitation:                 `init alice "cdi_X"`,
	} {
		i := new(identities)
		code, out, complaint := managing(t, i, strings.Fields(line)...)
		if asked := strings.Join(i.asked, "; "); code != 0 || complaint != "" || asked != want {
			t.Errorf("%s: Expected %q to be asked, got %d, %q and %q", line, want, code, complaint, asked)
		}
		if secret := strings.HasPrefix(line, "token create") || strings.HasPrefix(line, "init"); secret != (out == aSecret+"\n") || !secret && out != "" {
			t.Errorf("%s: Expected the token to be shown: %t, got %q", line, secret, out)
		}
	}
}

func TestWhatIsShownOfIdentities(t *testing.T) {
	for line, want := range map[string]string{
		"customer list": "NAME    TITLE       PLAN   SINCE\nfirst   Known Inc.  basic  2026-01-02T03:04:05Z\nsecond  -           -      2026-01-02T03:04:05Z\n",
		"plan list":     "NAME    TITLE  SITES  LEAST TTL  SINCE\nfirst   -      9      10s        2026-01-02T03:04:05Z\nsecond  -      -      0s         2026-01-02T03:04:05Z\n",
		"user list":     "NAME    ROLE            CUSTOMER  SINCE\nfirst   operator        -         2026-01-02T03:04:05Z\nsecond  customer-admin  acme      2026-01-02T03:04:05Z\n",
		"token list --user 1": "ID  USER    TITLE  MADE                  EXPIRES               USED\n" +
			"A   first1  -      2026-01-02T03:04:05Z  -                     -\nB   second  x      2026-01-02T03:04:05Z  2026-01-02T03:04:05Z  2026-01-02T03:04:05Z\n",
		"audit -n 2": "NUMBER  AT                    WHO    CUSTOMER  REVISION  WHAT\n" +
			"7       2026-01-02T03:04:05Z  alice  -         42        publish site 'a'\n6       2026-01-02T03:04:05Z  bob    acme      -         draft site 'a'\n",
		"user show known":             "{\n  \"name\": \"known\",\n  \"customer\": \"acme\",\n  \"role\": \"customer-admin\",\n  \"created\": \"0001-01-01T00:00:00Z\",\n  \"version\": 5\n}\n",
		"whoami":                      operator() + ", operator\n",
		"user list -o json":           "",
		"plan show known -o yaml":     "name: known\ntitle: Known\nguardrails:\n  max_sites: 9\n  targets: [a.example]\nsince: \"0001-01-01T00:00:00Z\"\nversion: 4\n",
		"customer show known -o json": "{\n  \"name\": \"known\",\n  \"title\": \"Known Inc.\",\n  \"plan\": \"basic\",\n  \"created\": \"2026-01-02T03:04:05Z\",\n  \"version\": 3\n}\n",
		"user show known -o yaml":     "name: known\ncustomer: acme\nrole: customer-admin\ncreated: \"0001-01-01T00:00:00Z\"\nversion: 5\n",
		"whoami -o json":              "{\n  \"name\": \"" + operator() + "\",\n  \"role\": \"operator\"\n}\n",
		"whoami -o yaml":              "name: " + operator() + "\nrole: operator\n",
	} {
		code, out, complaint := managing(t, new(identities), strings.Fields(line)...)
		if want == "" && strings.Count(out, `"name"`) == 2 {
			continue
		}
		expect(t, code, 0, out, want)
		if complaint != "" {
			t.Errorf("%s: %s", line, complaint)
		}
	}
}

// TestATokensFileIsForItsOwnerAlone, and is not there if there is no token.
func TestATokensFileIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	i := &identities{store: store{err: api.ErrConflict}}
	if code, _, _ := managing(t, i, "init", "alice", "--token-file", path); code != 3 {
		t.Errorf("Expected exit code 3, got %d", code)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("Expected no file, got %v", err)
	}
	code, out, complaint := managing(t, new(identities), "init", "alice", "--token-file", path)
	expect(t, code, 0, out, "")
	text, err := os.ReadFile(path)
	info, _ := os.Stat(path)
	if err != nil || string(text) != aSecret+"\n" || info.Mode().Perm() != 0o600 || complaint != "" {
		t.Errorf("Expected the token for its owner alone, got %s, %v, %s", info.Mode(), err, complaint)
	}
	i = new(identities)
	if code, _, complaint := managing(t, i, "token", "create", "known", "--token-file", path); code != 2 || i.asked != nil || !strings.Contains(complaint, "file exists") {
		t.Errorf("Expected the file to stay and no token to be made, got %d, %q, %q", code, complaint, i.asked)
	}
}
