//go:build linux

package test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// siteBlock is a cdnredirect block with lines for all of it, and the sites, each
// with its lines. All are of the class that ours has.
func siteBlock(process []string, sites ...[]string) string {
	var text strings.Builder
	for line := range strings.Lines(ours()) {
		if strings.HasPrefix(line, "        site") {
			break
		}
		text.WriteString(line)
		if strings.HasSuffix(line, "cdnredirect {\n") && len(process) > 0 {
			text.WriteString("        " + strings.Join(process, "\n        ") + "\n")
		}
	}
	for _, lines := range sites {
		fmt.Fprintf(&text, "        site %s class tested {\n            %s\n        }\n", lines[0], strings.Join(lines[1:], "\n            "))
	}
	return text.String() + "    }\n"
}

// ready is what the directive adds to a server block.
const ready = "    ready 127.0.0.1:$ready\n"

// readiness is the status of the server's readiness page.
func (s *server) readiness() string {
	resp, err := browser.Get("http://" + s.address("ready") + "/ready")
	if err != nil {
		return err.Error()
	}
	resp.Body.Close()
	return http.StatusText(resp.StatusCode)
}

const (
	isReady  = "OK"
	notReady = "Service Unavailable"
)

// zoneData is a zone file of example.org that changes. Its SOA is unlike that of
// any zone without data behind.
type zoneData struct {
	path   string
	serial int
}

// zoneWith makes the file of the zone with some records.
func zoneWith(t *testing.T, records ...string) *zoneData {
	z := &zoneData{path: filepath.Join(folder(t), "db.example.org"), serial: 41}
	z.set(t, records...)
	return z
}

// set writes the file anew.
func (z *zoneData) set(t *testing.T, records ...string) {
	t.Helper()
	z.serial++
	write(t, filepath.Dir(z.path), filepath.Base(z.path), fmt.Sprintf(`$ORIGIN example.org.
$TTL 3600
@    SOA  primary.example.org. people.example.org. %d 7200 1800 86400 3600
@    NS   primary
primary A 192.0.2.53
%s
`, z.serial, strings.Join(records, "\n")))
}

// directive is the line that serves it.
func (z *zoneData) directive() string {
	return "    file " + z.path + " {\n        reload 200ms\n    }\n"
}

// serveZone starts a second CoreDNS that has the data of a zone, with a short TTL
// for what it denies.
func serveZone(t *testing.T, zone string, records ...string) *server {
	t.Helper()
	s, _ := serveChanging(t, zone, records...)
	return s
}

// serveChanging is the same, with a function that gives the zone other records.
func serveChanging(t *testing.T, zone string, records ...string) (s *server, change func(records ...string)) {
	t.Helper()
	dir, serial := folder(t), 0
	change = func(records ...string) {
		t.Helper()
		serial++
		write(t, dir, "db", fmt.Sprintf("$TTL 60\n@ SOA ns.example.net. h.example.net. %d 7200 1800 86400 5\n@ NS ns.example.net.\n%s\n", serial, strings.Join(records, "\n")))
	}
	change(records...)
	s = spec{corefile: zone + ":$dns {\n    bind 127.0.0.1\n    file " + filepath.Join(dir, "db") + " {\n        reload 200ms\n    }\n}\n"}.start(t)
	return s, change
}

// TestOriginNextFollowsAZoneFile leads to the address by CNAMEs, and then to
// another address, which is probed instead of the first.
func TestOriginNextFollowsAZoneFile(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, "127.0.0.1", "127.0.0.2")
	zone := zoneWith(t, "www CNAME a", "a CNAME b", "b 60 A 127.0.0.1")
	s := spec{corefile: block(zone.directive(), ready, ours("origin next")), vars: at(web)}.start(t)
	s.expectTypes(t, originHasAddresses)
	await(t, 0, "A 30", s.ttl)
	await(t, patience, isReady, s.readiness)

	zone.set(t, "www CNAME a", "a CNAME b", "b 60 A 127.0.0.2")
	t.Logf("the new address after %s", await(t, promisedDown, "A 127.0.0.2", s.answer))
	web.kill("127.0.0.1")
	asked := web.asked.Load()
	awaitTrue(t, "more probes than would divert", func() bool { return web.asked.Load() > asked+4 })
	await(t, 0, "A 127.0.0.2", s.answer)
	web.kill("127.0.0.2")
	await(t, promisedDown, atCDN, s.answer)
}

