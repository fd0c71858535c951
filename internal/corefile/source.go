package corefile

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// sourceKind is how one kind of probe or feed is written.
type sourceKind struct {
	words int // behind the kind, before the options
	set   func(src *site.Source, words []string) error
	every time.Duration // without `every`; 0: the default
	more  func(src *site.Source) []option
}

// probeKinds and feedKinds are the tables of all of them.
var probeKinds = map[string]sourceKind{
	"http":     {words: 1, set: setURL, more: httpOptions},
	"download": {words: 1, set: setURL, more: downloadOptions, every: time.Minute},
	"tls":      {words: 1, set: setHostPort, more: tlsOptions},
	"tcp":      {words: 1, set: setHostPort, more: tcpOptions},
	"dns":      {words: 2, set: setQuestion, more: dnsOptions},
	"grpc":     {words: 1, set: setHostPort, more: grpcOptions},
	"icmp":     {words: 1, set: setHostPort},
}

var feedKinds = map[string]sourceKind{
	"prometheus": {words: 2, set: setSelector, more: expositionOptions},
	"promql":     {words: 2, set: setQuery, more: queryOptions},
	"json":       {words: 2, set: setQuery, more: queryOptions},
	"snmp":       {words: 3, set: setInterface, more: snmpOptions},
	"file":       {words: 2, set: setFile, more: fileOptions},
	"redirector": {set: setCounted},
	"push":       {words: 1, set: setHostPort},
}

// setProbe reads: probe KIND TARGET [every D] [timeout D] [OPTION VALUE]...
func setProbe(s *site.Site, n node) error {
	args := n.args()
	if len(args) < 2 {
		return n.argError()
	}
	kind, known := probeKinds[args[0]]
	if !known {
		return unknown("probe", args[0], site.ProbeKinds()...)
	}
	src, err := readSource(n, args[0], kind, args[1:])
	s.Probes = append(s.Probes, src)
	return err
}

// setFeed reads: feed SIGNAL KIND SOURCE..., feed map MAP URL or feed fci URL,
// with options as of a probe.
func setFeed(s *site.Site, n node) error {
	src, err := readFeed(n)
	s.Feeds = append(s.Feeds, src)
	return err
}

func readFeed(n node) (site.Source, error) {
	args := n.args()
	if len(args) > 1 && args[0] == "fci" {
		return readSource(n, "fci", sourceKind{words: 1, set: setURL, more: fciOptions}, args[1:])
	}
	if len(args) < 2 || len(args) < 3 && args[1] != "redirector" {
		return site.Source{}, n.argError()
	}
	if args[0] == "map" {
		return readMap(n, args[1], args[2:])
	}
	signal := site.Signal(args[0])
	if !slices.Contains(site.Signals(), signal) {
		return site.Source{}, unknown("signal", args[0], append(texts(site.Signals()), "map", "fci")...)
	}
	kind, known := feedKinds[args[1]]
	if !known {
		return site.Source{}, unknown("feed", args[1], slices.DeleteFunc(site.FeedKinds(), func(k string) bool { return k == "map" || k == "fci" })...)
	}
	if args[1] == "snmp" && signal != site.UsedBandwidth && signal != site.AvailableBandwidth {
		return site.Source{}, fmt.Errorf("feed snmp gives %s and %s, not '%s'", site.UsedBandwidth, site.AvailableBandwidth, signal)
	}
	if args[1] == "redirector" && signal != site.Requests {
		return site.Source{}, fmt.Errorf("feed redirector gives %s, not '%s'", site.Requests, signal)
	}
	src, err := readSource(n, args[1], kind, args[2:])
	src.Ask.Signal = signal
	return src, err
}

// mapEvery is how often those lists are read by default, and at most, that say
// something new more rarely than others.
var mapEvery = map[string]time.Duration{"cloudflare": time.Minute, "bunny": 10 * time.Minute}

