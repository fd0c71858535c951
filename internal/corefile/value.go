package corefile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// on reads on or off.
func on(word string) (bool, error) {
	isOff, err := off(word)
	return !isOff && err == nil, err
}

// nonempty reads any word but the empty one.
func nonempty(word string) (string, error) {
	if word == "" {
		return "", fmt.Errorf("invalid text '': write at least one character")
	}
	return word, nil
}

// escaped reads text in which \r, \n, \t and \xNN stand for octets.
func escaped(word string) (string, error) {
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(word, `"`, `\"`) + `"`)
	if err != nil || text == "" {
		return "", fmt.Errorf("invalid text '%s': write characters, or \\r, \\n, \\t and \\xNN for octets", word)
	}
	return text, nil
}

// methods are those that change nothing (RFC 9110, section 9.2.1), and POST for
// interfaces that want it.
var methods = []string{"GET", "HEAD", "OPTIONS", "POST"}

func method(word string) (string, error) {
	if !slices.Contains(methods, word) {
		return "", unknown("method", word, methods...)
	}
	return word, nil
}

// pattern reads a regular expression (RE2), which is checked by whoever uses it.
func pattern(word string) (string, error) { return bounded("pattern", word) }

// condition reads an expression, which is checked by whoever uses it.
func condition(word string) (string, error) { return bounded("condition", word) }

// maxText bounds what a pattern or a condition may cost to compile.
const maxText = 1024

func bounded(what, word string) (string, error) {
	if len(word) > maxText {
		return "", fmt.Errorf("a %s of %d characters is longer than %d", what, len(word), maxText)
	}
	return nonempty(word)
}

// size reads a number of bytes.
func size(word string) (int64, error) {
	for _, unit := range []struct {
		name string
		size int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"kB", 1e3}, {"MB", 1e6}} {
		if digits, found := strings.CutSuffix(word, unit.name); found {
			if value, err := strconv.ParseUint(digits, 10, 32); err == nil {
				return int64(value) * unit.size, nil
			}
		}
	}
	return 0, fmt.Errorf("invalid size '%s': write a unit, such as 512KiB or 1MiB", word)
}

// factor reads what values are multiplied by.
func factor(word string) (float64, error) {
	value, err := number(word)
	if err == nil && value <= 0 {
		err = fmt.Errorf("invalid scale '%s': it must be above zero", word)
	}
	return value, err
}

// limitOf reads a limit in the unit of its signal.
func limitOf(signal site.Signal) func(word string) (float64, error) {
	switch signal {
	case site.ResponseTime:
		return seconds
	case site.AvailableBandwidth, site.UsedBandwidth:
		return site.ParseRate
	case site.ErrorRatio, site.HitRatio:
		return percent
	}
	return number
}

// selector reads METRIC{labels}.
func selector(word string) (string, error) {
	_, err := site.ParseSelector(word)
	return word, err
}

// matchers reads labels without braces.
func matchers(word string) (string, error) {
	_, err := site.ParseMatchers(word)
	return word, err
}
