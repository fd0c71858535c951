package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// over returns an HTTP client that reaches the socket at path.
func over(t *testing.T, path string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// erring is an engine whose every answer is err.
func erring(err error) api.Engine {
	return fake{
		states:  func() []api.State { return nil },
		explain: func(string, netip.Addr) (api.Explanation, error) { return api.Explanation{}, err },
		probe:   func(context.Context, string) (api.ProbeReport, error) { return api.ProbeReport{}, err },
	}
}

func TestErrorsAreProblemDetails(t *testing.T) {
	engine := erring(fmt.Errorf("explaining 'x': %w", api.ErrUnknown))
	_, path := listen(t, engine)
	for _, c := range []struct {
		method, target, body string
		status               int
		detail               string
	}{
		{"GET", "/", "", 404, "nothing at '/'"},
		{"GET", "/v1/statesx", "", 404, "nothing at '/v1/statesx'"},
		{"POST", "/v1/states", "", 405, "'/v1/states' wants GET"},
		{"GET", "/v1/probe", "", 405, "'/v1/probe' wants POST"},
		{"GET", "/v1/explain?name=x", "", 404, "explaining 'x': no such site"},
		{"GET", "/v1/explain", "", 400, "query.name: required query parameter is missing"},
		{"GET", "/v1/explain?name=a..b", "", 400, "'a..b' is not a domain name"},
		{"GET", "/v1/explain?name=x&client=y", "", 400, "query.client: invalid value: ParseAddr"},
		{"POST", "/v1/probe", "", 400, "request body is required"},
		{"GET", "/v1/drain", "", 405, "'/v1/drain' wants POST"},
		{"POST", "/v1/drain", "x", 400, "body: invalid character 'x'"},
		{"POST", "/v1/probe", "{}", 400, "body: expected required property what to be present"},
		{"POST", "/v1/probe", `{"what": "a..b"}`, 400, "'a..b' is not a domain name"},
		{"POST", "/v1/probe", `{"what": "` + strings.Repeat("x", 70_000) + `"}`, 413, "the body is too large: 64 KiB are possible"},
		{"POST", "/v1/probe", `{"what": "x"}`, 404, "no such site"},
	} {
		status, header, p := exchange(t, path, c.method, c.target, c.body)
		if status != c.status || p.Status != c.status || !strings.Contains(wordsOf(p), c.detail) {
			t.Errorf("%s %.40s: Expected %d with %q, got %d: %v", c.method, c.target, c.status, c.detail, status, p)
		}
		if got := header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s %.40s: Expected problem details, got %q", c.method, c.target, got)
		}
	}
}

// wordsOf returns all that a problem says.
func wordsOf(p *api.Problem) string {
	words := p.Detail
	for _, fault := range p.Errors {
		words += "\n" + fault.Error()
	}
	return words
}

func exchange(t *testing.T, path, method, target, body string) (int, http.Header, *api.Problem) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), method, "http://s"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := over(t, path).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	p := new(api.Problem)
	if err := json.NewDecoder(resp.Body).Decode(p); err != nil {
		t.Errorf("%s %s: %v", method, target, err)
	}
	return resp.StatusCode, resp.Header, p
}

func TestErrorsOfTheEngineHaveAStatus(t *testing.T) {
	for err, want := range map[error]int{
		fmt.Errorf("a: %w", api.ErrUnknown):              404,
		fmt.Errorf("a: %w", api.ErrInvalid):              400,
		fmt.Errorf("a: %w", context.DeadlineExceeded):    504,
		fmt.Errorf("a: %w", context.Canceled):            503,
		errors.New("a: something else"):                  500,
		fmt.Errorf("a: %w", &api.Problem{Status: 418}):   418,
		fmt.Errorf("a: %w", fmt.Errorf("b: %w", io.EOF)): 500,
	} {
		_, path := listen(t, erring(err))
		_, got := api.Dial(path).Explain(soon(t), "www.example.org", netip.Addr{})
		var p *api.Problem
		if !errors.As(got, &p) || p.Status != want {
			t.Errorf("%v: Expected status %d, got %v", err, want, got)
		}
	}
}

