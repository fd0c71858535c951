package foreign

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// gdnsdZone is what a zone file of gdnsd holds.
type gdnsdZone struct {
	file    string
	name    string
	dynamic []dynamic
	types   map[string][]string // of the other records, by owner
	notes   []Note
}

// dynamic is a DYNA or DYNC record.
type dynamic struct {
	place
	owner    string
	resource string // PLUGIN!RESOURCE
	ttl, min int    // in seconds; min is -1 where it is not given
}

// zoneFile reads one file of a zone.
type zoneFile struct {
	zone    *gdnsdZone
	from    Files
	file    string
	first   string // the origin at its begin: @F
	origin  string
	owner   string
	ttl     int
	include int
	files   *int
}

// readGdnsdZone reads a zone file, whose name is that of the zone.
func readGdnsdZone(from Files, file string, ttl int) (*gdnsdZone, error) {
	name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), "."), "@", "/")
	if name == "ROOT_ZONE" {
		name = "."
	}
	name, err := site.CanonicalName(name)
	if err != nil {
		return nil, fmt.Errorf("'%s': the name of a zone file is that of its zone: %w", file, err)
	}
	z := &gdnsdZone{file: file, name: name, types: make(map[string][]string)}
	f := &zoneFile{zone: z, from: from, file: file, first: name, origin: name, owner: name, ttl: ttl, files: new(int)}
	return z, f.load()
}

func (f *zoneFile) load() error {
	if *f.files++; *f.files > maxFiles {
		return fmt.Errorf("'%s': more than %d files are included", f.file, maxFiles)
	}
	text, err := f.from.Read(f.file)
	if err != nil {
		return fmt.Errorf("reading '%s': %w", f.file, err)
	}
	lines, err := splitZone(f.file, text)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if err := f.entry(l); err != nil {
			return err
		}
	}
	return nil
}

// zoneLine is an entry of a zone file: a line, or several in parentheses.
type zoneLine struct {
	place
	blank bool // it begins with a blank: the owner is that of the entry before
	words []string
}

