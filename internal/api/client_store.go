package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The methods here are those of a Configuration, which the server asks; see
// there.

// Objects returns what is published.
func (c *Client) Objects(ctx context.Context, kind site.ObjectKind, name string) (Objects, error) {
	return get[Objects](ctx, c, objectsPath, url.Values{"kind": {string(kind)}, "name": {name}})
}

// Draft returns what publishing now would change.
func (c *Client) Draft(ctx context.Context) (Draft, error) {
	return get[Draft](ctx, c, draftPath, nil)
}

// PutDraft puts the objects of texts into the draft.
func (c *Client) PutDraft(ctx context.Context, texts DraftTexts) (Put, error) {
	return change[Put](ctx, c, http.MethodPut, draftPath, MaxDraft, texts)
}

// Check says what would be wrong with publishing the objects of texts.
func (c *Client) Check(ctx context.Context, texts DraftTexts) (Checked, error) {
	return change[Checked](ctx, c, http.MethodPost, tryPath, MaxDraft, texts)
}

// DeleteDraft has the draft be without an object.
func (c *Client) DeleteDraft(ctx context.Context, kind site.ObjectKind, name string) error {
	query := url.Values{"kind": {string(kind)}, "name": {name}}
	return c.askFor(ctx, storeLimit, http.MethodDelete, draftPath+"?"+query.Encode(), nil, new(Done))
}

// DropDraft empties the draft.
func (c *Client) DropDraft(ctx context.Context) error {
	return c.askFor(ctx, storeLimit, http.MethodDelete, draftPath, nil, new(Done))
}

// Publish publishes the draft.
func (c *Client) Publish(ctx context.Context, req PublishRequest) (Publication, error) {
	return change[Publication](ctx, c, http.MethodPost, publishPath, maxBody, req)
}

// Confirm has a revision be served that servers hold back.
func (c *Client) Confirm(ctx context.Context, req ConfirmRequest) error {
	_, err := change[Done](ctx, c, http.MethodPost, confirmPath, maxBody, req)
	return err
}

// Diff returns what differs between two points.
func (c *Client) Diff(ctx context.Context, from, to Point) (Diff, error) {
	return get[Diff](ctx, c, diffPath, url.Values{"from": {from.String()}, "to": {to.String()}})
}

// Rollback publishes the objects of an older revision.
func (c *Client) Rollback(ctx context.Context, req RollbackRequest) (Publication, error) {
	return change[Publication](ctx, c, http.MethodPost, rollbackPath, maxBody, req)
}

// History returns the newest revisions; limit 0: as many as the server likes.
func (c *Client) History(ctx context.Context, limit int) (History, error) {
	return get[History](ctx, c, historyPath, withLimit(url.Values{}, limit))
}

// Await waits until a revision is settled, d at most, and says how far it has come.
func (c *Client) Await(ctx context.Context, revision int64, d time.Duration) (Spread, error) {
	query := url.Values{}
	if d > 0 {
		query.Set("wait", d.String())
	}
	return get[Spread](ctx, c, at(revisionsPath, strconv.FormatInt(revision, 10)), query)
}

// Servers returns what is known of all servers.
func (c *Client) Servers(ctx context.Context) (Servers, error) {
	return get[Servers](ctx, c, serversPath, nil)
}

// Refused returns what of the configuration the server does not serve.
func (c *Client) Refused(ctx context.Context) (Refusals, error) {
	return get[Refusals](ctx, c, refusedPath, nil)
}

// Overrides returns those in force.
func (c *Client) Overrides(ctx context.Context) ([]Override, error) {
	body, err := get[OverrideList](ctx, c, overridesPath, nil)
	return body.Overrides, err
}

// SetOverride sets one.
func (c *Client) SetOverride(ctx context.Context, req OverrideRequest) (Override, error) {
	return change[Override](ctx, c, http.MethodPost, overridesPath, maxBody, req)
}

// ClearOverride ends one.
func (c *Client) ClearOverride(ctx context.Context, id string) error {
	query := url.Values{"id": {id}}
	return c.askFor(ctx, storeLimit, http.MethodDelete, overridesPath+"?"+query.Encode(), nil, new(Done))
}

// Adopt moves a site of the Corefile into the store.
func (c *Client) Adopt(ctx context.Context, req AdoptRequest) (Publication, error) {
	return change[Publication](ctx, c, http.MethodPost, adoptPath, maxBody, req)
}

// Journal returns decisions; limit 0: as many as the server likes.
func (c *Client) Journal(ctx context.Context, q JournalQuery) ([]JournalEntry, error) {
	query := withLimit(url.Values{}, q.Limit)
	if q.Site != "" {
		query.Set("site", q.Site)
	}
	if !q.Since.IsZero() {
		query.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	body, err := get[DecisionList](ctx, c, journalPath, query)
	return body.Decisions, err
}

// Migrate shows how far the store's schema is, and finishes what is pending.
func (c *Client) Migrate(ctx context.Context, finish bool) (Migration, error) {
	return change[Migration](ctx, c, http.MethodPost, migratePath, maxBody, MigrateRequest{finish})
}

func withLimit(query url.Values, limit int) url.Values {
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return query
}

func get[A any](ctx context.Context, c *Client, path string, query url.Values) (answer A, err error) {
	err = c.askFor(ctx, storeLimit, http.MethodGet, path+"?"+query.Encode(), nil, &answer)
	return answer, err
}

// change sends a body, of which the server takes so many octets.
func change[A any](ctx context.Context, c *Client, method, path string, most int, body any) (answer A, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return answer, err
	}
	if len(text) > most {
		return answer, fmt.Errorf("asking %s: the request has %d octets, and %s at most are possible: send it in parts", c.where, len(text), octets(int64(most)))
	}
	err = c.askFor(ctx, storeLimit, method, path, text, &answer)
	return answer, err
}
