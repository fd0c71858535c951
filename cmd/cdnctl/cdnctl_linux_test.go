package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is an engine with one site, www.example.org.
type fake struct {
	api.Engine
	state  api.State
	report api.ProbeReport
}

// States has a part for each of two sites.
func (f fake) States(q api.StateQuery) (states []api.State, next string) {
	if q.Cursor == "" {
		return []api.State{{Site: "idle.example.org."}}, "idle.example.org."
	}
	return []api.State{f.state}, ""
}

func (f fake) Drain(cdn, node string, drain bool) error {
	if cdn != "edge" || node != "fra1" {
		return fmt.Errorf("%w: '%s' of cdn '%s'", api.ErrNoNode, node, cdn)
	}
	return nil
}

func (f fake) CDNs() []api.CDNState {
	left := api.Number(8e9)
	return []api.CDNState{
		{Name: "far", NotReady: 3, Left: &left, Operated: "third-party", Standing: api.StandingOut, Since: f.state.Since, Ejections: 2,
			Back: f.state.Since.Add(time.Minute), Reason: f.state.Reason, Record: []api.Sample{
				{Signal: site.ResponseTime, Value: 0.39, Age: ms(1000)},
				{Signal: site.UsedBandwidth, Value: 2e9, Age: ms(30_000)},
			}},
		{Name: "edge", Operated: "own", Standing: api.StandingReady, Full: true, Part: 0.55, Sites: 7, Nodes: []api.NodeState{
			{Name: "fra1", Standing: api.StandingReady, Drained: true, Reason: "below", Addresses: f.state.Origins[0].Addresses,
				Record: []api.Sample{{Signal: site.Load, Value: 2, Age: ms(500)}, {Signal: site.HitRatio, Value: 0.95, Age: ms(700)}}},
			{Name: "ams1", Standing: api.StandingReady, Weight: 10, Since: f.state.Since},
		}},
	}
}

func (f fake) Explain(name string, client netip.Addr) (api.Explanation, error) {
	if name != "www.example.org." {
		return api.Explanation{}, fmt.Errorf("explaining '%s': %w", name, api.ErrUnknown)
	}
	return explanation(f.state, client), nil
}

func (f fake) Probe(_ context.Context, what string) (api.ProbeReport, error) {
	if strings.HasPrefix(what, "none") {
		return api.ProbeReport{}, fmt.Errorf("probing '%s': %w", what, api.ErrUnknown)
	}
	return f.report, nil
}

func state() api.State {
	return api.State{
		Site: "www.example.org.", Epoch: 7, Side: api.Side(site.SideCDN), Share: 1,
		CDNs:  []api.CDN{{Name: "edge", Target: "www.edge.example.net."}},
		Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), TTL: api.Seconds(30 * time.Second),
		Reason: "threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)",
		Cause:  site.CauseThreshold, Signal: site.ResponseTime, Value: 0.39, Limit: 0.3, V: 1.3,
		Origins: []api.OriginState{{Name: "fra", Operated: "own", Side: api.Side(site.SideCDN), Serving: true,
			Addresses: []api.AddressState{
				{Address: netip.MustParseAddr("192.0.2.10"), Health: api.HealthUp},
				{Address: netip.MustParseAddr("2001:db8::10"), Health: api.HealthDown},
			}}},
	}
}

