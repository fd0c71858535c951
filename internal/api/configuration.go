package api

import (
	"context"
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Configuration is what the API asks of the store and of what goes on around
// it: drafts, revisions, servers, overrides, the journal. Its methods may be
// called from many goroutines at once, and return soon after ctx has ended.
//
// who is who asks: what he may not see is not there for him, and without one only
// operators ask. Names of sites have no final dot here and are otherwise canonical; every why is neither empty nor
// longer than MaxWhy, unless a method says that it may be empty. Errors are
// wrapped ones of the list below, with what was asked for. Without a store
// they are ErrNoStore, except where a server can do it alone: local overrides,
// what is shown of this server, what is refused.
type Configuration interface {
	// Objects returns what is published, in the order of kinds and names. The
	// empty kind is all kinds, the empty name all of a kind; a name that is
	// none is ErrNotFound.
	Objects(ctx context.Context, kind site.ObjectKind, name string, who Caller) (Objects, error)

	// Draft returns what publishing now would change; an empty draft has no changes.
	// Everybody has a draft.
	Draft(ctx context.Context, who Caller) (Draft, error)

	// PutDraft splits the sources into objects and puts them into the draft in the
	// place of those of the same kind and name: all, or none if the draft would be
	// wrong (Faults). What is published just so is not in the draft. It has others be
	// removed when it is published; one that is not there is ErrNotFound. Objects that
	// were changed since the base are ErrConflict.
	PutDraft(ctx context.Context, texts DraftTexts, who Caller) (Put, error)

	// Check says what would be wrong with publishing the objects of texts: all of it, and
	// whoever sees them may ask. Nothing is changed, and drafts do not count.
	Check(ctx context.Context, texts DraftTexts, who Caller) (Checked, error)

	// DeleteDraft has the draft be without an object, as what is published will
	// be; what neither has is ErrNotFound.
	DeleteDraft(ctx context.Context, kind site.ObjectKind, name string, who Caller) error

	// DropDraft has nothing be in the draft.
	DropDraft(ctx context.Context, who Caller) error

	// Publish makes a revision of the draft and empties it. One with nothing in
	// it is ErrInvalid; one with an object that was changed since the revision that
	// the draft was made on, or that was made on another one than who asks has
	// seen, is ErrConflict.
	Publish(ctx context.Context, req PublishRequest, who Caller) (Publication, error)

	// Confirm has all servers serve a revision that they hold back. A revision
	// that there is none of is ErrNotFound; why may be empty.
	Confirm(ctx context.Context, req ConfirmRequest, who Caller) error

	// Diff returns what differs between two points, in the order of kinds and
	// names. A revision that there is none of is ErrNotFound.
	Diff(ctx context.Context, from, to Point, who Caller) (Diff, error)

	// Rollback makes a revision with the objects of an older one; the draft
	// stays. ErrConflict says that one of those that it would change was changed
	// since the base.
	Rollback(ctx context.Context, req RollbackRequest, who Caller) (Publication, error)

	// History returns the newest revisions, the newest first, limit at most.
	History(ctx context.Context, limit int, who Caller) (History, error)

	// Await waits until a revision is settled, d at most, and says how far it has come. One
	// that there is none of, or that changed nothing that the caller sees, is ErrNotFound.
	Await(ctx context.Context, revision int64, d time.Duration, who Caller) (Spread, error)

	// Servers returns what is known of all servers, in the order of their names,
	// and of this one. With the store away that is what was known last, and its age.
	Servers(ctx context.Context) (Servers, error)

	// Refused returns what of the configuration this server does not serve.
	Refused(ctx context.Context) (Refusals, error)

	// Overrides returns those in force, in the order in which they were set.
	Overrides(ctx context.Context) ([]Override, error)

	// SetOverride sets one and returns it. What site.Override refuses is ErrInvalid,
	// a name that is none ErrNotFound.
	SetOverride(ctx context.Context, req OverrideRequest, who Caller) (Override, error)

	// ClearOverride ends one, wherever it was set; an unknown ID is ErrNotFound.
	ClearOverride(ctx context.Context, id string, who Caller) error

	// Adopt publishes a site of the Corefile as an object of the store that
	// stands in front of it. A name that is no site of the Corefile is
	// ErrNotFound, one that the store has already ErrConflict.
	Adopt(ctx context.Context, req AdoptRequest, who Caller) (Publication, error)

	// Journal returns decisions, the newest first.
	Journal(ctx context.Context, q JournalQuery, who Caller) ([]JournalEntry, error)

	// Migrate shows the schemas; with finish it first runs the migrations that
	// older servers could not live with, which is ErrConflict while there is one.
	Migrate(ctx context.Context, finish bool, who Caller) (Migration, error)
}

// What a Configuration's errors may be, besides ErrInvalid; wrap them with what
// was asked for.
var (
	ErrNoStore     = errors.New("this server has no store: write 'store sqlite FILE' or 'store postgres DSN' in the Corefile")
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("changed in the meantime")
	ErrStale       = errors.New("it is not the version that the change is meant for")
	ErrNotInvited  = errors.New("the token is not the one that the server has written to its log")
	ErrUnavailable = errors.New("the store is away")
	ErrStorage     = errors.New("the store cannot take it")
)

// Faults is an ErrInvalid that says of each of several things what is wrong with it.
type Faults []error

func (f Faults) Error() string {
	switch len(f) {
	case 0:
		return ErrInvalid.Error()
	case 1:
		return f[0].Error()
	}
	return "several things are wrong"
}

// Is makes it an ErrInvalid.
func (Faults) Is(target error) bool { return target == ErrInvalid }

// Unwrap returns what is wrong with each.
func (f Faults) Unwrap() []error { return f }
