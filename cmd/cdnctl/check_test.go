package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const aCorefile = `(shared) {
    errors
    cdnredirect {
        import classes
        site www.example.org class web {
            origin {$ORIGIN}
        }
    }
}
dns://example.org:1053 {
    import shared
}
10.in-addr.arpa {
    whoami
}
`

const classes = `class web {
    cdn edge {name}.edge.example.net
    probe http http://{origin}/
    threshold response_time 300ms
}
`

// checks runs check in a folder, and returns what it says of the files there.
func checks(t *testing.T, texts map[string]string, names ...string) (code int, said string) {
	t.Helper()
	t.Setenv("ORIGIN", "192.0.2.1")
	dir := t.TempDir()
	for name, text := range texts {
		write(t, filepath.Join(dir, name), text)
	}
	args := []string{"check"}
	for _, name := range names {
		args = append(args, filepath.Join(dir, name))
	}
	code, out, complaint := plain(t, args...)
	if complaint != "" {
		t.Errorf("Expected nothing but the output, got %q", complaint)
	}
	return code, strings.ReplaceAll(out, dir+"/", "")
}

func TestCheckOfWhatIsGood(t *testing.T) {
	texts := map[string]string{
		"Corefile": aCorefile, "classes": classes,
		"site.yaml": "kind: site\nname: a.example.org\nclass: web\norigins: [{address: [192.0.2.1]}]\n",
		"more.conf": "origin fra {\n  address 192.0.2.2\n}\nsite b.example.org class web {\n  origin fra\n}\n",
	}
	code, out := checks(t, texts, "Corefile")
	expect(t, code, 0, out, "1 site of a Corefile and 0 objects in files are good\n")
	code, out = checks(t, texts, "Corefile", "site.yaml", "more.conf")
	expect(t, code, 0, out, "1 site of a Corefile and 3 objects in files are good\n")
	code, out = checks(t, map[string]string{"a.conf": classes + texts["more.conf"]}, "")
	expect(t, code, 0, out, "0 sites of a Corefile and 3 objects in files are good\n")
}

func TestCheckSaysAllThatIsWrong(t *testing.T) {
	texts := map[string]string{
		"Corefile": strings.Replace(aCorefile, "origin {", "ttl 5\n            origin x{", 1), "classes": classes,
		"Other": "example.org {\n  cdnredirect {\n", "Plain": "example.org {\n  whoami\n}\n",
		"site.yaml": "kind: site\nname: a.example.org\nclass: web\nttl: {full: 3}\n",
		"good.yaml": "kind: site\nname: a.example.net\nclass: web\norigins: [{address: [192.0.2.1]}]\n---\nkind: site\nname: b.example.org\nclass: web\nanswer: {form: cname, host: b.example.org}\n" +
			"---\nkind: site\nname: c.example.org\norigins: [{name: ams}]\nprobes: [{kind: http, target: \"http://{origin}/\", match: \"(\"}]\n",
		"good.conf": "\nsite d.example.org class none {\n  origin 192.0.2.1\n}\n",
	}
	for _, c := range []struct {
		files string
		want  []string
	}{
		{"Corefile site.yaml none.yaml None", []string{
			"Corefile:6: invalid duration '5'",
			"Corefile:7: 'x192.0.2.1' is not an IPv4 or IPv6 address",
			"site.yaml:4: site 'a.example.org': ttl.full: invalid duration '3'",
			"none.yaml: no such file or directory", "None: no such file or directory",
		}},
		{"Other Plain", []string{"Other:2: Unexpected EOF", "Plain: it has no cdnredirect block"}},
		{"good.yaml good.conf", []string{
			"good.yaml:1: site 'a.example.net': class: unknown class 'web'", "good.yaml:6: site 'b.example.org': class: unknown class 'web'",
			"good.yaml:11: site 'c.example.org': origins[0].name: unknown origin 'ams'", "good.conf:2: unknown class 'none'",
		}},
	} {
		code, out := checks(t, texts, strings.Fields(c.files)...)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		for _, want := range c.want {
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, want) }) {
				t.Errorf("%s: Expected a line %q, got\n%s", c.files, want, out)
			}
		}
		if code != 1 || len(lines) != len(c.want) {
			t.Errorf("%s: Expected exit code 1 and %d lines, got %d and\n%s", c.files, len(c.want), code, out)
		}
	}
	texts["Corefile"] = aCorefile
	code, out := checks(t, texts, "Corefile", "good.yaml")
	want := `good.yaml:1: site 'a.example.net': name: site name 'a.example.net.' is outside every served zone: 'example.org.'
good.yaml:6: site 'b.example.org': site 'b.example.org.' has no origin
good.yaml:11: site 'c.example.org': origins[0].name: unknown origin 'ams': write its addresses, or define it with 'origin ams { ... }'
`
	expect(t, code, 1, out, want)
}

func TestZonesAreReadAsCoreDNSDoes(t *testing.T) {
	for word, want := range map[string]string{
		"Example.org": "example.org.", "dns://example.org.:53": "example.org.", ".": ".", ".:5353": ".", "tls://a.b": "a.b.",
		"10.0.0.0/8": "10.in-addr.arpa.", "192.0.2.0/24": "2.0.192.in-addr.arpa.", "2001:db8::/32": "8.b.d.0.1.0.0.2.ip6.arpa.", "a..b": "",
	} {
		if got := strings.Join(zoneOf(word), " "); got != want {
			t.Errorf("%s: Expected %q, got %q", word, want, got)
		}
	}
}
