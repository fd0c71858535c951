package main

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"
	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE|DIR...",
		Short: "Say what is wrong with a Corefile and with files for 'apply', without a server",
		Long: `Say what is wrong with the cdnredirect blocks of a Corefile, and with files for
'cdnctl apply' (*.yaml, *.yml, *.json, *.conf, and directories of these), which
are checked on top of the Corefile: all that is wrong, with file and line. No
server is asked, and nothing is looked up. Without a Corefile every zone is served,
and what it defines is missing.

What only a server can tell is not said: whether its other plugins have what is
needed, and whether an expression behind 'json' is one.

The exit code is 1 if something is wrong.`,
		Example: "  cdnctl check /etc/coredns/Corefile sites/",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := page{w: cmd.OutOrStdout()}
			good := p.check(cmd.InOrStdin(), args)
			if p.err != nil {
				return answered(p.err)
			}
			if !good {
				return errFailed
			}
			return nil
		},
	}
}

// check shows what is wrong with files, or how much there was to check.
func (p *page) check(stdin io.Reader, paths []string) (good bool) {
	var corefiles, others []string
	for _, path := range paths {
		if isCorefile(path) {
			corefiles = append(corefiles, path)
		} else {
			others = append(others, path)
		}
	}
	config, faults := checkCorefiles(corefiles)
	entries, err := document.Load(stdin, others...)
	faults = append(faults, each(err)...)
	sites := 0
	if config != nil {
		overlay := config.Overlay()
		sites = len(overlay.Sites())
		faults = append(faults, together(overlay, entries)...)
	}
	for _, fault := range faults {
		p.line("%s", fault)
	}
	if len(faults) > 0 {
		return false
	}
	p.line("%s of a Corefile and %s in files are good", plural(sites, "site"), plural(len(entries), "object"))
	return true
}

// isCorefile tells Corefiles from files for apply: by their names.
func isCorefile(path string) bool {
	if slices.Contains([]string{".yaml", ".yml", ".json", ".conf"}, filepath.Ext(path)) || path == "-" {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// each takes an error apart.
func each(err error) (all []string) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			all = append(all, each(one)...)
		}
		return all
	}
	at := new(corefile.Error)
	switch {
	case err == nil:
	case errors.As(err, &at):
		all = append(all, at.Place+": "+at.Err.Error())
	default:
		all = append(all, strings.Replace(err.Error(), " - Error during parsing: ", ": ", 1)) // of CoreDNS's parser
	}
	return all
}

// checkCorefiles checks Corefiles as one. Without any there is one that serves every zone.
func checkCorefiles(paths []string) (*corefile.Config, []string) {
	var sources []corefile.Source
	var faults []string
	for _, path := range paths {
		found, err := directives(path)
		faults = append(faults, each(err)...)
		if err == nil && len(found) == 0 {
			faults = append(faults, path+": it has no cdnredirect block")
		}
		sources = append(sources, found...)
	}
	if len(paths) == 0 {
		d := caddyfile.NewDispenser("", strings.NewReader("cdnredirect"))
		sources = append(sources, corefile.Source{Directive: &d, Zones: zonesOf([]string{"."})})
	}
	config, wrong := corefile.Check(checkAsk, sources...)
	for _, err := range wrong {
		faults = append(faults, each(err)...)
	}
	if faults != nil {
		return nil, faults
	}
	return config, nil
}

// directives returns the cdnredirect directives of a Corefile.
func directives(path string) ([]corefile.Source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	blocks, err := caddyfile.Parse(path, file, nil)
	if err != nil {
		return nil, err
	}
	var sources []corefile.Source
	for _, b := range blocks {
		if tokens := b.Tokens["cdnredirect"]; len(tokens) > 0 {
			d := caddyfile.NewDispenserTokens(path, tokens)
			sources = append(sources, corefile.Source{Directive: &d, Zones: zonesOf(b.Keys)})
		}
	}
	return sources, nil
}

// zonesOf returns what turns words into zones, in the place of none those that a server
// block serves.
func zonesOf(keys []string) func([]string) []string {
	return func(words []string) (zones []string) {
		if len(words) == 0 {
			words = keys
		}
		for _, word := range words {
			zones = append(zones, zoneOf(word)...)
		}
		return zones
	}
}

var (
	transport = regexp.MustCompile(`^[a-z0-9]+://`)
	port      = regexp.MustCompile(`:\d+$`)
)

// zoneOf reads a zone as CoreDNS does: a name with or without transport and port, or a
// network, which stands for its reverse zone.
func zoneOf(word string) []string {
	name := port.ReplaceAllString(transport.ReplaceAllString(word, ""), "")
	if network, err := netip.ParsePrefix(name); err == nil {
		reverse, err := dns.ReverseAddr(network.Masked().Addr().String())
		if err != nil {
			return nil
		}
		bits, of := 8, 4
		if network.Addr().Is6() {
			bits, of = 4, 32
		}
		labels := dns.SplitDomainName(reverse)
		return []string{dns.Fqdn(strings.Join(labels[of-network.Bits()/bits:], "."))}
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return nil
	}
	return []string{dns.CanonicalName(name)}
}

// checkAsk checks what can be checked of an ask without what asks.
func checkAsk(ask site.Ask) error {
	_, err := regexp.Compile(ask.Pattern)
	return err
}

// together says what is wrong with objects on top of a Corefile.
func together(overlay *corefile.Overlay, entries []document.Entry) (faults []string) {
	objects := make([]site.Object, len(entries))
	for i, e := range entries {
		objects[i] = e.Object
	}
	where := filesOf(entries)
	for _, refused := range overlay.Check(objects) {
		faults = append(faults, where.relocated(refused.Err.Error()))
	}
	return faults
}
