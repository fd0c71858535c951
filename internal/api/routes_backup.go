package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	backupPath = "/v1/backup"
	backupType = "application/x-ndjson"
)

// backupLimit is how long a backup may take, however slowly it is read: as long as it
// does the database keeps what has been replaced since it began.
const backupLimit = 30 * time.Minute

// Backups makes copies of the store.
type Backups interface {
	// Backup writes all that is in the store at one moment. What was written before an
	// error is of no use.
	Backup(ctx context.Context, w io.Writer, who Caller) error
}

const aboutBackup = `Lines of JSON, with a checksum in the last one: without that line it is not whole. ` + "`cdnctl restore`" + ` makes a store of it. It is read while it is made, within 30 minutes, and one at a time. Of tokens it has hashes; the texts of objects are in it as they are.`

func (a *API) registerBackup() {
	op := operation{id: "backup-store", does: "GET " + backupPath, about: "Servers",
		summary: "All that is in the store at one moment", text: aboutBackup}
	a.operations[op.does] = op
	method, path, _ := strings.Cut(op.does, " ")
	huma.Register(a.huma, huma.Operation{
		OperationID: op.id, Method: method, Path: path, Tags: []string{op.about}, Summary: op.summary, Description: op.text,
		Extensions: map[string]any{"x-least-role": op.leastRole()},
		Responses: map[string]*huma.Response{"200": {
			Description: "A backup", Content: map[string]*huma.MediaType{backupType: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}, func(ctx context.Context, _ *none) (*huma.StreamResponse, error) {
		if a.Store == nil {
			return nil, problemOf(ErrNoStore)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			_, w := humago.Unwrap(hc)
			a.backup(ctx, w)
		}}, nil
	})
}

// backup answers with a backup. One that breaks off breaks the connection, too: what came
// of it must not look whole to anybody.
func (a *API) backup(ctx context.Context, w http.ResponseWriter) {
	if !a.copying.TryLock() {
		w.Header().Set("Retry-After", "10")
		send(w, problem(http.StatusTooManyRequests, "another backup is being read"))
		return
	}
	defer a.copying.Unlock()
	ctx, cancel := context.WithTimeout(ctx, backupLimit)
	defer cancel()
	who, out := callerOf(ctx), &paced{w: w, c: http.NewResponseController(w)}
	err := a.Backups.Backup(ctx, out, who)
	switch {
	case err == nil:
		out.end()
	case !out.begun:
		send(w, a.told(who, problemOf(err)))
	default:
		a.Log.Warningf("a backup for %q broke off: %v", who.Name, err)
		panic(http.ErrAbortHandler)
	}
}

// paced is an answer of which each part has the time of an answer.
type paced struct {
	w     http.ResponseWriter
	c     *http.ResponseController
	begun bool
}

// Write implements io.Writer.
func (p *paced) Write(text []byte) (int, error) {
	if !p.begun {
		p.w.Header().Set("Content-Type", backupType)
		p.begun = true
	}
	_ = p.c.SetWriteDeadline(time.Now().Add(answerLimit))
	n, err := p.w.Write(text)
	_ = p.c.SetWriteDeadline(time.Time{}) // over HTTP/2 its end would be that of the stream
	return n, err
}

// end sends what waits still.
func (p *paced) end() {
	_ = p.c.SetWriteDeadline(time.Now().Add(answerLimit))
	_ = p.c.Flush()
}
