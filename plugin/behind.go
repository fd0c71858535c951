package steer

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics/vars"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/miekg/dns"
)

// patience is how long an answer waits for the next plugin in all at the end of
// a chain. The CNAME
// is worth more to a resolver than an end that comes late: it asks for the
// target itself.
const patience = 500 * time.Millisecond

// askBehind returns what the next plugin says of a name, or nil where it has
// no answer to give in time: its failure is not to be that of a site.
func (h *Handler) askBehind(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string, deadline time.Time) *dns.Msg {
	if !h.behind {
		return nil
	}
	q := r.Copy()
	q.Question[0].Name = name
	ctx, cancel := context.WithDeadline(ownMetadata(ctx), deadline)
	defer cancel()
	answer := make(chan *dns.Msg, 1)
	go func() { answer <- h.answerBehind(ctx, w, q) }()
	select {
	case m := <-answer:
		return m
	case <-ctx.Done():
		return nil
	}
}

// ownMetadata returns ctx with a copy of its metadata: who is late must not
// write into what others read by then.
func ownMetadata(ctx context.Context) context.Context {
	known := maps.Clone(metadata.ValueFuncs(ctx))
	ctx = metadata.ContextWithMetadata(ctx)
	for label, value := range known {
		metadata.SetValueFunc(ctx, label, value)
	}
	return ctx
}

// answerBehind returns the next plugin's answer, or nil if it is none: not
// even its panic is that of a site.
func (h *Handler) answerBehind(ctx context.Context, w dns.ResponseWriter, q *dns.Msg) (answer *dns.Msg) {
	defer func() {
		if value := recover(); value != nil {
			vars.Panic.Inc()
			clog.Errorf("plugin/%s: panic of the next plugin at the target %q: %v", Name, q.Question[0].Name, value)
			answer = nil
		}
	}()
	capture := nonwriter.New(w)
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, capture, q)
	if err != nil || !plugin.ClientWrite(rcode) || capture.Msg == nil {
		return nil
	}
	if capture.Msg.Rcode != dns.RcodeSuccess && capture.Msg.Rcode != dns.RcodeNameError {
		return nil
	}
	return capture.Msg
}

// failed reports whether the next plugin could not say what it knows of a name.
// That it knows nothing is no failure: CoreDNS tells the end of the chain by
// its error alone.
func failed(rcode int, err error) bool { return rcode == dns.RcodeServerFailure && !nobodys(err) }

// nobodys reports whether an error is the end of the chain.
func nobodys(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "no next plugin found")
}
