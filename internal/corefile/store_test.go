package corefile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
)

const (
	aStore   = "store sqlite /var/lib/cdnredirect/store.db"
	aState   = "state /var/lib/cdnredirect"
	noDSN    = `the connection string is neither a postgres:// URL nor words such as "host=HOST dbname=NAME"`
	unquoted = `a connection string of several words needs quotes: write store postgres "host=HOST dbname=NAME"`
)

// storeErrors are the rules of the store, and of what belongs to it.
var storeErrors = []fileError{
	{"store alone", example("store"), "3 - Error during parsing: " + wrongArgs + "'store'"},
	{"store of no kind", example("store mysql /a"), "3 - Error during parsing: unknown store 'mysql': sqlite, postgres are known"},
	{"sqlite without a file", example("store sqlite"), "3 - Error during parsing: " + wrongArgs + "'sqlite'"},
	{"sqlite in two files", example("store sqlite /a /b"), "3 - Error during parsing: " + wrongArgs + "'/b'"},
	{"sqlite in a relative file", example("store sqlite store.db"), "3 - Error during parsing: 'store.db' is not an absolute path"},
	{"sqlite in memory", example("store sqlite :memory:"), "3 - Error during parsing: ':memory:' is not an absolute path"},
	{"postgres without a connection string", example("store postgres"), "3 - Error during parsing: " + wrongArgs + "'postgres'"},
	{"postgres of nothing", example(`store postgres ""`), "3 - Error during parsing: " + noDSN},
	{"postgres of a host", example("store postgres db.example.net"), "3 - Error during parsing: " + noDSN},
	{"postgres over HTTP", example("store postgres https://db.example.net/"), "3 - Error during parsing: " + noDSN},
	{"postgres of a bad URL", example("store postgres postgres://db.example.net:x/"), "3 - Error during parsing: " + noDSN},
	{"postgres of a bad query", example("store postgres postgres://db.example.net/?a=%zz"), "3 - Error during parsing: " + noDSN},
	{"postgres of words without a value", example(`store postgres "host=db user"`), "3 - Error during parsing: " + noDSN},
	{"postgres without quotes", example("store postgres host=db user=cdnredirect"), "3 - Error during parsing: " + unquoted},
	{"postgres with another word", example("store postgres host=db ssl"), "3 - Error during parsing: unexpected words behind the connection string: tls is known"},
	{"tls with too many files", example("store postgres host=db tls /a /b /c /d"), "3 - Error during parsing: " + wrongArgs + "'/d'"},
	{"tls with a relative file", example("store postgres host=db tls ca.pem"), "3 - Error during parsing: file 1 of 'tls' is not an absolute path"},
	{"tls twice", example(`store postgres "host=db sslmode=disable" tls`), "3 - Error during parsing: the connection string says 'sslmode', and 'tls' behind it says how to encrypt, too: leave one of them out"},
	{"tls twice, of a URL", example("store postgres postgres://db/?user=a&sslrootcert=/a tls /b"), "3 - Error during parsing: the connection string says 'sslrootcert', and 'tls' behind it says how to encrypt, too: leave one of them out"},
	{"two stores", example(aStore, aStore), "4 - Error during parsing: store is already given at Corefile:3"},
	{"store with a block", example(aStore+" {", "}"), "3 - Error during parsing: unexpected '{' after 'store sqlite /var/lib/cdnredirect/store.db': a property has no block"},
	{"store without state", example("# why", aStore), "4 - Error during parsing: store needs a folder of this server beside it, for what it goes on with when the store is away: write 'state /var/lib/cdnredirect'"},

	{"state alone", example("state"), "3 - Error during parsing: " + wrongArgs + "'state'"},
	{"relative state", example("state cdnredirect"), "3 - Error during parsing: 'cdnredirect' is not an absolute path"},
	{"two states", example("state /a /b"), "3 - Error during parsing: " + wrongArgs + "'/b'"},
	{"state in two blocks", example(aState) + example(aState), "8 - Error during parsing: state is already given at Corefile:3"},

	{"server alone", example("server"), "3 - Error during parsing: " + wrongArgs + "'server'"},
	{"server of two names", example("server a b"), "3 - Error during parsing: " + wrongArgs + "'b'"},
	{"server of no name", example(`server "ns 1"`), "3 - Error during parsing: 'ns 1' is not a name of a server: begin with a letter or a digit, go on with letters, digits, -, . and _, at most 253"},
	{"server of a long name", example("server " + strings.Repeat("a", 254)), "3 - Error during parsing: '" + strings.Repeat("a", 254) + "' is not a name of a server: begin with a letter or a digit, go on with letters, digits, -, . and _, at most 253"},
	{"server twice", example("server a", "server a"), "4 - Error during parsing: server is already given at Corefile:3"},

	{"journal without a store", example("journal keep 24h"), "3 - Error during parsing: journal needs a store that keeps it: write 'store sqlite FILE' or 'store postgres DSN'"},
	{"journal with another word", example("journal for 24h"), "3 - Error during parsing: unknown word 'for': keep, rows are known"},
	{"journal of no time", example("journal keep 0s"), "3 - Error during parsing: invalid duration '0s': it must be above zero"},
	{"journal without a unit", example("journal keep 90"), "3 - Error during parsing: invalid duration '90': write a unit, such as 300ms or 10s"},
	{"journal of no rows", example("journal rows 0"), "3 - Error during parsing: invalid number '0': it must be at least 1"},
	{"journal of half a row", example("journal rows 1.5"), "3 - Error during parsing: invalid number '1.5': write a whole number, such as 3"},
	{"journal with a word alone", example("journal keep"), "3 - Error during parsing: " + wrongArgs + "'keep'"},
	{"journal that repeats itself", example("journal rows 1 rows 2"), "3 - Error during parsing: 'rows' is repeated in 'journal'"},
	{"two journals", example("journal rows 1", "journal rows 2"), "4 - Error during parsing: journal is already given at Corefile:3"},
}

