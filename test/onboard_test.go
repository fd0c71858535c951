//go:build linux

package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"

	"github.com/miekg/dns"
)

// stepsDone returns the steps that cdnctl has shown to be done, in their order.
func (p *process) stepsDone() (names []string) {
	for _, line := range regexp.MustCompile(`(?m)^(\w+( \w+)?) +done\b`).FindAllStringSubmatch(p.output.String(), -1) {
		names = append(names, strings.TrimSpace(line[1]))
	}
	return names
}

// expectSteps waits for the end of a command, and wants it to have shown these steps.
func (p *process) expectSteps(t *testing.T, end string, steps ...string) {
	t.Helper()
	awaitTrue(t, "cdnctl to end", p.over)
	if got := p.stepsDone(); !slices.Equal(got, steps) {
		t.Errorf("Expected the steps %q, got %q", steps, got)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 || p.output.count(end) != 1 {
		t.Errorf("Expected exit code 0 and %q, got %d and\n%s", end, code, p.output.String())
	}
}

// TestCdnctlOnboardsAndOffboards is the way of a new customer: he has a site come, is told
// which record to set, sets it, and his visitors are there. Then he has it go.
func TestCdnctlOnboardsAndOffboards(t *testing.T) {
	t.Parallel()
	l := newShopLab(t)
	if err := l.onboard(t, "old00"); err != nil { // the last site of all does not go without a word of the operator
		t.Fatal(err)
	}
	file := write(t, folder(t), "www.conf", "site www.shops.zz class shop {\n}\n")
	onboard := launch(t, l.asBob(t, "onboard", file, "-m", "a new shop", "--wait"))
	record := regexp.MustCompile(`proof +waiting: set these records: (_cdnredirect\.www\.shops\.zz) TXT "(cdnredirect=\w+)" \(there is none\)`)
	awaitTrue(t, "cdnctl to say which record is to be set", func() bool { return record.MatchString(onboard.output.String()) })
	if got := l.ask(dnsAt(ourServer1), "www.shops.zz.", dns.TypeA); strings.Contains(got, nodesOrigin) {
		t.Errorf("Expected no site before it is proved, got %q", got)
	}
	told := record.FindStringSubmatch(onboard.output.String())
	if err := l.zone.set([]api.ProofRecord{{Name: told[1], Text: told[2]}}); err != nil {
		t.Fatal(err)
	}
	onboard.expectSteps(t, "onboard of site www.shops.zz is done", "check", "proof", "cdn edge", "certificate", "verify", "publish", "live")
	if got := l.ask(dnsAt(ourServer1), "www.shops.zz.", dns.TypeA); got != "A "+nodesOrigin {
		t.Errorf("Expected the origin, got %q", got)
	}
	l.ours.ctl(t, "override", "set", "site", "www.shops.zz", "cdn", "edge", "--for", "1h", "-m", "a test").expect(t, 0)
	await(t, promisedPublished, "CNAME www.edge.own.zz.", func() string { return l.ask(dnsAt(ourServer1), "www.shops.zz.", dns.TypeA) })
	for _, node := range nodes[:2] {
		if got := l.pageOf(node, "www.shops.zz"); got != "shop www.shops.zz of nginx" {
			t.Errorf("Expected the shop at node %s, got %q", node, got)
		}
	}

	offboard := launch(t, l.asBob(t, "offboard", "www.shops.zz", "-m", "the shop moves", "--wait"))
	offboard.expectSteps(t, "offboard of site www.shops.zz is done", "check", "publish", "live", "drain", "cdn edge", "release")
	l.expectGone(t, "www.shops.zz")
}
