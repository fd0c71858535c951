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

// visits has one onboarding, which is one step further each time it is watched.
type visits struct {
	asked []string
	ends  site.OnboardingState
	now   int
	away  bool // the server ends while somebody watches
}

const onboarded = "site www.example.org class web {\n    origin 192.0.2.1\n}\n"

func (v *visits) present() api.Onboarding {
	o := api.Onboarding{
		ID: "k5x3", Kind: site.Onboard, Site: "www.example.org", Customer: "acme", State: site.OnboardingRuns, By: "alice",
		Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Next: time.Now(), Version: int64(v.now + 1),
		Records: []api.ProofRecord{{Name: "_cdnredirect.www.example.org", Text: "cdnredirect=x"}},
		Steps:   []api.OnboardingStep{{Name: "proof", State: site.StepWaiting, Words: "there is\nno record"}, {Name: "cdn", CDN: "edge", State: site.StepPending}},
	}
	if v.now > 0 {
		o.Steps[0].State, o.Steps[0].Words, o.Records = site.StepDone, "", nil
	}
	if v.now > 1 {
		o.Steps[1].State, o.State, o.Next = site.StepDone, v.ends, time.Time{}
		if v.ends != site.OnboardingDone {
			o.Failure = "cdn edge: refused"
		}
	}
	return o
}

func (v *visits) Onboard(_ context.Context, req api.OnboardRequest, _ api.Caller) (api.Onboarding, error) {
	v.asked = append(v.asked, fmt.Sprintf("onboard %q of '%s' by '%s': %s", req.Text, req.Customer, req.Proof, req.Why))
	return v.present(), nil
}

func (v *visits) Offboard(_ context.Context, req api.OffboardRequest, _ api.Caller) (api.Onboarding, error) {
	v.asked = append(v.asked, fmt.Sprintf("offboard %s: %s", req.Site, req.Why))
	return v.present(), nil
}

func (v *visits) Onboarding(_ context.Context, id string, _ api.Caller) (api.Onboarding, error) {
	if id != "k5x3" {
		return api.Onboarding{}, fmt.Errorf("onboarding '%s': %w", id, api.ErrNotFound)
	}
	return v.present(), nil
}

func (v *visits) Onboardings(_ context.Context, q api.OnboardingQuery, _ api.Caller) (api.OnboardingList, error) {
	v.asked = append(v.asked, fmt.Sprintf("list of '%s' running %t limit %d", q.Site, q.Running, q.Limit))
	return api.OnboardingList{Onboardings: []api.Onboarding{v.present()}}, nil
}

func (v *visits) CancelOnboarding(_ context.Context, id string, _ api.Caller) error {
	v.asked = append(v.asked, "cancel "+id)
	return nil
}

func (v *visits) WatchOnboarding(_ context.Context, _ string, version int64, _ api.Caller) (api.Onboarding, error) {
	v.asked = append(v.asked, fmt.Sprint("watch ", version))
	if v.away {
		return api.Onboarding{}, api.ErrUnavailable
	}
	v.now++
	return v.present(), nil
}

func TestOnboard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.conf")
	if err := os.WriteFile(file, []byte(onboarded), 0o600); err != nil {
		t.Fatal(err)
	}
	begins := fmt.Sprintf("onboard %q of 'acme' by 'operator': new", onboarded)
	for _, c := range []struct {
		name, args    string
		ends          site.OnboardingState
		code          int
		stdout, asked string
	}{
		{"begun", "onboard " + file + " --customer acme --proof operator -m new", "", 0,
			"proof        waiting: there is no record\nto be set: _cdnredirect.www.example.org TXT \"cdnredirect=x\"\nonboard of site www.example.org is running (k5x3)\n", begins},
		{"awaited", "onboard " + file + " --customer acme --proof operator -m new --wait", site.OnboardingDone, 0,
			"onboard of site www.example.org has the ID k5x3\nproof        waiting: there is no record\nproof        done\ncdn edge     done\nonboard of site www.example.org is done (k5x3)\n", begins + ", watch 1, watch 2"},
		{"undone", "offboard www.example.org -m old --wait", site.OnboardingUndone, 1,
			"onboard of site www.example.org has the ID k5x3\nproof        waiting: there is no record\nproof        done\ncdn edge     done\nonboard of site www.example.org is undone (k5x3)\nbecause: cdn edge: refused\n", "offboard www.example.org: old, watch 1, watch 2"},
		{"list", "onboard list --site www.example.org --running", "", 0,
			"ID    KIND     SITE             CUSTOMER  STATE    BEGAN                 BY\nk5x3  onboard  www.example.org  acme      running  2026-01-02T03:04:05Z  alice\n", "list of 'www.example.org' running true limit 100"},
		{"cancel", "onboard cancel k5x3", "", 0, "", "cancel k5x3"},
		{"none", "onboard show other", "", 3, "", ""},
		{"no why", "onboard " + file, "", 2, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &visits{ends: c.ends}
			code, stdout, complaint := against(t, api.Config{Engine: fake{}, Store: new(store), Log: silent{}, Resources: api.Resources{Onboardings: v}}, strings.Fields(c.args)...)
			if code != c.code || stdout != c.stdout || strings.Join(v.asked, ", ") != c.asked {
				t.Errorf("Expected %d, %s\n%s\ngot %d, %s\n%s\n%s", c.code, c.stdout, c.asked, code, stdout, strings.Join(v.asked, ", "), complaint)
			}
		})
	}
}

// TestTheIDOfAnOnboardingIsSaid before its server may be lost, and where no people read it,
// when it is.
func TestTheIDOfAnOnboardingIsSaid(t *testing.T) {
	for form, want := range map[string]string{
		"text": "onboard of site www.example.org has the ID k5x3\nproof        waiting: there is no record\n",
		"json": "",
	} {
		v := &visits{away: true}
		code, out, complaint := against(t, api.Config{Engine: fake{}, Store: new(store), Log: silent{}, Resources: api.Resources{Onboardings: v}},
			"offboard", "www.example.org", "-m", "old", "--wait", "-o", form)
		if lost := "cdnctl: watching 'k5x3': Service Unavailable: the store is away\n"; code != 3 || out != want || complaint != lost {
			t.Errorf("%s: Expected exit code 3, %q and %q, got %d, %q and %q", form, want, lost, code, out, complaint)
		}
	}
}
