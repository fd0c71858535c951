package corefile_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// ready is what a line asks of CDNs.
func ready(level site.ReadyLevel, kind, url string, every, timeout time.Duration, more ...func(*site.Source)) func(*site.Site) {
	return func(s *site.Site) {
		s.Ready.Level = level
		s.Ready.Check = site.Source{Kind: kind, URL: url, Every: every, Timeout: timeout}
		if kind == "http" {
			s.Ready.Check.Ask.Status = site.DefaultStatus()
		}
		for _, change := range more {
			change(&s.Ready.Check)
		}
	}
}

const second = time.Second

var readyEffects = []effect{
	{"ready none", ready(site.ReadyNone, "", "", 10*second, 5*second)},
	{"ready resolve", ready(site.ReadyResolve, "", "", 10*second, 5*second)},
	{"ready resolve every 1m", ready(site.ReadyResolve, "", "", 60*second, 30*second)},
	{"ready tls", ready(site.ReadyTLS, "tls", "tls://{target}:443", 10*second, 5*second)},
	{"ready tls {target}:8443 days 14", ready(site.ReadyTLS, "tls", "tls://{target}:8443", 10*second, 5*second, func(c *site.Source) { c.Ask.Days = 14 })},
	{"ready tls {target}", ready(site.ReadyTLS, "tls", "tls://{target}", 10*second, 5*second)},
	{"ready tls tls_verify off", ready(site.ReadyTLS, "tls", "tls://{target}:443", 10*second, 5*second, func(c *site.Source) { c.Ask.SkipVerify = true })},
	{"ready probe every 20s", ready(site.ReadyProbe, "http", "https://{target}/", 20*second, 10*second)},
	{"ready probe timeout 2s", ready(site.ReadyProbe, "http", "https://{target}/", 10*second, 2*second)},
	{"ready probe http://{target}:8080/{label}?h={host} every 5s", ready(site.ReadyProbe, "http", "http://{target}:8080/www?h=www.example.org", 5*second, 2500*time.Millisecond)},
	{"ready probe https://{target}/ status 204 body ok header X y", ready(site.ReadyProbe, "http", "https://{target}/", 10*second, 5*second, func(c *site.Source) {
		c.Ask.Status, _ = site.ParseStatus("204")
		c.Ask.Body, c.Ask.Headers = "ok", "X: y"
	})},
	{"warmup https://{target}/ https://{target}/{label}.css", func(s *site.Site) { s.Ready.Warmup = "https://{target}/ https://{target}/www.css" }},
}

const asksElsewhere = " does not ask the CDN: write {target} for its host"

var readyErrors = []lineError{
	{"ready", wrongArgs + "'ready'"},
	{"ready maybe", "unknown level 'maybe': none, resolve, tls, probe are known"},
	{"ready none every 5s", wrongArgs + "'5s'"},
	{"ready resolve timeout 5s", "unknown word 'timeout': every is known"},
	{"ready resolve every 0s", "invalid duration '0s': it must be above zero"},
	{"ready resolve every 100ms", "period 100ms is shorter than 1s"},
	{"ready tls {target}:99999", "asking the CDN: port '99999' in '{target}:99999' is not from 1 to 65535"},
	{"ready tls https://{target}/", "'https://{target}/' is a URL: leave out 'https://'"},
	{"ready tls www.example.net:443", "'www.example.net:443'" + asksElsewhere},
	{"ready tls {target}:443 status 200", "unknown word 'status': every, timeout, tls_verify, days are known"},
	{"ready probe https://www.example.net/", "'https://www.example.net/'" + asksElsewhere},
	{"ready probe https://www.example.net/{target}", "'https://www.example.net/{target}'" + asksElsewhere},
	{"ready probe https://a.{target}/", "asking the CDN: 'https://a.{target}/' is not an http:// or https:// URL: invalid IP-literal"},
	{"ready probe {target}/", "asking the CDN: '{target}/' is not an http:// or https:// URL: first path segment in URL cannot contain colon"},
	{"ready probe https://{origin}/", "unknown placeholder in 'https://{origin}/': {target}, {name}, {label} and {host} are known"},
	{"ready probe https://{target}/ keep_alive on", "unknown word 'keep_alive': every, timeout, tls_verify, days, method, status, body, match, json, http2, header are known"},
	{"ready probe https://{target}/ every 5s timeout 5s", "asking the CDN: timeout 5s is not below the period 5s"},
	{"ready probe http://{target}/ days 5", "asking the CDN: tls_verify and days say something of TLS, which is not spoken here"},
	{"ready probe https://{target}/ json a+", "reading the condition 'a+': unexpected token EOF (1:2)"},
	{"warmup", wrongArgs + "'warmup'"},
	{"warmup https://www.example.net/", "'https://www.example.net/'" + asksElsewhere},
	{"warmup /app.css", "'/app.css'" + asksElsewhere},
	{"warmup https://{target}/{origin}", "unknown placeholder in 'https://{target}/{origin}': {target}, {name}, {label} and {host} are known"},
}

// TestTheDefaultCheckIsTheFirstHTTPProbe over TLS, and without what may be secret.
func TestTheDefaultCheckIsTheFirstHTTPProbe(t *testing.T) {
	for line, want := range map[string]site.Source{
		"probe http http://{origin}:8080/healthz?key=1 status 204 body ok header Authorization secret every 20s": {URL: "https://{target}/healthz", Ask: site.Ask{Body: "ok"}},
		"probe tcp {origin}:80": {URL: "https://{target}/"},
	} {
		_, sites, err := load(siteWith(line))
		if err != nil {
			t.Fatal(err)
		}
		want.Kind, want.Every, want.Timeout = "http", 10*second, 5*second
		want.Ask.Status = site.DefaultStatus()
		if want.Ask.Body != "" {
			want.Ask.Status, _ = site.ParseStatus("204")
		}
		if got := sites[0].Ready; got.Level != site.ReadyProbe || got.Check != want {
			t.Errorf("%s: expected %+v, got %+v", line, want, got)
		}
	}
}

func TestAWarmupNeedsAGate(t *testing.T) {
	_, _, err := load(siteWith("ready none", "warmup https://{target}/"))
	wantError(t, err, "Corefile:4 - Error during parsing: warmup needs 'ready resolve', 'ready tls' or 'ready probe': with 'ready none' nothing is asked of a CDN before the first visitor")
}