func TestAPanicOfTheEngineEndsOneRequest(t *testing.T) {
	log := new(journal)
	path := filepath.Join(folder(t), "s")
	open(t, path, api.Config{Log: log, Engine: fake{states: func() []api.State { panic("broken") }}})
	_, err := api.Dial(path).States(soon(t), api.StateQuery{})
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != 500 {
		t.Errorf("Expected status 500, got %v", err)
	}
	if lines := log.all(); len(lines) != 1 || !strings.Contains(lines[0], "GET /v1/states panicked: \"broken\"") {
		t.Errorf("Expected the panic in the log, got %q", lines)
	}
	if _, err := api.Dial(path).Explain(soon(t), "www.example.org", netip.Addr{}); err == nil || !errors.As(err, &p) {
		t.Errorf("Expected the server to go on, got %v", err)
	}
}

func TestNoSitesAreAnEmptyList(t *testing.T) {
	_, path := listen(t, erring(nil))
	resp, err := over(t, path).Get("http://s/v1/states")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != `{"states":[]}` || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Expected an empty list as JSON, got %s, %v, %v", body, resp.Header, err)
	}
}

func TestAHeaderIsBounded(t *testing.T) {
	_, path := listen(t, oneSite("a."))
	req, err := http.NewRequestWithContext(soon(t), "GET", "http://s/v1/states", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X", strings.Repeat("x", 32<<10))
	resp, err := over(t, path).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("Expected status 431, got %d", resp.StatusCode)
	}
}

// TestTheConnectionAfterTheLastPlaceWaits fills all places with peers who say nothing.
func TestTheConnectionAfterTheLastPlaceWaits(t *testing.T) {
	_, path := listen(t, oneSite("a."))
	conns := make([]net.Conn, 64)
	for i := range conns {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	ctx, cancel := context.WithTimeout(soon(t), 300*time.Millisecond)
	defer cancel()
	if _, err := api.Dial(path).States(ctx, api.StateQuery{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Expected no answer while all places are taken, got %v", err)
	}
	conns[0].Close()
	if got := siteAt(t, path); got != "a." {
		t.Errorf("Expected an answer once a place is free, got %q", got)
	}
}

func TestASilentPeerLosesItsConnection(t *testing.T) {
	t.Parallel()
	_, path := listen(t, oneSite("a."))
	conn := silent(t, path)
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("Expected the connection to be closed, got %v", err)
	}
}

func TestCloseDoesNotWaitForASilentPeer(t *testing.T) {
	t.Parallel()
	s, path := listen(t, oneSite("a."))
	silent(t, path)
	siteAt(t, path) // the silent one has been accepted before
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("Expected Close to return in 2 s, got %s", took)
	}
}

