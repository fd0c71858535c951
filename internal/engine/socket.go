package engine

// Listen has the next Offer answer on the control socket at a path; the empty
// path is none. A socket that is there already goes on.
func (e *Engine) Listen(path string) error {
	e.offered = nil
	if path == "" {
		return nil
	}
	if e.current != nil && e.current.socket != nil && e.current.socket.Serves(path) {
		e.offered = e.current.socket
		return nil
	}
	server, err := e.api.Listen(path)
	e.offered = server
	return err
}

// closeSocket closes the socket of a generation that goes, unless the one that
// stays has the same.
func (e *Engine) closeSocket(goes, stays *Generation) {
	if goes == nil || goes.socket == nil || stays != nil && stays.socket == goes.socket {
		return
	}
	if err := goes.socket.Close(); err != nil {
		e.cfg.Log.Warningf("%v", err)
	}
}
