//go:build linux

package test

import (
	"os"
	"strings"
	"testing"
)

// Pages of the origin's host.
const (
	nodePage      = "http://" + farHost + ":9100/metrics"
	prometheusURL = "http://" + farHost + ":9090"
)

// startNodeExporter starts it at the far end. It also shows what is in the files
// of a folder.
func (l *link) startNodeExporter(t *testing.T, files string) *process {
	t.Helper()
	need(t, "prometheus-node-exporter", "prometheus-node-exporter")
	p := launch(t, l.far.command("prometheus-node-exporter", "--web.listen-address="+farHost+":9100",
		"--collector.textfile.directory="+files))
	l.us.awaitPage(t, nodePage, "node_load1")
	return p
}

// startPrometheus starts one at the far end that scrapes the node exporter.
func (l *link) startPrometheus(t *testing.T) {
	t.Helper()
	need(t, "prometheus", "prometheus")
	l.startNodeExporter(t, folder(t))
	dir := folder(t)
	conf := write(t, dir, "prometheus.yml", `
global: {scrape_interval: 1s}
scrape_configs:
- job_name: node
  static_configs: [{targets: ["`+farHost+`:9100"]}]
`)
	launch(t, l.far.command("prometheus", "--config.file="+conf, "--storage.tsdb.path="+dir, "--web.listen-address="+farHost+":9090"))
	l.us.awaitPage(t, prometheusURL+"/api/v1/query?query=node_load1", `"value"`)
}

// startSNMPD starts an SNMP agent at the far end.
func (l *link) startSNMPD(t *testing.T) {
	t.Helper()
	need(t, "snmpd", "snmpd")
	dir := folder(t)
	cmd := l.far.command("snmpd", "-f", "-Le", "-C", "-c",
		write(t, dir, "snmpd.conf", "agentAddress udp:"+farHost+":161\nrocommunity public "+nearHost+"\n"))
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "MIBS=")
	launch(t, cmd)
}

// awaitPage waits until an agent sees a page with a text in it.
func (a *agent) awaitPage(t *testing.T, url, text string) {
	t.Helper()
	awaitTrue(t, url+" to have "+text, func() bool { return strings.Contains(a.page(url), text) })
}

// interfaceIndex is the number that the far end has for its end of the link.
func (l *link) interfaceIndex(t *testing.T) string {
	t.Helper()
	text, err := l.far.command("cat", "/sys/class/net/"+uplink+"/ifindex").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
