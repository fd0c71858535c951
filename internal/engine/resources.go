package engine

import "github.com/cdnredirect/cdnredirect/internal/api"

// resources are what is in the store, one thing at a time.
func (e *Engine) resources() api.Resources {
	c := configuration{e}
	return api.Resources{Documents: c, Identities: identities{c}, Claims: identities{c}, Pushes: pushes{e}, Beginning: beginning{c}, Onboardings: c, Setups: c, Backups: c}
}
