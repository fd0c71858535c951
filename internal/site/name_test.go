package site_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// long returns a name of n octets on the wire, the root label counted; n is
// from 195 to 257.
func long(n int) string {
	return strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", n-194) + "."
}

func TestCanonicalName(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"www.example.org", "www.example.org."},
		{"www.example.org.", "www.example.org."},
		{"WWW.Example.ORG", "www.example.org."},
		{".", "."},
		{"org", "org."},
		{`\119ww.example.org`, "www.example.org."},
		{`\087ww.example.org`, "www.example.org."},
		{`\www.example.org`, "www.example.org."},
		{`a\.b.example.org`, `a\.b.example.org.`},
		{`a\046b.example.org`, `a\.b.example.org.`},
		{`a\255b.example.org`, `a\255b.example.org.`},
		{`a\000b.example.org`, `a\000b.example.org.`},
		{`a\092b.example.org`, `a\\b.example.org.`},
		{`\*.example.org`, "*.example.org."},
		{"_acme.example.org", "_acme.example.org."},
		{strings.Repeat("a", 63) + ".org", strings.Repeat("a", 63) + ".org."},
		{long(255), long(255)},
		{strings.Repeat(`\097.`, 127), strings.Repeat("a.", 127)},
	} {
		t.Run(tc.in, func(t *testing.T) {
			got, err := site.CanonicalName(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestCanonicalNameErrors(t *testing.T) {
	const noName = "' is not a domain name: labels of 1 to 63 octets, 255 octets in all"
	for _, tc := range []struct{ in, want string }{
		{"", "'" + noName},
		{"..", "'.." + noName},
		{"a..b", "'a..b" + noName},
		{".a", "'.a" + noName},
		{"a.b..", "'a.b.." + noName},
		{`a\`, `'a\` + noName},
		{strings.Repeat("a", 64), "'" + strings.Repeat("a", 64) + noName},
		{long(256), "'" + long(256) + noName},
		{strings.Repeat("a.", 128), "'" + strings.Repeat("a.", 128) + noName},
		{"münchen.example", "name 'münchen.example' is not ASCII: write its A-labels (RFC 5891)"},
		{"a\xffb", "name 'a\xffb' is not ASCII: write its A-labels (RFC 5891)"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			got, err := site.CanonicalName(tc.in)
			wantError(t, err, tc.want)
			if got != "" {
				t.Errorf("got %q with the error", got)
			}
		})
	}
}

// FuzzCanonicalName checks that a canonical name is what comes off the wire,
// and that making it canonical again changes nothing.
func FuzzCanonicalName(f *testing.F) {
	for _, in := range []string{"www.Example.org", `a\.b`, `\000\255`, ".", "", `\`, long(255), "*.a", "münchen"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name, err := site.CanonicalName(in)
		if err != nil {
			return
		}
		if again, err := site.CanonicalName(name); err != nil || again != name {
			t.Fatalf("%q became %q, then %q (%v)", in, name, again, err)
		}
		var wire [255]byte
		end, err := dns.PackDomainName(name, wire[:], 0, nil, false)
		if err != nil {
			t.Fatalf("%q does not fit: %v", name, err)
		}
		read, _, err := dns.UnpackDomainName(wire[:max(end, 1)], 0)
		if err != nil || read != name {
			t.Fatalf("%q reads as %q (%v)", name, read, err)
		}
	})
}

func TestCanonicalHost(t *testing.T) {
	for _, tc := range []struct{ in, want, err string }{
		{in: "www.example.org", want: "www.example.org"},
		{in: "WWW.Example.org.", want: "www.example.org"},
		{in: "a_b-1.example", want: "a_b-1.example"},
		{in: `\119ww.example.org`, want: "www.example.org"},
		{in: ".", err: "'.' is not a host name"},
		{in: "*.example.org", err: "'*.example.org' is not a host name"},
		{in: "www.example.org:80", err: "'www.example.org:80' is not a host name"},
		{in: `a\.b`, err: `'a\.b' is not a host name`},
		{in: "a b", err: "'a b' is not a host name"},
		{in: "a..b", err: "'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			got, err := site.CanonicalHost(tc.in)
			if tc.err != "" {
				wantError(t, err, tc.err)
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// wantError compares a whole error text.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want %s", want)
	}
	if err.Error() != want {
		t.Fatalf("\n got %s\nwant %s", err, want)
	}
}
