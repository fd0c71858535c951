package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// probesAtOnce bounds what one request may have under way.
const probesAtOnce = 8

// Probe asks a URL, or everything that a site asks, once and now; see
// api.Engine. It changes nothing that decisions see.
func (e *Engine) Probe(ctx context.Context, what string) (api.ProbeReport, error) {
	if strings.Contains(what, "://") {
		target, err := site.TargetOf(what)
		if err != nil {
			return api.ProbeReport{}, fmt.Errorf("%w: %w", api.ErrInvalid, err)
		}
		return api.ProbeReport{Results: e.probeAll(ctx, []site.Path{{Target: target}})}, nil
	}
	e.mu.Lock()
	r := e.ownerOf(what)
	if r == nil {
		e.mu.Unlock()
		return api.ProbeReport{}, fmt.Errorf("%w: '%s'", api.ErrUnknown, what)
	}
	paths := r.site.Paths()
	e.mu.Unlock()
	report := api.ProbeReport{Results: e.probeAll(ctx, paths)}
	report.Evaluation = e.evaluate(r)
	return report, nil
}

// probeAll asks all targets, some at a time.
func (e *Engine) probeAll(ctx context.Context, paths []site.Path) []api.ProbeResult {
	results := make([]api.ProbeResult, len(paths))
	places := make(chan struct{}, probesAtOnce)
	var probes sync.WaitGroup
	for i, p := range paths {
		places <- struct{}{}
		probes.Go(func() {
			defer func() { <-places }()
			results[i] = e.probeOnce(ctx, p)
		})
	}
	probes.Wait()
	return results
}

// probeOnce asks a target; a probe has a connection of its own.
func (e *Engine) probeOnce(ctx context.Context, p site.Path) (result api.ProbeResult) {
	result = api.ProbeResult{Kind: p.Target.Kind, URL: api.URL(p.Target.URL), Address: p.Address}
	defer func() {
		if value := recover(); value != nil {
			e.panicked("probe", value, debug.Stack())
			result.Failure, result.Detail = site.FailureLocal, "the probe panicked"
		}
	}()
	ask := p.Target.Ask.Value()
	ask.KeepAlive = false
	p.Target.Ask = unique.Make(ask)
	r := e.probes[p.Target.Kind](ctx, p.Target)
	shownResult(&result, p.Target, r)
	return result
}

func shownResult(out *api.ProbeResult, t site.Target, r health.Result) {
	out.OK, out.Failure = r.Failure == "", r.Failure
	if r.Err != nil {
		out.Detail = r.Err.Error()
	}
	ph := r.Phases
	out.Phases = api.Phases{
		Resolve: api.Seconds(ph.Resolve), Connect: api.Seconds(ph.Connect), TLS: api.Seconds(ph.TLS),
		FirstByte: api.Seconds(ph.FirstByte), Transfer: api.Seconds(ph.Transfer),
	}
	out.Total, out.Status, out.Bytes, out.Protocol = api.Seconds(r.Total), r.Status, r.Bytes, r.Protocol
	out.Reused, out.Resumed, out.Expires = r.Reused, r.Resumed, r.Expires
	for _, s := range health.Samples(t, time.Now(), r) {
		out.Readings = append(out.Readings, api.Reading{Signal: s.Signal, Value: api.Number(s.Value)})
	}
}

// evaluate says, step by step, how the site's samples become its decision.
func (e *Engine) evaluate(r *runner) *api.Evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := &api.Evaluation{Site: r.site.Name()}
	step := func(name, format string, args ...any) {
		x.Steps = append(x.Steps, api.Step{Name: name, Text: fmt.Sprintf(format, args...)})
	}
	if !r.located() {
		step("origin", "its addresses are not known yet")
		return x
	}
	views := r.views(time.Now())
	for i, view := range views {
		o := &r.site.Origins[i]
		for a, addr := range o.Addresses {
			step("address", "%s%s is %s", addr, of(o.Name), shownHealth(view.Health[a]))
		}
		for _, v := range view.Thresholds {
			step("threshold", "%s%s", shownThreshold(o.Name, v), of(o.Name))
			step("count", "%s: %d in a row at or above the limit (of %d), %d in a row at 1.5 times as much (of 2)", v.Signal, v.Count.Over, r.site.Enter, v.Count.Hard)
		}
		step("verdict", "origin%s: %s since %s, %s", named(o.Name), api.Side(view.Standing.Side), view.Standing.Since.UTC().Format(time.RFC3339), reasonOf(view.Standing))
	}
	d := r.answered()
	step("decision", "%s, TTL %s: %s", describe(d), d.TTL, d.Reason)
	step("next", "%s", r.outlook(views))
	return x
}

func reasonOf(st control.Standing) site.Reason {
	if st.Reason == nil {
		return site.Reason{Cause: site.CauseStart}
	}
	return *st.Reason
}

// of and named say which origin something is of, if it has a name.
func of(origin string) string {
	if origin == "" {
		return ""
	}
	return " of origin " + origin
}

func named(origin string) string {
	if origin == "" {
		return ""
	}
	return " " + origin
}
