package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
)

func newExport(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export [DIR]",
		Short: "Write the published configuration into files that 'apply' takes",
		Long: `Write the published configuration as documents in YAML: into DIR, a file for each
object, or all of them to the standard output. DIR is made, or is empty.
Comments of texts are left out. 'cdnctl apply' of it changes nothing.`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			if err := emptyDir(args[0]); err != nil {
				return err
			}
		}
		objects, err := server().Objects(cmd.Context(), "", "")
		if err != nil {
			return answered(err)
		}
		docs, err := documentsOf(objects.Objects)
		if err != nil {
			return answered(err)
		}
		if len(args) == 0 {
			return answered(document.WriteYAML(cmd.OutOrStdout(), docs...))
		}
		for i, o := range objects.Objects {
			if err := writeDocument(filepath.Join(args[0], fileOf(o)), docs[i]); err != nil {
				return answered(err)
			}
		}
		p := page{w: cmd.OutOrStdout()}
		p.line("%s of revision %d in '%s'", plural(len(docs), "object"), objects.Revision, args[0])
		return answered(p.err)
	}
	return cmd
}

// emptyDir makes a directory, unless it is there and empty.
func emptyDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil { // texts may hold secrets
		return err
	}
	files, err := os.ReadDir(path)
	if err == nil && len(files) > 0 {
		err = fmt.Errorf("'%s' is not empty: what is not published any more would stay there", path)
	}
	return err
}

// writeDocument writes a new file.
func writeDocument(path string, doc document.Document) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing '%s': two objects would be in it", path)
	}
	if err != nil {
		return err
	}
	return errors.Join(document.WriteYAML(file, doc), file.Close())
}

// longest is how long the name of a file may be, with room for what is behind it.
const longest = 200

// fileOf returns the file that an object is written into. Names are those of objects as
// far as these may be names of files.
func fileOf(o api.Object) string {
	var name strings.Builder
	for i := range len(o.Name) {
		c := o.Name[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_*", c) >= 0 || c == '.' && i > 0
		if plain {
			name.WriteByte(c)
		} else {
			fmt.Fprintf(&name, "%%%02X", c)
		}
	}
	text := name.String()
	if len(text) > longest {
		text = fmt.Sprintf("%s-%x", text[:longest-17], sha256.Sum256([]byte(o.Name)))[:longest]
	}
	return filepath.Join(string(o.Kind), text+".yaml")
}
