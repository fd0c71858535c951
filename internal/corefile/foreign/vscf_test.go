package foreign_test

import (
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile/foreign"
)

// vscfTexts are texts and what they mean.
var vscfTexts = []struct{ name, in, want string }{
	{"nothing", "", "{}"},
	{"blanks and comments", " \t\r\n# one\n; two\n#", "{}"},
	{"keys", "a = b\nc => d, e=f,g=>h", `{1:"a"="b" 2:"c"="d" 2:"e"="f" 2:"g"="h"}`},
	{"no blanks", "options={listen=[192.0.2.1 192.0.2.2]http_listen=127.0.0.1}", `{1:"options"={1:"listen"=["192.0.2.1" "192.0.2.2"] 1:"http_listen"="127.0.0.1"}}`},
	{"nested", "a => { b => { } c => [ [ ] { d => e } , f ] }", `{1:"a"={1:"b"={} 1:"c"=[[] {1:"d"="e"} "f"]}}`},
	{"comment behind", "a = b# c\nd = e;f", `{1:"a"="b" 2:"d"="e"}`},
	{"an array at the top", " # so\n[ a b, c ] ", `["a" "b" "c"]`},
	{"quotation marks", "\"a b\" = \"c;#{}[]=,$\"\n\"\" = \"\"", `{1:"a b"="c;#{}[]=,$" 2:""=""}`},
	{"line ends in quotation marks", "a = \"b\nc\"\nd = e", `{1:"a"="b\nc" 3:"d"="e"}`},
	{"escapes", `a\ b = ex\097mpl\e "\"\\" = \\\=\=\=` + "\nc = \"\\\n\"\nd = e", `{1:"a b"="example" 1:"\"\\"="\\===" 2:"c"="\n" 4:"d"="e"}`},
	{"more characters", "a>b = c$d/e!f%g", `{1:"a>b"="c$d/e!f%g"}`},
	{"an included value", "a => $include{ \"one\" }\nb = c", `{1:"a"={1:"x"={2:"y"="z"}} 2:"b"="c"}`},
	{"an included array", "a => [ $include{list}, 1 ]", `{1:"a"=[["p" "q"] "1"]}`},
	{"included keys", "a = b\n$include{dir/f*},\nc = d", `{1:"a"="b" 1:"k"="1" 1:"l"={1:"m"="2"} 3:"c"="d"}`},
	{"an included folder", "x => { $include{dir} }", `{1:"x"={1:"k"="1" 1:"l"={1:"m"="2"}}}`},
}

// vscfErrors are texts that mean nothing.
var vscfErrors = []struct{ name, in, want string }{
	{"no value", "a", "etc/config:1: unexpected end of the file: expected '=' behind the key 'a'"},
	{"no value behind =", "a =\n", "etc/config:2: unexpected end of the file: expected a value"},
	{"no =", "a\nb = c", "etc/config:2: unexpected 'b': expected '=' behind the key 'a'"},
	{"no key", "= b", "etc/config:1: unexpected '=': expected a key"},
	{"a dollar", "$a = b", "etc/config:1: unexpected '$': expected a key"},
	{"a value with a dollar", "a = $b", "etc/config:1: unexpected '$': expected a value"},
	{"two commas", "a = b,,", "etc/config:1: unexpected ',': expected a key"},
	{"a stray brace", "a = b }", "etc/config:1: unexpected '}': expected a key"},
	{"an open brace", "a = {\n b = c\n", "etc/config:3: unexpected end of the file: expected a key"},
	{"an open bracket", "a = [ b", "etc/config:1: unexpected end of the file: expected a value"},
	{"a key twice", "a = 1\nb = 2 a = 3", "etc/config:2: the key 'a' is repeated"},
	{"behind an array", "[ a ] b", "etc/config:1: unexpected 'b': expected the end of the file"},
	{"an open quotation mark", "\na = \"b\n\n", "etc/config:2: a quotation mark is not closed"},
	{"an escape of nothing", `a = b\`, "etc/config:1: a backslash stands before three digits up to 255, or before what is no digit"},
	{"an escape of two digits", `a = \12`, "etc/config:1: a backslash stands before three digits up to 255, or before what is no digit"},
	{"an escape above 255", `a = \256`, "etc/config:1: a backslash stands before three digits up to 255, or before what is no digit"},
	{"nested too deeply", "a = " + strings.Repeat("[", 40), "etc/config:1: more than 32 braces or brackets are open"},
	{"a character that is none", "a = b\n\xff", "etc/config:2: unexpected end of the file: expected '=' behind the key '\xff'"},
	{"an included file that is missing", "\n$include{none}", "etc/config:2: 'etc/none': there is no such file"},
	{"an included file without an end", "$include{one", "etc/config:1: unexpected end of the file: expected '}' behind the path 'one'"},
	{"an included file without a name", "$include{}", "etc/config:1: unexpected '}': expected a path"},
	{"an included file that is wrong", "$include{wrong}", "etc/config:1: etc/wrong:2: unexpected '}': expected a key"},
	{"an array for keys", "a = b\n$include{list}", "etc/config:2: an included file holds an array where keys are expected"},
	{"a key of an included file twice", "k = 1 $include{dir}", "etc/dir/f1:1: the key 'k' is repeated"},
	{"files for a value", "a = $include{dir}", "etc/config:1: '$include' stands for 2 files where one value is expected"},
	{"a loop", "$include{config}", strings.Repeat("etc/config:1: ", 8) + "etc/config:1: more than 8 files include each other"},
	{"too many files", "a = [ " + strings.Repeat("$include{list} ", 1001) + "]", "etc/config:1: 'etc/list': more than 1000 files are included"},
}

// included are files that the texts may include.
func included(text string) texts {
	return texts{
		"etc/config": text,
		"etc/one":    "x => {\n y => z }", "etc/list": "[ p q ]", "etc/wrong": "\n}",
		"etc/dir/f1": "k = 1", "etc/dir/f2": "l = { m = 2 }",
	}
}

func TestVSCF(t *testing.T) {
	for _, tc := range vscfTexts {
		if got, err := foreign.VSCF(included(tc.in), "etc/config"); err != nil || got != tc.want {
			t.Errorf("%s: Expected %s, got %s, %v", tc.name, tc.want, got, err)
		}
	}
	for _, tc := range vscfErrors {
		if _, err := foreign.VSCF(included(tc.in), "etc/config"); err == nil || err.Error() != tc.want {
			t.Errorf("%s: Expected %q, got %q", tc.name, tc.want, err)
		}
	}
}
