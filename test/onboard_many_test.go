//go:build linux

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"

	"github.com/miekg/dns"
)

// shops are the customer's sites: 100 in all. Some are at both CDNs, some are refused by
// the second one when the first is set up, and of some the operator says that they are his.
func shops() (names []string) {
	for i := range 100 {
		switch {
		case i%25 == 7:
			names = append(names, fmt.Sprintf("refused%02d", i))
		case i%25 == 3:
			names = append(names, fmt.Sprintf("both%02d", i))
		case i%5 == 0:
			names = append(names, fmt.Sprintf("old%02d", i))
		default:
			names = append(names, fmt.Sprintf("shop%02d", i))
		}
	}
	return names
}

// onboard begins the onboarding of a shop, and sets the records that it asks for.
func (l *shopLab) onboard(t *testing.T, name string) error {
	text := "site " + name + ".shops.zz class shop {\n"
	if strings.HasPrefix(name, "both") || strings.HasPrefix(name, "refused") {
		text += "    cdn cache {label}.cache.own.zz\n"
	}
	file := write(t, folder(t), name+".conf", text+"}\n")
	args := []string{"onboard", file, "-m", "a new shop", "-o", "json"}
	var got outcome
	if strings.HasPrefix(name, "old") {
		got = l.ours.ctl(t, append(args, "--customer", "acme", "--proof", "operator")...)
	} else {
		got = l.bob(t, args...)
	}
	var o api.Onboarding
	if err := json.Unmarshal([]byte(got.stdout), &o); err != nil {
		return fmt.Errorf("%s: %+v: %w", name, got, err)
	}
	return l.zone.set(o.Records)
}