// splitZone splits a zone file into its entries. Words keep their quotation marks
// and escapes.
func splitZone(file, text string) ([]zoneLine, error) {
	var lines []zoneLine
	s := &zoneSplitter{text: text, line: 1}
	for s.at < len(s.text) {
		l := zoneLine{place: place{file, s.line}, blank: strings.IndexByte(" \t", s.text[s.at]) >= 0}
		words, err := s.entry()
		if err != nil {
			return nil, place{file, s.line}.errorf("%w", err)
		}
		if l.words = words; len(words) > 0 {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

type zoneSplitter struct {
	text     string
	at, line int
}

// entry returns the words up to the end of the line, or of the last one in
// parentheses.
func (s *zoneSplitter) entry() (words []string, err error) {
	open := false
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '\n':
			s.line++
			if s.at++; !open {
				return words, nil
			}
		case ' ', '\t', '\r', '\f':
			s.at++
		case ';':
			for s.at < len(s.text) && s.text[s.at] != '\n' {
				s.at++
			}
		case '(', ')':
			if open == (c == '(') {
				return nil, fmt.Errorf("unexpected '%c'", c)
			}
			open = !open
			s.at++
		default:
			word, err := s.word()
			if err != nil {
				return nil, err
			}
			words = append(words, word)
		}
	}
	if open {
		return nil, fmt.Errorf("')' is missing")
	}
	return words, nil
}

// word returns a word as it is written.
func (s *zoneSplitter) word() (string, error) {
	begin, inQuotes := s.at, false
	for ; s.at < len(s.text); s.at++ {
		c := s.text[s.at]
		switch {
		case c == '\\':
			s.at++
			if s.at < len(s.text) && s.text[s.at] == '\n' {
				s.line++
			}
		case c == '"':
			inQuotes = !inQuotes
		case inQuotes && c == '\n':
			s.line++
		case !inQuotes && strings.IndexByte(" \t\r\n\f;()", c) >= 0:
			return s.text[begin:s.at], nil
		}
	}
	s.at = min(s.at, len(s.text))
	if inQuotes {
		return "", fmt.Errorf("a quotation mark is not closed")
	}
	return s.text[begin:s.at], nil
}

// entry reads a record or a directive.
func (f *zoneFile) entry(l zoneLine) error {
	if strings.HasPrefix(l.words[0], "$") && !l.blank {
		return f.directive(l)
	}
	words := l.words
	if !l.blank {
		owner, err := f.absolute(words[0])
		if err != nil {
			return l.errorf("%w", err)
		}
		f.owner, words = owner, words[1:]
	}
	ttl, words := takeTTL(words)
	if len(words) == 0 {
		return l.errorf("the entry has no type")
	}
	kind := strings.ToUpper(words[0])
	if kind != "DYNA" && kind != "DYNC" {
		f.zone.types[f.owner] = append(f.zone.types[f.owner], kind)
		return nil
	}
	if len(words) != 2 {
		return l.errorf("%s needs PLUGIN!RESOURCE", kind)
	}
	d := dynamic{place: l.place, owner: f.owner, resource: words[1]}
	var err error
	if d.ttl, d.min, err = f.ttls(ttl); err != nil {
		return l.errorf("%w", err)
	}
	f.zone.dynamic = append(f.zone.dynamic, d)
	return nil
}

var ttlWord = regexp.MustCompile(`^[0-9]+[MHDWmhdw]?(/[0-9]+[MHDWmhdw]?)?$`)

// takeTTL takes the TTL and the class off an entry, in either order.
func takeTTL(words []string) (ttl string, rest []string) {
	for range 2 {
		switch {
		case len(words) > 0 && strings.EqualFold(words[0], "IN"):
			words = words[1:]
		case len(words) > 0 && ttl == "" && ttlWord.MatchString(words[0]):
			ttl, words = words[0], words[1:]
		}
	}
	return ttl, words
}

// ttls reads MAX[/MIN].
func (f *zoneFile) ttls(text string) (most, least int, err error) {
	if text == "" {
		return f.ttl, -1, nil
	}
	high, low, both := strings.Cut(text, "/")
	if most, err = zoneSeconds(high); err != nil || !both {
		return most, -1, err
	}
	least, err = zoneSeconds(low)
	return most, least, err
}

// zoneSeconds reads a TTL with its unit.
func zoneSeconds(text string) (int, error) {
	unit, factors := 1, map[byte]int{'m': 60, 'h': 3600, 'd': 86400, 'w': 604800}
	digits := text
	if n := len(text); n > 0 {
		if factor := factors[text[n-1]|0x20]; factor > 0 {
			digits, unit = text[:n-1], factor
		}
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || int(n) > (1<<31-1)/unit {
		return 0, fmt.Errorf("'%s' is not a TTL", text)
	}
	return int(n) * unit, nil
}

// directive reads $TTL, $ORIGIN or $INCLUDE.
func (f *zoneFile) directive(l zoneLine) (err error) {
	args := l.words[1:]
	switch name := strings.ToUpper(l.words[0]); {
	case name == "$TTL" && len(args) == 1:
		f.ttl, err = zoneSeconds(args[0])
	case name == "$ORIGIN" && len(args) == 1:
		f.origin, err = f.absolute(args[0])
	case name == "$INCLUDE" && (len(args) == 1 || len(args) == 2):
		return f.included(l, args)
	default:
		f.zone.notes = append(f.zone.notes, Note{l.String(), fmt.Sprintf("'%s' is not known", strings.Join(l.words, " ")), true})
	}
	if err != nil {
		return l.errorf("%w", err)
	}
	return nil
}

// included reads another file; what it changes ends with it.
func (f *zoneFile) included(l zoneLine, args []string) error {
	if f.include >= maxIncludes {
		return l.errorf("more than %d files include each other", maxIncludes)
	}
	origin := f.origin
	if len(args) == 2 {
		var err error
		if origin, err = f.absolute(args[1]); err != nil {
			return l.errorf("%w", err)
		}
	}
	name := unquote(args[0])
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(f.file), name)
	}
	inner := &zoneFile{zone: f.zone, from: f.from, file: name, first: origin, origin: origin, owner: origin, ttl: f.ttl, include: f.include + 1, files: f.files}
	if err := inner.load(); err != nil {
		return fmt.Errorf("%s: %w", l, err)
	}
	return nil
}

func unquote(word string) string { return strings.Trim(word, `"`) }

