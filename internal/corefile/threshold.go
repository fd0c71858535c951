package corefile

import (
	"errors"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// setThreshold reads a threshold of a site.
func setThreshold(s *site.Site, n node) error {
	t, err := readThreshold(n)
	s.Thresholds = append(s.Thresholds, t)
	return err
}

// readThreshold reads: threshold SIGNAL [STATISTIC] LIMIT [recover LEVEL]
// [window D] [no_data origin|cdn|stay] [after D]
func readThreshold(n node) (site.Threshold, error) {
	args := n.args()
	if len(args) < 2 {
		return site.Threshold{}, n.argError()
	}
	t := site.Threshold{Signal: site.Signal(args[0])}
	if !slices.Contains(site.Signals(), t.Signal) {
		return t, unknown("signal", args[0], texts(site.Signals())...)
	}
	rest, err := readStatistic(&t.Statistic, args[1:])
	if err != nil {
		return t, err
	}
	if len(rest) == 0 {
		return t, n.argError()
	}
	parse := limitOf(t.Signal)
	if t.Limit, err = parse(rest[0]); err != nil {
		return t, err
	}
	t.Recover = t.Signal.DefaultRecover(t.Limit)
	if err := readThresholdOptions(n, &t, rest[1:]); err != nil {
		return t, err
	}
	return t, t.Validate()
}

func readThresholdOptions(n node, t *site.Threshold, words []string) error {
	after := site.DefaultNoData().After
	given := slices.Contains(words, "after")
	err := readOptions(n, words,
		option{"recover", into(&t.Recover, limitOf(t.Signal))},
		option{"window", positive(&t.Window)},
		option{"no_data", choice(&t.NoData.Action, "action", site.NoDataOrigin, site.NoDataCDN, site.NoDataStay)},
		option{"after", into(&after, duration)},
	)
	switch {
	case err != nil:
		return err
	case t.NoData.Action != "":
		t.NoData.After = after
	case given:
		return errors.New("'after' needs 'no_data' beside it")
	}
	return nil
}

// readStatistic takes a statistic off the words, if there is one.
func readStatistic(statistic *site.Statistic, words []string) ([]string, error) {
	if slices.Contains(site.Statistics(), site.Statistic(words[0])) {
		*statistic = site.Statistic(words[0])
		return words[1:], nil
	}
	if strings.IndexAny(words[0], "+-.0123456789") != 0 {
		return nil, unknown("statistic", words[0], texts(site.Statistics())...)
	}
	return words, nil
}
