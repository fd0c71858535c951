package corefile

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// redirectorProperties is the table of what a redirector's block may say. Its
// words are in the order in which errors name them.
var redirectorWords = []string{"tls", "acme", "trust", "explain", "connections"}

var redirectorProperties = map[string]func(*site.Redirector, node) error{
	"tls":         setKeyPair,
	"acme":        setACME,
	"trust":       func(r *site.Redirector, n node) (err error) { r.Trust, err = list(n, prefix); return err },
	"explain":     func(r *site.Redirector, n node) (err error) { r.Explain, err = list(n, prefix); return err },
	"connections": func(r *site.Redirector, n node) error { return one(n, into(&r.Connections, natural)) },
}

// addRedirector reads: redirector ADDRESS:PORT... [{ ... }]
func (p *Process) addRedirector(n node) error {
	r := site.Redirector{Connections: site.DefaultConnections}
	var err error
	if r.Addresses, err = list(n, listenAddress); err != nil {
		return n.wrap(err)
	}
	for _, addr := range r.Addresses {
		if first, taken := p.given["redirector "+addr.String()]; taken {
			return n.errorf("'%s' is already a redirector at %s", addr, n.otherPlace(first))
		}
		p.given["redirector "+addr.String()] = n
	}
	if err := readRedirector(&r, n.children); err != nil {
		return err
	}
	p.Redirectors = append(p.Redirectors, r)
	return nil
}

func readRedirector(r *site.Redirector, lines []node) error {
	given := seen{}
	for _, line := range lines {
		set, known := redirectorProperties[line.name()]
		if !known {
			return line.wrap(unknown("property", line.name(), redirectorWords...))
		}
		if err := line.needLine(); err != nil {
			return err
		}
		if line.name() != "tls" {
			if err := given.add(line.name(), line); err != nil {
				return err
			}
		}
		err := set(r, line)
		if err == nil && len(r.Certificates) > 0 && r.ACME.Dir != "" {
			err = errors.New("certificates come by 'tls' or by 'acme', not both")
		}
		if err != nil {
			return line.wrap(err)
		}
	}
	return nil
}

// listenAddress reads an address of this machine, or all of them, with a port.
func listenAddress(word string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(word)
	if err != nil || addr.Port() == 0 || addr.Addr().Is4In6() {
		return netip.AddrPort{}, fmt.Errorf("'%s' is not an address to listen at: write 192.0.2.1:80 or [2001:db8::1]:80", word)
	}
	return addr, nil
}

// setKeyPair reads: tls CERT KEY
func setKeyPair(r *site.Redirector, n node) error {
	pair, err := keyPair(n)
	if err != nil {
		return err
	}
	if slices.Contains(r.Certificates, pair) {
		return fmt.Errorf("'%s' is repeated in 'tls'", pair.Cert)
	}
	r.Certificates = append(r.Certificates, pair)
	return nil
}

func keyPair(n node) (site.KeyPair, error) {
	if len(n.args()) != 2 {
		return site.KeyPair{}, n.argError()
	}
	files, err := list(n, absolute)
	if err != nil {
		return site.KeyPair{}, err
	}
	return site.KeyPair{Cert: files[0], Key: files[1]}, nil
}

// setACME reads: acme DIR [email ADDRESS] [ca URL] [root FILE]
func setACME(r *site.Redirector, n node) (err error) {
	if len(n.args()) == 0 {
		return n.argError()
	}
	if r.ACME.Dir, err = absolute(n.args()[0]); err != nil {
		return err
	}
	return readOptions(n, n.args()[1:],
		option{"email", into(&r.ACME.Email, nonempty)},
		option{"ca", into(&r.ACME.CA, directory)},
		option{"root", into(&r.ACME.Root, absolute)},
	)
}

// directory reads the URL of a CA's directory, which must not be forged.
func directory(word string) (string, error) {
	if !isHTTPS(word) {
		return "", fmt.Errorf("'%s' is not an https:// URL", word)
	}
	return word, nil
}

func isHTTPS(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Hostname() != ""
}
