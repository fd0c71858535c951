//go:build linux

package test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestApplyAndExportForCustomers has an operator apply sites of customers, and what is
// exported of it change nothing, for him and for a customer; and a dry run say all that
// would be wrong.
func TestApplyAndExportForCustomers(t *testing.T) {
	t.Parallel()
	conf := strings.Replace(stored([]string{site}), "server one", "server one\n        console 127.0.0.1:$console\n        allow 127.0.0.0/8", 1)
	s := spec{corefile: conf, vars: withStore(t, at(startOrigin(t)))}.start(t)
	bob, _ := s.customer(t, "bob", "acme"), s.customer(t, "eve", "other")
	doc := func(name, customer, ttl string) string {
		return "kind: site\nname: " + name + ".example.org\n" + customer + "origins: [{address: [192.0.2.1]}]\ncdns: [{name: example, target: " + target +
			"}]\nprobes: [{kind: http, target: \"http://{origin}/\"}]\nthresholds: [{signal: response_time, limit: 300ms}]\nready: {level: none}\nttl: {full: " + ttl + "}\n"
	}
	dir := folder(t)
	write(t, dir, "a.yaml", doc("a.his", "customer: acme\n", "30s")+"---\n"+doc("b.hers", "customer: other\n", "30s")+"---\n"+doc("ours", "", "30s"))
	s.as(t, "alice", "apply", "-f", dir, "-m", "all", "--wait").expect(t, 2, "+# customer acme\n", "+# customer other\n", "3 changes: 3 new, 0 changed, 0 removed; 0 the same\n", "revision 1 is served by one\n")

	exported := filepath.Join(folder(t), "exported")
	s.ctl(t, "export", exported).expect(t, 0, "3 objects of revision 1 in")
	s.as(t, "alice", "apply", "-f", exported, "--prune", "-m", "the same").expect(t, 0, "0 changes: 0 new, 0 changed, 0 removed; 3 the same\n")
	his := filepath.Join(folder(t), "his")
	bob("export", his).expect(t, 0, "1 object of revision 1 in")
	bob("apply", "-f", his, "--prune", "-m", "the same").expect(t, 0, "0 removed; 1 the same\n")
	s.as(t, "alice", "apply", "-f", his, "--prune", "-m", "mine are gone", "--dry-run").expect(t, 2, "1 change: 0 new, 0 changed, 1 removed; 1 the same\n", "1 published object of customers in no file, and stays: they are not yours to prune\n")

	s.as(t, "alice", "plan", "put", "basic", "--min-ttl", "30s", "--max-sites", "2").expect(t, 0)
	s.as(t, "alice", "customer", "put", "acme", "--plan", "basic").expect(t, 0)
	wrong := folder(t)
	write(t, wrong, "a.yaml", doc("a.his", "customer: acme\n", "10s"))
	write(t, wrong, "b.yaml", doc("b.his", "", "30s")+"class: none\n---\n"+doc("ours.his", "", "30s")+"---\n"+doc("c.hers", "", "30s"))
	tried := bob("apply", "-f", wrong, "--dry-run")
	tried.expect(t, 1, "4 changes: 3 new, 1 changed, 0 removed; 0 the same\n", "several things are wrong",
		wrong+"/a.yaml:1: site 'a.his.example.org': ttl.full: ttl '10s' is below 30s, the least of the plan",
		wrong+"/b.yaml:1: site 'b.his.example.org': class: unknown class 'none'",
		"would be number 3, and the plan has 2", "customer 'acme' has no proved claim to 'b.his.example.org', 'c.hers.example.org', 'ours.his.example.org'")
	if strings.Contains(tried.stdout+tried.stderr, "other") {
		t.Errorf("Expected nothing of the other customer, got %+v", tried)
	}
	bob("draft").expect(t, 0, "the draft is empty\n")
	write(t, wrong, "a.yaml", doc("a.his", "customer: other\n", "30s"))
	bob("apply", "-f", filepath.Join(wrong, "a.yaml"), "-m", "x").expect(t, 1, "customer 'other' is not yours: leave it out, or write 'acme'")
	s.ctl(t, "history").expect(t, 0, "all")
}
