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
func (h *Handler) passAlias(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string) (int, error) {
	if h.zones.Matches(name) == "" {
		return plugin.NextOrFailure(Name, h.Next, ctx, w, r)
	}
	next := &onward{ResponseWriter: w, h: h, ctx: ctx, r: r}
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
	h   *Handler
	ctx context.Context
	r   *dns.Msg
	err error // what kept the answer from being written
}

// WriteMsg implements dns.ResponseWriter.
func (o *onward) WriteMsg(m *dns.Msg) error {
	q := o.r.Question[0]
	if countCNAMEs(m.Answer) == 0 || !followed(q.Qtype) {
		return o.ResponseWriter.WriteMsg(m)
	}
	kept, last, ours := o.h.upToOurs(q.Name, q.Qtype, m.Answer)
	if !ours && m.Rcode != dns.RcodeNameError {
		return o.ResponseWriter.WriteMsg(m)
	}
	answer := *m // the next plugin may keep its own
	if ours {
		if o.err = o.goOn(&answer, kept, last); o.err != nil {
			return nil
		}
	} else if there := o.h.there(last); there != nil {
		answer.Rcode, answer.Ns = dns.RcodeSuccess, []dns.RR{soaOf(there)}
	}
	return o.ResponseWriter.WriteMsg(&answer)
}

// goOn puts what we answer at a name behind the records that lead there. What
// was validated of the next plugin's answer is not what we put there.
func (o *onward) goOn(answer *dns.Msg, kept []dns.RR, name string) error {
	answer.Answer, answer.Ns, answer.AuthenticatedData = kept, nil, false
	s := search{h: o.h, ctx: o.ctx, w: o.ResponseWriter, r: o.r, c: new(client), m: answer, links: countCNAMEs(kept)}
	if err := s.goOn(name); err != nil {
		return err
	}
	answer.Answer, answer.Ns = slices.Clip(answer.Answer), slices.Clip(answer.Ns)
	if extra := s.c.reply(o.r).Extra; extra != nil {
		answer.Extra = extra
	}
	return nil
}
