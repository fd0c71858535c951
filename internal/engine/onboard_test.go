//go:build linux

package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// cdnSide is a CDN that is set up by a webhook.
type cdnSide struct {
	*httptest.Server
	mu     sync.Mutex
	sites  map[string]bool
	status int // of the answer; 0: as it should be
}

func newCDNSide(t *testing.T) *cdnSide {
	c := &cdnSide{sites: map[string]bool{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		var asked struct{ Action, Site string }
		json.NewDecoder(r.Body).Decode(&asked)
		switch {
		case c.status != 0:
			w.WriteHeader(c.status)
		case asked.Action == "create":
			c.sites[asked.Site] = true
		case asked.Action == "remove":
			delete(c.sites, asked.Site)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *cdnSide) has(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sites[name]
}

func (c *cdnSide) answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// bed is an engine with a store and such a CDN.
type bed struct {
	*engine.Engine
	world *world
	cdn   *cdnSide
	kept  *engine.Kept

	asked, strange atomic.Int64 // how often the CDN was asked for the site's page, and how often as if it was somebody else's
}

// probe is the world's, and notes how our own CDN is asked.
func (b *bed) probe(ctx context.Context, t site.Target) health.Result {
	if t.URL == "http://198.51.100.1:80/" {
		b.asked.Add(1)
		if t.Public {
			b.strange.Add(1)
		}
	}
	return b.world.probe(ctx, t)
}

func newBed(t *testing.T) *bed {
	t.Helper()
	t.Parallel()
	b := &bed{world: newWorld(), cdn: newCDNSide(t)}
	b.Engine, _ = b.world.engineOver(t, kinds{"http": b.probe, "tls": b.world.probe})
	dir := t.TempDir()
	customersIn(t, dir, "acme", "other")
	keeping := engine.Keeping{State: filepath.Join(dir, "state"), Server: "one", Journal: time.Hour, Rows: 1000, Store: storeIn(dir)}
	b.kept = keepThis(t, b.Engine, keeping, "cdn edge {\noperated own\nnode n1 198.51.100.1\nprobe http http://{node}/healthz\nwebhook "+b.cdn.URL+"\n}", "class web {\nprobe http http://{origin}/\nthreshold response_time 300ms\nttl 0s\ncdn edge {label}.edge.example.net\nready probe http://{target}/\n}")
	b.Offer(context.Background(), engine.Sites{Kept: b.kept, Sites: b.kept.Sites(), CDNs: b.kept.CDNs(), Own: b.kept.Own(), Seed: b.kept.Seed()})
	b.Promote()
	b.world.resolvers.set("www.edge.example.net. A", "www.edge.example.net. 30 IN A 198.51.100.1")
	return b
}

// customersIn has a new store know customers.
func customersIn(t *testing.T, dir string, names ...string) {
	t.Helper()
	db, err := store.Open(context.Background(), storeIn(dir))
	must(t, err)
	for _, name := range names {
		_, err := db.As(store.Viewer{Name: "ann", Operator: true}).PutCustomer(context.Background(), store.Customer{Name: name})
		must(t, err)
	}
	must(t, db.Close())
}

// claims are the names that a customer has proved to be his.
func (b *bed) claims(t *testing.T, customer string) (names []string) {
	t.Helper()
	claims, err := b.Claims(customer)
	must(t, err)
	for _, c := range claims {
		if !c.Proved.IsZero() {
			names = append(names, c.Name)
		}
	}
	return names
}

const onboarded = "site www.example.org class web {\norigin 192.0.2.1\n}"

// await waits until an onboarding is as it should be.
func (b *bed) await(t *testing.T, id string, who api.Caller, is func(api.Onboarding) bool) api.Onboarding {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	version := int64(-1)
	for {
		o, err := b.Onboardings().WatchOnboarding(ctx, id, version, who)
		if err != nil {
			t.Fatal(err)
		}
		if is(o) {
			return o
		}
		if o.Next.IsZero() || ctx.Err() != nil {
			t.Fatalf("It is %s: %s\n%+v", o.State, o.Failure, o.Steps)
		}
		version = o.Version
	}
}

func stepOf(o api.Onboarding, name string) api.OnboardingStep {
	return o.Steps[slices.IndexFunc(o.Steps, func(s api.OnboardingStep) bool { return s.Name == name })]
}

func done(o api.Onboarding) bool { return o.State == site.OnboardingDone }

// TestOnboardAndOffboard takes a customer's site to visitors, and out of service.
func TestOnboardAndOffboard(t *testing.T) {
	b := newBed(t)
	o, err := b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: onboarded, Why: "a new site"}, ofAcme)
	if err != nil {
		t.Fatal(err)
	}
	if o.Customer != "acme" || o.Proof != site.ProofTXT || len(o.Records) != 1 || o.Records[0].Name != "_cdnredirect.www.example.org" {
		t.Errorf("Expected acme to prove the name, got %+v", o)
	}
	waits := b.await(t, o.ID, ofAcme, func(o api.Onboarding) bool { return stepOf(o, "proof").State == site.StepWaiting })
	if words := stepOf(waits, "proof").Words; !strings.Contains(words, o.Records[0].Name+` TXT "`+o.Records[0].Text+`"`) {
		t.Errorf("Expected it to be said what is to be done, got %s", words)
	}
	if _, err := b.Onboardings().Onboarding(context.Background(), o.ID, api.Caller{Name: "eve", Role: site.RoleCustomerAdmin, Customer: "other"}); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected nobody else to see it, got %v", err)
	}
	b.world.resolvers.set("_cdnredirect.www.example.org. TXT", fmt.Sprintf(`_cdnredirect.www.example.org. 30 IN TXT "%s"`, o.Records[0].Text))
	o = b.await(t, o.ID, ofAcme, done)
	if o.Revision != 1 || !b.cdn.has("www.example.org") || !slices.Contains(namesOf(b.kept), www) {
		t.Errorf("Expected the site in force, and at the CDN, got %+v, %v", o, namesOf(b.kept))
	}
	for end, asked := time.Now().Add(30*time.Second), b.asked.Load(); b.asked.Load() == asked && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // till the site in force has its CDN checked
	}
	if b.strange.Load() > 0 {
		t.Errorf("Expected our own CDN to be asked wherever it is, got %d of %d as of somebody else's", b.strange.Load(), b.asked.Load())
	}
	if b.world.hitsOf("http://198.51.100.1:80/.well-known/acme-challenge/cdnredirect-"+o.ID) == 0 {
		t.Error("Expected the CDN to be asked for a challenge")
	}
	if got := b.claims(t, "acme"); !slices.Equal(got, []string{"www.example.org"}) {
		t.Errorf("Expected the name to be acme's, got %q", got)
	}
	below := strings.Replace(onboarded, "www", "a.www", 1)
	if _, err := b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: below, Why: "x"}, ofOther); !errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), "'a.www.example.org' is taken, or a name above or below it is") {
		t.Errorf("Expected nobody else to get a name below it, got %v", err)
	}

	off, err := b.Onboardings().Offboard(context.Background(), api.OffboardRequest{Site: "www.example.org", Why: "it moves"}, ofAcme)
	if err != nil {
		t.Fatal(err)
	}
	b.await(t, off.ID, alice, func(o api.Onboarding) bool { // the last site is held back
		return strings.Contains(stepOf(o, "live").Words, "one holds revision 2 back: confirm it with 'cdnctl publish --confirm 2'")
	})
	b.await(t, off.ID, ofAcme, func(o api.Onboarding) bool { // who cannot confirm it
		return stepOf(o, "live").Words == "not all servers serve it: the provider sees why"
	})
	if err := b.Configuration().Confirm(context.Background(), api.ConfirmRequest{Revision: 2}, alice); err != nil {
		t.Fatal(err)
	}
	b.await(t, off.ID, ofAcme, done)
	if b.cdn.has("www.example.org") || slices.Contains(namesOf(b.kept), www) || b.claims(t, "acme") != nil {
		t.Error("Expected nothing of the site to be left")
	}
}

