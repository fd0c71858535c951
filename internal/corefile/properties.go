package corefile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// property is one line that a class or a site may have.
type property struct {
	keyed bool // the first word behind it tells several such lines apart
	set   func(*site.Site, node) error
}

// properties is the table of all of them. The functions report what is wrong,
// not where.
var properties = map[string]property{
	"host":           {set: setHost},
	"origin":         {set: setOrigin},
	"cdn":            {set: setCDN, keyed: true},
	"probe":          {set: setProbe, keyed: true},
	"feed":           {set: setFeed, keyed: true},
	"threshold":      {set: setThreshold, keyed: true},
	"enter":          {set: setEnter},
	"failback_delay": {set: setFailbackDelay},
	"damping":        {set: setDamping},
	"ttl":            {set: setTTL},
	"divert":         {set: setDivert},
	"no_data":        {set: setNoData},
	"answer":         {set: setAnswer},
	"https":          {set: setHTTPS},
	"hides":          {set: setHides},
	"ready":          {set: setReady},
	"warmup":         {set: setWarmup},
	"redirect":       {set: setRedirect},
}

// setHost reads: host NAME...
func setHost(s *site.Site, n node) (err error) {
	s.Hosts, err = list(n, site.CanonicalHost)
	return err
}

// setCDN reads: cdn NAME TARGET [priority N] [weight N] [service ID]. The target
// may hold placeholders.
func setCDN(s *site.Site, n node) error {
	if len(n.args()) < 2 {
		return n.argError()
	}
	name, target := n.args()[0], n.args()[1]
	if err := checkWord("cdn", name); err != nil {
		return err
	}
	if err := refuseOrigin("target", target); err != nil {
		return err
	}
	c := site.CDN{Name: name, Target: target}
	err := readOptions(n, n.args()[2:],
		option{"priority", into(&c.Priority, natural)},
		option{"weight", into(&c.Weight, natural)},
		option{"service", into(&c.Service, site.ParseService)},
	)
	s.CDNs = append(s.CDNs, c)
	return err
}

// setEnter reads: enter N
func setEnter(s *site.Site, n node) error { return one(n, into(&s.Enter, whole)) }

// setFailbackDelay reads: failback_delay D
func setFailbackDelay(s *site.Site, n node) error {
	return one(n, into(&s.FailbackDelay, duration))
}

// setDamping reads: damping off, or damping [half_life D] [suppress N] [reuse N] [max D]
func setDamping(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	if args[0] == "off" {
		s.Damping.Off = true
		return readOptions(n, args[1:])
	}
	return readOptions(n, args,
		option{"half_life", positive(&s.Damping.HalfLife)},
		option{"suppress", into(&s.Damping.Suppress, number)},
		option{"reuse", into(&s.Damping.Reuse, number)},
		option{"max", positive(&s.Damping.Max)},
	)
}

// setTTL reads: ttl D [diverted D] [min D]. Without min it is that of the
// shorter of the two, which it stands in for.
func setTTL(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	full, err := duration(args[0])
	if err != nil {
		return err
	}
	diverted, least := full, time.Duration(-1)
	err = readOptions(n, args[1:],
		option{"diverted", into(&diverted, duration)},
		option{"min", into(&least, duration)},
	)
	if least == -1 {
		least = site.NewTTL(min(full, diverted)).Min
	}
	s.TTL = site.TTL{Full: full, Diverted: diverted, Min: least}
	return err
}

// setDivert reads: divert all|none, or divert fixed P%
func setDivert(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	set := choice(&s.Divert.Mode, "share", site.DivertAll, site.DivertFixed, site.DivertNone)
	if err := set(args[0]); err != nil {
		return err
	}
	if s.Divert.Mode != site.DivertFixed {
		return readOptions(n, args[1:])
	}
	if len(args) != 2 {
		return n.argError()
	}
	return into(&s.Divert.Share, percent)(args[1])
}

// setNoData reads: no_data origin|cdn|stay [after D]
func setNoData(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	set := choice(&s.NoData.Action, "action", site.NoDataOrigin, site.NoDataCDN, site.NoDataStay)
	if err := set(args[0]); err != nil {
		return err
	}
	return readOptions(n, args[1:], option{"after", into(&s.NoData.After, duration)})
}

// setAnswer reads: answer switch [keyed], answer cname HOST, or answer address
// [alias]. The host may hold placeholders.
func setAnswer(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	a := &s.Answer
	if err := choice(&a.Form, "form", site.FormSwitch, site.FormCNAME, site.FormAddress)(args[0]); err != nil {
		return err
	}
	switch a.Form {
	case site.FormCNAME:
		if len(args) != 2 {
			return n.argError()
		}
		a.Host = args[1]
		return refuseOrigin("host", args[1])
	case site.FormAddress:
		return readFlag(n, args[1:], "alias", &a.AliasMode)
	}
	return readFlag(n, args[1:], "keyed", &a.Keyed)
}

// setHTTPS reads: https PARAM..., as they stand in a zone file (RFC 9460,
// section 2.1).
func setHTTPS(s *site.Site, n node) error {
	if len(n.args()) == 0 {
		return n.argError()
	}
	params := strings.Join(n.args(), " ")
	rr, err := dns.NewRR(". HTTPS 1 . " + params)
	record, ok := rr.(*dns.HTTPS)
	if err != nil || !ok || strings.ContainsAny(params, "\n;") {
		return fmt.Errorf("invalid parameters '%s' of an HTTPS record: write them as in a zone file, such as alpn=h2,h3 (RFC 9460, section 2.1)", params)
	}
	if err := checkParams(record.Value); err != nil {
		return fmt.Errorf("invalid parameters '%s' of an HTTPS record: %w", params, err)
	}
	s.HTTPS = record.Value
	return nil
}

// checkParams holds what a zone file may say and a resolver would not take: a
// key given twice, and keys that need others (RFC 9460, sections 2.2, 7.1 and 8).
func checkParams(params []dns.SVCBKeyValue) error {
	given := make(map[dns.SVCBKey]bool)
	for _, p := range params {
		if given[p.Key()] {
			return fmt.Errorf("'%s' is repeated", p.Key())
		}
		given[p.Key()] = true
	}
	if given[dns.SVCB_NO_DEFAULT_ALPN] && !given[dns.SVCB_ALPN] {
		return errors.New("'no-default-alpn' needs 'alpn'")
	}
	for _, p := range params {
		mandatory, ok := p.(*dns.SVCBMandatory)
		for i := 0; ok && i < len(mandatory.Code); i++ {
			if !given[mandatory.Code[i]] {
				return fmt.Errorf("'%s' is mandatory and not there", mandatory.Code[i])
			}
		}
	}
	return nil
}

// setHides reads: hides TYPE...
func setHides(s *site.Site, n node) (err error) {
	s.Hides, err = list(n, hiddenType)
	return err
}
