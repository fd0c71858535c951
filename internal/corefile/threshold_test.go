package corefile_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// beside is a line of a feed of that signal.
func beside(signal string) string { return "\nfeed " + signal + " file /run/s g" }

// other has a site with a feed of a signal and this threshold of it.
func other(t site.Threshold) func(*site.Site) {
	return func(s *site.Site) {
		feed("file", "file:///run/s", t.Signal, query("g"))(s)
		s.Thresholds = []site.Threshold{t}
	}
}

// thresholdEffects has every signal, and every word of a threshold.
var thresholdEffects = []effect{
	{"threshold error_ratio 5%", supplied(site.Threshold{Signal: site.ErrorRatio, Limit: 0.05, Recover: 0.04})},
	{"threshold error_ratio 100% recover 0.5%", supplied(site.Threshold{Signal: site.ErrorRatio, Limit: 1, Recover: 0.005})},
	{"threshold available_bandwidth 1Gbit" + beside("available_bandwidth"), other(site.Threshold{Signal: site.AvailableBandwidth, Limit: 1e9, Recover: 1.25e9})},
	{"threshold available_bandwidth min 800Mbit recover 800Mbit" + beside("available_bandwidth"), other(site.Threshold{Signal: site.AvailableBandwidth, Statistic: site.Min, Limit: 8e8, Recover: 8e8})},
	{"threshold used_bandwidth 1.5Tbit recover 900kbit" + beside("used_bandwidth"), other(site.Threshold{Signal: site.UsedBandwidth, Limit: 1.5e12, Recover: 9e5})},
	{"threshold used_bandwidth 8bit" + beside("used_bandwidth"), other(site.Threshold{Signal: site.UsedBandwidth, Limit: 8, Recover: 6.4})},
	{"threshold load 5" + beside("load"), other(site.Threshold{Signal: site.Load, Limit: 5, Recover: 4})},
	{"threshold connections 20000 recover 1e3" + beside("connections"), other(site.Threshold{Signal: site.Connections, Limit: 20000, Recover: 1000})},
	{"threshold hit_ratio 60% recover 80%" + beside("hit_ratio"), other(site.Threshold{Signal: site.HitRatio, Limit: 0.6, Recover: 0.8})},
	{"threshold hit_ratio min 80%" + beside("hit_ratio"), other(site.Threshold{Signal: site.HitRatio, Statistic: site.Min, Limit: 0.8, Recover: 1})},
	{"threshold requests max 0.5" + beside("requests"), other(site.Threshold{Signal: site.Requests, Statistic: site.Max, Limit: 0.5, Recover: 0.4})},

	{"threshold response_time 300ms no_data origin", threshold(func(t *site.Threshold) { t.NoData = site.DefaultNoData() })},
	{"threshold response_time 300ms no_data cdn", threshold(func(t *site.Threshold) { t.NoData = site.NoData{Action: site.NoDataCDN, After: 10 * time.Minute} })},
	{"threshold response_time 300ms no_data stay after 0s", threshold(func(t *site.Threshold) { t.NoData = site.NoData{Action: site.NoDataStay} })},
	{"threshold response_time 300ms after 90s window 20s no_data cdn", threshold(func(t *site.Threshold) {
		t.NoData, t.Window = site.NoData{Action: site.NoDataCDN, After: 90 * time.Second}, 20*time.Second
	})},
}

// supplied is for the signals that the probe of the site supplies.
func supplied(t site.Threshold) func(*site.Site) {
	return func(s *site.Site) { s.Thresholds = []site.Threshold{t} }
}

const (
	noRate  = "write a unit, such as 200Mbit or 10Gbit"
	noShare = "write a percentage, such as 30%"
)