// explanation is of a state; with a client, it has an answer.
func explanation(s api.State, client netip.Addr) api.Explanation {
	e := api.Explanation{
		State: s,
		Names: []string{"www.example.org.", "*.www.example.org."},
		Thresholds: []api.ThresholdState{
			{Origin: "fra", Signal: site.ResponseTime, Statistic: site.P50, Limit: 0.3, Recover: 0.24, Value: 0.39, V: 1.3,
				Samples: 9, Age: api.Seconds(time.Second), Over: 3, Hard: 1, NoData: "origin after 10m"},
			{Origin: "fra", Signal: site.AvailableBandwidth, Limit: 1e9, Recover: 2e9, Missing: true, NoData: "origin after 10m"},
		},
		Sources: []api.SourceState{
			{Kind: "http", Target: "http://192.0.2.10:80/healthz?key=secret", Every: api.Seconds(10 * time.Second),
				Health: api.HealthUp, Goods: 12, Last: []api.Sample{{Age: api.Seconds(time.Second), Signal: site.ResponseTime, Value: 0.39}}},
			{Kind: "http", Target: "http://[2001:db8::10]:80/healthz", Every: api.Seconds(10 * time.Second),
				Health: api.HealthDown, Fails: 4, Last: []api.Sample{
					{Signal: site.ResponseTime, Value: 4, Failure: site.FailureConnect, Detail: "connection refused"},
					{Signal: site.ErrorRatio, Value: 1},
				}},
			{Kind: "promql", Target: "http://192.0.2.10:9090/", Every: api.Seconds(time.Minute), Health: api.HealthUnknown},
		},
		Candidates: []api.Candidate{
			{CDN: s.CDNs[0], Part: 1, Taken: true, Checked: s.Since, Why: "taken"},
			{CDN: api.CDN{Name: "other", Target: "www.other.example."}, Priority: 1, Why: "out: down"},
		},
		NextChange: "the return, at or under 240ms for 120s",
	}
	if client.IsValid() {
		e.Answer = &api.Answer{Client: netip.PrefixFrom(client, 24).Masked(), Side: api.Side(site.SideCDN), CDN: "edge",
			Records: []string{"www.example.org. 30 IN CNAME www.edge.example.net."}, Host: "www.edge.example.net"}
	}
	return e
}

func good() api.ProbeResult {
	return api.ProbeResult{
		Kind: "http", URL: "https://bob:secret@192.0.2.10:443/healthz", Address: netip.MustParseAddr("192.0.2.10"), OK: true,
		Phases: api.Phases{Connect: ms(10), TLS: ms(20), FirstByte: ms(9), Transfer: ms(1)}, Total: ms(40),
		Status: 200, Bytes: 512, Protocol: "HTTP/1.1", Resumed: true, Expires: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Readings: []api.Reading{{Signal: site.ResponseTime, Value: 0.04}},
	}
}

func failed() api.ProbeResult {
	return api.ProbeResult{Kind: "tcp", URL: "tcp://192.0.2.11:25", Failure: site.FailureTimeout, Detail: "no answer",
		Phases: api.Phases{Connect: ms(2000)}, Total: ms(2000)}
}

func ms(n int) api.Seconds { return api.Seconds(n) * api.Seconds(time.Millisecond) }

// cdnctl runs a command line against an engine behind a real socket.
func cdnctl(t *testing.T, engine api.Engine, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return against(t, api.Config{Engine: engine, Log: silent{}}, args...)
}

// against runs a command line against a server behind a real socket.
func against(t *testing.T, cfg api.Config, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cdnctl")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	s, err := api.Listen(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return plain(t, append([]string{"--socket", path}, args...)...)
}

// plain runs a command line as it is.
func plain(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var out, complaints bytes.Buffer
	code = run(ctx, args, &out, &complaints)
	return code, out.String(), complaints.String()
}

type silent struct{}

func (silent) Warningf(string, ...any) {}
func (silent) Errorf(string, ...any)   {}

// expect fails unless the command ended with code and wrote want.
func expect(t *testing.T, code, wantCode int, stdout, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); code != wantCode || stdout != want {
		t.Errorf("Expected exit code %d and\n%s\ngot %d and\n%s", wantCode, want, code, stdout)
	}
}

func TestStates(t *testing.T) {
	code, out, _ := cdnctl(t, fake{state: state()}, "states")
	expect(t, code, 0, out, `
SITE               SIDE     SHARE  CDN   V     SINCE                 TTL  REASON
idle.example.org.  unknown  0%     -     -     -                     0s
www.example.org.   cdn      100%   edge  130%  2026-01-02T03:04:05Z  30s  threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)
`)
}

// forcedState is a state whose answer an operator forces.
func forcedState() api.State {
	s := state()
	s.Override = &api.StateOverride{ID: "o1", Action: site.OverrideCDN, By: "alice", Until: s.Since.Add(time.Hour), Why: "new disks"}
	s.Measured = &api.Measured{Side: api.Side(site.SideOrigin), Reason: "below: response_time 40ms is 13 % of the limit 300ms (age 1s)"}
	return s
}

