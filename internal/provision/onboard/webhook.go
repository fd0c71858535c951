package onboard

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds of a webhook.
const (
	webhookLimit  = 30 * time.Second // of one request
	maxAnswer     = 64 << 10         // bytes that are read of an answer
	maxQuoted     = 300              // characters of it that are shown
	signature     = "Cdnredirect-Signature"
	signatureForm = "sha256="
)

// webhook is a provider behind HTTP.
type webhook struct {
	site.Webhook
	client *http.Client
}

// call is what a webhook is asked.
type call struct {
	Action     string   `json:"action"` // create, verify or remove
	Site       string   `json:"site"`
	Hosts      []string `json:"hosts"`
	Origins    []string `json:"origins"` // URLs; none where the addresses are not known
	Target     string   `json:"target"`
	Onboarding string   `json:"onboarding"`
}

func newWebhook(w site.Webhook, dial Dialer) *webhook {
	return &webhook{Webhook: w, client: &http.Client{
		Timeout:       webhookLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer},
	}}
}

// Create implements Provider.
func (w *webhook) Create(ctx context.Context, r Request) (string, error) {
	return "", w.ask(ctx, r, "create", r.Key)
}

// Verify implements Provider. It changes nothing, so each one is asked anew.
func (w *webhook) Verify(ctx context.Context, r Request) error {
	return w.ask(ctx, r, "verify", "")
}

// Remove implements Provider.
func (w *webhook) Remove(ctx context.Context, r Request) (string, error) {
	return "", w.ask(ctx, r, "remove", r.Key)
}

func (w *webhook) ask(ctx context.Context, r Request, action, key string) error {
	c := call{Action: action, Site: r.name(), Hosts: r.Site.Hosts, Origins: []string{}, Target: r.target(), Onboarding: r.Onboarding}
	if from, err := upstreamOf(r.Site); err == nil {
		c.Origins = from.urls()
	}
	body, err := json.Marshal(c)
	if err != nil {
		return Refuse(err)
	}
	answer, err := w.send(ctx, body, key)
	if err != nil {
		return Inside(fmt.Errorf("asking '%s' to %s: %w", w.shown(), action, err))
	}
	return Inside(w.judge(answer, action))
}

// send sends a request. Its errors do not quote the URL, whose query may be a secret.
func (w *webhook) send(ctx context.Context, body []byte, key string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return nil, Refuse(errors.New("it is not a URL"))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cdnredirect")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if w.Secret != "" {
		secret, err := health.Secret(w.Secret)
		if err != nil {
			return nil, err
		}
		req.Header.Set(signature, sign(secret, body))
	}
	response, err := w.client.Do(req)
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return &answer{response.StatusCode, string(text)}, err
}

// sign is the signature of a body, as many webhooks have it.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return signatureForm + hex.EncodeToString(mac.Sum(nil))
}

// answer is that of a webhook.
type answer struct {
	status int
	text   string
}

// judge tells what is done from what is not yet, and from what never will be.
func (w *webhook) judge(a *answer, action string) error {
	said := fmt.Sprintf("'%s' answers to %s with status %d%s", w.shown(), action, a.status, quoted(a.text))
	switch {
	case a.status == http.StatusAccepted:
		return waitFor("%s: not yet", said)
	case a.status >= 200 && a.status <= 299:
		return nil
	case action == "remove" && (a.status == http.StatusNotFound || a.status == http.StatusGone):
		return nil // it is not there
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly, a.status == http.StatusTooManyRequests, a.status >= 500:
		return errors.New(said)
	}
	return Refuse(errors.New(said))
}

// shown is the URL without what may be a secret.
func (w *webhook) shown() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return "the webhook"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// quoted is what may be shown of a text of somebody else's.
func quoted(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if runes := []rune(text); len(runes) > maxQuoted {
		text = string(runes[:maxQuoted]) + "..."
	}
	return ": " + strconv.Quote(text)
}
