package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Seconds is a duration; in JSON it is a number of seconds.
type Seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return fmt.Errorf("reading %s as seconds: %w", text, err)
	}
	nanoseconds := math.Round(seconds * float64(time.Second))
	if math.Abs(nanoseconds) >= math.MaxInt64 {
		return fmt.Errorf("%s seconds are too many", text)
	}
	*s = Seconds(nanoseconds)
	return nil
}

func (s Seconds) String() string { return time.Duration(s).Round(100 * time.Microsecond).String() }

// Number is a measured value. One that cannot be a value, such as NaN from a
// feed, is null in JSON and NaN once it is read again.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(text []byte) error {
	*n = Number(math.NaN())
	if string(text) == "null" {
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// Side is a site.Side; in JSON it is "unknown", "origin" or "cdn".
type Side site.Side

func (s Side) String() string {
	if s == Side(site.SideUnknown) {
		return "unknown"
	}
	return string(s)
}

// MarshalText implements encoding.TextMarshaler.
func (s Side) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Side) UnmarshalText(text []byte) error {
	*s = Side(text)
	if s.String() == "unknown" {
		*s = Side(site.SideUnknown)
	}
	return nil
}

// Health says whether an address, or the source of samples, is alive.
type Health string

// The healths.
const (
	HealthUp      Health = "up"
	HealthUnknown Health = "unknown"
	HealthDown    Health = "down"
)

// URL is what is probed or read. Where it goes out, to JSON or as text, it has
// no user, no query and no fragment: they may hold secrets.
type URL string

// MarshalText implements encoding.TextMarshaler.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

func (u URL) String() string {
	parsed, err := url.Parse(string(u))
	if err != nil || parsed.Host == "" {
		return bare(string(u))
	}
	return site.WriteURL(&url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path, RawPath: parsed.RawPath})
}

// bare cuts what may be a secret off a text of unknown form.
func bare(text string) string {
	text = text[strings.LastIndexByte(text, '@')+1:]
	if end := strings.IndexAny(text, "?#"); end >= 0 {
		return text[:end]
	}
	return text
}
