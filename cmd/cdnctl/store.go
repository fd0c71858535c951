package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
)

// storeOfWords reads what stands behind 'store' in a Corefile.
func storeOfWords(words string) (corefile.Store, error) {
	if strings.ContainsAny(words, "\r\n") {
		return corefile.Store{}, errors.New("--store: it is one line")
	}
	d := caddyfile.NewDispenser("--store", strings.NewReader("cdnredirect {\n state /\n store "+words+"\n}"))
	config, faults := corefile.Check(checkAsk, corefile.Source{Directive: &d, Zones: zonesOf([]string{"."})})
	if len(faults) > 0 {
		if at := new(corefile.Error); errors.As(faults[0], &at) {
			return corefile.Store{}, fmt.Errorf("--store: %w", at.Err) // its place is none that anybody has written
		}
		return corefile.Store{}, faults[0]
	}
	return config.Process().Store, nil
}

// storeOfCorefile reads the line of a Corefile, which is a good one.
func storeOfCorefile(path string) (said corefile.Store, err error) {
	config, faults := checkCorefiles([]string{path})
	if len(faults) > 0 {
		return said, errors.New(strings.Join(faults, "\n"))
	}
	if said = config.Process().Store; !said.On() {
		return said, fmt.Errorf("'%s' has no line 'store'", path)
	}
	return said, nil
}

// tlsOf reads none to three files, as CoreDNS's tls takes them: [CERT KEY] [CA].
func tlsOf(files []string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(files) >= 2 {
		own, err := tls.LoadX509KeyPair(files[0], files[1])
		if err != nil {
			return nil, fmt.Errorf("reading the certificate for the store: %w", err)
		}
		config.Certificates, files = []tls.Certificate{own}, files[2:]
	}
	if len(files) == 1 {
		roots, err := readCA(files[0])
		if err != nil {
			return nil, err
		}
		config.RootCAs = roots
	}
	return config, nil
}
