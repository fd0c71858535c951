package site

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Selector chooses series of a metric by their labels, in the words of PromQL:
// METRIC{label="x",l2!="y",l3=~"re",l4!~"re"}.
type Selector struct {
	Metric   string
	Matchers []Matcher // all of them must match
}

// Matcher is a condition on one label.
type Matcher struct {
	Label   string
	not     bool
	value   string
	pattern *regexp.Regexp // instead of value; anchored
}

// Matches reports whether a label with that value is wanted. A label that a
// series lacks has the value "".
func (m Matcher) Matches(value string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(value) != m.not
	}
	return (value == m.value) != m.not
}

// Matches reports whether a series whose labels label looks up is chosen.
func (s Selector) Matches(label func(name string) string) bool {
	return !slices.ContainsFunc(s.Matchers, func(m Matcher) bool { return !m.Matches(label(m.Label)) })
}

// Names of metrics and labels, as Prometheus has them by default.
var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*`)
)

// ParseSelector reads a Selector. The braces may be missing.
func ParseSelector(text string) (Selector, error) {
	rest := strings.TrimSpace(text)
	s := Selector{Metric: metricName.FindString(rest)}
	if s.Metric == "" {
		return Selector{}, badSelector(text, errors.New("it begins with no name of a metric"))
	}
	rest = strings.TrimSpace(rest[len(s.Metric):])
	if rest == "" {
		return s, nil
	}
	inner, opened := strings.CutPrefix(rest, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !opened || !closed {
		return Selector{}, badSelector(text, errors.New("the labels are not in braces"))
	}
	matchers, err := parseMatchers(inner)
	if err != nil {
		return Selector{}, badSelector(text, err)
	}
	s.Matchers = matchers
	return s, nil
}

func badSelector(text string, err error) error {
	return fmt.Errorf(`invalid selector '%s': %w; write METRIC{label="value",...}`, text, err)
}

// ParseMatchers reads the part of a Selector that stands between the braces.
func ParseMatchers(text string) ([]Matcher, error) {
	matchers, err := parseMatchers(text)
	if err != nil {
		return nil, fmt.Errorf(`invalid labels '%s': %w; write label="value" with commas between`, text, err)
	}
	return matchers, nil
}

// parseMatchers allows a comma after the last one, as PromQL does.
func parseMatchers(text string) ([]Matcher, error) {
	var matchers []Matcher
	rest := strings.TrimSpace(text)
	for rest != "" {
		m, tail, err := cutMatcher(rest)
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, m)
		tail = strings.TrimSpace(tail)
		after, comma := strings.CutPrefix(tail, ",")
		if tail != "" && !comma {
			return nil, fmt.Errorf("no comma behind label '%s'", m.Label)
		}
		rest = strings.TrimSpace(after)
	}
	return matchers, nil
}

// cutMatcher reads one condition from the front.
func cutMatcher(text string) (m Matcher, rest string, err error) {
	m.Label = labelName.FindString(text)
	if m.Label == "" {
		return m, "", errors.New("no name of a label where one must be")
	}
	rest = strings.TrimSpace(text[len(m.Label):])
	operator, rest, err := cutOperator(rest)
	if err != nil {
		return m, "", fmt.Errorf("label '%s': %w", m.Label, err)
	}
	m.value, rest, err = cutQuoted(strings.TrimSpace(rest))
	if err != nil {
		return m, "", fmt.Errorf("label '%s': %w", m.Label, err)
	}
	m.not = operator[0] == '!'
	if strings.HasSuffix(operator, "~") {
		m.pattern, err = anchored(m.value)
	}
	if err != nil {
		return m, "", fmt.Errorf("label '%s': '%s' is not a regular expression", m.Label, m.value)
	}
	return m, rest, nil
}

// anchored compiles a pattern that must match the whole of a value. It must be
// one by itself too: one that closes our group would undo the anchors.
func anchored(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, err
	}
	return regexp.Compile("^(?s:" + pattern + ")$")
}

// cutOperator tries the longer ones first.
func cutOperator(text string) (operator, rest string, err error) {
	for _, operator := range []string{"=~", "!~", "!=", "="} {
		if rest, found := strings.CutPrefix(text, operator); found {
			return operator, rest, nil
		}
	}
	return "", "", errors.New("none of =, !=, =~ and !~ behind it")
}

// cutQuoted reads a value in double or single quotes, with the escapes of Go.
func cutQuoted(text string) (value, rest string, err error) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		return "", "", errors.New("its value is not in quotes")
	}
	quote, rest := text[0], text[1:]
	var b strings.Builder
	for rest != "" && rest[0] != quote {
		r, multibyte, tail, err := strconv.UnquoteChar(rest, quote)
		if err != nil {
			return "", "", errors.New("its value has an escape that does not exist")
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		rest = tail
	}
	if rest == "" {
		return "", "", errors.New("the quotes of its value do not end")
	}
	return b.String(), rest[1:], nil
}
