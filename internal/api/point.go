package api

import (
	"fmt"
	"strconv"
)

// Point is a state of the configuration that can be compared: a revision, what
// is published now, or what will be once the draft is. In JSON it is a text:
// "42", "published", "draft".
type Point int64

// The points that are no revision's numbers.
const (
	PointPublished Point = -1
	PointDraft     Point = -2
)

// ParsePoint reads one.
func ParsePoint(text string) (Point, error) {
	switch text {
	case "published":
		return PointPublished, nil
	case "draft":
		return PointDraft, nil
	}
	n, err := ParseRevision(text)
	if err != nil {
		return 0, fmt.Errorf("'%s' is no revision: write its number, 'published' or 'draft'", text)
	}
	return Point(n), nil
}

// ParseRevision reads a revision's number; 0 is before the first one.
func ParseRevision(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("'%s' is no revision: write its number", text)
	}
	return int64(n), nil
}

func (p Point) String() string {
	switch p {
	case PointPublished:
		return "published"
	case PointDraft:
		return "draft"
	}
	return strconv.FormatInt(int64(p), 10)
}

// MarshalText implements encoding.TextMarshaler.
func (p Point) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Point) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePoint(string(text))
	return err
}
