package corefile

import (
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// setReady reads: ready none, or ready resolve [every D], or ready tls|probe
// [TARGET] [every D] [timeout D] [OPTION VALUE]...
func setReady(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	r := &s.Ready
	if err := choice(&r.Level, "level", site.ReadyLevels()...)(args[0]); err != nil {
		return err
	}
	switch r.Level {
	case site.ReadyNone:
		return readOptions(n, args[1:])
	case site.ReadyResolve:
		return readOptions(n, args[1:], option{"every", positive(&r.Check.Every)})
	case site.ReadyTLS:
		r.Check.Kind = "tls"
		return readCheck(n, &r.Check, sourceKind{set: setHostPort, more: tlsOptions}, args[1:])
	}
	r.Check.Kind = "http"
	return readCheck(n, &r.Check, sourceKind{set: setURL, more: checkOptions}, args[1:])
}

// readCheck reads what is asked of a CDN, as of a probe. Its target may be left out.
func readCheck(n node, src *site.Source, kind sourceKind, words []string) error {
	if len(words) > 0 && strings.ContainsAny(words[0], "{:/") {
		if err := kind.set(src, words[:1]); err != nil {
			return err
		}
		words = words[1:]
	}
	return readSourceOptions(n, src, kind, words)
}

// checkReady has whoever will ask a CDN check what it is asked.
func (c *Config) checkReady(d *draft) error {
	if err := c.asks.check(d.site.Ready.Check.Ask); err != nil {
		return d.blame("ready", err)
	}
	return nil
}

// setWarmup reads: warmup URL...
func setWarmup(s *site.Site, n node) error {
	if len(n.args()) == 0 {
		return n.argError()
	}
	for _, text := range n.args() {
		if err := checkWord("URL", text); err != nil {
			return err
		}
	}
	s.Ready.Warmup = strings.Join(n.args(), " ")
	return nil
}

// expandReady replaces the placeholders in what is asked of CDNs, of which
// {target} stays, and completes that.
func (d *draft) expandReady() error {
	s := d.site
	s.FinishReady()
	r := &s.Ready
	src := &r.Check
	where, err := s.ExpandAsked(strings.TrimPrefix(src.URL, scheme(src)))
	if err != nil {
		return d.blame("ready", err)
	}
	if src.URL != "" {
		src.URL = scheme(src) + where
	}
	if r.Warmup, err = s.ExpandAsked(r.Warmup); err != nil {
		return d.blame("warmup", err)
	}
	return nil
}