func TestStatesMarkWhatIsForced(t *testing.T) {
	code, out, _ := cdnctl(t, fake{state: forcedState()}, "states")
	expect(t, code, 0, out, `
SITE               SIDE     SHARE  CDN   V     SINCE                 TTL  REASON
idle.example.org.  unknown  0%     -     -     -                     0s
www.example.org.   cdn      100%   edge  130%  2026-01-02T03:04:05Z  30s  override o1, cdn, by alice until 2026-01-02T04:04:05Z: new disks; measured: origin, 0%, below: response_time 40ms is 13 % of the limit 300ms (age 1s)
`)
}

func TestExplainSaysByWhomASiteIsDecided(t *testing.T) {
	_, out, _ := cdnctl(t, elsewhere{fake{state: forcedState()}}, "explain", "www.example.org")
	want := `
reason    threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)
override  o1, cdn, by alice until 2026-01-02T04:04:05Z: new disks
measured  origin, 0%, below: response_time 40ms is 13 % of the limit 300ms (age 1s)
decided   by server fra1
alone     this server decides alone since 2026-01-02T03:04:05Z: the store is away
next      the return, at or under 240ms for 120s
`
	if !strings.Contains(out, want) {
		t.Errorf("Expected%s, got\n%s", want, out)
	}
}

// elsewhere is an engine whose decisions are another server's.
type elsewhere struct{ fake }

func (e elsewhere) Explain(name string, client netip.Addr) (api.Explanation, error) {
	explanation, err := e.fake.Explain(name, client)
	explanation.DecidedBy, explanation.AloneSince = "fra1", e.state.Since
	return explanation, err
}

func TestStatesAsJSONAreTheAPIs(t *testing.T) {
	code, out, _ := cdnctl(t, fake{state: state()}, "states", "-o", "json")
	var got []api.State
	if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil || len(got) != 2 {
		t.Fatalf("Expected two states, got %d, %v: %s", code, err, out)
	}
	if got[1].Site != "www.example.org." || got[1].V != 1.3 || got[1].TTL != ms(30_000) {
		t.Errorf("Expected the state, got %+v", got[1])
	}
}

func TestCDNs(t *testing.T) {
	code, out, _ := cdnctl(t, fake{state: state()}, "cdns")
	expect(t, code, 0, out, `
CDN   OPERATED     STANDING                         TAKES  LEFT   SITES  NOT READY  SINCE                 REASON
far   third-party  out, until 2026-01-02T03:05:05Z  0%     8Gbit  0      3          2026-01-02T03:04:05Z  threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)
edge  own          ready, full                      55%    -      7      0          -

CDN   NODE  STANDING        WEIGHT  ADDRESSES                         SINCE                 REASON
edge  fra1  ready, drained  0       192.0.2.10 up, 2001:db8::10 down  -                     below
edge  ams1  ready           10                                        2026-01-02T03:04:05Z

CDN   NODE  SIGNAL          VALUE  AGE
far   -     response_time   390ms  1s
far   -     used_bandwidth  2Gbit  30s
edge  fra1  load            2      500ms
edge  fra1  hit_ratio       95%    700ms
`)
}

func TestNodeDrain(t *testing.T) {
	for _, word := range []string{"drain", "undrain"} {
		code, out, _ := cdnctl(t, fake{state: state()}, "node", word, "edge", "fra1")
		expect(t, code, 0, out, "")
		code, _, complaint := cdnctl(t, fake{state: state()}, "node", word, "edge", "x")
		if code != 3 || complaint != "cdnctl: Not Found: no such node: 'x' of cdn 'edge'\n" {
			t.Errorf("%s: Expected an error that names the node, got %d and %q", word, code, complaint)
		}
	}
}

func TestCDNsAsJSONAreTheAPIs(t *testing.T) {
	code, out, _ := cdnctl(t, fake{state: state()}, "cdns", "-o", "json")
	var got []api.CDNState
	if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil || len(got) != 2 {
		t.Fatalf("Expected two CDNs, got %d, %v: %s", code, err, out)
	}
	if got[0].Operated != "third-party" || got[0].Standing != api.StandingOut || got[0].Record[1].Age != ms(30_000) || got[1].Part != 0.55 {
		t.Errorf("Expected the states, got %+v", got)
	}
}

