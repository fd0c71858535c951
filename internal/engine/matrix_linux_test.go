package engine_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// row is one request for each operation, about a site of acme's, and what it leads to.
type row struct {
	path        string // what stands for {name}, {id} or {revision}
	query, body string
	want        []int // for whom it is about, and operators
	again       []int // for the next of them, once one was answered by 200; nil: the same
	other       int   // for another customer
}

// rows are those of all operations. What is not another customer's to do needs no other.
var rows = map[string]row{
	"list-states":      {want: []int{200}, other: 200},
	"list-cdns":        {want: []int{200}},
	"explain-site":     {query: "name=his.example.org", want: []int{200}, other: 404},
	"dry-run":          {body: `{"name": "his.example.org"}`, want: []int{200}, other: 404},
	"drain-node":       {body: `{"cdn": "edge", "node": "fra1", "drain": true}`, want: []int{404}}, // there is none
	"probe-once":       {body: `{"what": "his.example.org"}`, want: []int{200}},
	"stream-events":    {query: "since=2020-01-01T00:00:00Z", want: []int{200}, other: 200},
	"list-objects":     {query: "kind=site&name=his.example.org", want: []int{200}, other: 404},
	"get-draft":        {want: []int{200}, other: 200},
	"put-draft":        {body: `{"sources": [{"name": "-", "text": ` + quoted(aSite("his", " ttl 10s")) + `}]}`, want: []int{200}, other: 404},
	"check-objects":    {body: `{"sources": [{"name": "-", "text": ` + quoted(aSite("his", " ttl 10s")) + `}]}`, want: []int{200}, other: 404},
	"delete-draft":     {query: "kind=site&name=his.example.org", want: []int{200}, other: 404},
	"publish-draft":    {body: `{"why": "x"}`, want: []int{400}, other: 400}, // it is empty
	"confirm-revision": {body: `{"revision": 1}`, want: []int{200}},
	"diff-points":      {query: "from=0", want: []int{200}, other: 200},
	"roll-back":        {body: `{"to": 0, "base": 1, "why": "x"}`, want: []int{200, 409}, other: 400}, // once; of him nothing
	"list-history":     {want: []int{200}, other: 200},
	"get-revision":     {path: "1", want: []int{200}, other: 404},
	"adopt-site":       {body: `{"site": "www.example.org", "why": "x"}`, want: []int{200}},
	"list-servers":     {want: []int{200}},
	"list-refused":     {want: []int{200}},
	"migrate-store":    {body: `{}`, want: []int{200}},
	"backup-store":     {want: []int{200}},
	"list-overrides":   {want: []int{200}},
	"set-override":     {body: `{"scope": "site", "name": "his.example.org", "action": "origin", "for": 60, "why": "x"}`, want: []int{200}},
	"clear-override":   {query: "id=none", want: []int{404}},
	"list-journal":     {query: "site=his.example.org", want: []int{200}, other: 404},

	"list-config-site":     {query: "prefix=his", want: []int{200}, other: 200},
	"get-config-site":      {path: "his.example.org", want: []int{200}, other: 404},
	"put-config-site":      {path: "his.example.org", query: "why=x", body: hisDocument, want: []int{200}, other: 404},
	"delete-config-site":   {path: "his.example.org", query: "why=x", want: []int{200}, again: []int{404}, other: 404},
	"list-config-class":    {want: []int{200}},
	"get-config-class":     {path: "none", want: []int{404}},
	"put-config-class":     {path: "more", query: "why=x", body: `{"kind": "class", "name": "more"}`, want: []int{200}},
	"delete-config-class":  {path: "none", query: "why=x", want: []int{404}},
	"list-config-origin":   {want: []int{200}},
	"get-config-origin":    {path: "none", want: []int{404}},
	"put-config-origin":    {path: "fra", query: "why=x", body: `{"kind": "origin", "name": "fra", "address": ["192.0.2.1"]}`, want: []int{200}},
	"delete-config-origin": {path: "none", query: "why=x", want: []int{404}},
	"list-config-cdn":      {want: []int{200}},
	"get-config-cdn":       {path: "none", want: []int{404}},
	"put-config-cdn":       {path: "big", query: "why=x", body: `{"kind": "cdn", "name": "big", "manual": "Add {host}"}`, want: []int{200}},
	"delete-config-cdn":    {path: "none", query: "why=x", want: []int{404}},

	"list-customers":      {want: []int{200}, other: 200},
	"get-customer":        {path: "acme", want: []int{200}, other: 404},
	"put-customer":        {path: "acme", body: `{"title": "Acme"}`, want: []int{200}},
	"close-customer":      {path: "acme", want: []int{409}}, // he has a site
	"list-claims":         {query: "customer=acme", want: []int{200}, other: 200},
	"begin-claim":         {body: `{"name": "new.example", "customer": "acme"}`, want: []int{200}, other: 404},
	"prove-claim":         {path: "begun.example", query: "customer=acme", want: []int{422}, other: 404}, // there is no record
	"release-claim":       {path: "begun.example", query: "customer=acme", want: []int{200}, again: []int{404}, other: 404},
	"list-plans":          {want: []int{200}, other: 200},
	"get-plan":            {path: "none", want: []int{404}, other: 404},
	"put-plan":            {path: "basic", body: `{"title": "Basic", "guardrails": {}}`, want: []int{200}},
	"list-users":          {want: []int{200}, other: 200},
	"get-user":            {path: "acmes-reader", want: []int{200}, other: 404},
	"put-user":            {path: "carl", body: `{"customer": "acme", "role": "customer-readonly"}`, want: []int{200}, other: 404},
	"close-user":          {path: "acmes-late", want: []int{200}, again: []int{404}, other: 404},
	"list-tokens":         {query: "owner=acmes-reader", want: []int{200}, other: 200},
	"create-token":        {body: `{"owner": "acmes-reader"}`, want: []int{200}, other: 404},
	"revoke-token":        {path: "NONE", want: []int{404}, other: 404},
	"list-audit":          {want: []int{200}, other: 200},
	"who-am-i":            {want: []int{200}, other: 200},
	"push-values":         {body: `{"host": "none", "sequence": 1, "at": "NOW", "values": {"load": 1}}`, want: []int{404}, other: 404},
	"make-first-operator": {body: `{"name": "zoe"}`, want: []int{409, 401}, other: 401},

	"onboard-site":      {body: `{"text": "site x.example.org {\n}", "why": "x"}`, want: []int{400}, other: 400},
	"offboard-site":     {body: `{"site": "his.example.org", "why": "x"}`, want: []int{200}, again: []int{409, 404}, other: 404}, // it is under way, or gone by then
	"list-onboardings":  {want: []int{200}, other: 200},
	"get-onboarding":    {path: "none", want: []int{404}, other: 404},
	"list-setups":       {query: "site=his.example.org", want: []int{200}, other: 200},
	"retry-setups":      {body: `{"site": "his.example.org"}`, want: []int{404}}, // it was not onboarded
	"cancel-onboarding": {path: "none", want: []int{404}, other: 404},
}

