package foreign

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// gslb is one import of the configuration of coredns-gslb.
type gslb struct {
	*writer
	o        Options
	profiles map[string]yamlValue // health checks that all files may name
	read     map[string]bool      // files of records that were read
}

// GSLB takes the records of coredns-gslb: those of YAML files, and of the files that
// the gslb blocks of Corefiles name.
func GSLB(from Files, paths []string, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	g := &gslb{writer: newWriter(), o: o, profiles: make(map[string]yamlValue), read: make(map[string]bool)}
	for _, path := range paths {
		load := g.corefile
		if ext := filepath.Ext(path); ext == ".yml" || ext == ".yaml" {
			load = g.records
		}
		if err := load(from, path); err != nil {
			return Result{}, err
		}
	}
	return g.result, nil
}

// corefile reads the gslb blocks of a Corefile.
func (g *gslb) corefile(from Files, path string) error {
	text, err := from.Read(path)
	if err != nil {
		return fmt.Errorf("reading '%s': %w", path, err)
	}
	lines, err := corefileLines(path, text)
	if err != nil {
		return err
	}
	var files []string
	found := false
	for i := 0; i < len(lines); i++ {
		if lines[i].words[0] != "gslb" {
			continue
		}
		found = true
		if args := slices.DeleteFunc(slices.Clone(lines[i].words[1:]), func(word string) bool { return word == "{" }); len(args) > 0 {
			files = append(files, args[0]) // the form before there were several files
		}
		depth, inner := lines[i].depth, ""
		for i++; i < len(lines) && lines[i].depth > depth; i++ {
			l := lines[i]
			if l.depth == depth+1 {
				inner = l.words[0]
			}
			if inner == "zones" && l.depth > depth+1 {
				files = append(files, l.words[1:]...)
				continue
			}
			g.option(from, path, inner, l)
		}
		i--
	}
	if !found {
		return fmt.Errorf("'%s' has no gslb block, and is no .yml file", path)
	}
	for _, file := range files {
		if err := g.records(from, beside(path, file)); err != nil {
			return err
		}
	}
	return nil
}

// beside returns a path that a file names.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// optionsOfServer are those that say nothing of records.
var optionsOfServer = []string{
	"geoip_maxmind", "max_stagger_start", "resolution_idle_timeout", "healthcheck_idle_multiplier", "batch_size_start",
	"geoip_custom_db", "geoip_custom", "geoip_country_maxmind_db", "geoip_city_maxmind_db", "geoip_asn_maxmind_db", "disable_txt",
	"api_enable", "api_tls_cert", "api_tls_key", "api_listen_addr", "api_listen_port", "api_basic_user", "api_basic_pass",
}

// option reads a line of a gslb block, or of the block of an option.
func (g *gslb) option(from Files, path, name string, l corefileLine) {
	switch {
	case name == "}" || name == "zones":
	case name == "healthcheck_profiles" && len(l.words) > 1:
		g.readProfiles(from, beside(path, l.words[1]), l.place)
	case name == "use_edns_csubnet":
		g.lost(l.place, "use_edns_csubnet: `ecs` names the resolvers whose client subnet is believed")
	case slices.Contains(optionsOfServer, name):
		g.stays(l.place, "'%s' is of the server, and no part of a site", l.words[0])
	default:
		g.lost(l.place, "'%s' is not known", name)
	}
}

// readProfiles keeps the health checks of a file.
func (g *gslb) readProfiles(from Files, path string, at place) {
	top, err := readYAML(from, path)
	if err != nil {
		g.lost(at, "%v", err)
		return
	}
	profiles, _ := top.get("healthcheck_profiles")
	for _, name := range profiles.keys() {
		g.profiles[name.text()], _ = profiles.get(name.text())
	}
}

// corefileLine is a line of a Corefile.
type corefileLine struct {
	place
	words []string
	depth int // how many braces are open before it
}

// corefileLines splits a Corefile into lines.
func corefileLines(path, text string) ([]corefileLine, error) {
	var lines []corefileLine
	depth := 0
	for i, line := range strings.Split(text, "\n") {
		l := corefileLine{place: place{path, i + 1}, depth: depth}
		for rest := strings.TrimSpace(line); rest != "" && rest[0] != '#'; rest = strings.TrimSpace(rest) {
			end := strings.IndexAny(rest, " \t")
			word := rest
			if rest[0] == '"' {
				if end = closing(rest); end < 0 {
					return nil, l.errorf("a quotation mark is not closed in this line")
				}
				word = rest[1 : end-1]
			} else if end >= 0 {
				word = rest[:end]
			}
			if end < 0 {
				end = len(rest)
			}
			l.words, rest = append(l.words, word), rest[end:]
		}
		if len(l.words) == 0 {
			continue
		}
		if l.words[0] == "}" {
			l.depth--
			depth--
		}
		if l.words[len(l.words)-1] == "{" {
			depth++
		}
		lines = append(lines, l)
	}
	return lines, nil
}