func TestExplainForAClient(t *testing.T) {
	code, out, _ := cdnctl(t, fake{state: state()}, "explain", "www.example.org", "--client", "198.51.100.7")
	expect(t, code, 0, out, `
site      www.example.org.
names     www.example.org. *.www.example.org.
side      cdn since 2026-01-02T03:04:05Z, decision 7
diverted  100% of the clients, TTL 30s
cdn       edge www.edge.example.net.
reason    threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)
next      the return, at or under 240ms for 120s
answer    for clients in 198.51.100.0/24: cdn edge
          www.example.org. 30 IN CNAME www.edge.example.net.
          over HTTP: www.edge.example.net

CDN    PRIORITY  WEIGHT  TAKES  TAKEN  CHECKED               TARGET                 WHY
edge   0         0       100%   yes    2026-01-02T03:04:05Z  www.edge.example.net.  taken
other  1         0       0%     no     -                     www.other.example.     out: down

ORIGIN  OPERATED  SIDE  SERVING  ADDRESSES
fra     own       cdn   yes      192.0.2.10 up, 2001:db8::10 down

ORIGIN  OVER  FAR OVER  RECOVER  THRESHOLD
fra     3     1         240ms    response_time: p50 of 9 samples, 390ms, is 130 % of the limit 300ms (age 1s)
fra     0     0         2Gbit    available_bandwidth: no fresh sample for the limit 1Gbit (no_data origin after 10m)

SOURCE                                 EVERY  HEALTH   FAILED  GOOD  NEWEST
http http://192.0.2.10:80/healthz      10s    up       0       12    response_time 390ms (age 1s)
http http://[2001:db8::10]:80/healthz  10s    down     4       0     response_time 4s (age 0s), failed: connect: connection refused
                                                                     error_ratio 100% (age 0s)
promql http://192.0.2.10:9090/         1m0s   unknown  0       0     no sample yet
`)
}

func TestExplainWithoutAClientWhereItMatters(t *testing.T) {
	_, out, _ := cdnctl(t, fake{state: state()}, "explain", "www.example.org")
	if !strings.Contains(out, "answer    depends on the client (name one with --client), or is not known yet\n") {
		t.Errorf("Expected to be asked for a client, got\n%s", out)
	}
}

func TestProbeIsALineForEachResult(t *testing.T) {
	report := api.ProbeReport{Results: []api.ProbeResult{good(), failed()}}
	code, out, stderr := cdnctl(t, fake{report: report}, "probe", "www.example.org")
	expect(t, code, 1, out, `
http https://192.0.2.10:443/healthz: good in 40ms, status 200
tcp tcp://192.0.2.11:25: failed in 2s: timeout: no answer
`)
	if stderr != "" {
		t.Errorf("Expected nothing but the output, got %q", stderr)
	}
}

func TestProbeDebugDrawsTheTimeline(t *testing.T) {
	report := api.ProbeReport{
		Results: []api.ProbeResult{good()},
		Evaluation: &api.Evaluation{Site: "www.example.org.", Steps: []api.Step{
			{Name: "threshold", Text: "response_time: p50 of 9 samples is 390ms"},
			{Name: "verdict", Text: "cdn"},
		}},
	}
	code, out, _ := cdnctl(t, fake{report: report}, "probe", "--debug", "www.example.org")
	expect(t, code, 0, out, `
http https://192.0.2.10:443/healthz: good in 40ms, status 200
  PHASE       START  TIME
  connect     0s     10ms  |==========                              |
  tls         10ms   20ms  |          ====================          |
  first byte  30ms   9ms   |                              ========= |
  transfer    39ms   1ms   |                                       =|
  total              40ms
  address      192.0.2.10
  protocol     HTTP/1.1, connection new, TLS session reused
  body         512 octets
  certificate  until 2026-03-01T00:00:00Z
  reading      response_time 40ms

decision on www.example.org.
  1.  threshold  response_time: p50 of 9 samples is 390ms
  2.  verdict    cdn
`)
}

func TestABarShowsEvenTheShortestPart(t *testing.T) {
	for _, c := range []struct{ start, took, whole api.Seconds }{
		{0, 1, ms(1000)}, {ms(1000), 1, ms(1000)}, {ms(2000), ms(9), ms(1000)}, {0, ms(5000), ms(1000)},
	} {
		got := bar(c.start, c.took, c.whole)
		if len(got) != barWidth+2 || !strings.Contains(got, "=") {
			t.Errorf("%v: Expected a bar of full width, got %q", c, got)
		}
	}
	if got := bar(0, 0, 0); got != "" {
		t.Errorf("Expected no bar of nothing, got %q", got)
	}
}

