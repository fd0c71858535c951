package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Keys remembers what was answered to requests with an Idempotency-Key, for as long as
// whoever made one may ask again.
type Keys interface {
	// Begin takes a key of the caller's, for a request with that hash. If that was answered
	// already it is done, and that is the answer. A key that another request has, or had, is
	// ErrOtherRequest, and one whose request is under way still ErrUnderWay.
	Begin(ctx context.Context, who Caller, key string, hash []byte) (answer []byte, status int, done bool, err error)

	// Finish keeps the answer for the key, or with status 0 gives the key back.
	Finish(ctx context.Context, who Caller, key string, status int, answer []byte) error
}

// What Begin's errors may be, besides those of a Configuration.
var (
	ErrOtherRequest = errors.New("the Idempotency-Key was used for another request")
	ErrUnderWay     = errors.New("the request with that Idempotency-Key is under way")
)

const keyHeader = "Idempotency-Key"

// keyForm is that of all keys.
var keyForm = regexp.MustCompile(`^[!-~]{1,200}$`)

const aboutKey = "Have the request be done once, however often it is sent: the same key with the same request is answered as it was the first time, with another one 422, and 409 while the first one is under way. What ended with 5xx may be sent again. Up to 200 visible characters of ASCII."

// keyParameter documents the header.
var keyParameter = &huma.Param{
	Name: keyHeader, In: "header", Description: aboutKey,
	Schema: &huma.Schema{Type: huma.TypeString, Pattern: keyForm.String(), Description: aboutKey, Examples: []any{"b0a31c6e-7d1f-4f6b-9a53-6a2a0e3c2f11"}},
}

// keyed is a request with a key.
type keyed struct {
	key  string
	hash hash.Hash // of what the request says, once its body is read
}

type keyedKey struct{}

// withKey returns the request with what is to be known of its key, if it has one.
func withKey(op operation, r *http.Request) (*http.Request, *Problem) {
	key := r.Header.Get(keyHeader)
	if key == "" || r.Method == http.MethodGet || op.open { // of nobody nothing is kept
		return r, nil
	}
	if !keyForm.MatchString(key) {
		return r, problemOfRequest(http.StatusBadRequest, "", []error{&Fault{Location: "header." + keyHeader, Message: "expected up to 200 visible characters of ASCII", Value: key}})
	}
	k := &keyed{key: key, hash: sha256.New()}
	for _, said := range []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("If-Match"), r.Header.Get("If-None-Match")} {
		fmt.Fprintf(k.hash, "%q\n", said)
	}
	r = r.WithContext(context.WithValue(r.Context(), keyedKey{}, k))
	r.Body = &hashed{r.Body, k.hash}
	return r, nil
}

// hashed is a body that is hashed while it is read.
type hashed struct {
	io.ReadCloser
	hash hash.Hash
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.hash.Write(p[:n])
	return n, err
}

// once does what a request asks for, unless it has a key and was done before. The
// request is known to be valid by now: what is not leaves its key free.
func (a *API) once(ctx context.Context, who Caller, do func() (any, error)) error {
	k, has := ctx.Value(keyedKey{}).(*keyed)
	if !has {
		_, err := do()
		return err
	}
	if a.Keys == nil {
		return ErrNoStore
	}
	answer, status, done, err := a.Keys.Begin(ctx, who, k.key, k.hash.Sum(nil))
	switch {
	case err != nil:
		return err
	case done:
		return &replay{status, answer}
	}
	status, answer = 0, nil
	defer func() { a.finish(ctx, who, k.key, status, answer) }() // also of a panic
	body, err := do()
	status, answer = kept(body, err)
	return err
}

// secretive is an answer with a secret, which is shown once.
type secretive interface{ withoutSecret() any }

// kept returns what is kept of an answer.
func kept(body any, err error) (status int, answer []byte) {
	status = http.StatusOK
	if err != nil {
		p := problemOf(err)
		body, status = p, p.Status
	}
	if status >= http.StatusInternalServerError {
		return 0, nil
	}
	if s, secret := body.(secretive); secret {
		body = s.withoutSecret()
	}
	if answer, err = json.Marshal(body); err != nil {
		return 0, nil
	}
	return status, answer
}

// finishLimit is how long it may take to keep an answer.
const finishLimit = 5 * time.Second

// finish keeps an answer, also if the peer has gone.
func (a *API) finish(ctx context.Context, who Caller, key string, status int, answer []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	if err := a.Keys.Finish(ctx, who, key, status, answer); err != nil {
		a.Log.Warningf("keeping the answer of an Idempotency-Key of %q: %v", who.Name, err)
	}
}

// replay is an answer that was given before.
type replay struct {
	status int
	answer []byte
}

func (r *replay) Error() string { return "answered before" }

// GetStatus implements huma.StatusError.
func (r *replay) GetStatus() int { return r.status }

// ContentType implements huma.ContentTypeFilter.
func (r *replay) ContentType(string) string {
	if r.status >= http.StatusBadRequest {
		return new(Problem).ContentType("")
	}
	return "application/json"
}

// MarshalJSON implements json.Marshaler.
func (r *replay) MarshalJSON() ([]byte, error) { return bytes.Clone(r.answer), nil }
