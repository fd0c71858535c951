package engine

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// console is what one Corefile says of the API's address, with what that needs.
type console struct {
	server *api.Console
	config func() *tls.Config // nil: HTTP without TLS
	end    context.CancelFunc
	tasks  sync.WaitGroup
}

// Console has the next Offer answer the API at an address, once it is in force; nil is
// none. A socket that is open already goes on.
func (e *Engine) Console(said *site.Console) error {
	e.console = nil
	if said == nil {
		return nil
	}
	e.Invite() // who comes over it has no token yet
	c, err := e.openConsole(*said)
	e.console = c
	return err
}

func (e *Engine) openConsole(said site.Console) (*console, error) {
	ctx, cancel := context.WithCancel(e.ctx)
	c := &console{end: cancel}
	if said.Secure() {
		files, err := redirect.NewFiles([]site.KeyPair{said.Certificate}, e.cfg.Log)
		if err != nil {
			cancel()
			return nil, fmt.Errorf("opening console '%s': %w", said.Address, err)
		}
		c.config = files.Config
		c.tasks.Go(func() { files.Watch(ctx) })
	}
	if e.current != nil && e.current.console != nil && e.current.console.server.Addr() == said.Address {
		c.server = e.current.console.server
		return c, nil
	}
	var err error
	complaints := redirect.NewComplaints(fmt.Sprintf("console '%s'", said.Address), e.cfg.Log)
	if c.server, err = e.api.OpenConsole(said.Address, complaints); err != nil {
		c.rest()
		return nil, err
	}
	return c, nil
}

// rest ends what the console needs beside its server.
func (c *console) rest() {
	c.end()
	c.tasks.Wait()
}

// closeConsole closes the console of a generation that goes, unless the one that stays
// has the same socket.
func (e *Engine) closeConsole(goes, stays *Generation) {
	if goes == nil || goes.console == nil {
		return
	}
	if stays == nil || stays.console == nil || stays.console.server != goes.console.server {
		if err := goes.console.server.Close(); err != nil {
			e.cfg.Log.Warningf("%v", err)
		}
	}
	goes.console.rest()
}