// silent returns a connection to path on which nothing is said.
func silent(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestCloseEndsAProbeUnderWay(t *testing.T) {
	began := make(chan struct{})
	s, path := listen(t, fake{probe: func(ctx context.Context, _ string) (api.ProbeReport, error) {
		close(began)
		<-ctx.Done()
		return api.ProbeReport{}, ctx.Err()
	}})
	ended := make(chan error)
	go func() {
		_, err := api.Dial(path).Probe(soon(t), "www.example.org")
		ended <- err
	}()
	<-began
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	var p *api.Problem
	if err := <-ended; !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable {
		t.Errorf("Expected status 503, got %v", err)
	}
}

func TestTheProbesContextEndsWithItsPeer(t *testing.T) {
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(soon(t))
	_, path := listen(t, fake{probe: func(probe context.Context, _ string) (api.ProbeReport, error) {
		cancel()
		<-probe.Done()
		close(ended)
		return api.ProbeReport{}, probe.Err()
	}})
	if _, err := api.Dial(path).Probe(ctx, "www.example.org"); !errors.Is(err, context.Canceled) {
		t.Errorf("Expected the peer's own error, got %v", err)
	}
	select {
	case <-ended:
	case <-soon(t).Done():
		t.Error("Expected the probe's context to end")
	}
}

func TestWhatTheEngineIsAskedAndSaysArrivesUnchanged(t *testing.T) {
	explanation, report := full()
	_, path := listen(t, fake{
		explain: func(name string, client netip.Addr) (api.Explanation, error) {
			if name != "www.example.org." || client != netip.MustParseAddr("2001:db8::1") {
				t.Errorf("Expected the canonical name and the client, got %q and %v", name, client)
			}
			return explanation, nil
		},
		probe: func(_ context.Context, what string) (api.ProbeReport, error) {
			if what != "http://192.0.2.10/?a=b&c" && what != "www.example.org." {
				t.Errorf("Expected the URL or the canonical name, got %q", what)
			}
			return report, nil
		},
		cdns: func() []api.CDNState { return []api.CDNState{fullCDN()} },
		drain: func(cdn, node string, drain bool) error {
			if cdn != "edge" || node != "fra1" || !drain {
				return fmt.Errorf("%w: '%s' of cdn '%s'", api.ErrNoNode, node, cdn)
			}
			return nil
		},
	})
	client := api.Dial(path)
	gotExplanation, err := client.Explain(soon(t), "WWW.example.org", netip.MustParseAddr("2001:db8::1"))
	if err != nil || !reflect.DeepEqual(gotExplanation, explanation) {
		t.Errorf("Expected %+v, got %+v, %v", explanation, gotExplanation, err)
	}
	if got, err := client.CDNs(soon(t)); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], fullCDN()) {
		t.Errorf("Expected %+v, got %+v, %v", fullCDN(), got, err)
	}
	if err := client.Drain(soon(t), "edge", "fra1", true); err != nil {
		t.Errorf("Expected the node to be drained, got %v", err)
	}
	if err := client.Drain(soon(t), "edge", "fra1", false); err == nil || err.Error() != "Not Found: no such node: 'fra1' of cdn 'edge'" {
		t.Errorf("Expected the error of the engine, got %v", err)
	}
	for _, what := range []string{"http://192.0.2.10/?a=b&c", "WWW.example.org"} {
		got, err := client.Probe(soon(t), what)
		if err != nil || !reflect.DeepEqual(got, report) {
			t.Errorf("%s: Expected %+v, got %+v, %v", what, report, got, err)
		}
	}
}

// fullCDN returns the state of a CDN in which every field says something.
func fullCDN() api.CDNState {
	e, _ := full()
	left := api.Number(9e9)
	return api.CDNState{
		Name: "edge", Operated: "third-party", Standing: api.StandingOut, Full: true, Part: 0.5, Since: e.Since, Ejections: 2,
		Back: e.Since, Reason: e.Reason, Sites: 3, NotReady: 2, Capacity: 1e10, Soft: 8e9, Zone: "edge.example.net.", Used: 1e9, Left: &left,
		Nodes: []api.NodeState{{Name: "fra1", Addresses: e.Origins[0].Addresses, Standing: api.StandingReady, Drained: true, Since: e.Since,
			Reason: "below", Weight: 10, Capacity: 1e9, Record: e.Sources[0].Last}},
		Record: e.Sources[0].Last, Thresholds: e.Thresholds, Sources: e.Sources,
	}
}

