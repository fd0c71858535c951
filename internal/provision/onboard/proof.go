package onboard

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Record is a TXT record that shows who controls a name.
type Record struct{ Name, Text string }

// proofLabel is below which name a proof stands, and proofWord what it begins with.
const (
	proofLabel = "_cdnredirect."
	proofWord  = "cdnredirect="
)

// RecordFor returns the record with a token for a name; that of a wildcard is that of the
// name above.
func RecordFor(name, token string) Record {
	return Record{Name: proofLabel + strings.TrimPrefix(name, "*."), Text: proofWord + token}
}

// RecordOf returns the record of an onboarding for a name.
func RecordOf(o *site.Onboarding, name string) Record { return RecordFor(name, o.Token) }

func (r Record) String() string { return fmt.Sprintf("%s TXT %q", r.Name, r.Text) }

// Missing says what texts are found at the name of a record in its place; empty: it is
// among them.
func (r Record) Missing(found []string) string {
	switch {
	case slices.Contains(found, r.Text):
		return ""
	case len(found) == 0:
		return "there is none"
	}
	const most = 3
	var said []string
	for _, text := range found[:min(most, len(found))] {
		said = append(said, fmt.Sprintf("%.100q", text))
	}
	if more := len(found) - most; more > 0 {
		said = append(said, fmt.Sprintf("%d more", more))
	}
	return "there is " + strings.Join(said, ", ")
}

// NamesOf returns all names and hosts of a site, each once, without final dots.
func NamesOf(s *site.Site) (names []string) {
	for _, name := range slices.Concat(s.Names, s.Hosts) {
		if name = strings.TrimSuffix(name, "."); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// prove claims the names of the site once each of them was proved.
func (t try) prove(ctx context.Context) (string, error) {
	words := fmt.Sprintf("by the word of %s", t.o.By)
	if t.o.Proof == site.ProofTXT {
		words = ""
		if err := t.proved(ctx); err != nil {
			return "", err
		}
	}
	return words, t.Claims.Claim(ctx, *t.o, t.o.Names)
}

// proved waits until a record, or an earlier claim, shows each name to be the customer's.
func (t try) proved(ctx context.Context) error {
	var missing []string
	for _, name := range t.o.Names {
		shown, why, err := t.shown(ctx, name)
		if err != nil {
			return err
		}
		if r := RecordOf(t.o, name); !shown && !slices.ContainsFunc(missing, func(m string) bool { return strings.HasPrefix(m, r.Name+" ") }) {
			missing = append(missing, fmt.Sprintf("%s (%s)", r, why))
		}
	}
	if missing != nil {
		return waitFor("set these records:\n%s", strings.Join(missing, "\n"))
	}
	return nil
}

// shown reports whether a name was proved, or why not. That the resolvers do not answer
// is no answer, and no error of ours either: it may be the name that they fail at.
func (t try) shown(ctx context.Context, name string) (shown bool, why string, err error) {
	if shown, err = t.Claims.Proved(ctx, *t.o, name); shown || err != nil {
		return shown, "", err
	}
	r := RecordOf(t.o, name)
	texts, err := t.Network.Texts(ctx, r.Name+".")
	if err != nil {
		return false, err.Error(), nil
	}
	why = r.Missing(texts)
	return why == "", why, nil
}

// Records returns the records for all names of an onboarding, each once.
func Records(o *site.Onboarding) (records []Record) {
	for _, name := range o.Names {
		if r := RecordOf(o, name); !slices.Contains(records, r) {
			records = append(records, r)
		}
	}
	return records
}
