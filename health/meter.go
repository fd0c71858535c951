package health

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

type meter struct{}

func (m *meter) samples(at time.Time, readings []Reading) ([]site.Sample, error) { return nil, nil }
func (m *meter) eager() bool                                                     { return false }