// hisDocument is acme's site with another TTL.
const hisDocument = `{"kind": "site", "name": "his.example.org", "origins": [{"address": ["192.0.2.1"]}], "cdns": [{"name": "edge", "target": "edge.example.net"}],
	"probes": [{"kind": "http", "target": "http://{origin}/"}], "thresholds": [{"signal": "response_time", "limit": "300ms"}], "ttl": {"full": "10s"}}`

// now is what pushes are of.
func now() string { return time.Now().UTC().Format(time.RFC3339) }

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

// untold is an answer without the names that the request has.
func (r row) untold(answer string) string {
	said := regexp.MustCompile(`acme[\w-]*`).FindAllString(r.path+" "+r.query+" "+r.body, -1)
	slices.SortFunc(said, func(a, b string) int { return len(b) - len(a) })
	for _, name := range said {
		answer = strings.ReplaceAll(answer, "'"+name+"'", "")
		answer = strings.ReplaceAll(answer, "/"+name+"'", "")
	}
	return answer
}

// operations returns the operations of the document, their methods and paths and their
// least roles, by their IDs.
func operations(t *testing.T) (does map[string]string, least map[string]site.Role) {
	t.Helper()
	text, err := api.New(api.Config{}).Document()
	must(t, err)
	var doc struct {
		Paths map[string]map[string]struct {
			ID    string    `json:"operationId"`
			Least site.Role `json:"x-least-role"`
		} `json:"paths"`
	}
	must(t, json.Unmarshal(text, &doc))
	does, least = make(map[string]string), make(map[string]site.Role)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			does[op.ID], least[op.ID] = strings.ToUpper(method)+" "+path, op.Least
		}
	}
	return does, least
}