// readMap reads: feed map MAP URL [labels MATCHERS] and options. Of the APIs only
// Fastly's may have a delay: it is not always the same.
func readMap(n node, name string, words []string) (site.Source, error) {
	if !slices.Contains(site.Maps(), name) {
		return site.Source{}, unknown("map", name, site.Maps()...)
	}
	kind := sourceKind{words: 1, set: setURL, more: mapOptions, every: mapEvery[name]}
	switch {
	case name == "fastly":
		kind.more = fciOptions
	case site.IsAPI(name):
		kind.more = tlsVerifyOption
	}
	src, err := readSource(n, "map", kind, words)
	src.Ask.Map = name
	if err == nil && src.Every < mapEvery[name] {
		err = fmt.Errorf("every %s is shorter than %s, the least for feed map %s: it would read the same again", src.Every, mapEvery[name], name)
	}
	return src, err
}

// readSource reads what stands behind the kind.
func readSource(n node, name string, kind sourceKind, words []string) (site.Source, error) {
	src := site.Source{Kind: name, Every: site.DefaultEvery}
	if kind.every > 0 {
		src.Every = kind.every
	}
	if len(words) < kind.words {
		return src, n.argError()
	}
	if err := kind.set(&src, words[:kind.words]); err != nil {
		return src, err
	}
	err := readSourceOptions(n, &src, kind, words[kind.words:])
	if src.Timeout == 0 {
		src.Timeout = src.Every / 2
	}
	return src, err
}

// checkAsks has whoever will ask check what some probes and feeds are to ask.
func (c *Config) checkAsks(opener node, lines []node, sources ...[]site.Source) error {
	for _, src := range slices.Concat(sources...) {
		if err := c.asks.check(src.Ask); err != nil {
			return blameLine(opener, lines, &site.PropertyError{Property: src.Key(), Err: err})
		}
	}
	return nil
}

func readSourceOptions(n node, src *site.Source, kind sourceKind, words []string) (err error) {
	options := []option{{"every", positive(&src.Every)}, {"timeout", positive(&src.Timeout)}}
	if kind.more != nil {
		options = append(options, kind.more(src)...)
	}
	if src.OverHTTP() {
		if words, err = takeHeaders(n, src, words); err != nil {
			return err
		}
		options = append(options, option{word: "header"}) // for the list of what is known
	}
	return readOptions(n, words, options...)
}

// takeHeaders takes all "header NAME VALUE" off the words, of which others come
// in pairs.
func takeHeaders(n node, src *site.Source, words []string) (rest []string, err error) {
	var lines []string
	for len(words) > 0 {
		if words[0] != "header" {
			pair := min(2, len(words))
			rest, words = append(rest, words[:pair]...), words[pair:]
			continue
		}
		if len(words) < 3 {
			return nil, n.argError()
		}
		line, err := headerLine(words[1], words[2])
		if err != nil {
			return nil, err
		}
		lines, words = append(lines, line), words[3:]
	}
	src.Ask.Headers = strings.Join(lines, "\n")
	return rest, nil
}

// ownHeaders are those that a probe sets itself.
var ownHeaders = []string{"Host", "User-Agent", "Connection", "Content-Length", "Transfer-Encoding", "Range", "Accept-Encoding"}

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$") // RFC 9110, section 5.6.2

func headerLine(name, value string) (string, error) {
	own := func(other string) bool { return strings.EqualFold(name, other) }
	switch {
	case !headerName.MatchString(name):
		return "", fmt.Errorf("'%s' is not the name of a header: write one such as Authorization", name)
	case slices.ContainsFunc(ownHeaders, own):
		return "", fmt.Errorf("header '%s' is not free to choose: the probe sets it itself", name)
	case strings.ContainsAny(value, "\r\n\x00"):
		return "", fmt.Errorf("value %q of header '%s' is not one line of text", value, name)
	}
	return name + ": " + value, nil
}

func setURL(src *site.Source, words []string) error {
	src.URL = words[0]
	if src.Kind == "http" || src.Kind == "download" {
		src.Ask.Status = site.DefaultStatus()
	}
	return nil
}

// scheme is what stands in a URL before what was written.
func scheme(src *site.Source) string {
	if src.OverHTTP() {
		return ""
	}
	return src.Kind + "://"
}

func setHostPort(src *site.Source, words []string) error {
	if before, _, isURL := strings.Cut(words[0], "://"); isURL {
		return fmt.Errorf("'%s' is a URL: leave out '%s://'", words[0], before)
	}
	src.URL = scheme(src) + words[0]
	return nil
}