func TestExitCodes(t *testing.T) {
	engine := fake{state: state(), report: api.ProbeReport{Results: []api.ProbeResult{failed()}}}
	for _, c := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"states"}, 0, ""},
		{[]string{"version"}, 0, ""},
		{nil, 0, ""},
		{[]string{"probe", "-o", "json", "x"}, 1, ""},
		{[]string{"nonsense"}, 2, `unknown command "nonsense"`},
		{[]string{"states", "more"}, 2, "1 argument too many: 'more'"},
		{[]string{"states", "--nonsense"}, 2, "--nonsense"},
		{[]string{"states", "-o", "xml"}, 2, "unknown output 'xml': write table or json"},
		{[]string{"explain"}, 2, "1 arg"},
		{[]string{"explain", "x", "--client", "y"}, 2, "--client 'y'"},
		{[]string{"explain", "none.example.org"}, 3, "explaining 'none.example.org.': no such site"},
		{[]string{"explain", "a..b"}, 3, "'a..b' is not a domain name"},
		{[]string{"probe", "none.example.org"}, 3, "probing 'none.example.org.': no such site"},
		{[]string{"probe", "none://\x1b"}, 3, `probing 'none://\x1b': no such site`},
	} {
		code, _, stderr := cdnctl(t, engine, c.args...)
		if code != c.code || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
			t.Errorf("%q: Expected exit code %d and %q, got %d and %q", c.args, c.code, c.stderr, code, stderr)
		}
	}
}

func TestOutputThatCannotBeWrittenIsNoWrongCommandLine(t *testing.T) {
	if code := run(context.Background(), []string{"version"}, broken{}, new(bytes.Buffer)); code != exitError {
		t.Errorf("Expected exit code %d, got %d", exitError, code)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestTheSocketComesFromTheEnvironmentOrTheFlag(t *testing.T) {
	t.Setenv(socketVar, "/nowhere/environment")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"states"}, "/nowhere/environment"},
		{[]string{"states", "--socket", "/nowhere/flag"}, "/nowhere/flag"},
	} {
		code, _, stderr := plain(t, c.args...)
		if code != 3 || !strings.Contains(stderr, "socket '"+c.want+"'") || !strings.Contains(stderr, "is CoreDNS running") {
			t.Errorf("%q: Expected exit code 3 and %q, got %d and %q", c.args, c.want, code, stderr)
		}
	}
}

// TestNothingReachesTheTerminalThatMovesItsCursor uses names and texts that an
// origin could have made up.
func TestNothingReachesTheTerminalThatMovesItsCursor(t *testing.T) {
	evil := "a\x1b[2J\nb\u009b\u202e\U000e0001\x7f\t"
	s := state()
	s.Site, s.Reason, s.CDNs[0].Name, s.Origins[0].Name = evil, evil, evil, evil
	r := failed()
	r.Detail, r.Protocol, r.Kind = evil, evil, evil
	report := api.ProbeReport{Results: []api.ProbeResult{r}, Evaluation: &api.Evaluation{Site: evil, Steps: []api.Step{{Name: evil, Text: evil}}}}
	for _, args := range [][]string{
		{"states"}, {"states", "-o", "json"}, {"cdns"}, {"cdns", "-o", "json"}, {"explain", "www.example.org"}, {"explain", "www.example.org", "-o", "json"},
		{"probe", "--debug", "x"}, {"probe", "-o", "json", "x"},
	} {
		_, out, _ := cdnctl(t, fake{state: s, report: report}, args...)
		if strings.ContainsAny(out, "\x1b\u009b\u202e\U000e0001\x7f\t") || strings.Contains(out, "\nb") {
			t.Errorf("%q: Expected nothing hidden, got %q", args, out)
		}
		if !strings.Contains(out, `a\x1b[2J\nb`) && !strings.Contains(out, `a\u001b[2J\nb`) {
			t.Errorf("%q: Expected the text in a readable form, got %s", args, out)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"www.example.org": "www.example.org",
		"größe 漢":         "größe 漢",
		"a\xffb\ufffd":    `a\xffb` + "\ufffd",
		"a\tb\x00":        `a\tb\x00`,
		`a\n"`:            `a\n"`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: Expected %q, got %q", text, want, got)
		}
	}
}
