package engine

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Keeping is what a Corefile says of what is kept outside of the process.
type Keeping struct {
	Store   store.Config  // Driver is empty: there is none
	State   string        // folder of this server
	Server  string        // its name
	Journal time.Duration // how long decisions are kept in the store
	Rows    int64         // and how many at most
	Seed    string        // of the client keys, if the store has none yet
}

// Kept is the configuration that a generation has from the store, or from what
// this server has kept of it, and the decisions that were in force.
type Kept struct {
	log       Logger
	cfg       Keeping
	state     *folder   // nil: nothing is kept here
	db        *database // nil: there is no store
	seed      string
	elsewhere meeting                  // where servers meet instead of the store; nil: they do not
	known     map[string]control.Saved // decisions, by site, that runners are yet to go on with; once offered, the engine's lock protects it

	served atomic.Int64 // the revision that is answered by
	found  atomic.Bool  // the store was reached once, or what was kept of it was read

	mu        sync.Mutex // protects what follows; nobody waits for the store with it
	publisher *provision.Publisher
	overlay   *corefile.Overlay
	store     string          // the ID of the one that what is in force is of; empty: nothing is
	here      string          // the ID of the one that was reached last
	held      *provision.Held // what is held back; nil: nothing is
	servers   []store.Server  // as they were known last
	config    *corefile.Config

	behind bool         // what the publisher has is not all applied; the follow task's own
	told   int64        // the older revision of the store that the operator knows of; the follow task's own
	said   store.Server // what this server said of itself last; so is this
	saidAt time.Time

	away  error     // why the store was not reached the last time; nil: it was. The engine's lock protects it
	since time.Time // when that began
}

// heldNow returns the revision that is held back; 0: none is.
func (k *Kept) heldNow() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		return 0
	}
	return k.held.Revision
}

// Names of the files in the folder of this server.
const (
	decisionsFile = "decisions"
	overridesFile = "overrides"
)

// Keep opens what the sites of the next Offer are kept in, and returns them. A store
// that is away is no error: what this server has kept goes on, and the store is
// looked for until it is there. One that is in use by another process is.
func (e *Engine) Keep(ctx context.Context, cfg Keeping, config *corefile.Config, check func(*site.Site) error) (*Kept, error) {
	overlay := config.Overlay()
	overlay.Require(check)
	k := &Kept{cfg: cfg, log: e.cfg.Log, seed: cfg.Seed, config: config, overlay: overlay, publisher: provision.NewPublisher(overlay)}
	e.kept = k
	if err := k.open(ctx, e); err != nil {
		e.Forget()
		return nil, err
	}
	if before := e.inForceKept(); before != nil && (before.db == nil) == (k.db == nil) {
		k.succeed(e, before)
	} else {
		k.load(e)
	}
	if k.db != nil {
		err := k.catchUp(ctx, e)
		if err == nil {
			e.keepConfiguration()
		}
		e.reached(k, err)
		e.tellKept(k)
	}
	return k, nil
}

// shared reports whether other servers may have the same store.
func (cfg Keeping) shared() bool { return cfg.Store.Driver == "postgres" }

// tellKept tells the operator what of the store is not served.
func (e *Engine) tellKept(k *Kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held != nil {
		e.cfg.Log.Errorf("%v", k.held)
	}
	for _, refused := range k.overlay.Refused() {
		e.cfg.Log.Errorf("refused: %v", refused.Err)
	}
}

// inForceKept returns what the generation in force has; nil: nothing.
func (e *Engine) inForceKept() *Kept {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil {
		return nil
	}
	return e.current.kept
}

// open opens the folder and the store, or takes those of the generation in force.
func (k *Kept) open(ctx context.Context, e *Engine) (err error) {
	before := e.inForceKept()
	if k.cfg.State != "" {
		if k.state, err = openFolder(k.cfg.State, before, e.cfg.Log); err != nil {
			return err
		}
	}
	if k.cfg.Store.Driver == "" {
		return nil
	}
	if before != nil && before.db != nil && before.db.like(k.cfg) {
		k.db = before.db
		return nil
	}
	k.db = newDatabase(k.cfg, e.wakeUp)
	if _, err := k.db.get(ctx); errors.Is(err, store.ErrLocked) {
		return err
	}
	return nil
}

// succeed goes on with what the generation in force has of a store, if there is one. Is
// it another store by now, this is noticed when it is reached.
func (k *Kept) succeed(e *Engine, before *Kept) {
	e.mu.Lock()
	k.known = maps.Clone(before.known)
	e.mu.Unlock()
	if k.db == nil {
		return
	}
	before.mu.Lock()
	defer before.mu.Unlock()
	k.found.Store(before.found.Load())
	k.take(before.publisher.Snapshot(before.store, before.seed))
}

// load goes on with what this server has kept.
func (k *Kept) load(e *Engine) {
	if k.state == nil {
		return
	}
	if k.db != nil {
		if snapshot, found, err := provision.LoadSnapshot(k.state.open); k.state.told(found, err) {
			k.take(snapshot)
			k.found.Store(true)
		}
	}
	var saved decisions
	if k.state.read(decisionsFile, &saved) {
		k.known = saved
	}
	e.loadOverrides(k.state)
}

// lost reports whether the sites of the store were never known to this server.
func (k *Kept) lost() bool { return k != nil && k.db != nil && !k.found.Load() }

// take makes a snapshot what is in force.
func (k *Kept) take(s provision.Snapshot) {
	if s.Seed != "" {
		k.seed = s.Seed
	}
	k.store = s.Store
	k.publisher.Restore(s)
	k.served.Store(s.Revision)
}

