package steer

import (
	"context"
	"slices"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// passAlias has the next plugin answer for a name that is not ours. Where that
// is a CNAME that leads to a name of ours, the rest of the answer is ours: the
// plugin may have other data there, which a site replaces.
func (h *Handler) passAlias(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	next := &onward{ResponseWriter: w, search: search{h: h, ctx: ctx, w: w, r: r, c: new(client)}}
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, next, r)
	if next.err != nil {
		return h.refuseSearch(next.err), nil
	}
	return rcode, err
}

// onward writes the next plugin's answer, and goes on with it where it comes to
// a name of ours.
type onward struct {
	dns.ResponseWriter
	search
	err error // what kept the answer from being written
}

// WriteMsg implements dns.ResponseWriter.
func (o *onward) WriteMsg(m *dns.Msg) error {
	q := o.r.Question[0]
	if countCNAMEs(m.Answer) == 0 || !followed(q.Qtype) {
		return o.ResponseWriter.WriteMsg(m)
	}
	kept, ours := o.h.upToOurs(q.Name, q.Qtype, m.Answer)
	if ours == "" {
		return o.ResponseWriter.WriteMsg(m)
	}
	answer := *m // the next plugin may keep its own
	answer.Answer, answer.Ns = kept, nil
	o.m, o.links = &answer, countCNAMEs(kept)
	if o.err = o.goOn(ours); o.err != nil {
		return nil
	}
	answer.Answer, answer.Ns = slices.Clip(answer.Answer), slices.Clip(answer.Ns)
	if extra := o.c.reply(o.r).Extra; extra != nil {
		answer.Extra = extra
	}
	return o.ResponseWriter.WriteMsg(&answer)
}