// tenants is a store with two customers, acme with a site, and everybody's tokens.
func tenants(t *testing.T, dir string) (tokens map[string]string) {
	t.Helper()
	ctx := context.Background()
	his := storedObject("his")
	his.Customer = "acme"
	publishIn(t, dir, his, storedObject("ours"))
	db, err := store.Open(ctx, storeIn(dir))
	must(t, err)
	defer db.Close()
	ann := db.As(store.Viewer{Name: "ann", Operator: true})
	for _, name := range []string{"acme", "other"} {
		_, err = ann.PutCustomer(ctx, store.Customer{Name: name, Version: store.Whatever})
		must(t, err)
	}
	_, err = ann.BeginClaim(ctx, "acme", "begun.example")
	must(t, err)
	tokens = map[string]string{"none": "", "wrong": "cdr_" + strings.Repeat("x", 43)}
	for _, u := range []store.User{
		{Name: "operator", Role: site.RoleOperator}, {Name: "readonly", Role: site.RoleOperatorReadonly},
		{Name: "acmes-admin", Customer: "acme", Role: site.RoleCustomerAdmin}, {Name: "acmes-reader", Customer: "acme", Role: site.RoleCustomerReadonly},
		{Name: "others", Customer: "other", Role: site.RoleCustomerAdmin}, {Name: "acmes-late", Customer: "acme", Role: site.RoleCustomerReadonly},
	} {
		_, err = ann.PutUser(ctx, u)
		must(t, err)
		tokens[u.Name], _, err = ann.CreateToken(ctx, u.Name, "a test", time.Time{})
		must(t, err)
	}
	return tokens
}

// console serves that store at an address.
func console(t *testing.T, dir string) (addr netip.AddrPort) {
	t.Helper()
	e, _ := newWorld().engine(t)
	addr = freeAddress(t)
	must(t, e.Console(&site.Console{Address: addr}))
	k := keepThis(t, e, engine.Keeping{State: filepath.Join(dir, "state"), Server: "one", Store: storeIn(dir)}, storedSite)
	answers := func(context.Context, *dns.Msg, netip.Addr) (*dns.Msg, error) { return new(dns.Msg), nil }
	e.Offer(context.Background(), engine.Sites{
		Kept: k, Sites: k.Sites(), Seed: k.Seed(), Ask: func(*site.Site) engine.Ask { return answers },
	})
	return addr
}

// askAs sends a row with a token, and returns the status and the beginning of the answer.
func askAs(t *testing.T, addr netip.AddrPort, does, token string, r row) (int, string) {
	t.Helper()
	method, path, _ := strings.Cut(does, " ")
	path = strings.NewReplacer("{name}", r.path, "{id}", r.path, "{revision}", r.path).Replace(path)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr.String()+path+"?"+r.query, strings.NewReader(strings.Replace(r.body, "NOW", now(), 1)))
	must(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		time.AfterFunc(200*time.Millisecond, cancel) // it does not end by itself
	}
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// may is what a role may do at least, written once more.
var may = map[site.Role][]string{
	site.RoleCustomerReadonly: {"acmes-reader", "acmes-admin", "others", "readonly", "operator"},
	site.RoleCustomerAdmin:    {"acmes-admin", "others", "operator"},
	site.RoleOperatorReadonly: {"readonly", "operator"},
	site.RoleOperator:         {"operator"},
	"none":                    {"acmes-reader", "acmes-admin", "others", "readonly", "operator"},
}

// TestF41EveryOperationForEverybody asks for each operation as everybody, and looks at
// whether another customer learns anything of acme.
func TestF41EveryOperationForEverybody(t *testing.T) {
	does, least := operations(t)
	for id := range rows {
		if does[id] == "" {
			t.Errorf("Expected an operation for the row %s", id)
		}
	}
	for id, does := range does {
		t.Run(id, func(t *testing.T) {
			r, found := rows[id]
			if !found {
				t.Fatalf("Expected a row for %s: write one", id)
			}
			dir := t.TempDir()
			tokens := tenants(t, dir)
			addr, served := console(t, dir), false
			for _, who := range []string{"none", "wrong", "others", "acmes-reader", "readonly", "acmes-admin", "operator"} {
				status, body := askAs(t, addr, does, tokens[who], r)
				want := r.want
				switch {
				case tokens[who] == "" || who == "wrong":
					want = []int{http.StatusUnauthorized}
				case !slices.Contains(may[least[id]], who):
					want = []int{http.StatusNotFound}
					if !strings.Contains(body, "there is nothing at") {
						t.Errorf("%s: Expected what is said of any path, got %s", who, body)
					}
				case who == "others":
					want = []int{cmp.Or(r.other, -1)}
				}
				if served && r.again != nil && slices.Equal(want, r.want) {
					want = r.again
				}
				served = served || status == http.StatusOK
				if !slices.Contains(want, status) {
					t.Errorf("%s: Expected %v, got %d %s", who, want, status, body)
				}
				if slices.Contains([]string{"none", "wrong", "others"}, who) && strings.Contains(r.untold(body), "acme") {
					t.Errorf("%s: Expected nothing of acme, got %s", who, body)
				}
			}
		})
	}
}