// absolute reads a name: @ is the origin, @F that at the file's begin, @Z the zone.
// The latter two may end a name, too.
func (f *zoneFile) absolute(text string) (string, error) {
	text = unquote(text)
	for end, name := range map[string]string{"@F": f.first, "@Z": f.zone.name} {
		if head, found := strings.CutSuffix(text, end); found && (head == "" || strings.HasSuffix(head, ".")) {
			text = head + strings.TrimPrefix(name, ".")
			if text == "" {
				text = "."
			}
		}
	}
	switch {
	case text == "@":
		text = f.origin
	case !dns.IsFqdn(text):
		text += "." + strings.TrimPrefix(f.origin, ".")
	}
	name, err := site.CanonicalName(text)
	if err == nil && !dns.IsSubDomain(f.zone.name, name) {
		err = fmt.Errorf("'%s' lies outside of the zone '%s'", name, f.zone.name)
	}
	return name, err
}

// zone makes sites of a zone's dynamic records.
func (g *gdnsd) zone(z *gdnsdZone) {
	g.result.Notes = append(g.result.Notes, z.notes...)
	for _, d := range z.dynamic {
		g.site(z, d)
	}
	if len(z.types) > 0 {
		g.stays(place{file: z.file}, "%s", z.summary())
	}
}

// summary counts the records that stay in the zone.
func (z *gdnsdZone) summary() string {
	counts := make(map[string]int)
	for _, types := range z.types {
		for _, t := range types {
			counts[t]++
		}
	}
	return staying(counts)
}

// site makes a site of a record.
func (g *gdnsd) site(z *gdnsdZone, d dynamic) {
	plugin, resource, _ := strings.Cut(d.resource, "!")
	name := strings.TrimSuffix(d.owner, ".")
	if g.taken["site "+name] {
		g.lost(d.place, "'%s' is a site already", name)
		return
	}
	c := g.classOf(plugin, resource)
	switch {
	case c.name == "" && c.at.line == 0 && !slices.Contains(resolvers, plugin):
		g.lost(d.place, "%s: plugin '%s' is not taken", d.resource, plugin)
		return
	case c.name == "" && c.at.line == 0:
		g.lost(d.place, "%s is not defined", d.resource)
		return
	case c.name == "":
		g.lost(d.place, "%s was not taken, see %s", d.resource, c.at)
		return
	}
	head, err := word(name)
	if err != nil {
		g.lost(d.place, "%v", err)
		return
	}
	lines, ok := g.siteLines(z, d, name, c)
	if ok {
		g.object(d.place, site.ObjectSite, name, "site "+head+" class "+c.name, lines)
	}
}

// siteLines writes what a record says beside its resource.
func (g *gdnsd) siteLines(z *gdnsdZone, d dynamic, name string, c *class) ([]string, bool) {
	var lines []string
	if host := strings.TrimPrefix(name, "*."); c.host == "" {
		if _, err := site.CanonicalHost(host); err != nil {
			g.lost(d.place, "'%s' is not a name that a web server has: give its service type a vhost", name)
			return nil, false
		}
		if host != name {
			lines = append(lines, "host "+host)
		}
	}
	lines = append(lines, g.ttlLine(d))
	if types := z.types[d.owner]; len(types) > 0 || d.owner == z.name {
		lines = append(lines, "answer address") // the other types are the zone's
		if slices.Contains(types, "TYPE65") {
			g.lost(d.place, "the HTTPS record (TYPE65) of '%s' is hidden: write it as `https`", name)
		}
	}
	return lines, true
}

// maxTTL is the highest TTL of a site, in seconds.
const maxTTL = 86400

// ttlLine writes the TTLs within the bounds of gdnsd and ours.
func (g *gdnsd) ttlLine(d dynamic) string {
	most := min(max(d.ttl, g.ttls.least), max(g.ttls.least, g.ttls.most))
	least := d.min
	if least < 0 {
		least = d.ttl / 2
	}
	least = min(max(least, g.ttls.least), most)
	if most > maxTTL {
		g.lost(d.place, "the TTL %d is above %d, the highest that is possible", most, maxTTL)
		most, least = maxTTL, min(least, maxTTL)
	}
	return fmt.Sprintf("ttl %ds min %ds", most, least)
}
