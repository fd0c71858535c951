//go:build linux

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// customer returns cdnctl for a new user of a new customer's, over the console.
func (s *server) customer(t *testing.T, user, customer string) func(args ...string) outcome {
	t.Helper()
	dir := folder(t)
	token := filepath.Join(dir, "token")
	s.as(t, "alice", "customer", "put", customer).expect(t, 0)
	s.as(t, "alice", "user", "put", user, "--role", "customer-admin", "--customer", customer).expect(t, 0)
	s.as(t, "alice", "token", "create", user, "--token-file", token).expect(t, 0)
	run := func(args ...string) outcome {
		t.Helper()
		cmd := exec.Command(theCtl.built(t), args...)
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
		return outcomeOf(t, cmd)
	}
	run("context", "add", "here", "--url", "http://"+s.address("console"), "--token-file", token).expect(t, 0)
	return func(args ...string) outcome { return run(append(args, "--context", "here")...) }
}

// TestACustomerClaimsANameAndPublishesBelowIt shows in a zone of his that it is his, which
// is looked up there.
func TestACustomerClaimsANameAndPublishesBelowIt(t *testing.T) {
	t.Parallel()
	zone, change := serveChanging(t, "example.org")
	vars := withStore(t, at(startOrigin(t)))
	vars["resolver"] = zone.vars["dns"]
	conf := strings.Replace(stored([]string{site}), "server one", "server one\n        resolver 127.0.0.1:$resolver\n        console 127.0.0.1:$console\n        allow 127.0.0.0/8", 1)
	s := spec{corefile: conf, vars: vars}.start(t)
	bob, eve := s.customer(t, "bob", "acme"), s.customer(t, "eve", "other")
	file := write(t, folder(t), "his.conf", aSite("www.his", "origin 192.0.2.1", "probe http http://127.0.0.1:"+s.vars["origin"]+"/ every 1s timeout 800ms"))
	apply := []string{"apply", "-f", file, "-m", "a site of ours", "--wait"}
	bob(apply...).expect(t, 1, "customer 'acme' has no proved claim to 'www.his.example.org'")

	begun := bob("claim", "begin", "his.example.org")
	record := regexp.MustCompile(`^to be set: (_cdnredirect\.his)(\.example\.org TXT) "(cdnredirect=\w+)"\n$`).FindStringSubmatch(begun.stdout)
	if record == nil {
		t.Fatalf("Expected the record to be shown, got %+v", begun)
	}
	bob("claim", "prove", "his.example.org").expect(t, 3, "it is not proved: set this record: _cdnredirect.his.example.org TXT \""+record[3]+"\": there is none")
	bob(apply...).expect(t, 1, "no proved claim")
	eve("claim", "prove", "his.example.org", "--customer", "acme").expect(t, 3, "customer 'acme': not found")

	change(record[1] + ` TXT "` + record[3] + `"`)
	bob("claim", "prove", "his.example.org", "--wait", "30s").expect(t, 0, "his.example.org is proved to be acme's")
	bob("claim", "list").expect(t, 0, "his.example.org", "txt")
	eve("claim", "begin", "his.example.org").expect(t, 3, "is taken")
	bob(apply...).expect(t, 2, "revision 1 is served by 1 server\n")
	await(t, promisedPublished, "A 192.0.2.1", s.of("www.his"))
	s.as(t, "alice", "rollback", "0", "-m", "of all of them").expect(t, 0)
	s.as(t, "alice", "publish", "--confirm", "2").expect(t, 0)
	if got := bob("history"); strings.Contains(got.stdout, "alice") || strings.Contains(got.stdout, "of all of them") || !strings.Contains(got.stdout, "a site of ours") {
		t.Errorf("Expected nothing of what the provider does, got %+v", got)
	}
	bob("claim", "release", "his.example.org").expect(t, 0)
	bob(apply...).expect(t, 1, "no proved claim")
	s.ctl(t, "audit").expect(t, 0, "claim 'his.example.org' for customer 'acme'", "prove the claim to 'his.example.org' for customer 'acme' by txt", "release the claim to 'his.example.org'")
}
