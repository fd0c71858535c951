package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// sides has three setups, of which an answer has two at most.
type sides struct{ asked []string }

func (s *sides) Setups(_ context.Context, q api.SetupQuery, _ api.Caller) ([]api.Setup, bool, error) {
	s.asked = append(s.asked, fmt.Sprintf("'%s' '%s' behind '%s' '%s'", q.Site, q.State, q.AfterSite, q.AfterCDN))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if q.AfterSite != "" {
		return []api.Setup{{Site: "www.example.org", CDN: "edge", State: site.SetupDone, Since: at}}, false, nil
	}
	return []api.Setup{
		{Site: "shop.example.org", CDN: "big", Customer: "acme", State: site.SetupRefused, Since: at, Words: "exit status 1"},
		{Site: "shop.example.org", CDN: "edge", Customer: "acme", State: site.SetupChanging, Since: at, Next: at.Add(time.Minute)},
	}, true, nil
}

func (s *sides) RetrySetups(_ context.Context, name, cdn string, _ api.Caller) (int64, error) {
	s.asked = append(s.asked, fmt.Sprintf("retry '%s' at '%s'", name, cdn))
	if name == "" {
		return 3, nil
	}
	if name != "shop.example.org" {
		return 0, fmt.Errorf("no setup: %w", api.ErrNotFound)
	}
	return 1, nil
}

func TestSetups(t *testing.T) {
	for _, c := range []struct {
		args          string
		code          int
		stdout, asked string
	}{
		{"setups --site shop.example.org --state refused", 0, "SITE              CDN   CUSTOMER  STATE     SINCE                 NEXT                  WORDS\n" +
			"shop.example.org  big   acme      refused   2026-01-02T03:04:05Z  -                     exit status 1\n" +
			"shop.example.org  edge  acme      changing  2026-01-02T03:04:05Z  2026-01-02T03:05:05Z  -\n" +
			"www.example.org   edge  -         done      2026-01-02T03:04:05Z  -                     -\n",
			"'shop.example.org' 'refused' behind '' '', 'shop.example.org' 'refused' behind 'shop.example.org' 'edge'"},
		{"setups --state none", 3, "", ""},
		{"setups retry shop.example.org --cdn big", 0, "1 tried again\n", "retry 'shop.example.org' at 'big'"},
		{"setups retry other.example.org", 3, "", "retry 'other.example.org' at ''"},
		{"setups retry", 2, "", ""},
		{"setups retry --all", 0, "3 tried again\n", "retry '' at ''"},
		{"setups retry --all --cdn edge", 0, "3 tried again\n", "retry '' at 'edge'"},
		{"setups retry --all shop.example.org", 2, "", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			s := new(sides)
			code, stdout, complaint := against(t, api.Config{Engine: fake{}, Store: new(store), Log: silent{}, Resources: api.Resources{Setups: s}}, strings.Fields(c.args)...)
			if code != c.code || stdout != c.stdout || strings.Join(s.asked, ", ") != c.asked {
				t.Errorf("Expected %d, %s\n%s\ngot %d, %s\n%s\n%s", c.code, c.asked, c.stdout, code, strings.Join(s.asked, ", "), stdout, complaint)
			}
		})
	}
}