// TestStoreAcrossBlocks has what belongs together stand in two server blocks.
func TestStoreAcrossBlocks(t *testing.T) {
	if _, _, err := loadAll(t, "Corefile", example("journal rows 5", aStore)+example(aState)); err != nil {
		t.Error(err)
	}
}

// TestConnectionStrings are taken over as they are.
func TestConnectionStrings(t *testing.T) {
	for _, dsn := range []string{
		"postgres://db.example.net/cdnredirect", "postgresql://a:b@db.example.net:5433,db2.example.net:5433/cdnredirect?sslmode=verify-full", "postgres:///cdnredirect?host=/run/postgresql",
		"host=db.example.net", "host = db user=a password='b c' dbname='it\\'s'", "host=db password=", " host=db ",
	} {
		if got := said(t, `store postgres "`+dsn+`"`).Store; got.Source != dsn || got.Driver != "postgres" || got.TLS != nil {
			t.Errorf("%s: Expected it unchanged, got %+v", dsn, got)
		}
	}
}

// TestConnectionStringsStayInside has no error quote a password, whatever is wrong
// with the line.
func TestConnectionStringsStayInside(t *testing.T) {
	const canary = "s3cr3tCanary"
	for _, line := range []string{
		"store postgres postgres://a:CANARY@db.example.net:x/", "store postgres postgres://a:CANARY/x?y@db.example.net/ tls a",
		"store postgres \"host=db password=CANARY\" tls a", "store postgres host=db password=CANARY", "store postgres host=db password = CANARY",
		"store postgres \"host=db password='CANARY\"", "store postgres \"host=db password='a CANARY' x\"", "store postgres CANARY", "store postgres host=db tls password=CANARY",
		"store postgres host=db tls /a CANARY", "store postgres \"host=db password=CANARY\" tls {\n}", "store postgres \"password='a \\' CANARY'\" {\n}", "store postgres postgres://a:CANARY@db/ {\n}",
		"store postgres postgres://db/?password=CANARY&a=%zz", "store postgres postgres://a:CANARY@db/ tls /a /b /c /d CANARY", "store postgres postgres://a:CANARY@db/",
		"store sqlite postgres://a:CANARY@db/", "store sqlite password=CANARY", "store postgre password=CANARY {\n}", "store postgres postgres://a:CANARY@db/?sslmode=disable tls",
		"store postgres postgres://a:CANARY@db/\nstore postgres postgres://a:CANARY@db/", "store postgres host=db 'password=CANARY'",
	} {
		_, _, err := loadAll(t, "Corefile", example(strings.ReplaceAll(line, "CANARY", canary)))
		if err == nil {
			t.Errorf("%s: Expected an error", line)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: Expected no secret in %v", line, err)
		}
	}
}

// TestStoreEffects are those of each word of the line.
func TestStoreEffects(t *testing.T) {
	for line, want := range map[string]corefile.Store{
		"store sqlite /var/../a.db":         {Driver: "sqlite", Source: "/a.db"},
		"store postgres host=db":            {Driver: "postgres", Source: "host=db"},
		"store postgres host=db tls":        {Driver: "postgres", Source: "host=db", TLS: []string{}},
		"store postgres host=db tls /ca":    {Driver: "postgres", Source: "host=db", TLS: []string{"/ca"}},
		"store postgres host=db tls /c /k":  {Driver: "postgres", Source: "host=db", TLS: []string{"/c", "/k"}},
		"store postgres host=a tls /c /k /": {Driver: "postgres", Source: "host=a", TLS: []string{"/c", "/k", "/"}},
	} {
		got := said(t, line).Store
		same := got.Driver == want.Driver && got.Source == want.Source && slices.Equal(got.TLS, want.TLS) && (got.TLS == nil) == (want.TLS == nil)
		if !same || got.Place != "Corefile:2" || !got.On() {
			t.Errorf("%s: Expected %+v, got %+v", line, want, got)
		}
	}
	if said(t).Store.On() {
		t.Error("Expected no store without a line")
	}
}