// thresholdErrors has every failure of a threshold by itself.
var thresholdErrors = []lineError{
	{"threshold error_ratio 0.05", "invalid share '0.05': " + noShare},
	{"threshold error_ratio 5% recover 0.04", "invalid share '0.04': " + noShare},
	{"threshold error_ratio 0%", "limit 0% of error_ratio is not above zero"},
	{"threshold error_ratio 101%", "limit 101% of error_ratio is above 100%"},
	{"threshold error_ratio 5% recover 6%", "recover 6% is not above zero and at most the limit 5%"},
	{"threshold available_bandwidth 200", "invalid bit rate '200': " + noRate},
	{"threshold available_bandwidth 200MB", "invalid bit rate '200MB': " + noRate},
	{"threshold available_bandwidth 200mbit", "invalid bit rate '200mbit': " + noRate},
	{"threshold available_bandwidth -1Gbit", "invalid bit rate '-1Gbit': " + noRate},
	{"threshold available_bandwidth 1e300Tbit", "invalid bit rate '1e300Tbit': " + noRate},
	{"threshold available_bandwidth 0bit", "limit 0bit of available_bandwidth is not above zero"},
	{"threshold available_bandwidth 1Gbit recover 2", "invalid bit rate '2': " + noRate},
	{"threshold available_bandwidth 1Gbit recover 999Mbit", "recover 999Mbit is below the limit 1Gbit: the more there is of available_bandwidth, the better"},
	{"threshold used_bandwidth 8", "invalid bit rate '8': " + noRate},
	{"threshold used_bandwidth 8Gbit recover 9Gbit", "recover 9Gbit is not above zero and at most the limit 8Gbit"},
	{"threshold load 5%", "invalid number '5%': write a number, such as 2.5"},
	{"threshold load -5", "limit -5 of load is not above zero"},
	{"threshold load NaN", "unknown statistic 'NaN': p50, p90, p95, p99, mean, max, min, last are known"},
	{"threshold load 1e999", "invalid number '1e999': write a number, such as 2.5"},
	{"threshold connections 20000 recover 30000", "recover 30000 is not above zero and at most the limit 20000"},
	{"threshold requests 100/s", "invalid number '100/s': write a number, such as 2.5"},

	{"threshold hit_ratio 0.6", "invalid share '0.6': " + noShare},
	{"threshold hit_ratio 60% recover 0.8", "invalid share '0.8': " + noShare},
	{"threshold hit_ratio 0%", "limit 0% of hit_ratio is not above zero"},
	{"threshold hit_ratio 101%", "limit 101% of hit_ratio is above 100%"},
	{"threshold hit_ratio 60% recover 50%", "recover 50% is below the limit 60%: the more there is of hit_ratio, the better"},
	{"threshold hit_ratio 60% recover 101%", "recover 101% of hit_ratio is above 100%: write one that can be reached"},
	{"threshold hit_ratio 90%", "recover 112.5% of hit_ratio is above 100%: write one that can be reached"},

	{"threshold response_time 300ms after 5m", "'after' needs 'no_data' beside it"},
	{"threshold response_time 300ms no_data", wrongArgs + "'no_data'"},
	{"threshold response_time 300ms no_data away", "unknown action 'away': origin, cdn, stay are known"},
	{"threshold response_time 300ms no_data cdn after", wrongArgs + "'after'"},
	{"threshold response_time 300ms no_data cdn after 5", "invalid duration '5': write a unit, such as 300ms or 10s"},
	{"threshold response_time 300ms no_data cdn after -5m", "after -5m0s is negative"},
	{"threshold response_time 300ms no_data cdn no_data stay", "'no_data' is repeated in 'threshold'"},

	{"threshold response_time 5001ms\nprobe tcp {origin}:25", "limit 5.001s is not below the timeout 5s of the probe that measures it"},
	{"threshold load 5 window 29s\nfeed load file /run/s g every 30s", "window 29s is not between the period 30s of the feed and 1h0m0s"},
}

// needsFeed is what is said of available_bandwidth.
const needsFeed = "no probe or feed supplies available_bandwidth: it takes a feed of it, a probe download, or a feed of used_bandwidth and an origin with a capacity"

// supplyErrors are of thresholds that nothing supplies. A class does not know
// what its sites add.
var supplyErrors = []lineError{
	{"threshold load 5", "no probe or feed supplies load"},
	{"threshold load 5\nfeed requests file /run/s g", "no probe or feed supplies load"},
	{"threshold hit_ratio 60%", "no probe or feed supplies hit_ratio"},
	{"threshold hit_ratio 60%\nfeed map nginx http://{origin}/", "no probe or feed supplies hit_ratio"},
	{"threshold load 5\nfeed map nginx http://{origin}/", "no probe or feed supplies load"},
	{"threshold available_bandwidth 1Gbit", needsFeed},
	{"threshold available_bandwidth 1Gbit\nfeed used_bandwidth file /run/s g", needsFeed},
	{"threshold response_time 300ms\nprobe download http://{origin}/1m", "no probe or feed supplies response_time"},
	{"threshold error_ratio 3%\nprobe download http://{origin}/1m", "no probe or feed supplies error_ratio"},
}

func TestSupplyErrors(t *testing.T) {
	for _, tc := range supplyErrors {
		t.Run(tc.line, func(t *testing.T) {
			_, _, err := load(siteWith(tc.line))
			wantError(t, err, "Corefile:3 - Error during parsing: "+tc.want)
			if _, _, err := load(classWith(tc.line)); err != nil {
				t.Errorf("a class that does not supply it is refused: %v", err)
			}
		})
	}
}

// A threshold is judged by itself in a class that no site uses, too.
func TestThresholdsOfAnUnusedClass(t *testing.T) {
	_, _, err := load(classWith("enter 2", "threshold available_bandwidth 2Gbit recover 1Gbit"))
	wantError(t, err, "Corefile:4 - Error during parsing: recover 1Gbit is below the limit 2Gbit: the more there is of available_bandwidth, the better")
}

// A threshold of another signal stands beside that of the class, one of the
// same in its place.
func TestThresholdsOfClassAndSite(t *testing.T) {
	_, sites, err := loadAll(t, "Corefile", example(full, "site www.example.org class web {", "threshold error_ratio 5%", "threshold response_time 1s", "}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := sites[0].Thresholds; len(got) != 2 || got[0].Limit != 1 || got[1].Signal != site.ErrorRatio {
		t.Errorf("got %+v", got)
	}
}