// TestOnboardingsAreRefusedAtOnce for all that is wrong with them.
func TestOnboardingsAreRefusedAtOnce(t *testing.T) {
	b := newBed(t)
	for text, want := range map[string]string{
		"class x {\n}":                                            "not a valid request: the text has to be one site",
		"site www.example.org class none {\n}":                    "store/site/www.example.org@0:1 - Error during parsing: unknown class 'none': define it with 'class none { ... }'",
		"site www.elsewhere.org class web {\norigin 192.0.2.1\n}": "store/site/www.elsewhere.org@0:1 - Error during parsing: site name 'www.elsewhere.org.' is outside every served zone: 'example.org.'",
	} {
		if _, err := b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: text, Why: "x"}, alice); err == nil || err.Error() != want || !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: Expected\n%s\ngot\n%v", text, want, err)
		}
	}
	b.Restrict(site.Guardrails{MinTTL: time.Minute, MaxSites: 1}, 1, errors.New("'www.example.org' is somebody else's"))
	_, err := b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: onboarded, Why: "x"}, ofAcme)
	var faults api.Faults
	if !errors.As(err, &faults) || len(faults) != 5 {
		t.Errorf("Expected all of five breaches, got %v: %v", err, []error(faults))
	}
	_, err = b.Onboardings().Offboard(context.Background(), api.OffboardRequest{Site: "none.example.org", Why: "x"}, alice)
	if !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected no such site, got %v", err)
	}
}

