package foreign

import (
	"fmt"
	"strings"
)

// VSCF reads a file of gdnsd's language, and writes it in one form.
func VSCF(from Files, file string) (string, error) {
	v, err := readVSCF(from, file)
	return v.dump(), err
}

// dump writes a value with the lines where its parts stand.
func (v value) dump() string {
	var parts []string
	switch v.kind {
	case isString:
		return fmt.Sprintf("%q", v.text)
	case isArray:
		for _, item := range v.list {
			parts = append(parts, item.dump())
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	for _, p := range v.hash {
		parts = append(parts, fmt.Sprintf("%d:%q=%s", p.line, p.key, p.value.dump()))
	}
	return "{" + strings.Join(parts, " ") + "}"
}
