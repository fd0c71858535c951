package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// contexts are the servers that somebody asks, as his file has them.
type contexts struct {
	Current  string          `yaml:"current,omitempty"`
	Contexts []serverContext `yaml:"contexts"`
}

// serverContext is one of them.
type serverContext struct {
	Name      string `yaml:"name"`
	URL       string `yaml:"url,omitempty"`
	Socket    string `yaml:"socket,omitempty"`
	TokenFile string `yaml:"token_file,omitempty"`
	CA        string `yaml:"ca,omitempty"`
}

// contextsPath returns the file of the contexts.
func contextsPath() (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // as the XDG specification has it
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("looking for the file of the contexts: %w", err)
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "cdnredirect", "contexts.yaml"), nil
}

// readContexts returns those of the file; where there is none there are no contexts.
func readContexts() (all contexts, err error) {
	path, err := contextsPath()
	if err != nil {
		return all, nil // such as of a service without a home
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		decoder := yaml.NewDecoder(strings.NewReader(string(text)))
		decoder.KnownFields(true)
		err = decoder.Decode(&all)
	}
	if err != nil {
		return all, fmt.Errorf("reading the contexts in '%s': %w", path, err)
	}
	return all, nil
}

// write puts the contexts into the file, whole or not at all.
func (all contexts) write() error {
	path, err := contextsPath()
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(all)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = replaceFile(path, text)
	}
	if err != nil {
		return fmt.Errorf("writing the contexts to '%s': %w", path, err)
	}
	return nil
}

// replaceFile writes a file that nobody else may read.
func replaceFile(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".contexts") // with the mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // unless it has got its name
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// find returns a context.
func (all contexts) find(name string) (serverContext, error) {
	if i := all.index(name); i >= 0 {
		return all.Contexts[i], nil
	}
	return serverContext{}, fmt.Errorf("there is no context '%s': 'cdnctl context list' shows them", name)
}

func (all contexts) index(name string) int {
	return slices.IndexFunc(all.Contexts, func(c serverContext) bool { return c.Name == name })
}

// client returns the client of a context. A token of the environment goes before that of
// a file.
func (c serverContext) client() (*api.Client, error) {
	if c.Socket != "" {
		return api.Dial(c.Socket), nil
	}
	cfg := api.URLConfig{URL: c.URL, Token: os.Getenv(tokenVar)}
	var err error
	if cfg.Token == "" && c.TokenFile != "" {
		if cfg.Token, err = readToken(c.TokenFile); err != nil {
			return nil, err
		}
	}
	if c.CA != "" {
		if cfg.Roots, err = readCA(c.CA); err != nil {
			return nil, err
		}
	}
	return api.DialURL(cfg)
}

// readToken reads a file that its owner alone may read.
func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the token: %w", err)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return "", fmt.Errorf("reading the token: others may read '%s' as well: chmod 600 it, and make another token if they may have", path)
	}
	const most = 1 << 10
	text := make([]byte, most)
	n, err := file.Read(text)
	if err != nil {
		return "", fmt.Errorf("reading the token in '%s': %w", path, err)
	}
	return strings.TrimSpace(string(text[:n])), nil
}

// readCA reads certificates.
func readCA(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates of the CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading the certificates of the CA: there are none in '%s'", path)
	}
	return roots, nil
}
