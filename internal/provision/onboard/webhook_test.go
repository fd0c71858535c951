package onboard_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// hook is a webhook's server that answers as it is told to, and keeps what it was asked.
type hook struct {
	*httptest.Server
	status int
	text   string
	header http.Header
	body   string
}

func newHook(t *testing.T) *hook {
	h := &hook{status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.header, h.body = r.Header, r.Method+" "+r.URL.String()+" "+string(body)
		if h.status/100 == 3 {
			w.Header().Set("Location", h.URL+"/elsewhere")
		}
		w.WriteHeader(h.status)
		io.WriteString(w, h.text)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) provider(secret string) onboard.Provider {
	return onboard.New("big", site.Provision{Webhook: &site.Webhook{URL: h.URL + "/cdn?token=hunter2", Secret: secret}}, nil)
}

func TestWebhook(t *testing.T) {
	h := newHook(t)
	dir := t.TempDir()
	write(t, dir, "secret", "s3cret\n")
	p, r := h.provider("file:"+filepath.Join(dir, "secret")), plainRequest(t, "www.example.org", "example.org")
	_, err := p.Create(context.Background(), r)
	must(t, err)
	const body = `{"action":"create","site":"www.example.org","hosts":["www.example.org","example.org"],"origins":["http://127.0.0.1:8080"],"target":"www.example.org.edge.example.net","onboarding":"id"}`
	expect(t, "What was asked", h.body, "POST /cdn?token=hunter2 "+body)
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write([]byte(body))
	expect(t, "The signature", h.header.Get("Cdnredirect-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)))
	expect(t, "The key", h.header.Get("Idempotency-Key"), r.Key)
	must(t, p.Verify(context.Background(), r))
	if !strings.Contains(h.body, `"action":"verify"`) || h.header.Get("Idempotency-Key") != "" {
		t.Errorf("Expected a verification without a key: it is asked for anew each time, got %s, %v", h.body, h.header)
	}
	_, err = p.Remove(context.Background(), r)
	must(t, err)
	if !strings.Contains(h.body, `"action":"remove"`) || h.header.Get("Idempotency-Key") == "" {
		t.Errorf("Expected a removal with a key, got %s, %v", h.body, h.header)
	}
	_, err = h.provider("file:"+filepath.Join(dir, "none")).Create(context.Background(), r)
	if err == nil || onboard.Final(err) {
		t.Errorf("Expected a secret that is not there to be waited for, got %v", err)
	}
}

// TestAnswersOfAWebhook says what each means.
func TestAnswersOfAWebhook(t *testing.T) {
	h := newHook(t)
	p, r := h.provider(""), plainRequest(t, "www.example.org")
	for _, test := range []struct {
		status  int
		text    string
		words   string // empty: it is done
		waiting bool
		final   bool
	}{
		{200, "", "", false, false},
		{204, "", "", false, false},
		{202, "", "with status 202: not yet", true, false},
		{302, "", "with status 302", false, true}, // it is not followed
		{400, "no such\nplan", `with status 400: "no such\nplan"`, false, true},
		{404, "", "with status 404", false, true},
		{409, strings.Repeat("x", 100_000), `with status 409: "` + strings.Repeat("x", 300) + `..."`, false, true},
		{408, "", "with status 408", false, false},
		{429, "", "with status 429", false, false},
		{500, "", "with status 500", false, false},
		{503, "", "with status 503", false, false},
	} {
		h.status, h.text = test.status, test.text
		_, err := p.Create(context.Background(), r)
		want := ""
		if test.words != "" {
			want = "'" + h.URL + "/cdn' answers to create " + test.words
		}
		got, waiting := "", new(onboard.Waiting)
		if err != nil {
			got = err.Error()
		}
		if got != want || errors.As(err, &waiting) != test.waiting || onboard.Final(err) != test.final {
			t.Errorf("%d: Expected '%s', got '%s' (final: %t)", test.status, want, got, onboard.Final(err))
		}
	}
	h.status = http.StatusNotFound
	if _, err := p.Remove(context.Background(), r); err != nil {
		t.Errorf("Expected what is not there to be removed, got %v", err)
	}
}

// TestF43SecretsStayInside: a URL may hold one.
func TestF43SecretsStayInside(t *testing.T) {
	h := newHook(t)
	p, r := h.provider("env:NO_SUCH_SECRET"), plainRequest(t, "www.example.org")
	_, err := p.Create(context.Background(), r)
	expect(t, "Without the variable", err.Error(), "asking '"+h.URL+"/cdn' to create: this machine cannot ask: the environment has no variable 'NO_SUCH_SECRET'")
	h.Close()
	_, err = h.provider("").Create(context.Background(), r)
	if err == nil || strings.Contains(err.Error(), "hunter2") || onboard.Final(err) {
		t.Errorf("Expected an error without the query, that is tried again, got %v", err)
	}
}

// TestWebhooksOfOthersAreOnTheInternet, and their certificates are looked at.
func TestWebhooksOfOthersAreOnTheInternet(t *testing.T) {
	h := newHook(t)
	network := health.NewNetwork("test")
	defer network.Close()
	p := onboard.New("big", site.Provision{Webhook: &site.Webhook{URL: h.URL}}, network.Dial(true))
	_, err := p.Create(context.Background(), plainRequest(t, "www.example.org"))
	if err == nil || !strings.Contains(err.Error(), "not allowed for a public target") {
		t.Errorf("Expected loopback to be refused, got %v", err)
	}
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.Config.ErrorLog = log.New(io.Discard, "", 0)
	secured.StartTLS()
	defer secured.Close()
	p = onboard.New("big", site.Provision{Webhook: &site.Webhook{URL: secured.URL}}, network.Dial(false))
	_, err = p.Create(context.Background(), plainRequest(t, "www.example.org"))
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Expected a certificate that nobody knows to be refused, got %v", err)
	}
}

func TestManual(t *testing.T) {
	r := plainRequest(t, "www.example.org", "example.org")
	r.Site.Ready = site.Ready{Level: site.ReadyProbe}
	answers := errors.New("it does not answer")
	r.Reach = func(context.Context) error { return answers }
	for text, want := range map[string]string{
		"add {host} for {name} at {target}": "add www.example.org, example.org for www.example.org at www.example.org.edge.example.net",
		"":                                  "set up the host www.example.org, example.org at the CDN, with the origin of the site, so that it is served at www.example.org.edge.example.net",
	} {
		p := onboard.New("big", site.Provision{Manual: text}, nil)
		words, err := p.Create(context.Background(), r)
		must(t, err)
		expect(t, "What is to be done", words, want)
		err = p.Verify(context.Background(), r)
		expect(t, "What is waited for", err.Error(), want+" (so far: it does not answer)")
		if onboard.Final(err) {
			t.Error("Expected it to be waited for")
		}
	}
	answers = nil
	p := onboard.New("big", site.Provision{}, nil)
	must(t, p.Verify(context.Background(), r))
	words, err := p.Remove(context.Background(), r)
	must(t, err)
	expect(t, "What is to be done in the end", words, "remove the host www.example.org, example.org at the CDN big: no visitors are sent there any more")
}