// full returns an explanation and a report in which every field says something.
func full() (api.Explanation, api.ProbeReport) {
	addr := netip.MustParseAddr("192.0.2.10")
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	e := api.Explanation{
		State: api.State{
			Site: "www.example.org.", Customer: "acme", Epoch: 7, Side: api.Side(site.SideCDN), Share: 0.25,
			CDNs: []api.CDN{{Name: "edge", Target: "www.edge.example.net.", Weight: 2}}, Since: at,
			TTL: api.Seconds(30 * time.Second), Reason: "threshold: slow", Cause: site.CauseThreshold,
			Signal: site.ResponseTime, Value: 0.39, Limit: 0.3, V: 1.3, Age: api.Seconds(1234567 * time.Nanosecond),
			Origins: []api.OriginState{{Name: "fra", Operated: "own", Side: api.Side(site.SideOrigin), Serving: true,
				Addresses: []api.AddressState{{Address: addr, Health: api.HealthDown}}}},
			Override: &api.StateOverride{ID: "o1", Action: site.OverrideCDN, By: "alice", Until: at, Why: "new disks"},
			Measured: &api.Measured{Side: api.Side(site.SideOrigin), Share: 0.5, Reason: "below"},
		},
		Names: []string{"www.example.org.", "*.example.org."},
		Candidates: []api.Candidate{{CDN: api.CDN{Name: "edge", Target: "www.edge.example.net.", Weight: 2}, Priority: 1,
			Part: 0.5, Taken: true, Checked: at, Why: "comes back"}},
		Thresholds: []api.ThresholdState{{Origin: "fra", Signal: site.ResponseTime, Statistic: site.P90, Limit: 0.3,
			Recover: 0.24, Missing: true, Value: 0.39, V: 1.3, Samples: 9, Age: api.Seconds(time.Second), Over: 3, Hard: 1,
			NoData: "origin after 10m"}},
		Sources: []api.SourceState{{Kind: "http", Target: "http://192.0.2.10:80/", Origin: "fra", Address: addr,
			Every: api.Seconds(10 * time.Second), Health: api.HealthUp, Fails: 1, Goods: 2,
			Last: []api.Sample{{Age: api.Seconds(time.Second), Signal: site.ErrorRatio, Value: 1, Failure: site.FailureStatus, Detail: "status 500"}}}},
		Answer: &api.Answer{Client: netip.MustParsePrefix("2001:db8::/48"), Side: api.Side(site.SideCDN), CDN: "edge",
			Records: []string{"www.example.org. 30 IN CNAME www.edge.example.net."}, Host: "www.edge.example.net"},
		NextChange: "the return in 40s", DecidedBy: "fra1", AloneSince: at,
	}
	r := api.ProbeReport{
		Results: []api.ProbeResult{{Kind: "http", URL: "http://192.0.2.10:80/", Address: addr, OK: true,
			Failure: site.FailureExpiry, Detail: "expires soon",
			Phases: api.Phases{Resolve: 1, Connect: 2, TLS: 3, FirstByte: 4, Transfer: 5}, Total: 15, Status: 200, Bytes: 6,
			Protocol: "HTTP/1.1", Reused: true, Resumed: true, Expires: at,
			Readings: []api.Reading{{Signal: site.Load, Value: 0.5}}}},
		Evaluation: &api.Evaluation{Site: "www.example.org.", Steps: []api.Step{{Name: "verdict", Text: "cdn"}}},
	}
	return e, r
}

func TestAllFieldsOfTheExampleSaySomething(t *testing.T) {
	explanation, report := full()
	for _, v := range []any{explanation, report, fullCDN()} {
		said(t, reflect.ValueOf(v), reflect.TypeOf(v).Name())
	}
}

// said fails for a field of ours with its zero value, which would not show that it travels.
func said(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch {
	case v.IsZero():
		t.Errorf("Expected %s to say something", name)
	case v.Kind() == reflect.Pointer:
		said(t, v.Elem(), name)
	case v.Kind() == reflect.Slice:
		said(t, v.Index(0), name)
	case v.Kind() == reflect.Struct && strings.HasSuffix(v.Type().PkgPath(), "internal/api"):
		for i := range v.NumField() {
			said(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	}
}

func TestTheClientSaysWhatIsLikelyWrong(t *testing.T) {
	dir := folder(t)
	dead := filepath.Join(dir, "dead")
	leave(t, dead)
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "is CoreDNS running, with 'socket' and this path in its Corefile?",
		dead:                       "the process that made the socket is gone",
	} {
		_, err := api.Dial(path).States(soon(t), api.StateQuery{})
		if err == nil || !strings.Contains(err.Error(), "socket '"+path+"'") || !strings.Contains(err.Error(), want) {
			t.Errorf("Expected the path and %q, got %v", want, err)
		}
	}
}
