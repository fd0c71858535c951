//go:build linux

package test

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dug is what dig saw of a reply.
type dug struct {
	text string // in a line, see read
	size int    // octets
}

// dig asks the server once. It checks by itself that ID and question come back.
func (s *server) dig(t *testing.T, args ...string) dug {
	t.Helper()
	need(t, "dig", "bind9-dnsutils")
	all := []string{
		"-r", "@127.0.0.1", "-p", s.vars["dns"], "+time=5", "+tries=1",
		"+noall", "+comments", "+question", "+answer", "+authority", "+stats",
	}
	output, _ := exec.Command("dig", append(all, args...)...).CombinedOutput() // fails where no reply is what we want
	return read(string(output))
}

var (
	digHeader  = regexp.MustCompile(`(?m)^;; ->>HEADER<<- opcode: (\w+), status: (\w+),`)
	digFlags   = regexp.MustCompile(`(?m)^;; flags: qr ?([a-z ]*)(; MBZ: \w+)?;? QUERY: `)
	digEDNS    = regexp.MustCompile(`(?m)^; EDNS: version: (\d+), flags: ?([a-z ]*);(?: MBZ: (\w+),)? udp: (\d+)`)
	digOption  = regexp.MustCompile(`(?m)^; ([A-Z][A-Z-]+)`)
	digRecord  = regexp.MustCompile(`(?m)^[^;\s]\S*\s+\d+\s+IN\s+(\w+)\s`)
	digSize    = regexp.MustCompile(`(?m)^;; MSG SIZE  rcvd: (\d+)`)
	digWarning = regexp.MustCompile(`(?mi)^;;.*(mismatch|malformed|trailing|bad packet).*$`)
)

// read puts a reply into a line: the opcode unless it is QUERY, the rcode, the
// flags but QR, what is in the answer unless it was cut, and EDNS.
func read(output string) dug {
	header := digHeader.FindStringSubmatch(output)
	flags := digFlags.FindStringSubmatch(output)
	if header == nil || flags == nil {
		return dug{text: "no reply"}
	}
	line := []string{header[2]}
	if header[1] != "QUERY" {
		line = append([]string{header[1]}, line...)
	}
	line = append(line, strings.Fields(flags[1])...)
	if flags[2] != "" {
		line = append(line, "Z")
	}
	text := strings.Join(line, " ")
	if found := digData(output, header[2]); found != "" && !slices.Contains(line, "tc") {
		text += ": " + found
	}
	d := dug{text: text + digOPT(output)}
	if warning := digWarning.FindString(output); warning != "" {
		d.text += ", " + warning
	}
	if size := digSize.FindStringSubmatch(output); size != nil {
		d.size, _ = strconv.Atoi(size[1])
	}
	return d
}

// digData says what the sections of a reply hold: the types of the answer,
// with how many there are if there are several, or NODATA.
func digData(output, rcode string) string {
	answer, authority, _ := strings.Cut(output, ";; AUTHORITY SECTION:")
	counts := make(map[string]int)
	for _, match := range digRecord.FindAllStringSubmatch(answer, -1) {
		counts[match[1]]++
	}
	var types []string
	for name, n := range counts {
		if n > 1 {
			name = fmt.Sprintf("%d %s", n, name)
		}
		types = append(types, name)
	}
	slices.Sort(types)
	if soa := digRecord.FindStringSubmatch(authority); rcode == "NOERROR" && len(types) == 0 && soa != nil && soa[1] == "SOA" {
		return "NODATA"
	}
	return strings.Join(types, " ")
}

// digOPT says what an OPT record holds: the version, the flags, a size that
// no reply may have, and the options.
func digOPT(output string) string {
	opt := digEDNS.FindStringSubmatch(output)
	if opt == nil {
		return ""
	}
	text := "; EDNS " + opt[1]
	for _, more := range []string{opt[2], opt[3]} {
		if more != "" {
			text += " " + more
		}
	}
	if size, _ := strconv.Atoi(opt[4]); size < 512 {
		text += " size " + opt[4]
	}
	for _, option := range digOption.FindAllStringSubmatch(output, -1) {
		if option[1] != "EDNS" {
			text += " " + option[1]
		}
	}
	return text
}
