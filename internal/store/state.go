package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"
)

// StateDir is the folder in which one server keeps what it needs to go on with
// everything else gone. It holds payloads by name; of each there are two files,
// the newest and the one before it, so that at every moment one is whole.
type StateDir struct {
	dir string

	mu      sync.Mutex
	lock    *os.File               // nil: closed
	writers map[string]*sync.Mutex // by name, held while a payload is written: that may take long
}

// Found says which file a payload was read from.
type Found struct {
	At     time.Time // when it was written
	Old    bool      // it is the one before the newest
	Damage error     // with Old: what is wrong with the newest
}

// The ends of the names of files beside the newest.
const (
	oldSuffix   = ".old"
	tempSuffix  = ".tmp"
	newerSuffix = ".newer-" // of a format that we do not know, moved aside
)

// OpenState opens a folder, makes it if it is missing, and keeps other processes
// out of it until Close.
func OpenState(dir string) (*StateDir, error) {
	d, err := openState(dir)
	if err != nil {
		return nil, fmt.Errorf("opening state folder '%s': %w", dir, err)
	}
	return d, nil
}

func openState(dir string) (*StateDir, error) {
	if err := makeStateDir(dir); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	removeLeftovers(dir)
	return &StateDir{dir: dir, lock: lock, writers: make(map[string]*sync.Mutex)}, nil
}

// makeStateDir makes a folder, but none above it: those are not ours alone.
func makeStateDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncState(filepath.Dir(dir))
}

// removeLeftovers removes what a process left that died while it wrote. One that
// cannot be removed does no harm: the next Write begins it anew.
func removeLeftovers(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"+tempSuffix))
	for _, file := range files {
		os.Remove(file)
	}
}

// Close lets other processes in, once what is being written is.
func (d *StateDir) Close() error {
	d.mu.Lock()
	lock := d.lock
	d.lock = nil // nobody begins to write any more
	writers := slices.Collect(maps.Values(d.writers))
	d.mu.Unlock()
	if lock == nil {
		return nil
	}
	for _, w := range writers {
		w.Lock()
		defer w.Unlock()
	}
	return lock.Close()
}

// Write keeps a payload under a name, as JSON; see StateEncoder for a long one.
// When it returns without an error the payload is on the disk. Whatever happens
// before, what was there can be read.
func (d *StateDir) Write(name string, payload any) error {
	if err := d.write(name, payload); err != nil {
		return fmt.Errorf("writing state '%s': %w", filepath.Join(d.dir, name), err)
	}
	return nil
}

func (d *StateDir) write(name string, payload any) error {
	path, done, err := d.begin(name)
	if err != nil {
		return err
	}
	defer done()
	temp := path + tempSuffix
	if err := writeState(temp, payload); err != nil {
		os.Remove(temp) // a disk that is full needs the room
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.replace(path, temp); err != nil {
		os.Remove(temp)
		return err
	}
	return syncState(d.dir)
}

// begin keeps others from writing under a name until done, and leaves them all else.
func (d *StateDir) begin(name string) (path string, done func(), err error) {
	d.mu.Lock()
	if _, err = d.path(name); err != nil {
		d.mu.Unlock()
		return "", nil, err
	}
	if d.writers[name] == nil {
		d.writers[name] = new(sync.Mutex)
	}
	writer := d.writers[name]
	d.mu.Unlock()
	writer.Lock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if path, err = d.path(name); err != nil { // it was closed meanwhile
		writer.Unlock()
	}
	return path, writer.Unlock, err
}

// replace puts temp in the place of the newest file. That becomes the old one,
// unless it cannot be read: then the old one is the only one that can.
func (d *StateDir) replace(path, temp string) error {
	switch err := checkState(path); {
	case errors.As(err, new(*newerStateError)):
		if _, err := setAside(path); err != nil {
			return err
		}
	case err == nil:
		if err := os.Rename(path, path+oldSuffix); err != nil {
			return err
		}
	}
	return os.Rename(temp, path)
}

// Read reads what was written last under a name into what into points to, as a
// whole or not at all. It takes the file before the newest if that cannot be
// read, and says so. A file of a newer format is moved aside, so that nobody
// writes over it. Without any file the error is an fs.ErrNotExist.
func (d *StateDir) Read(name string, into any) (Found, error) {
	found, err := d.read(name, into)
	if err != nil {
		return Found{}, fmt.Errorf("reading state '%s': %w", filepath.Join(d.dir, name), err)
	}
	return found, nil
}

func (d *StateDir) read(name string, into any) (Found, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path, err := d.path(name)
	if err != nil {
		return Found{}, err
	}
	at, err := d.readOrSetAside(path, into)
	if err == nil {
		return Found{At: at}, nil
	}
	at, oldErr := d.readOrSetAside(path+oldSuffix, into)
	switch {
	case oldErr == nil:
		return Found{At: at, Old: true, Damage: err}, nil
	case errors.Is(oldErr, fs.ErrNotExist):
		return Found{}, err
	case errors.Is(err, fs.ErrNotExist):
		return Found{}, oldErr
	}
	return Found{}, errors.Join(err, oldErr)
}

// readOrSetAside reads a file, or moves it aside if it is of a newer format, and
// says where it is then.
func (d *StateDir) readOrSetAside(path string, into any) (time.Time, error) {
	at, err := readState(path, into)
	if !errors.As(err, new(*newerStateError)) {
		return at, err
	}
	aside, failed := setAside(path)
	if failed != nil {
		return at, errors.Join(err, failed)
	}
	return at, fmt.Errorf("%w: it is '%s' now", err, aside)
}

// setAside moves a file of a newer format to a name that is free.
func setAside(path string) (aside string, err error) {
	for n := 1; ; n++ {
		aside = fmt.Sprintf("%s%s%d", path, newerSuffix, n)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		if err := os.Rename(path, aside); err != nil {
			return "", fmt.Errorf("moving a file of a newer format aside: %w", err)
		}
		return aside, nil
	}
}

// stateName is what a payload may be called: nothing that leads elsewhere, or is
// the name of another file of ours.
var stateName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func (d *StateDir) path(name string) (string, error) {
	if d.lock == nil {
		return "", fmt.Errorf("the state folder is closed: %w", os.ErrClosed)
	}
	if !stateName.MatchString(name) || name == "lock" {
		return "", fmt.Errorf("'%s' is no name for a state: use letters, digits and '-'", name)
	}
	return filepath.Join(d.dir, name), nil
}

// syncState puts on the disk which names the files of a folder have.
func syncState(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
