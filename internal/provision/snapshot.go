package provision

import (
	"errors"
	"fmt"
	"io"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Snapshot is the configuration as a server keeps it for the time when the store
// is away.
type Snapshot struct {
	Revision int64
	Store    string        // the ID of the store that it is of
	Seed     string        // of the clients' keys, from the store
	Objects  []site.Object // in force
	Waiting  []site.Object // newer ones that are refused
}

// Keeper keeps payloads by name: a *store.StateDir.
type Keeper interface {
	Write(name string, payload any) error
	Read(name string, into any) (store.Found, error)
}

// snapshotName is what snapshots are kept under.
const snapshotName = "configuration"

// Save keeps the snapshot.
func (s Snapshot) Save(k Keeper) error { return k.Write(snapshotName, s) }

// LoadSnapshot returns the snapshot that was kept last and can be read, or an
// fs.ErrNotExist.
func LoadSnapshot(k Keeper) (s Snapshot, found store.Found, err error) {
	found, err = k.Read(snapshotName, &s)
	return s, found, err
}

// Snapshot returns what is in force, with the store that it is of and the seed that
// it is served with.
func (p *Publisher) Snapshot(id, seed string) Snapshot {
	return Snapshot{Revision: p.revision, Store: id, Seed: seed, Objects: p.overlay.Objects(), Waiting: p.overlay.Waiting()}
}

// Restore puts a snapshot in force, unless something is that is as new, and
// reports whether it did. It holds nothing back: all of it has been in force.
func (p *Publisher) Restore(s Snapshot) bool {
	if s.Revision <= p.revision && (p.revision > 0 || s.Objects == nil) {
		return false
	}
	p.revision, p.held = s.Revision, nil
	p.overlay.Apply(s.Objects)
	p.overlay.Apply(s.Waiting)
	return true
}

// snapshotHead begins a file.
type snapshotHead struct {
	Revision int64  `json:"revision"`
	Store    string `json:"store"`
	Seed     string `json:"seed"`
	Objects  int    `json:"objects"` // so many follow
	Waiting  int    `json:"waiting"` // and then so many of these
}

// record is an object in a file. Its names stay, whatever becomes of the type's.
type record struct {
	Kind     site.ObjectKind `json:"kind"`
	Name     string          `json:"name"`
	Customer string          `json:"customer,omitempty"`
	Text     string          `json:"text,omitempty"`
	Adopted  bool            `json:"adopted,omitempty"`
	Revision int64           `json:"revision"`
}

// EncodeState implements store.StateEncoder.
func (s Snapshot) EncodeState(encode func(any) error) error {
	if err := encode(snapshotHead{s.Revision, s.Store, s.Seed, len(s.Objects), len(s.Waiting)}); err != nil {
		return err
	}
	for _, objects := range [][]site.Object{s.Objects, s.Waiting} {
		for _, o := range objects {
			if err := encode(record(o)); err != nil {
				return err
			}
		}
	}
	return nil
}

// DecodeState implements store.StateDecoder.
func (s *Snapshot) DecodeState(decode func(any) error) (err error) {
	var head snapshotHead
	if err := decode(&head); err != nil {
		return fmt.Errorf("reading the head of a snapshot: %w", err)
	}
	s.Revision, s.Store, s.Seed = head.Revision, head.Store, head.Seed
	if s.Objects, err = decodeObjects(decode, head.Objects); err == nil {
		s.Waiting, err = decodeObjects(decode, head.Waiting)
	}
	return err
}

func decodeObjects(decode func(any) error, count int) (objects []site.Object, err error) {
	for i := range count {
		var r record
		err := decode(&r)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("reading object %d of %d: %w", i+1, count, err)
		}
		objects = append(objects, site.Object(r))
	}
	return objects, nil
}
