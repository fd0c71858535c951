package store

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// portable is a table as it goes into a dump, and comes out of it.
type portable struct {
	name    string
	columns string // behind its name a column has # for a number, % for a fraction, * for octets, ? for a text that may be NULL
	key     int    // so many of the first columns are the primary key
	leaves  string // a condition on the rows that stay behind; empty: none do
	there   string // of INSERT: what becomes of a row that is there already; empty: the store is not empty then
}

// portables are all tables that a dump has, those first that others refer to. What is
// left out is of this minute only: samples, who decides, and what was answered to writes.
var portables = []portable{
	// The id tells a store from the one that it was made of: servers do not take older
	// revisions of one that they know.
	{"settings", "name value", 1, "name = 'id'", "ON CONFLICT (name) DO UPDATE SET value = excluded.value"},
	{"counters", "name value#", 1, "", "ON CONFLICT (name) DO UPDATE SET value = excluded.value"},
	{"customers", "name title plan created# closed# version#", 1, "", ""},
	{"onboardings", "id number# kind site customer text names base# proof token who operator# why began# state cancelled failure inside# remains# changed# next# published# withdrawn# version#", 1, "", ""},
	{"onboarding_steps", "onboarding number# name cdn state words inside# tries# since# next# mark#", 2, "", ""},
	{"setups", "site cdn customer state asked has wants ttl# revision# since# tries# words next# mark# kept# version#", 2, "", ""},
	{"plans", "name since# currency text", 2, "", ""},
	{"users", "name customer? role secret created# closed# version#", 1, "", ""},
	{"tokens", "hash owner title created# expires# used# id", 1, "", ""},
	{"revisions", "number# at# who customer why changes#", 1, "", ""},
	{"objects", "kind name since# until# customer adopted# text names", 3, "", ""},
	{"names", "site name customer reversed*", 2, "", ""},
	{"claims", "customer name reversed* token begun# proof proved# who onboarding released#", 2, "", ""},
	{"drafts", "customer viewer base# at#", 2, "", ""},
	{"draft_objects", "customer viewer kind name owner adopted# text", 4, "", ""},
	{"confirmations", "revision# at# who", 1, "", ""},
	{"overrides", "id scope name action cdn share% owner reason since# until# cleared#", 1, "", ""},
	{"journal", "number# at# site side share% cdns cause signal value% bound% v% age# detail ttl# override revision# epoch# server", 1, "", ""},
	{"audit", "number# at# who customer what base# revision#", 1, "", ""},
	{"ledger", "server epoch# sequence# begins# ends# customer site cdn unit quantity# source", 3, "", ""},
	{"servers", "name version schema_number# revision# held# refused# alone# decides# seen#", 1, "", "ON CONFLICT (name) DO NOTHING"},
	{"decisions", "site number# server term# epoch# payload*", 1, "", ""},
}

// names are those of the columns.
func (p portable) names() []string {
	return strings.Fields(strings.NewReplacer("#", "", "%", "", "*", "", "?", "").Replace(p.columns))
}

func (p portable) order() string { return strings.Join(p.names()[:p.key], ", ") }

// kinds are the marks behind the columns, by their names; 0 is a text.
func (p portable) kinds() map[string]byte {
	kinds := map[string]byte{}
	for i, column := range strings.Fields(p.columns) {
		kind := column[len(column)-1]
		if !strings.ContainsRune("#%*?", rune(kind)) {
			kind = 0
		}
		kinds[p.names()[i]] = kind
	}
	return kinds
}

// written makes of a value what a dump has of it.
func written(value any) any {
	switch v := value.(type) {
	case *string:
		return *v
	case **string:
		return *v // or null
	case *int64:
		return strconv.FormatInt(*v, 10)
	case *float64:
		return strconv.FormatFloat(*v, 'g', -1, 64) // also what JSON has no numbers for
	case *[]byte:
		return base64.StdEncoding.EncodeToString(*v)
	}
	panic(fmt.Sprintf("a value of type %T", value))
}

// room makes a place to read a value of a kind into.
func room(kind byte) any {
	switch kind {
	case '#':
		return new(int64)
	case '%':
		return new(float64)
	case '*':
		return new([]byte)
	case '?':
		return new(*string)
	}
	return new(string)
}

// value makes of what a dump has what the database gets.
func value(kind byte, s *string) (any, error) {
	if s == nil {
		if kind != '?' {
			return nil, fmt.Errorf("a value is missing")
		}
		return nil, nil
	}
	switch kind {
	case '#':
		return strconv.ParseInt(*s, 10, 64)
	case '%':
		return strconv.ParseFloat(*s, 64)
	case '*':
		return base64.StdEncoding.DecodeString(*s)
	}
	return *s, text("a value", *s)
}
