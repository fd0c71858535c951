//go:build linux

package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// explained are the messages at WARNING or above that are no fault, and why: of
// zonemaster by zone, test case and tag, of dnsviz by name and code. Each has to
// come: one that does not leaves the list.
var explained = map[string]string{
	"steer.zz ADDRESS01 NAMESERVER_IP_PRIVATE_NETWORK":  "the lab's addresses are those for documentation",
	"steer.zz ADDRESS02 NAMESERVER_IP_WITHOUT_REVERSE":  "the lab has no reverse zone",
	"filed.zz ADDRESS01 NAMESERVER_IP_PRIVATE_NETWORK":  "as above",
	"filed.zz ADDRESS02 NAMESERVER_IP_WITHOUT_REVERSE":  "as above",
	"signed.zz ADDRESS01 NAMESERVER_IP_PRIVATE_NETWORK": "as above",
	"signed.zz ADDRESS02 NAMESERVER_IP_WITHOUT_REVERSE": "as above",
}

func TestZoneCheckersFindNothing(t *testing.T) {
	t.Parallel()
	need(t, "zonemaster-cli", "zonemaster-cli")
	need(t, "dnsviz", "dnsviz")
	p, _ := steeredPlan(t)
	l := newLab(t, p)

	l.flips(t, patience, func(s steered) state { return s.origin })
	l.checkZones(t, "origin")
	l.slow(t, tooSlow)
	l.flips(t, promisedSlow, func(s steered) state { return s.cdn })
	l.checkZones(t, "CDN")
}

// checkZones runs both checkers and fails for each message that is not
// explained, and each explanation without a message.
func (l *lab) checkZones(t *testing.T, side string) {
	t.Helper()
	found := l.dnsviz(t)
	for _, zone := range labZones {
		maps.Copy(found, l.zonemaster(t, zone.name))
	}
	for _, message := range slices.Sorted(maps.Keys(found)) {
		if explained[message] == "" {
			t.Errorf("Expected nothing at the %s, got: %s: %s", side, message, found[message])
		}
	}
	for message := range explained {
		if _, came := found[message]; !came {
			t.Errorf("Expected at the %s what is explained, got no %s: take it off the list", side, message)
		}
	}
}

// finish runs a program to its end and returns what it said.
func finish(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	p := launch(t, cmd)
	awaitTrue(t, filepath.Base(cmd.Path)+" to end", p.over)
	if !cmd.ProcessState.Success() {
		t.Fatalf("Expected %q to succeed, got: %s\n%s", cmd.Args, cmd.ProcessState, p.output.String())
	}
	return p.output.String()
}

// zonemasterLine is a message: when, level, test case, tag and arguments.
var zonemasterLine = regexp.MustCompile(`(?m)^ *[\d.]+ +([A-Z]+) +(\w+) +(\w+) *(.*)$`)

// zonemaster returns what it says about a zone at WARNING or above, by zone,
// test case and tag.
func (l *lab) zonemaster(t *testing.T, zone string) map[string]string {
	t.Helper()
	hints := write(t, folder(t), hintsFile, rootHints)
	output := finish(t, l.command("zonemaster-cli", "--hints", hints, "--level", "INFO", "--show-testcase", "--raw", "--no-progress", zone))
	found, asked := make(map[string]string), make(map[string]bool)
	for _, line := range zonemasterLine.FindAllStringSubmatch(output, -1) {
		level, tag := line[1], line[2]+" "+line[3]
		asked[tag] = true
		if !slices.Contains([]string{"INFO", "NOTICE"}, level) {
			found[zone+" "+tag] = level + " " + line[4]
		}
	}
	for _, tag := range []string{"DELEGATION07 NAMES_MATCH", "NAMESERVER09 CASE_QUERIES_RESULTS_OK", "ZONE10 ONE_SOA"} {
		if !asked[tag] {
			t.Errorf("Expected zonemaster to come to %q for %s, got:\n%s", tag, zone, output)
		}
	}
	return found
}

// dnsviz returns what it says about the sites and their zones at WARNING or
// above, by name and code. It gets a look at everything else, too.
func (l *lab) dnsviz(t *testing.T) map[string]string {
	t.Helper()
	dir := folder(t)
	probe, result := filepath.Join(dir, "probe"), filepath.Join(dir, "result")
	names := checkedNames()
	finish(t, l.command("dnsviz", slices.Concat([]string{"probe", "-4", "-A", "-E", "-a", ".", "-R", "A,AAAA,SOA,CNAME,TXT,HTTPS", "-o", probe}, whereabouts(), names)...))
	finish(t, l.command("dnsviz", "grok", "-l", "info", "-r", probe, "-o", result))
	text, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]any)
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for name, what := range all {
		complaints(name, what, found)
	}
	for _, name := range names {
		if one, ok := all[name].(map[string]any); !ok || one["status"] != "NOERROR" {
			t.Errorf("Expected dnsviz to look at %s and find NOERROR, got %v", name, all[name])
		}
	}
	return found
}

// checkedNames are the zones and the sites.
func checkedNames() (names []string) {
	for _, zone := range labZones {
		names = append(names, zone.name+".")
	}
	for _, s := range labSites {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return slices.Compact(names) // a site can be at the apex
}

// whereabouts tells dnsviz the servers of every zone, the root's included: it
// would wait for the real ones.
func whereabouts() []string {
	args := []string{"-x", ".:a.root=" + rootServer, "-x", "zz:ns.zz=" + tldServer}
	for _, zone := range labZones {
		parent := "zz"
		if zone.filed {
			parent = zone.name
		}
		args = append(args, "-x", fmt.Sprintf("%s:ns1.%s=%s,ns2.%s=%s", zone.name, parent, ourServer1, parent, ourServer2))
	}
	return args
}

// complaints collects what dnsviz lists as errors and warnings, which can be
// at any depth.
func complaints(name string, what any, found map[string]string) {
	switch what := what.(type) {
	case []any:
		for _, one := range what {
			complaints(name, one, found)
		}
	case map[string]any:
		for key, one := range what {
			if list, ok := one.([]any); ok && (key == "errors" || key == "warnings") {
				for _, complaint := range list {
					c, _ := complaint.(map[string]any)
					found[fmt.Sprint(name, " ", c["code"])] = fmt.Sprint(c["description"])
				}
				continue
			}
			complaints(name, one, found)
		}
	}
}
