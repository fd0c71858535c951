package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// dryRunLimit is how long the plugins of a server block may take.
const dryRunLimit = 5 * time.Second

// DryRun implements api.Engine.
func (e *Engine) DryRun(ctx context.Context, q api.DryRunQuery) (api.DryRun, error) {
	run, ask, err := e.dryRunOf(q)
	if err != nil {
		return run, err
	}
	ctx, cancel := context.WithTimeout(ctx, dryRunLimit)
	defer cancel()
	m, err := ask(ctx, new(dns.Msg).SetQuestion(q.Name, q.Type), q.Client)
	if err != nil {
		return run, fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	run.Rcode, run.Answer, run.Authority = dns.RcodeToString[m.Rcode], texts(m.Answer), texts(m.Ns)
	for _, rr := range append(m.Answer, m.Ns...) {
		run.TTL = api.Seconds(time.Duration(rr.Header().Ttl) * time.Second)
		break
	}
	return run, nil
}

// dryRunOf returns what is known of an answer before it is there, and whom to ask for it.
func (e *Engine) dryRunOf(q api.DryRunQuery) (run api.DryRun, ask Ask, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.ownerOf(q.Name)
	if r == nil {
		return run, nil, api.Unknown(q.Name)
	}
	run = api.DryRun{Site: strings.TrimSuffix(r.site.Name(), "."), Customer: r.site.Customer, Reason: r.answered().Reason.String()}
	answer := r.answer(q.Name, q.Client)
	if answer == nil && r.entry.Answers() != nil {
		return run, nil, fmt.Errorf("%w: clients of '%s' get different answers now: name one", api.ErrInvalid, q.Name)
	}
	if answer != nil {
		run.Side, run.CDN = answer.Side, answer.CDN
	}
	if wired := r.generation.wiring.Ask; wired != nil {
		ask = wired(r.site)
	}
	if ask == nil {
		return run, nil, fmt.Errorf("%w: nobody answers for '%s'", api.ErrUnavailable, q.Name)
	}
	return run, ask, nil
}

// texts writes records as a zone file does.
func texts(records []dns.RR) []string {
	all := make([]string, len(records))
	for i, rr := range records {
		all[i] = strings.ReplaceAll(rr.String(), "\t", " ")
	}
	return all
}
