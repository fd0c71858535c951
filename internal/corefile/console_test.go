package corefile_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// console is a Corefile with a store and a console.
func console(address string, lines ...string) string {
	if lines == nil {
		return example(aStore, aState, "console "+address)
	}
	return example(append(append([]string{aStore, aState, "console " + address + " {"}, lines...), "}")...)
}

const inTheClear = "tokens must not cross a network in the clear, and '%' is not of this machine alone: write 'tls CERT KEY' in the block of console, or 127.0.0.1:8443"

var consoleErrors = []fileError{
	{"console without an address", console(""), "5 - Error during parsing: " + wrongArgs + "'console'"},
	{"console without a port", console("127.0.0.1"), "5 - Error during parsing: '127.0.0.1' is not an address to listen at: write 192.0.2.1:80 or [2001:db8::1]:80"},
	{"console at two addresses", console("127.0.0.1:1 127.0.0.1:2"), "5 - Error during parsing: " + wrongArgs + "'127.0.0.1:2'"},
	{"F47: console without TLS", console("192.0.2.1:8443"), "5 - Error during parsing: " + strings.Replace(inTheClear, "%", "192.0.2.1:8443", 1)},
	{"F47: console at all addresses", console("0.0.0.0:8443"), "5 - Error during parsing: " + strings.Replace(inTheClear, "%", "0.0.0.0:8443", 1)},
	{"F47: console at all addresses of IPv6", console("[::]:8443"), "5 - Error during parsing: " + strings.Replace(inTheClear, "%", "[::]:8443", 1)},
	{"console with another word", console("127.0.0.1:1", "acme /d"), "6 - Error during parsing: unknown property 'acme': tls is known"},
	{"console with a deeper block", console("127.0.0.1:1", "tls {", "}"), "6 - Error during parsing: unexpected '{' after 'tls': a property has no block; is a '}' missing above?"},
	{"console with a certificate alone", console("127.0.0.1:1", "tls /c"), "6 - Error during parsing: " + wrongArgs + "'/c'"},
	{"console with a relative key", console("127.0.0.1:1", "tls /c k"), "6 - Error during parsing: 'k' is not an absolute path"},
	{"console with two certificates", console("127.0.0.1:1", "tls /c /k", "tls /d /k"), "7 - Error during parsing: property 'tls' is already given on line 6"},
	{"two consoles", example(aStore, aState, "console 127.0.0.1:1", "console 127.0.0.1:2"), "6 - Error during parsing: console is already given at Corefile:5"},
	{"console without a store", example("console 127.0.0.1:1"), "3 - Error during parsing: console needs a store that knows who may use it: write 'store sqlite FILE' or 'store postgres DSN'"},
}

func TestConsoleErrors(t *testing.T) {
	for _, tc := range consoleErrors {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := loadAll(t, "Corefile", tc.in)
			wantError(t, err, "Corefile:"+tc.want)
		})
	}
}

func TestConsole(t *testing.T) {
	for text, want := range map[string]site.Console{
		console("127.0.0.1:8443"):                      {Address: netip.MustParseAddrPort("127.0.0.1:8443")},
		console("[::1]:8443"):                          {Address: netip.MustParseAddrPort("[::1]:8443")},
		console("192.0.2.1:8443", "tls /etc/c /etc/k"): {Address: netip.MustParseAddrPort("192.0.2.1:8443"), Certificate: site.KeyPair{Cert: "/etc/c", Key: "/etc/k"}},
		console("0.0.0.0:8443", "tls /etc/c /etc/k"):   {Address: netip.MustParseAddrPort("0.0.0.0:8443"), Certificate: site.KeyPair{Cert: "/etc/c", Key: "/etc/k"}},
	} {
		if got := configOf(t, "Corefile", text).Process().Console; got == nil || *got != want {
			t.Errorf("%s: Expected %+v, got %+v", text, want, got)
		}
	}
}
