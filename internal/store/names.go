package store

import (
	"strings"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// spot is where a DNS name or a host stands in the tree of names. A key is labels from
// the root down, each with a dot behind it: what is below a name begins with its key.
// A wildcard has the key of the name that it stands below, because it answers for all
// that is there.
type spot struct {
	name string   // canonical, without a final dot
	path []string // the keys of all names above it, from the top, and its own
}

func (s spot) key() string    { return s.path[len(s.path)-1] }
func (s spot) wildcard() bool { return strings.HasPrefix(s.name, "*.") }

func spotOf(name string) (spot, error) {
	canonical, err := site.CanonicalName(name)
	if err != nil {
		return spot{}, fail(ErrInvalid, "%v", err)
	}
	canonical = strings.TrimSuffix(canonical, ".")
	s := spot{name: canonical}
	labels := dns.SplitDomainName(strings.TrimPrefix(canonical, "*."))
	if len(labels) == 0 || canonical == "*" || strings.Contains(canonical, " ") {
		return spot{}, fail(ErrInvalid, "'%s' is no name that somebody could have", name)
	}
	key := ""
	for i := len(labels) - 1; i >= 0; i-- {
		key += labels[i] + "."
		s.path = append(s.path, key)
	}
	return s, nil
}

// after is the first key that is not below one any more.
func after(key string) string { return key[:len(key)-1] + "/" } // which follows the dot

// covers reports whether a claim to s is one to a name, too: to itself and to all that is
// below it; one to a wildcard is not to the name that it stands below.
func (s spot) covers(name spot) bool {
	if !strings.HasPrefix(name.key(), s.key()) {
		return false
	}
	return name.key() != s.key() || !s.wildcard() || name.wildcard()
}