// catchUp takes over what the store has that is newer, and who decides says. New
// runners begin with the overrides in force: without a freeze they would move first.
// A start waits a while for each step: what takes longer the follow task does.
func (k *Kept) catchUp(ctx context.Context, e *Engine) error {
	db, err := k.db.get(ctx)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := k.recognize(ctx, db); return err },
		func(ctx context.Context) error { return e.pullOverrides(ctx, k, db) },
		func(ctx context.Context) error {
			began := time.Now()
			outcome, err := k.fetch(ctx, db)
			k.served.Store(k.published())
			if outcome.Published {
				k.tellPublished(outcome.Change, began)
			}
			return err
		},
		func(ctx context.Context) error { return k.adoptDecisions(ctx, e, db) },
	} {
		if err := limited(ctx, openTimeout, step); err != nil {
			return err
		}
	}
	return nil
}

// adoptDecisions has new runners begin with what was decided last, where others may
// have decided meanwhile.
func (k *Kept) adoptDecisions(ctx context.Context, e *Engine, db meeting) error {
	if !k.cfg.shared() {
		return nil
	}
	decided, _, err := e.readDecisions(ctx, db, 0)
	if err != nil {
		return err
	}
	if k.known == nil {
		k.known = make(map[string]control.Saved, len(decided))
	}
	for _, d := range e.parse(decided) {
		if !d.saved.At.Before(k.known[d.site].At) {
			k.known[d.site] = d.saved
		}
	}
	return nil
}

// fetch offers what the store has that is newer to the publisher.
func (k *Kept) fetch(ctx context.Context, db *store.Store) (provision.Outcome, error) {
	revision, objects, err := db.Changes(ctx, k.published())
	if err != nil {
		return provision.Outcome{}, err
	}
	confirmed, err := db.Confirmed(ctx, revision)
	if err != nil {
		return provision.Outcome{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.moved() {
		objects = append(objects, k.publisher.Missing(objects)...)
	}
	outcome := k.publisher.Offer(revision, objects, confirmed)
	k.held = outcome.Held
	if outcome.Published {
		k.store = k.here
	}
	return outcome, nil
}

// tellPublished tells the operator what is answered by from now on.
func (k *Kept) tellPublished(c corefile.Change, began time.Time) {
	k.log.Infof("revision %d is in force: %d sites put, %d removed, in %s", k.serves(), len(c.Put), len(c.Removed), time.Since(began).Round(time.Millisecond))
}

// recognize notes which store it is, and reports whether its seed is another one than
// the clients' keys have.
func (k *Kept) recognize(ctx context.Context, db *store.Store) (sown bool, err error) {
	id, err := db.ID(ctx)
	if err != nil {
		return false, err
	}
	seed, err := db.Seed(ctx, k.cfg.Seed)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	sown = k.seed != seed
	k.seed = seed
	k.reach(id)
	return sown, nil
}

// reach notes that the store is the one of an ID. If it is another one than that of what
// is in force, all of it is compared, until a revision of the new one is in force.
func (k *Kept) reach(id string) {
	if k.here == id {
		return
	}
	k.here = id
	k.publisher.Rebase(false)
	if k.moved() {
		k.log.Errorf("the store is another one than that of revision %d, whose sites stay in force until this one has a revision", k.publisher.Revision())
		k.publisher.Rebase(true)
	}
	k.served.Store(k.publisher.Revision())
}

// moved reports whether the store is another one, of which nothing is in force yet.
func (k *Kept) moved() bool { return k.store != "" && k.store != k.here }

// published returns the revision that the publisher has, which is not served before it
// is applied.
func (k *Kept) published() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.publisher.Revision()
}

// Sites returns the sites of the Corefile and of the store.
func (k *Kept) Sites() []*site.Site { return k.overlay.Sites() }

// CDNs returns the watched CDNs of both.
func (k *Kept) CDNs() []*site.WatchedCDN { return k.overlay.CDNs() }

// Own returns which CDNs of both are our own.
func (k *Kept) Own() map[string]bool { return OwnOf(k.overlay.Blocks()) }

// Seed returns that of the client keys.
func (k *Kept) Seed() string { return k.seed }

// Forget closes what was kept open for an Offer that does not come.
func (e *Engine) Forget() {
	e.closeKept(e.kept, e.inForceKept())
	e.kept = nil
}

// closeKept closes what the one that goes has open, unless the other has it as well.
func (e *Engine) closeKept(goes, stays *Kept) {
	if goes == nil {
		return
	}
	if goes.db != nil && (stays == nil || stays.db != goes.db) {
		goes.db.close()
	}
	if goes.state != nil && (stays == nil || stays.state != goes.state) {
		goes.state.close()
	}
}

// folder is the folder of this server's state.
type folder struct {
	dir  string
	log  Logger
	open *store.StateDir
}

// openFolder opens a folder, or takes that of before, which may be nil.
func openFolder(dir string, before *Kept, log Logger) (*folder, error) {
	if before != nil && before.state != nil && before.state.dir == dir {
		return before.state, nil
	}
	open, err := store.OpenState(dir)
	if err != nil {
		return nil, err
	}
	return &folder{dir: dir, log: log, open: open}, nil
}

// read reads a file, if there is a good one. What was damaged is said.
func (f *folder) read(name string, into any) bool {
	found, err := f.open.Read(name, into)
	return f.told(found, err)
}

// told tells the operator what was damaged, and reports whether there is a good file.
func (f *folder) told(found store.Found, err error) bool {
	if found.Damage != nil {
		f.log.Errorf("state '%s': %v", f.dir, found.Damage)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.log.Errorf("state '%s': %v", f.dir, err)
	}
	return err == nil
}

func (f *folder) close() {
	if err := f.open.Close(); err != nil {
		f.log.Warningf("state '%s': %v", f.dir, err)
	}
}
