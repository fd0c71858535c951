package corefile

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Store is where the configuration is kept that does not stand in the Corefile.
type Store struct {
	Driver string   // sqlite or postgres; empty: there is no store
	Source string   // the absolute path of a file, or a connection string of PostgreSQL, which may hold a secret
	TLS    []string // with postgres and tls: none to three files, as CoreDNS's tls takes them; nil: without tls
	Place  string   // where it is written, as file:line
}

// On reports whether there is a store.
func (s Store) On() bool { return s.Driver != "" }

// Journal says which decisions the store keeps.
type Journal struct {
	Keep time.Duration // the age of the oldest
	Rows int           // how many
}

// Of the journal, where nothing else is said.
const (
	DefaultKeep = 90 * 24 * time.Hour
	DefaultRows = 1_000_000
)

// checkStore refuses what only stands beside something that is not there. It is
// asked once all blocks are read.
func (p *Process) checkStore() error {
	store, journal, console := p.given["store"], p.given["journal"], p.given["console"]
	switch {
	case p.Store.On() && p.State == "":
		return store.errorf("store needs a folder of this server beside it, for what it goes on with when the store is away: write 'state /var/lib/cdnredirect'")
	case !p.Store.On() && journal.words != nil:
		return journal.errorf("journal needs a store that keeps it: write 'store sqlite FILE' or 'store postgres DSN'")
	case !p.Store.On() && console.words != nil:
		return console.errorf("console needs a store that knows who may use it: write 'store sqlite FILE' or 'store postgres DSN'")
	}
	return nil
}

// readStore reads: store sqlite FILE, or store postgres DSN [tls [CERT KEY] [CA]]
func readStore(n node) (s Store, err error) {
	args := n.args()
	if len(args) == 0 {
		return s, n.argError()
	}
	s.Place = n.place()
	if err := choice(&s.Driver, "store", "sqlite", "postgres")(args[0]); err != nil {
		return s, err
	}
	if s.Driver == "sqlite" {
		n.words = n.words[1:]
		return s, one(n, into(&s.Source, absolute))
	}
	if len(args) == 1 {
		return s, n.argError()
	}
	s.Source = args[1]
	if s.TLS, err = readStoreTLS(n, args[2:]); err != nil {
		return s, err
	}
	return s, s.checkDSN()
}

// readStoreTLS reads what stands behind a connection string, and quotes none of it:
// where quotes were forgotten it is a part of the string.
func readStoreTLS(n node, words []string) ([]string, error) {
	switch {
	case len(words) == 0:
		return nil, nil
	case words[0] != "tls" && strings.Contains(words[0], "="):
		return nil, errors.New(`a connection string of several words needs quotes: write store postgres "host=HOST dbname=NAME"`)
	case words[0] != "tls":
		return nil, errors.New("unexpected words behind the connection string: tls is known")
	case len(words) > 4:
		return nil, n.argError()
	}
	files := []string{}
	for i, word := range words[1:] {
		file, err := absolute(word)
		if err != nil {
			return nil, fmt.Errorf("file %d of 'tls' is not an absolute path", i+1)
		}
		files = append(files, file)
	}
	return files, nil
}

// checkDSN accepts both forms of a connection string, and quotes none of them: it
// may hold a password.
func (s Store) checkDSN() error {
	words, err := dsnWords(s.Source)
	if err != nil {
		return err
	}
	encrypts := func(w dsnWord) bool { return strings.HasPrefix(w.key, "ssl") }
	if i := slices.IndexFunc(words, encrypts); i >= 0 && s.TLS != nil {
		return fmt.Errorf("the connection string says '%s', and 'tls' behind it says how to encrypt, too: leave one of them out", words[i].key)
	}
	return nil
}

// dsnWord is one thing that a connection string says.
type dsnWord struct{ key, value string }

// errDSN does not quote: what cannot be read may hold a password anywhere.
var errDSN = errors.New(`the connection string is neither a postgres:// URL nor words such as "host=HOST dbname=NAME"`)

// dsnWords takes a connection string apart. Of a URL only its query, and its
// password, are words.
func dsnWords(dsn string) ([]dsnWord, error) {
	if !isPostgresURL(dsn) {
		return keyedWords(dsn)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errDSN
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errDSN
	}
	var words []dsnWord
	for key, values := range query {
		words = append(words, dsnWord{key, strings.Join(values, ",")})
	}
	slices.SortFunc(words, func(a, b dsnWord) int { return strings.Compare(a.key, b.key) })
	return words, nil
}

func isPostgresURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// keyedWord is one word of a connection string, with single quotes around a value
// that has spaces in it.
var keyedWord = regexp.MustCompile(`^\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(\s+|$)`)

func keyedWords(dsn string) (words []dsnWord, err error) {
	for rest := strings.TrimSpace(dsn); rest != ""; {
		m := keyedWord.FindStringSubmatch(rest)
		if m == nil {
			return nil, errDSN
		}
		words, rest = append(words, dsnWord{m[1], m[2]}), rest[len(m[0]):]
	}
	if len(words) == 0 {
		return nil, errDSN
	}
	return words, nil
}

// readJournal reads: journal [keep D] [rows N]
func readJournal(j *Journal, n node) error {
	return readOptions(n, n.args(), option{"keep", positive(&j.Keep)}, option{"rows", into(&j.Rows, natural)})
}

var serverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$`)

// ownName reads the name of a server.
func ownName(word string) (string, error) {
	if !serverName.MatchString(word) {
		return "", fmt.Errorf("'%s' is not a name of a server: begin with a letter or a digit, go on with letters, digits, -, . and _, at most 253", word)
	}
	return word, nil
}
