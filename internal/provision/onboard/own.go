package onboard

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// own is the provider of a CDN whose nodes run nginx or Varnish. It writes the
// configuration of one site, and hands it to the operator's command.
type own struct {
	cdn string
	site.Deploy
	locks *Locks // by CDN: two commands at a time would write the same files
}

// The arguments that the command gets behind its own.
const (
	deployCheck = "check" // whether the nodes would take the files
	deployApply = "apply" // the nodes serve them from now on
	deployUndo  = "undo"  // the files go
)

// Create implements Provider: nothing is applied that was not checked.
func (w *own) Create(ctx context.Context, r Request) (string, error) {
	archive, err := w.archive(r)
	if err != nil {
		return "", Refuse(err)
	}
	unlock, err := w.locks.Lock(ctx, w.cdn)
	if err != nil {
		return "", err
	}
	defer unlock()
	for _, what := range []string{deployCheck, deployApply} {
		if err := w.run(ctx, r, what, archive); err != nil {
			return "", err
		}
	}
	return "", nil
}

// Verify implements Provider: the command has said that it is done, and the nodes are
// asked by a step of their own.
func (w *own) Verify(context.Context, Request) error { return nil }

// Remove implements Provider. The files are in the archive for their names.
func (w *own) Remove(ctx context.Context, r Request) (string, error) {
	archive, err := w.archive(r)
	if err != nil {
		return "", nil // such a site was never set up
	}
	unlock, err := w.locks.Lock(ctx, w.cdn)
	if err != nil {
		return "", err
	}
	defer unlock()
	return "", w.run(ctx, r, deployUndo, archive)
}

// archive is the tar of a site's files, always the same for the same site.
func (w *own) archive(r Request) ([]byte, error) {
	write := writeNginx
	if w.Kind == site.DeployVarnish {
		write = writeVarnish
	}
	name, err := fileName(r)
	if err != nil {
		return nil, err
	}
	text, err := write(r)
	if err != nil {
		return nil, fmt.Errorf("writing the configuration of %s for site '%s': %w", w.Kind, r.name(), err)
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	header := tar.Header{Name: name + extensions[w.Kind], Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}
	if err := t.WriteHeader(&header); err != nil {
		return nil, err
	}
	if _, err := t.Write([]byte(text)); err != nil {
		return nil, err
	}
	err = t.Close() // that writes, too
	return b.Bytes(), err
}

var extensions = map[site.DeployKind]string{site.DeployNginx: ".conf", site.DeployVarnish: ".vcl"}

// What may stand in a configuration as it is. A DNS name may hold anything.
var (
	safeName = regexp.MustCompile(`^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
	safeHost = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
)

// fileName is what a site's file is called: the site's name, and "any" for the asterisk
// of a wildcard, which no name has beside a dot of its own kind.
func fileName(r Request) (string, error) {
	if !safeName.MatchString(r.name()) || len(r.name()) > 200 {
		return "", fmt.Errorf("the name of site '%s' cannot be that of a file: letters, digits, -, _ and dots can", r.name())
	}
	return strings.Replace(r.name(), "*.", "any@", 1), nil
}

// hostsOf returns a site's hosts, none of which can be anything but a word.
func hostsOf(r Request) ([]string, error) {
	for _, host := range r.Site.Hosts {
		if !safeHost.MatchString(host) {
			return nil, fmt.Errorf("'%s' is not a host name", host)
		}
	}
	return r.Site.Hosts, nil
}
