//go:build linux

package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// TestACustomerWaitsForServersThatHeIsNotTold has another server that holds a revision back:
// an operator is told which, and a customer how many.
func TestACustomerWaitsForServersThatHeIsNotTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	his := storedObject("his")
	his.Customer = "acme"
	c, e := stored(t, t.TempDir(), his, storedObject("ours"))
	must(t, second(c.Await(ctx, 1, 20*time.Second, alice))) // till the server has said what it serves
	must(t, e.ReportAs(store.Server{Name: "fra1", Revision: 1, Held: 3}))
	w := aWrite(t, "his", "ttl 10s")
	w.Wait = 20 * time.Second
	written, err := e.Resources().Documents.PutDocument(ctx, w, ofAcme)
	must(t, err)
	for who, want := range map[api.Caller]api.Spread{
		ofAcme: {Serving: 1, Behind: 1, Settled: true},
		alice: {Serving: 1, Behind: 1, Settled: true, ServedBy: []string{"one"}, WaitingFor: []api.Waiting{
			{Server: "fra1", Revision: 1, Held: 3, Why: "it would leave too few sites: confirm it, or publish another"}}},
	} {
		got, err := c.Await(ctx, 2, 20*time.Second, who)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Expected %+v, got %+v", who.Name, want, got)
		}
		if who == ofAcme && !reflect.DeepEqual(written, api.Written{Revision: 2, Changed: true, Spread: want}) {
			t.Errorf("Expected the write to say %+v, got %+v", want, written)
		}
	}
	_, err = c.Rollback(ctx, api.RollbackRequest{To: 1, Base: 2, Why: "alice's secret about ours"}, alice)
	must(t, err)
	history, err := c.History(ctx, 10, ofAcme)
	must(t, err)
	text, err := json.Marshal(history)
	must(t, err)
	for _, word := range []string{"alice", "ours", "fra1", `"one"`} {
		if strings.Contains(string(text), word) {
			t.Errorf("Expected nothing of %s, got %s", word, text)
		}
	}
	if r := history.Revisions; len(r) != 3 || r[1].By != ofAcme.Name || r[1].Why != "a test" {
		t.Errorf("Expected three revisions, of which the second is his, got %+v", r)
	}
}

// TestAwaitKnowsWhatTheCallerSees and ends where nobody comes.
func TestAwaitKnowsWhatTheCallerSees(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, e := stored(t, t.TempDir(), storedObject("ours"))
	for _, of := range []struct {
		who      api.Caller
		revision int64
	}{{alice, 0}, {alice, 2}, {alice, 1<<63 - 1}, {ofAcme, 1}} {
		_, err := c.Await(ctx, of.revision, 20*time.Second, of.who)
		if want := fmt.Sprintf("revision %d: not found", of.revision); !errors.Is(err, api.ErrNotFound) || err.Error() != want {
			t.Errorf("%s: Expected %q, got %v", of.who.Name, want, err)
		}
	}
	must(t, second(c.Await(ctx, 1, 20*time.Second, alice)))
	must(t, e.ReportAs(store.Server{Name: "fra1"}))
	spread, err := c.Await(ctx, 1, 100*time.Millisecond, alice)
	must(t, err)
	if want := (api.Spread{Serving: 1, Behind: 1, ServedBy: []string{"one"}, WaitingFor: []api.Waiting{{Server: "fra1"}}}); !reflect.DeepEqual(spread, want) {
		t.Errorf("Expected %+v, got %+v", want, spread)
	}
}
