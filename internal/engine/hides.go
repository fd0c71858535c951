package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// hidden are the types of data that people have beside addresses at the name of
// a web site. The first finds out whether the name is there at all.
var hidden = []uint16{
	dns.TypeTXT, dns.TypeMX, dns.TypeNS, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeSRV, dns.TypeCAA, dns.TypeTLSA,
	dns.TypeNAPTR, dns.TypeSSHFP, dns.TypeURI, dns.TypeLOC, dns.TypePTR, dns.TypeDNAME, dns.TypeDS,
	dns.TypeCERT, dns.TypeOPENPGPKEY, dns.TypeSMIMEA, dns.TypeHINFO, dns.TypeRP, dns.TypeSPF, dns.TypeAFSDB,
}

// hidesEvery is how often the next plugin is asked what a site would hide.
const hidesEvery = 5 * time.Minute

// lookHidden returns the look for data of the next plugin at a site's names that
// a CNAME would hide.
func (e *Engine) lookHidden(r *runner, next health.Exchange) look {
	s := r.site
	return func(ctx context.Context) time.Duration {
		var found []uint16
		for _, name := range s.Names {
			types, err := next.Types(ctx, name, hidden)
			e.cfg.Metrics.looked("hidden", err)
			if err != nil {
				return e.pauseOf(r, retryPause) // what was known stays
			}
			found = append(found, types...)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.gone {
			return over
		}
		e.hiddenFound(r, unaccepted(s, found))
		return hidesEvery
	}
}

// pauseOf returns the pause of a look for a runner, which ends with that.
func (e *Engine) pauseOf(r *runner, pause time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.gone {
		return over
	}
	return pause
}

// mayHide reports whether a site's CNAME may hide data of a next plugin.
func mayHide(s *site.Site, next health.Exchange) bool {
	return next != nil && s.Answer.Form != site.FormAddress && s.Own() == nil
}

// unaccepted returns the types, each once, that the operator has not accepted
// to hide. A site with an HTTPS record of its own replaces what is behind.
func unaccepted(s *site.Site, found []uint16) []uint16 {
	accepted := func(t uint16) bool {
		return slices.Contains(s.Hides, t) || t == dns.TypeHTTPS && s.HTTPS != nil
	}
	slices.Sort(found)
	return slices.DeleteFunc(slices.Compact(found), accepted)
}

// hiddenFound holds a site back from its CDNs, or lets it go again.
func (e *Engine) hiddenFound(r *runner, types []uint16) {
	if slices.Equal(r.hides, types) {
		return
	}
	r.generation.held += held(types) - held(r.hides)
	r.own().hides = types
	e.cfg.Metrics.recountLookups(e.current)
	if r.generation == e.current {
		e.reportHidden(r)
	}
	e.renew(r, time.Now())
}

// held is 1 for a site that hidden types hold back.
func held(types []uint16) int {
	if len(types) > 0 {
		return 1
	}
	return 0
}

// reportHidden tells the operator why a site is held back.
func (e *Engine) reportHidden(r *runner) {
	if names := typeNames(r.hides); names != "" {
		e.cfg.Log.Warningf("site %q is not diverted: the next plugin has %s at its name, which a CNAME would hide; 'hides %s' accepts that", r.site.Name(), names, names)
	} else {
		e.cfg.Log.Infof("site %q hides nothing of the next plugin any more", r.site.Name())
	}
}

// typeNames writes types as in a zone file.
func typeNames(types []uint16) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = dns.Type(t).String()
	}
	return strings.Join(names, " ")
}
