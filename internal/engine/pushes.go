package engine

import (
	"errors"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// pushes takes what hosts push by the API; see api.Pushes.
type pushes struct{ e *Engine }

// Push implements api.Pushes.
func (p pushes) Push(push site.Push) error {
	err := p.e.Push(push)
	for of, kind := range map[error]error{
		health.ErrNoReader: api.ErrNoReader, health.ErrRepeated: api.ErrRepeated, health.ErrOutOfTime: api.ErrImprobable, health.ErrImprobable: api.ErrImprobable,
	} {
		if errors.Is(err, of) {
			return refusedPush{err, kind}
		}
	}
	return err
}

// refusedPush is an error of health that has a kind of the API's as well.
type refusedPush struct {
	error
	kind error
}

func (r refusedPush) Is(target error) bool { return target == r.kind }