// setQuestion reads the server and the name that it is asked for.
func setQuestion(src *site.Source, words []string) error {
	src.Ask.Type = dns.TypeA
	src.Ask.Name = words[1] // may hold placeholders
	if err := refuseOrigin("name", words[1]); err != nil {
		return err
	}
	return setHostPort(src, words)
}

func setSelector(src *site.Source, words []string) error {
	src.URL = words[0]
	return into(&src.Ask.Query, selector)(words[1])
}

func setQuery(src *site.Source, words []string) error {
	src.URL, src.Ask.Query = words[0], words[1]
	return checkWord("query", words[1])
}

// setFile reads: PATH METRIC{labels}. The path may hold placeholders.
func setFile(src *site.Source, words []string) error {
	path, err := absolute(words[0])
	if err != nil {
		return err
	}
	escaped := (&url.URL{Path: path}).EscapedPath()
	src.URL = scheme(src) + strings.NewReplacer("%7B", "{", "%7D", "}").Replace(escaped)
	return into(&src.Ask.Query, selector)(words[1])
}

// setInterface reads: HOST ifindex N
func setInterface(src *site.Source, words []string) error {
	if words[1] != "ifindex" {
		return unknown("word", words[1], "ifindex")
	}
	index, err := natural(words[2])
	src.Ask.Query, src.Ask.Community = strconv.Itoa(index), "public"
	if err != nil {
		return err
	}
	return setHostPort(src, words)
}

func httpOptions(src *site.Source) []option {
	a := &src.Ask
	return append(tlsOptions(src),
		option{"method", into(&a.Method, method)},
		option{"status", into(&a.Status, site.ParseStatus)},
		option{"body", into(&a.Body, nonempty)},
		option{"match", into(&a.Pattern, pattern)},
		option{"json", into(&a.Condition, condition)},
		option{"keep_alive", into(&a.KeepAlive, on)},
		option{"http2", into(&a.HTTP2, on)},
	)
}

// checkOptions are those of a probe that holds for a CDN: each check is a visit of
// its own.
func checkOptions(src *site.Source) []option {
	return slices.DeleteFunc(httpOptions(src), func(o option) bool { return o.word == "keep_alive" })
}

func tlsOptions(src *site.Source) []option {
	return []option{{"tls_verify", into(&src.Ask.SkipVerify, off)}, {"days", into(&src.Ask.Days, natural)}}
}

func downloadOptions(src *site.Source) []option {
	src.Ask.Size = site.DefaultDownload
	return append(tlsOptions(src), option{"size", into(&src.Ask.Size, size)})
}

func tcpOptions(src *site.Source) []option {
	return []option{{"send", into(&src.Ask.Send, escaped)}, {"expect", into(&src.Ask.Expect, escaped)}}
}

func dnsOptions(src *site.Source) []option {
	return []option{{"type", into(&src.Ask.Type, askedType)}}
}

func grpcOptions(src *site.Source) []option {
	a := &src.Ask
	return []option{{"service", into(&a.Name, nonempty)}, {"tls", into(&a.TLS, on)}, {"tls_verify", into(&a.SkipVerify, off)}, {"days", into(&a.Days, natural)}}
}

func expositionOptions(src *site.Source) []option {
	return append(fileOptions(src), fciOptions(src)...)
}

func fileOptions(src *site.Source) []option {
	return []option{{"over", into(&src.Ask.Over, selector)}, {"scale", into(&src.Ask.Scale, factor)}}
}

func tlsVerifyOption(src *site.Source) []option {
	return []option{{"tls_verify", into(&src.Ask.SkipVerify, off)}}
}

func fciOptions(src *site.Source) []option {
	return append(tlsVerifyOption(src), option{"delay", positive(&src.Ask.Delay)})
}

func queryOptions(src *site.Source) []option {
	return append([]option{{"scale", into(&src.Ask.Scale, factor)}}, fciOptions(src)...)
}

func snmpOptions(src *site.Source) []option {
	return []option{{"community", into(&src.Ask.Community, nonempty)}}
}

func mapOptions(src *site.Source) []option {
	return []option{{"labels", into(&src.Ask.Labels, matchers)}, {"tls_verify", into(&src.Ask.SkipVerify, off)}}
}