// TestOriginNextIsAnsweredByTheNextPluginUntilItIsFound starts with a zone that
// has no address of the site yet.
func TestOriginNextIsAnsweredByTheNextPluginUntilItIsFound(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	zone := zoneWith(t, `www TXT "here"`)
	s := spec{corefile: block(zone.directive(), ready, ours("origin next")), vars: at(web)}.start(t)
	for range 2 {
		await(t, 0, notReady, s.readiness)
		await(t, 0, "NODATA", s.answer)
		await(t, 0, `TXT "here"`, func() string { return s.udp().ask(site, dns.TypeTXT) })
		awaitTrue(t, "the failure in the log", func() bool { return s.output.count("the next plugin has no address of it") == 1 })
	}
	zone.set(t, "www 60 A 127.0.0.1")
	await(t, promisedDown, "A 30", s.ttl)
	await(t, patience, isReady, s.readiness)

	zone.set(t) // the last good address stays
	awaitTrue(t, "the loss in the log", func() bool { return s.output.count("the next plugin has no address of it") == 2 })
	await(t, 0, atOrigin, s.answer)
	await(t, 0, isReady, s.readiness)
}

func TestOriginNextIsFoundOutOfTheZone(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	others := serveZone(t, "example.net", "web CNAME host", "host A 127.0.0.1")
	vars := at(web)
	vars["others"] = others.vars["dns"]
	zone := zoneWith(t, "www CNAME web.example.net.")
	s := spec{corefile: block(zone.directive(), siteBlock([]string{"resolver 127.0.0.1:$others"}, []string{site, "origin next", "cdn example web.example.net"})), vars: vars}.start(t)
	await(t, promisedDown, "A 30", s.ttl)
	s.expectTypes(t, originHasAddresses)
}

// TestOriginNextOfHosts has that plugin read its data only after we asked.
func TestOriginNextOfHosts(t *testing.T) {
	t.Parallel()
	path := write(t, folder(t), "hosts", "127.0.0.1 www.example.org\n")
	for name, hosts := range map[string]string{
		"file":   "    hosts " + path + " {\n        reload 200ms\n    }\n",
		"inline": "    hosts {\n        127.0.0.1 www.example.org\n    }\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := startOrigin(t, "127.0.0.1", "127.0.0.2")
			s := spec{corefile: block(hosts, ready, ours("origin next")), vars: at(web)}.start(t)
			await(t, 0, atOrigin, s.answer) // whoever says it
			await(t, promisedDown, "A 30", s.ttl)
			await(t, patience, isReady, s.readiness)
			if name == "inline" {
				return
			}
			write(t, filepath.Dir(path), filepath.Base(path), "127.0.0.2 www.example.org\n")
			await(t, promisedDown, "A 127.0.0.2", s.answer)
		})
	}
}

// TestNegativeAnswersHaveTheDataOfTheZone but for what tells how long they are
// kept.
func TestNegativeAnswersHaveTheDataOfTheZone(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(zoneWith(t).directive(), ours()), vars: at(web)}.start(t)
	await(t, patience, atOrigin, s.answer)
	for _, name := range []string{site, strings.ToUpper(site)} {
		soa := soaOf(s.udp().must(t, question(name, dns.TypeAAAA)))
		if soa == nil {
			t.Fatal("Expected an SOA")
		}
		got := strings.Join(strings.Fields(soa.String()), " ")
		if want := "example.org. 30 IN SOA primary.example.org. people.example.org. 42 7200 1800 86400 30"; got != want {
			t.Errorf("Expected %q, got %q", want, got)
		}
	}
}