// TestAnOnboardingThatFailsLeavesNothing, and one that is cancelled waits until nobody
// serves the site.
func TestAnOnboardingThatFailsLeavesNothing(t *testing.T) {
	b := newBed(t)
	b.cdn.answer(http.StatusForbidden)
	o, err := b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: onboarded, Why: "x"}, alice)
	if err != nil {
		t.Fatal(err)
	}
	o = b.await(t, o.ID, alice, func(o api.Onboarding) bool { return o.State == site.OnboardingLeft }) // nor does it remove
	if want := "cdn edge: '" + b.cdn.URL + "' answers to create with status 403"; o.Failure != want {
		t.Errorf("Expected '%s', got '%s'", want, o.Failure)
	}
	ofAcmes, err := b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: onboarded, Customer: "acme", Proof: site.ProofOperator, Why: "x"}, alice)
	if err != nil {
		t.Fatal(err)
	}
	ofAcmes = b.await(t, ofAcmes.ID, ofAcme, func(o api.Onboarding) bool { return o.State == site.OnboardingLeft })
	if got := b.claims(t, "acme"); got != nil {
		t.Errorf("Expected the claims to be given back, got %q", got)
	}
	if want := "the CDN's side is not done: the provider sees why"; ofAcmes.Failure != "cdn edge: "+want || stepOf(ofAcmes, "cdn").Words != want {
		t.Errorf("Expected the customer not to read what the webhook says, got '%s', '%s'", ofAcmes.Failure, stepOf(ofAcmes, "cdn").Words)
	}
	b.cdn.answer(0)

	if err := b.ReportAs(store.Server{Name: "two"}); err != nil {
		t.Fatal(err)
	}
	o, err = b.Onboardings().Onboard(context.Background(), api.OnboardRequest{Text: onboarded, Why: "x"}, alice)
	if err != nil {
		t.Fatal(err)
	}
	waits := b.await(t, o.ID, alice, func(o api.Onboarding) bool { return stepOf(o, "live").State == site.StepWaiting })
	if words := stepOf(waits, "live").Words; !strings.HasSuffix(words, "two serves revision 0") {
		t.Errorf("Expected it to wait for the other server, got %s", words)
	}
	if err := b.Onboardings().CancelOnboarding(context.Background(), o.ID, alice); err != nil {
		t.Fatal(err)
	}
	undoes := b.await(t, o.ID, alice, func(o api.Onboarding) bool { return o.Withdrawn > 0 })
	if !b.cdn.has("www.example.org") && undoes.State == site.OnboardingUndoes {
		t.Error("Expected the CDN to have the site as long as a server may send visitors there")
	}
	if err := b.Configuration().Confirm(context.Background(), api.ConfirmRequest{Revision: undoes.Withdrawn}, alice); err != nil {
		t.Fatal(err)
	}
	b.await(t, o.ID, alice, func(o api.Onboarding) bool { return o.State == site.OnboardingUndone }) // once two is gone
	if b.cdn.has("www.example.org") || slices.Contains(namesOf(b.kept), www) {
		t.Error("Expected nothing of the site to be left")
	}
	if err := b.Onboardings().CancelOnboarding(context.Background(), o.ID, alice); !errors.Is(err, api.ErrConflict) {
		t.Errorf("Expected what is over to stay, got %v", err)
	}
	list, err := b.Onboardings().Onboardings(context.Background(), api.OnboardingQuery{Limit: 1}, alice)
	if err != nil || len(list.Onboardings) != 1 || list.Onboardings[0].ID != o.ID {
		t.Errorf("Expected the newest first, got %+v, %v", list, err)
	}
}
