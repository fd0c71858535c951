package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

const aboutImport = `Read what another product is configured by, and write blocks of ours, which
'cdnctl draft put' takes. No server is asked.

Every line that is not taken, or not as it was meant, is listed with file, line
and the reason, on the standard error and as a comment at the head of the output.

Exit codes of this command: 0 all was taken; 2 something was not; 1 there is no
output: a file cannot be read, or the command line is wrong.`

// errPart is the exit code 2, whose reasons the output has shown already.
var errPart = errors.New("not all was taken")

func newImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make blocks of another product's configuration",
		Long:  aboutImport,
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(ownCodes(newImportGdnsd()), ownCodes(newImportGSLB()), ownCodes(newImportZone()))
	return ownCodes(cmd)
}

// importer is what the commands that import have in common.
type importer struct {
	options foreign.Options
	output  string
}

// flags adds those of all formats.
func (i *importer) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&i.output, "output", "o", "", "`FILE` that the blocks are written to (default: the standard output)")
	cmd.Flags().StringVar(&i.options.CDN, "cdn", "", "what stands behind 'cdn' of sites that have none, `'NAME TARGET'` (default: they stay at their origins)")
	cmd.Flags().StringVar(&i.options.Probe, "probe", "", "what stands behind 'probe' of sites of which nothing is checked, `'KIND TARGET ...'`")
}

// run imports, and writes what came of it.
func (i *importer) run(cmd *cobra.Command, read func(foreign.Options) (foreign.Result, error)) error {
	result, err := read(i.options)
	if err == nil {
		err = i.write(cmd.OutOrStdout(), result)
	}
	if err != nil {
		return err
	}
	for _, note := range result.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), printable(note.String()))
	}
	if !result.Complete() {
		return errPart
	}
	return nil
}

// write writes the blocks.
func (i *importer) write(stdout io.Writer, result foreign.Result) error {
	text := result.Text()
	if i.output == "" {
		_, err := io.WriteString(stdout, text)
		return err
	}
	if err := os.WriteFile(i.output, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the blocks: %w", err)
	}
	return nil
}

func newImportGdnsd() *cobra.Command {
	var i importer
	cmd := &cobra.Command{
		Use:   "gdnsd FOLDER | CONFIG ZONEFILE...",
		Short: "Import dynamic records of gdnsd, with their resources",
		Long: `Import the DYNA and DYNC records of gdnsd's zones, with the resources that they
lead to. A FOLDER is that of its configuration: the file config, and all files of
zones. The name of a ZONEFILE is that of its zone.

` + aboutImport,
		Args: cobra.MinimumNArgs(1),
	}
	i.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return i.run(cmd, func(o foreign.Options) (foreign.Result, error) {
			config, zones, err := gdnsdFiles(args)
			if err != nil {
				return foreign.Result{}, err
			}
			return foreign.Gdnsd(disk{}, config, zones, o)
		})
	}
	return cmd
}

func newImportGSLB() *cobra.Command {
	var i importer
	cmd := &cobra.Command{
		Use:   "coredns-gslb FILE...",
		Short: "Import records of coredns-gslb",
		Long: `Import the records of coredns-gslb: those of FILEs that end in .yml or .yaml, and
of the files that the gslb blocks of other FILEs name, which are Corefiles.

` + aboutImport,
		Args: cobra.MinimumNArgs(1),
	}
	i.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return i.run(cmd, func(o foreign.Options) (foreign.Result, error) { return foreign.GSLB(disk{}, args, o) })
	}
	return cmd
}

func newImportZone() *cobra.Command {
	var i importer
	cmd := &cobra.Command{
		Use:   "zone FILE...",
		Short: "Import names with addresses from zone files",
		Long: `Import names with addresses from zone files (RFC 1035), as sites that have these as
their origin: all but the zone's own name, delegated ones, those with MX records,
and those that NS, MX or SRV records lead to. With --name, those that match. With
--origin, names that are CNAMEs out of the zone become sites, too: they have these
addresses as their origin, and what they lead to as their CDN.

` + aboutImport,
		Args: cobra.MinimumNArgs(1),
	}
	i.flags(cmd)
	cmd.Flags().StringVar(&i.options.Zone, "zone", "", "`NAME` of the zone (default: that of the file, without 'db.' or '.zone')")
	cmd.Flags().StringArrayVar(&i.options.Names, "name", nil, "`GLOB` of names that are taken, such as 'www.*'; may be repeated")
	origin := cmd.Flags().StringSlice("origin", nil, "`ADDRESS,...` of the origin of names that are CNAMEs")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return i.run(cmd, func(o foreign.Options) (foreign.Result, error) {
			var err error
			if o.Origin, err = originAddresses(*origin); err != nil {
				return foreign.Result{}, fmt.Errorf("--origin: %w", err)
			}
			return foreign.Zone(disk{}, args, o)
		})
	}
	return cmd
}

func originAddresses(words []string) (addrs []netip.Addr, err error) {
	for _, word := range words {
		addr, err := site.ParseAddress(word)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs, nil
}

// gdnsdFiles finds the files of a folder; those of a command line are what they are.
func gdnsdFiles(args []string) (config string, zones []string, err error) {
	info, err := os.Stat(args[0])
	if err != nil || !info.IsDir() || len(args) > 1 {
		return args[0], args[1:], nil // who reads it says what is wrong
	}
	zones, err = folderFiles(filepath.Join(args[0], "zones"))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return filepath.Join(args[0], "config"), zones, err
}

// disk is the files of the system.
type disk struct{}

// Read implements foreign.Files.
func (disk) Read(path string) (string, error) {
	text, err := os.ReadFile(path)
	return string(text), err
}

// Match implements foreign.Files.
func (disk) Match(path string) ([]string, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return folderFiles(path)
	} else if err == nil {
		return []string{path}, nil
	}
	found, err := filepath.Glob(path)
	if err == nil && len(found) == 0 {
		err = os.ErrNotExist
	}
	return found, err
}

// folderFiles returns the files of a folder, without hidden ones.
func folderFiles(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.IsDir() || strings.HasPrefix(e.Name(), ".") })
	var names []string
	for _, e := range entries {
		names = append(names, filepath.Join(path, e.Name()))
	}
	return names, err
}
