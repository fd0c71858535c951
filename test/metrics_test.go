//go:build linux

package test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// metrics is what the directive adds to a server block.
const metrics = "    prometheus 127.0.0.1:$metrics\n"

// browser does not wait long for a page.
var browser = http.Client{Timeout: 5 * time.Second}

// scrape returns the text of the server's metrics page.
func (s *server) scrape() (string, error) {
	of := "http://" + s.address("metrics") + "/metrics"
	if s.near != nil {
		var text []byte
		err := s.near.call("/get?url="+url.QueryEscape(of), nil, &text)
		return string(text), err
	}
	resp, err := browser.Get(of)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", resp.Status)
	}
	return string(text), err
}

// page waits for the server's metrics page: it is away for a moment in every
// reload.
func (s *server) page(t *testing.T) string {
	t.Helper()
	var text string
	awaitTrue(t, "a metrics page", func() bool {
		var err error
		text, err = s.scrape()
		return err == nil
	})
	return text
}

// sample is one line of a metrics page.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

var (
	sampleLine = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? (\S+)$`)
	labelPair  = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
)

// samples reads a metrics page (Prometheus text format 0.0.4).
func samples(t *testing.T, page string) []sample {
	t.Helper()
	var all []sample
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		all = append(all, readSample(t, line))
	}
	return all
}

func readSample(t *testing.T, line string) sample {
	t.Helper()
	parts := sampleLine.FindStringSubmatch(line)
	if parts == nil {
		t.Fatalf("Expected a line of a metrics page, got %q", line)
	}
	value, err := strconv.ParseFloat(parts[3], 64)
	if err != nil {
		t.Fatal(err)
	}
	labels := make(map[string]string)
	for _, pair := range labelPair.FindAllStringSubmatch(parts[2], -1) {
		labels[pair[1]] = pair[2]
	}
	return sample{name: parts[1], labels: labels, value: value}
}

// total adds up all series of a metric whose labels are as in the pairs.
func (s *server) total(t *testing.T, name string, pairs ...string) float64 {
	t.Helper()
	sum := 0.0
	for _, one := range samples(t, s.page(t)) {
		if one.name == name && one.has(pairs) {
			sum += one.value
		}
	}
	return sum
}

func (s sample) has(pairs []string) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if s.labels[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}
