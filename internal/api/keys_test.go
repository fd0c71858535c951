package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// memory remembers answers for as long as a test lasts.
type memory struct {
	mu sync.Mutex
	of map[string]*remembered // by caller and key
}

type remembered struct {
	hash   string
	status int // 0: under way
	answer []byte
}

func (m *memory) Begin(_ context.Context, who api.Caller, key string, hash []byte) ([]byte, int, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := who.Name + " " + key
	r := m.of[id]
	switch {
	case r == nil:
		m.of[id] = &remembered{hash: string(hash)}
		return nil, 0, false, nil
	case r.hash != string(hash):
		return nil, 0, false, fmt.Errorf("key '%s': %w", key, api.ErrOtherRequest)
	case r.status == 0:
		return nil, 0, false, api.ErrUnderWay
	}
	return r.answer, r.status, true, nil
}

func (m *memory) Finish(_ context.Context, who api.Caller, key string, status int, answer []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := who.Name + " " + key
	if status == 0 {
		delete(m.of, id)
	} else {
		m.of[id].status, m.of[id].answer = status, answer
	}
	return nil
}

// keyedAPI is an API whose store remembers what it was asked.
func keyedAPI() (*store, *api.API) {
	s := new(store)
	return s, api.New(api.Config{Engine: oneSite("a."), Store: s, Log: new(journal), Keys: &memory{of: make(map[string]*remembered)}})
}

// send asks for something with a key.
func send(a *api.API, name, key, does, body string) *recorder {
	method, path, _ := strings.Cut(does, " ")
	req, w := httptest.NewRequest(method, "/v1/"+path, strings.NewReader(body)), newRecorder()
	req.Header.Set("Idempotency-Key", key)
	a.As(api.Caller{Name: name, Role: site.RoleOperator}).ServeHTTP(w, req)
	return w
}

func TestARequestWithAKeyIsDoneOnce(t *testing.T) {
	s, a := keyedAPI()
	const does, body = "POST publish", `{"why": "x"}`
	first := send(a, "ann", "k1", does, body)
	if asked := s.called(); first.Code != 200 || len(asked) != 1 {
		t.Fatalf("Expected it to be done, got %d %s, %q", first.Code, first.Body, asked)
	}
	for _, c := range []struct {
		name, key, does, body string
		status, asked         int
	}{
		{"ann", "k1", does, body, 200, 0},
		{"ann", "k1", does, `{"why": "y"}`, 422, 0},
		{"ann", "k1", "POST adopt", `{"why": "x", "site": "a.example.org"}`, 422, 0},
		{"ann", "k2", does, body, 200, 1},
		{"bob", "k1", does, body, 200, 1},
		{"ann", "k3", does, `{}`, 400, 0},
		{"ann", "k3", does, body, 200, 1},
		{"ann", "with space", does, body, 400, 0},
		{"ann", strings.Repeat("k", 201), does, body, 400, 0},
		{"ann", "k1", "GET history", "", 200, 1},
		{"ann", "k4", "DELETE overrides?id=1", "", 200, 1},
		{"ann", "k4", "DELETE overrides?id=1", "", 200, 0},
		{"ann", "k4", "DELETE overrides?id=2", "", 422, 0},
	} {
		w := send(a, c.name, c.key, c.does, c.body)
		if asked := s.called(); w.Code != c.status || len(asked) != c.asked {
			t.Errorf("%.20s of %s, %s %s: Expected %d, done %d times, got %d %s, %q", c.key, c.name, c.does, c.body, c.status, c.asked, w.Code, w.Body, asked)
		}
		if c.key == "k1" && c.status == 200 && c.does == does && w.Body.String() != first.Body.String() {
			t.Errorf("Expected the same answer again, got %s", w.Body)
		}
	}
}

func TestWhatWentWrongIsAnsweredAgainUnlessItMayPass(t *testing.T) {
	s, a := keyedAPI()
	for err, again := range map[error]int{api.ErrConflict: 0, api.ErrNotFound: 0, api.ErrUnavailable: 1, context.DeadlineExceeded: 1} {
		s.err = err
		key := strings.ReplaceAll(err.Error(), " ", "-")
		first := send(a, "ann", key, "POST publish", `{"why": "x"}`)
		s.called()
		s.err = nil
		second := send(a, "ann", key, "POST publish", `{"why": "x"}`)
		if asked := s.called(); len(asked) != again {
			t.Errorf("%v: Expected it to be done %d times more, got %q", err, again, asked)
		}
		if again == 0 && (second.Code != first.Code || second.Body.String() != first.Body.String() || second.Header().Get("Content-Type") != "application/problem+json") {
			t.Errorf("%v: Expected the same answer again, got %d %s", err, second.Code, second.Body)
		}
	}
}

// TestAKeyIsFreeAfterAPanic, and taken before.
func TestAKeyIsFreeAfterAPanic(t *testing.T) {
	panics := true
	var a *api.API
	a = api.New(api.Config{Log: new(journal), Keys: &memory{of: make(map[string]*remembered)}, Engine: fake{
		drain: func(string, string, bool) error {
			if !panics {
				return nil
			}
			panics = false
			if w := send(a, "ann", "k", "POST drain", `{"cdn": "a", "node": "b", "drain": true}`); w.Code != http.StatusConflict {
				t.Errorf("Expected 409 while it is under way, got %d %s", w.Code, w.Body)
			}
			panic("broken")
		},
	}})
	for _, want := range []int{500, 200} {
		if w := send(a, "ann", "k", "POST drain", `{"cdn": "a", "node": "b", "drain": true}`); w.Code != want {
			t.Errorf("Expected %d, got %d %s", want, w.Code, w.Body)
		}
	}
}

func TestWithoutAStoreThereAreNoKeys(t *testing.T) {
	a := api.New(api.Config{Engine: oneSite("a."), Log: new(journal)})
	if w := send(a, "ann", "k", "POST drain", `{"cdn": "a", "node": "b", "drain": true}`); w.Code != http.StatusConflict {
		t.Errorf("Expected 409, got %d %s", w.Code, w.Body)
	}
}
