package corefile

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// discreet is an error about a line, without what may be a secret there: errors
// go to the log.
type discreet struct {
	error
	secrets []string
}

func (d discreet) Unwrap() error { return d.error }

// What may be a secret in a URL.
var (
	userPart  = regexp.MustCompile(`://[^/?\s']*@`)
	queryPart = regexp.MustCompile(`(://[^?\s']*\?)[^\s']+`)
)

func (d discreet) Error() string {
	text := userPart.ReplaceAllString(d.error.Error(), "://...@")
	text = queryPart.ReplaceAllString(text, "$1...")
	for _, secret := range d.secrets {
		text = strings.ReplaceAll(text, secret, "...")
	}
	return text
}

// secrets returns what may be one in the line: the value of a header, a community or
// a webhook's secret, and the words behind it, which belong to it where quotes were
// forgotten; all of a connection string, and what stands where one belongs.
func (n node) secrets() []string {
	var secrets []string
	if n.name() == "store" && len(n.words) > 2 {
		secrets = connection(n.words[2:], n.words[1] == "sqlite")
	}
	for i, word := range n.words {
		if word == "header" && len(n.words) > i+1 {
			_, value, _ := strings.Cut(n.words[i+1], ":")
			secrets = append(secrets, pieces(value)...)
			secrets = append(secrets, valueIn(n.words[i+2:])...)
		}
		if word == "community" || n.name() == "webhook" && word == "secret" {
			secrets = append(secrets, valueIn(n.words[i+1:])...)
		}
	}
	return secrets
}

// connection returns what may be a secret in the words behind a kind of store:
// anything but the files behind tls. Where a file belongs, it is what looks like a
// connection string.
func connection(words []string, file bool) (secrets []string) {
	for i, word := range words {
		plain := i > 0 && (word == "tls" || filepath.IsAbs(word))
		if plain || file && !strings.Contains(word, "=") || word == "" {
			continue
		}
		secrets = append(append(secrets, word), pieces(word)...)
		if _, value, found := strings.Cut(word, "="); found {
			secrets = append(secrets, pieces(value)...)
		}
	}
	return secrets
}

// valueIn returns the pieces of the first word, and of those up to the next
// option.
func valueIn(words []string) (value []string) {
	for i, word := range words {
		if i > 0 && isOption(word) {
			break
		}
		value = append(value, pieces(word)...)
	}
	return value
}

// isOption reports whether a word may be behind the value of another.
func isOption(word string) bool {
	known := []string{"every", "timeout", "header"}
	for _, kinds := range []map[string]sourceKind{probeKinds, feedKinds} {
		for _, kind := range kinds {
			if kind.more != nil {
				known = append(known, optionWords(kind.more(new(site.Source)))...)
			}
		}
	}
	return slices.Contains(known, word)
}

// shortest is the length from which on a piece of text can be a secret.
const shortest = 4

// pieces takes a value apart, as an error may quote it. One that is kept
// elsewhere is not one.
func pieces(value string) []string {
	if strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:") {
		return nil
	}
	return slices.DeleteFunc(strings.Fields(value), func(piece string) bool { return len(piece) < shortest })
}
