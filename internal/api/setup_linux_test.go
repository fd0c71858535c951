package api_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// retries notes what is to be tried again.
type retries struct{ asked string }

func (*retries) Setups(context.Context, api.SetupQuery, api.Caller) ([]api.Setup, bool, error) {
	return nil, false, nil
}

func (r *retries) RetrySetups(_ context.Context, name, cdn string, _ api.Caller) (int64, error) {
	r.asked = fmt.Sprintf("'%s' at '%s'", name, cdn)
	return 2, nil
}

// TestWhatIsTriedAgain is of one site, or of all if that was said.
func TestWhatIsTriedAgain(t *testing.T) {
	r := new(retries)
	path := filepath.Join(folder(t), "s")
	open(t, path, api.Config{Engine: oneSite("a."), Store: new(claims), Log: new(journal), Resources: api.Resources{Setups: r}})
	for _, c := range []struct {
		request     api.RetryRequest
		asked, want string
	}{
		{api.RetryRequest{Site: "Shop.example.org.", CDN: "edge"}, "'shop.example.org' at 'edge'", ""},
		{api.RetryRequest{All: true}, "'' at ''", ""},
		{api.RetryRequest{All: true, CDN: "edge"}, "'' at 'edge'", ""},
		{api.RetryRequest{All: true, Site: "shop.example.org"}, "", "expected either a site or 'all'"},
		{api.RetryRequest{CDN: "edge"}, "", "expected the name of a site, or 'all'"},
	} {
		r.asked = ""
		_, err := api.Dial(path).RetrySetups(soon(t), c.request)
		got := ""
		if p := new(api.Problem); errors.As(err, &p) && len(p.Errors) == 1 {
			got = p.Errors[0].Message
		} else if err != nil {
			t.Fatal(err)
		}
		if r.asked != c.asked || got != c.want {
			t.Errorf("%+v: Expected %s %q, got %s %q", c.request, c.asked, c.want, r.asked, got)
		}
	}
}