// onboardAll begins all of them, eight at a time.
func (l *shopLab) onboardAll(t *testing.T, names []string) {
	t.Helper()
	todo := make(chan string)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for name := range todo {
				if err := l.onboard(t, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, name := range names {
		todo <- name
	}
	close(todo)
	all.Wait()
}

// TestAHundredSitesWhileNodesDie has a customer onboard 100 sites at a time. Meanwhile each
// node is killed and comes back, and so does our server. In the end each site is where
// its visitors find it, or nothing of it is anywhere. It runs beside no other test of
// this package: it has enough processes for all processors.
func TestAHundredSitesWhileNodesDie(t *testing.T) {
	l, names := newShopLab(t), shops()
	began := time.Now()
	l.onboardAll(t, names)
	t.Logf("all begun after %s", time.Since(began))
	cancelled := l.trouble(t)
	awaitTrue(t, "all to be over", func() bool { return l.progress(t, "running", "undoing") == 0 })
	t.Logf("all over after %s", time.Since(began))

	l.ours.ctl(t, "override", "set", "all", "cdn", "edge", "--for", "1h", "-m", "a test").expect(t, 0)
	for _, o := range l.onboardings(t) {
		name := o.Site
		switch {
		case o.State == "done" && !strings.HasPrefix(name, "refused") && !slices.Contains(cancelled, o.ID):
			l.expectServed(t, name)
		case o.State == "undone" && (strings.HasPrefix(name, "refused") || slices.Contains(cancelled, o.ID)):
			l.expectGone(t, name)
		default:
			t.Errorf("Expected %s to be where it should be, it is %s: %+v", name, o.State, o.Steps)
		}
	}
	l.expectCalls(t, "edge")
	l.expectCalls(t, "cache")
}

// trouble kills each node, and our server, while onboardings are under way, and starts it
// again. It cancels some of them, and returns which.
func (l *shopLab) trouble(t *testing.T) (cancelled []string) {
	t.Helper()
	rounds := 1
	if os.Getenv("CDNREDIRECT_TORTURE") != "" {
		rounds = 4
	}
	for round := range rounds {
		over := func(percent int) {
			all := len(l.onboardings(t))
			want := (round*100 + percent) * all / (rounds * 100)
			awaitTrue(t, fmt.Sprintf("%d to be over", want), func() bool { return l.progress(t, "done", "undone") >= want })
		}
		over(5)
		l.die(t, nodes[0])
		l.waitsFor(t, "exit status 75")
		l.restart(t, func() { l.up(t, nodes[0]) })
		over(30)
		cancelled = append(cancelled, l.cancel(t, 2)...)
		l.die(t, nodes[1])
		l.die(t, nodes[2])
		l.waitsFor(t, "exit status 75")
		l.up(t, nodes[1])
		l.up(t, nodes[2])
		over(60)
		l.restart(t, func() {})
	}
	return cancelled
}

// waitsFor waits until an onboarding waits for something.
func (l *shopLab) waitsFor(t *testing.T, words string) {
	t.Helper()
	awaitTrue(t, "somebody to wait because of "+words, func() bool {
		return slices.ContainsFunc(l.onboardings(t), func(o api.Onboarding) bool {
			return slices.ContainsFunc(o.Steps, func(s api.OnboardingStep) bool { return strings.Contains(s.Words, words) })
		})
	})
}

// cancel has the customer cancel so many onboardings that are under way, the newest ones.
func (l *shopLab) cancel(t *testing.T, n int) (ids []string) {
	t.Helper()
	for _, o := range l.onboardings(t) {
		if len(ids) < n && o.State == "running" && l.bob(t, "onboard", "cancel", o.ID).code == 0 {
			ids = append(ids, o.ID)
		}
	}
	if len(ids) != n {
		t.Errorf("Expected %d onboardings to be cancelled, got %v", n, ids)
	}
	return ids
}

// expectServed wants visitors of a site to be led to a node, and each node of its CDNs to
// serve it.
func (l *shopLab) expectServed(t *testing.T, name string) {
	t.Helper()
	label, _, _ := strings.Cut(name, ".")
	await(t, patience, "CNAME "+label+".edge.own.zz.", func() string { return l.ask(dnsAt(ourServer1), name+".", dns.TypeA) })
	want := nodes[:2]
	if strings.HasPrefix(name, "both") {
		want = nodes
	}
	for _, node := range want {
		await(t, patience, "shop "+name+" of nginx", func() string { return l.pageOf(node, name) })
	}
	if got := l.has(t, name); !slices.Equal(got, want) {
		t.Errorf("%s: Expected its configuration at %v, got %v", name, want, got)
	}
}

// expectGone wants nothing of a site to be anywhere: its name is the customer's name
// server's, no node knows it, and somebody else may come and prove that it is his.
func (l *shopLab) expectGone(t *testing.T, name string) {
	t.Helper()
	got, want := l.ask(dnsAt(ourServer1), name+".", dns.TypeA), l.ask(dnsAt(customerDNS), name+".", dns.TypeA)
	if got != want || strings.Contains(got, nodesOrigin) || strings.Contains(got, "edge") {
		t.Errorf("%s: Expected the answer %q of the customer's name server, got %q", name, want, got)
	}
	for _, node := range nodes {
		await(t, patience, nobodyHere, func() string { return l.pageOf(node, name) })
	}
	if got := l.has(t, name); got != nil {
		t.Errorf("%s: Expected no configuration, got it at %v", name, got)
	}
	l.ours.ctl(t, "site", name).expect(t, 3, "not found")
	file := write(t, folder(t), "other.conf", "site "+name+" class shop {\n}\n")
	l.ours.ctl(t, "onboard", file, "--customer", "other", "-m", "his now").expect(t, 0, "to be set: _cdnredirect."+name+" TXT")
}

// expectCalls wants a command to have been asked the same with the same key, and to set
// nothing up any more what it has taken away.
func (l *shopLab) expectCalls(t *testing.T, command string) {
	t.Helper()
	content, gone := map[string]string{}, map[string]bool{}
	for _, line := range l.asked(t, command) {
		words := strings.Fields(line)
		what, key := words[0], words[1]
		if before, known := content[key]; known && before != words[2] {
			t.Errorf("%s: Expected the key %s to have the same content each time", command, key)
		}
		content[key] = words[2]
		onboarding, _, _ := strings.Cut(key, "/")
		if gone[onboarding] && what != "undo" {
			t.Errorf("%s: Expected nothing after undo, got %s of %s", command, what, key)
		}
		gone[onboarding] = gone[onboarding] || what == "undo"
	}
}
