package api_test

import (
	"fmt"
	"net/http"
	"os"
	"os/user"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// me returns the name of the user of this process, as the server records it.
func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return fmt.Sprintf("uid %d", os.Geteuid())
	}
	return u.Username
}

func TestWhoAsksIsRecorded(t *testing.T) {
	s := new(store)
	path := keep(t, s)
	for name, want := range map[string]string{
		"":                       me(t),
		me(t):                    me(t),
		"alice":                  fmt.Sprintf("alice (uid %d)", os.Geteuid()),
		"j.doe-2@example.org":    fmt.Sprintf("j.doe-2@example.org (uid %d)", os.Geteuid()),
		"alice (uid 0)":          me(t),
		"-rf":                    me(t),
		"b\u00f6b":               me(t),
		strings.Repeat("a", 65):  me(t),
		"alice bob":              me(t),
		"<script>alert</script>": me(t),
	} {
		req, err := http.NewRequestWithContext(soon(t), "DELETE", "http://s/v1/draft", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cdnredirect-User", name)
		resp, err := over(t, path).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if asked := s.called(); len(asked) != 1 || asked[0] != "drop by "+want {
			t.Errorf("%q: Expected %q, got %q", name, want, asked)
		}
	}
}

func TestTheClientSaysWhoAsks(t *testing.T) {
	s := new(store)
	path := keep(t, s)
	for name, want := range map[string]string{
		"alice":   fmt.Sprintf("alice (uid %d)", os.Geteuid()),
		"a\r\nb:": me(t),
		"":        me(t),
	} {
		if err := api.Dial(path).As(name).DropDraft(soon(t)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if asked := s.called(); len(asked) != 1 || asked[0] != "drop by "+want {
			t.Errorf("%q: Expected %q, got %q", name, want, asked)
		}
	}
}
