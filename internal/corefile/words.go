package corefile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// setter takes a word for a value.
type setter func(word string) error

// into stores what parse makes of a word.
func into[T any](value *T, parse func(string) (T, error)) setter {
	return func(word string) error {
		parsed, err := parse(word)
		if err != nil {
			return err
		}
		*value = parsed
		return nil
	}
}

// positive stores a duration where zero would mean the default.
func positive(value *time.Duration) setter {
	return func(word string) error {
		d, err := duration(word)
		if err != nil {
			return err
		}
		if d <= 0 {
			return fmt.Errorf("invalid duration '%s': it must be above zero", word)
		}
		*value = d
		return nil
	}
}

// choice stores one of a fixed list of words.
func choice[T ~string](value *T, what string, allowed ...T) setter {
	return func(word string) error {
		if !slices.Contains(allowed, T(word)) {
			return unknown(what, word, texts(allowed)...)
		}
		*value = T(word)
		return nil
	}
}

// texts returns words as plain strings.
func texts[T ~string](words []T) []string {
	plain := make([]string, len(words))
	for i, word := range words {
		plain[i] = string(word)
	}
	return plain
}

// one reads a line that has one word behind the property.
func one(n node, set setter) error {
	if len(n.args()) != 1 {
		return n.argError()
	}
	return set(n.args()[0])
}

// list reads a line that has one or more words behind the property, none of
// them twice.
func list[T comparable](n node, parse func(string) (T, error)) ([]T, error) {
	if len(n.args()) == 0 {
		return nil, n.argError()
	}
	values := make([]T, 0, len(n.args()))
	for _, word := range n.args() {
		value, err := parse(word)
		if err != nil {
			return nil, err
		}
		if slices.Contains(values, value) {
			return nil, fmt.Errorf("'%s' is repeated in '%s'", word, n.name())
		}
		values = append(values, value)
	}
	return values, nil
}

// option is a word with a value behind it that a property may have.
type option struct {
	word string
	set  setter
}

// readOptions reads words and their values, in any order, each at most once.
func readOptions(n node, words []string, options ...option) error {
	given := make(map[string]bool)
	for ; len(words) > 0; words = words[2:] {
		word := words[0]
		i := slices.IndexFunc(options, func(o option) bool { return o.word == word })
		switch {
		case len(options) == 0:
			return n.argError()
		case i < 0:
			return unknown("word", word, optionWords(options)...)
		case given[word]:
			return fmt.Errorf("'%s' is repeated in '%s'", word, n.name())
		case len(words) == 1:
			return n.argError()
		}
		given[word] = true
		if err := options[i].set(words[1]); err != nil {
			return err
		}
	}
	return nil
}

// readFlag reads a word that a property may end with.
func readFlag(n node, words []string, flag string, value *bool) error {
	switch {
	case len(words) == 0:
		return nil
	case len(words) > 1:
		return n.argError()
	case words[0] != flag:
		return unknown("word", words[0], flag)
	}
	*value = true
	return nil
}

// optionWords lists the words of options.
func optionWords(options []option) []string {
	words := make([]string, len(options))
	for i, o := range options {
		words[i] = o.word
	}
	return words
}

// checkWord refuses an empty name, which quotes make possible.
func checkWord(what, name string) error {
	if name == "" {
		return fmt.Errorf("invalid name '' of a %s: write a word", what)
	}
	return nil
}

// domainName reads a name, written in full, of something below the root.
func domainName(word string) (string, error) {
	name, err := site.CanonicalName(word)
	if err != nil {
		return "", err
	}
	if name == "." {
		return "", fmt.Errorf("'%s' is the root of all names: write a name such as www.example.org", word)
	}
	return name, nil
}

// refuseOrigin refuses {origin} in what is to be a name.
func refuseOrigin(what, word string) error {
	if strings.Contains(word, "{origin}") {
		return fmt.Errorf("invalid %s '%s': {origin} stands for addresses, write a name", what, word)
	}
	return nil
}

// duration reads a time with its unit; a bare 0 needs one too.
func duration(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	if err != nil || strings.Trim(word, "+-0") == "" {
		return 0, fmt.Errorf("invalid duration '%s': write a unit, such as 300ms or 10s", word)
	}
	return d, nil
}

// seconds reads a time into the unit of the signals that are times.
func seconds(word string) (float64, error) {
	d, err := duration(word)
	return d.Seconds(), err
}

// whole reads a whole number.
func whole(word string) (int, error) {
	value, err := strconv.Atoi(word)
	if err != nil {
		return 0, fmt.Errorf("invalid number '%s': write a whole number, such as 3", word)
	}
	return value, nil
}

// natural reads a whole number above zero.
func natural(word string) (int, error) {
	value, err := whole(word)
	if err == nil && value < 1 {
		err = fmt.Errorf("invalid number '%s': it must be at least 1", word)
	}
	return value, err
}

// percent reads a share of the whole, as a number from 0 to 1.
func percent(word string) (float64, error) {
	digits, found := strings.CutSuffix(word, "%")
	value, err := number(digits)
	if !found || err != nil {
		return 0, fmt.Errorf("invalid share '%s': write a percentage, such as 30%%", word)
	}
	return value / 100, nil
}

// dataType reads a type of data, by name or as TYPE and its number (RFC 3597,
// section 5).
func dataType(word string) (uint16, error) {
	upper := strings.ToUpper(word)
	if number, found := strings.CutPrefix(upper, "TYPE"); found {
		if value, err := strconv.ParseUint(number, 10, 16); err == nil && value > 0 {
			return uint16(value), nil
		}
	}
	if value, known := dns.StringToType[upper]; known {
		return value, nil
	}
	return 0, fmt.Errorf("unknown type '%s': write one such as MX or TYPE65280", word)
}

// askedType reads a type of data that a server can be asked for.
func askedType(word string) (uint16, error) {
	t, err := dataType(word)
	if err == nil && site.IsMeta(t) {
		err = fmt.Errorf("type '%s' cannot be asked for: name a type of data, such as A or SOA", word)
	}
	return t, err
}

// hiddenType reads a type of data that a name may have beside a site's own.
func hiddenType(word string) (uint16, error) {
	t, err := dataType(word)
	own := t == dns.TypeA || t == dns.TypeAAAA || t == dns.TypeCNAME
	if err == nil && (own || t == dns.TypeANY || site.IsMeta(t)) {
		err = fmt.Errorf("type '%s' cannot be hidden: name types of data other than A, AAAA and CNAME", word)
	}
	return t, err
}

// number reads a finite number.
func number(word string) (float64, error) {
	value, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("invalid number '%s': write a number, such as 2.5", word)
	}
	return value, nil
}

// off reads on or off, and tells whether it is off.
func off(word string) (bool, error) {
	if word != "on" && word != "off" {
		return false, unknown("value", word, "on", "off")
	}
	return word == "off", nil
}
