package foreign

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"unicode"
)

// Options are what the operator says beside the files.
type Options struct {
	CDN    string       // the words behind `cdn` of sites that have none; empty: they stay at their origins
	Probe  string       // the words behind `probe` of sites that nothing is known to check of
	Zone   string       // zone: its name; empty: as the file is called
	Names  []string     // zone: globs of the names that are taken; none: all
	Origin []netip.Addr // zone: of names that are CNAMEs
}

// check refuses words that would be something else than the end of a line.
func (o Options) check() error {
	for _, glob := range o.Names {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("--name '%s': %w", glob, err)
		}
	}
	for _, given := range []struct{ name, text string }{{"cdn", o.CDN}, {"probe", o.Probe}} {
		if given.text == "" {
			continue
		}
		if err := checkWords(given.text); err != nil {
			return fmt.Errorf("--%s '%s': %w", given.name, given.text, err)
		}
	}
	return nil
}

// checkWords reads words as a Corefile has them.
func checkWords(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return errors.New("that is not one line of text")
	}
	if strings.Contains(text, "{$") || strings.Contains(text, "{%") {
		return errors.New("environment variables are replaced in a Corefile only")
	}
	words := 0
	for rest := strings.TrimSpace(text); rest != ""; words++ {
		end := strings.IndexFunc(rest, unicode.IsSpace)
		if rest[0] == '"' {
			if end = closing(rest); end < 0 {
				return errors.New("a quotation mark is not closed")
			}
		}
		if end < 0 {
			end = len(rest)
		}
		if word := rest[:end]; word == "{" || word == "}" || word == `"{"` || word == `"}"` || word[0] == '#' {
			return fmt.Errorf("unexpected '%s'", word)
		}
		rest = strings.TrimSpace(rest[end:])
	}
	if words < 2 {
		return errors.New("write two words at least")
	}
	return nil
}

// closing returns the index behind the quotation mark that closes the first one.
func closing(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}
